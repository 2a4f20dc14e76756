"""digits: images as sequences, from scikit-learn and from MNIST's files; errors in these files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UserError
from harness.tasks.files.digits import DigitsOptions, examples, facts, identity, make, sample
from harness.tasks.files.idx import read_idx, write_idx

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sample(tmp_path)
    return tmp_path


def test_pixels_rows_and_averages_are_of_the_same_images(folder: Path) -> None:
    pixel = make(60, 64, 0, DigitsOptions(folder=folder))
    row = make(60, 8, 0, DigitsOptions(folder=folder, step="row"))
    small = make(60, 16, 0, DigitsOptions(folder=folder))
    assert pixel.train.x.shape == (60, 64, 1)
    assert row.train.x.shape == (60, 8, 8)
    np.testing.assert_array_equal(pixel.train.x.reshape(60, 8, 8), row.train.x)
    np.testing.assert_allclose(small.train.x[:, 0, 0], row.train.x[:, :2, :2].mean(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_array_equal(pixel.train.y, small.train.y)


def test_a_permutation_moves_pixels_and_is_the_same_for_all_seeds(folder: Path) -> None:
    plain = make(60, 64, 0, DigitsOptions(folder=folder)).train.x[..., 0]
    permuted = [make(60, 64, seed, DigitsOptions(folder=folder, permuted=True)) for seed in (0, 1)]
    moved = permuted[0].train.x[..., 0]
    assert not np.array_equal(plain, moved)
    np.testing.assert_array_equal(np.sort(plain, axis=1), np.sort(moved, axis=1))
    np.testing.assert_array_equal(permuted[0].test.x, permuted[1].test.x)


def test_labels_stay_with_their_images(folder: Path) -> None:
    images, labels = read_idx(folder / TRAIN_IMAGES, 3), read_idx(folder / TRAIN_LABELS, 1)
    pixels = images.astype(np.float32) / 255
    known = {image.tobytes(): label for image, label in zip(pixels, labels, strict=True)}
    train = make(100, 64, 0, DigitsOptions(folder=folder)).train
    assert [known[x.tobytes()] for x in train.x] == train.y.tolist()


def test_mnist_s_test_images_are_the_test_images(folder: Path) -> None:
    given_images = read_idx(folder / TEST_IMAGES, 3) / np.float32(255)
    tested = make(10, 64, 0, DigitsOptions(folder=folder)).test.x
    assert len(tested) == 40
    assert {image.tobytes() for image in given_images} == {x.tobytes() for x in tested}


def test_a_duplicate_image_is_used_once(folder: Path) -> None:
    images = read_idx(folder / TRAIN_IMAGES, 3).copy()
    images[1:31] = images[0]
    write_idx(folder / TRAIN_IMAGES, images)
    copied = read_idx(folder / TEST_IMAGES, 3).copy()
    copied[0] = images[0]
    write_idx(folder / TEST_IMAGES, copied)
    options = DigitsOptions(folder=folder)
    assert len(make(96, 64, 0, options).test.x) == 39
    assert facts(96, 64, options).left_out == {"images that equal another one": 29 + 1 + 1}
    with pytest.raises(UserError, match="96 images to train on, fewer than train_size 97"):
        examples(97, 64, options)


def test_the_error_for_a_length_that_matches_no_image_lists_valid_lengths(folder: Path) -> None:
    with pytest.raises(UserError, match=r"sequence_length 50 .* expected one of 64, 16, 4"):
        examples(10, 50, DigitsOptions(folder=folder))
    with pytest.raises(UserError, match="expected one of 8, 4, 2"):
        examples(10, 64, DigitsOptions(folder=folder, step="row"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (TRAIN_IMAGES, None, "no file train-images-idx3-ubyte or .*, found t10k-images-idx3-ubyte, t10k-labels"),
        (TRAIN_IMAGES, b"", "is empty, expected an IDX file"),
        (
            TRAIN_IMAGES,
            b"PK\3\4" + bytes(50),
            "54 bytes that begin with 50 4b 03 04, expected an IDX file",
        ),
        (TRAIN_IMAGES, b"\0\0\x08\3" + bytes(6), "10 bytes that begin with 00 00 08 03, expected an IDX file"),
        (
            TRAIN_IMAGES,
            b"\0\0\x0d\3" + bytes(12),
            "begin with 00 00 0d 03, expected .* with 3 dimensions, which begins with 00 00 08 03",
        ),
        (TRAIN_IMAGES, b"\0\0\x08\3" + b"\xff" * 12, "states 4294967295 x 4294967295 x 4294967295 bytes, found 0"),
        (TRAIN_LABELS, b"\0\0\x08\1" + bytes([0, 0, 0, 150]) + bytes(149), "states 150 bytes, found 149"),
        (TRAIN_LABELS, b"\0\0\x08\1" + bytes([0, 0, 0, 150]) + bytes(151), "states 150 bytes, found 151"),
        (TRAIN_LABELS, b"\0\0\x08\1" + bytes([0, 0, 0, 2, 1, 1]), "150 images in .* and 2 labels in"),
        (TRAIN_LABELS, b"\0\0\x08\1" + bytes([0, 0, 0, 150]) + bytes([12]) * 150, "a label is 12, expected 0 to 9"),
        (
            TEST_IMAGES,
            b"\0\0\x08\3" + bytes([0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 2]) + bytes(160),
            "square images of the same size",
        ),
        (TEST_IMAGES, b"\x1f\x8bnonsense", "cannot be read"),
        (TEST_LABELS, gzip.compress(bytes(100))[:-20], "cannot be read"),
    ],
)
def test_a_bad_file_is_named_with_its_fault(folder: Path, name: str, content: bytes | None, said: str) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(UserError, match=said):
        identity(DigitsOptions(folder=folder))


def test_a_file_that_unpacks_to_too_much_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.tasks.files.idx._LARGEST", 10_000)
    (folder / TRAIN_IMAGES).write_bytes(gzip.compress(bytes(10_001)))
    with pytest.raises(UserError, match="train-images-idx3-ubyte: unpacks to more than 10,000 bytes"):
        identity(DigitsOptions(folder=folder))


def test_a_missing_folder_is_named_with_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder, expected a folder with MNIST's files train-images-idx3-ubyte"):
        identity(DigitsOptions(folder=tmp_path / "none"))


@pytest.mark.parametrize("spelling", ["{0}", "{1}", "{0}.gz", "{1}.gz"])
@pytest.mark.parametrize("inside", ["", "raw", "MNIST/raw"])
def test_usual_names_of_the_mnist_files_are_accepted(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, spelling: str, inside: str
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / inside).mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        content = path.read_bytes()
        name = spelling.format(path.name, path.name.replace("-idx", ".idx"))
        (other / inside / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert identity(DigitsOptions(folder=folder)) == identity(DigitsOptions(folder=other))


def test_a_folder_with_other_files_is_listed(tmp_path: Path) -> None:
    for name in ("mnist.npz", ".hidden"):
        (tmp_path / name).write_text("x")
    with pytest.raises(
        UserError, match=r"no file train-images-idx3-ubyte or train-images\.idx3-ubyte or .*, found mnist\.npz$"
    ):
        identity(DigitsOptions(folder=tmp_path))


def test_the_bundled_digits_are_learnable_and_split_without_overlap() -> None:
    pytest.importorskip("sklearn")
    data = make(1000, 64, 0, DigitsOptions())
    assert (len(data.validation.x), len(data.test.x)) == (269, 400)
    assert 0.85 < data.baselines["nearest_centroid"]["accuracy"] < 0.95
    assert set(np.unique(data.train.y)) == set(range(10))
    assert examples(1047, 64, DigitsOptions()) == 1047
