"""music: piano rolls of any of the three formats, next steps, and baselines that are sums by hand."""

from __future__ import annotations

import io
import json
import math
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from harness.errors import UserError
from harness.tasks.files.matlab import cells_of
from harness.tasks.files.music import MusicOptions, examples, facts, identity, make, score
from harness.tasks.files.piano_rolls import load_piano_rolls

PIECES = {
    "train": [[[60], [62, 64], []], [[60], [60], [60], [60], [60]]],
    "valid": [[[70], [71]]],
    "test": [[[60], []]],
}


def write_json(path: Path, content: object = PIECES) -> Path:
    path.write_text(json.dumps(content))
    return path


def rolls(pieces: list[list[list[int]]]) -> list[np.ndarray]:
    loaded = []
    for piece in pieces:
        roll = np.zeros((len(piece), 88), dtype=np.uint8)
        for at, step in enumerate(piece):
            roll[at, [note - 21 for note in step]] = 1
        loaded.append(roll)
    return loaded


def write_mat(path: Path, *, compressed: bool = True, **splits: list[list[list[int]]]) -> Path:
    cells = {}
    for name, pieces in splits.items():
        cells[name] = np.empty((1, len(pieces)), dtype=object)
        for at, roll in enumerate(rolls(pieces)):
            cells[name][0, at] = roll
    scipy.io.savemat(path, cells, do_compression=compressed)
    return path


def write_npz(path: Path, arrays: Mapping[str, Any] | None = None) -> Path:
    named = {f"{split}_{at}": roll for split, pieces in PIECES.items() for at, roll in enumerate(rolls(pieces))}
    np.savez(path, **(named if arrays is None else arrays))
    return path


def test_all_formats_hold_the_same_music(tmp_path: Path) -> None:
    parts = {"traindata": PIECES["train"], "validdata": PIECES["valid"], "testdata": PIECES["test"]}
    files = [
        write_json(tmp_path / "a.json"),
        write_npz(tmp_path / "a.npz"),
        write_mat(tmp_path / "a.mat", **parts),
        write_mat(tmp_path / "b.mat", compressed=False, **parts),
    ]
    for path in files:
        loaded = load_piano_rolls(path)
        for name, pieces in (("train", loaded.train), ("valid", loaded.validation), ("test", loaded.test)):
            assert len(pieces) == len(PIECES[name])
            for piece, expected in zip(pieces, rolls(PIECES[name]), strict=True):
                np.testing.assert_array_equal(piece, expected)


def test_sequences_are_cut_shifted_by_a_step_and_padded(tmp_path: Path) -> None:
    data = make(3, 3, 0, MusicOptions(file=write_json(tmp_path / "a.json")))
    assert data.train.x.shape == (3, 3, 88)
    assert sorted(data.train.weight.sum(axis=1).tolist()) == [1, 2, 3]
    for x, y, weight in zip(data.train.x, data.train.y, data.train.weight, strict=True):
        steps = int(weight.sum())
        np.testing.assert_array_equal(x[1:steps], y[: steps - 1])
        assert not x[steps:].any()
        assert not y[steps:].any()
    assert data.test.x[0, 0].nonzero()[0].tolist() == [60 - 21]
    assert not data.test.y[0, 0].any()


def test_padding_does_not_count() -> None:
    y, weight = np.zeros((1, 3, 88)), np.array([[1.0, 1, 0]])
    y[0, 0, :2] = 1
    outputs = np.full((1, 3, 88), 0.5)
    outputs[0, 0, :3] = 0.9
    outputs[0, 2] = 1.0
    scores = score(y, outputs, weight)
    expected = (2 * -math.log(0.9) - math.log(0.1) + 85 * math.log(2) + 88 * math.log(2)) / 2
    assert scores["negative_log_likelihood"] == pytest.approx(expected)
    assert scores["loss"] == pytest.approx(expected / 88)
    assert scores["accuracy"] == pytest.approx(2 / 3)


def test_baselines_by_hand(tmp_path: Path) -> None:
    # In training a note 60 follows one four times of five; nothing else is ever followed by it.
    pieces = {"train": [[[60]] * 5 + [[], []]], "valid": [[[70], [71]]], "test": [[[60], [60]]]}
    data = make(1, 6, 0, MusicOptions(file=write_json(tmp_path / "a.json", pieces)))
    quiet = 87 * -math.log(1 - 0.5 / 7)
    unigram = data.baselines["unigram"]["negative_log_likelihood"]
    assert unigram == pytest.approx(-math.log((4 + 0.5) / 7) + quiet)
    markov = data.baselines["markov"]["negative_log_likelihood"]
    assert markov == pytest.approx(-math.log((4 + 0.5) / 6) + quiet)


def test_pieces_for_validation_or_test_are_not_trained_on(tmp_path: Path) -> None:
    pieces = {**PIECES, "train": [*PIECES["train"], *PIECES["test"], *PIECES["valid"]]}
    assert len(load_piano_rolls(write_json(tmp_path / "a.json", pieces)).train) == 2


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_notes_of_published_json_files_are_read(tmp_path: Path, mark: str) -> None:
    given = {**PIECES, "train": [[[60.0, -1], [62, None, 64.0], [-1.0, math.nan, -1]], PIECES["train"][1]]}
    (tmp_path / "a.json").write_text(mark + json.dumps(given), encoding="utf-8")
    loaded = load_piano_rolls(tmp_path / "a.json")
    for piece, expected in zip(loaded.train, rolls(PIECES["train"]), strict=True):
        np.testing.assert_array_equal(piece, expected)


def test_pieces_that_are_left_out_are_counted(tmp_path: Path) -> None:
    pieces = {**PIECES, "train": [*PIECES["train"], *PIECES["test"], [[60]]]}
    loaded = facts(1, 3, MusicOptions(file=write_json(tmp_path / "a.json", pieces)))
    assert loaded.source.endswith("a.json")
    assert list(loaded.left_out.values()) == [1, 1]


def test_a_file_of_matlab_7_3_is_refused_with_the_remedy(tmp_path: Path) -> None:
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM"
    (tmp_path / "a.mat").write_bytes(header.ljust(512) + b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(UserError, match=r"version 7\.3; save it with save\(name, \.\.\., '-v7'\)"):
        load_piano_rolls(tmp_path / "a.mat")
    (tmp_path / "b.mat").write_bytes(bytes(200))
    with pytest.raises(UserError, match=r"not a MATLAB 5 file.*; write it with save"):
        load_piano_rolls(tmp_path / "b.mat")


def test_the_identity_is_the_content(tmp_path: Path) -> None:
    first, second = (MusicOptions(file=write_json(tmp_path / name)) for name in ("a.json", "b.json"))
    assert identity(first) == identity(second)
    with pytest.raises(UserError, match="3 sequences of at most 3 steps to train on, fewer than train_size 4"):
        examples(4, 3, first)


class Attack:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was loaded",))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([1], "expected an object of lists of pieces"),
        ({"train": 1}, "expected an object of lists of pieces"),
        ({**PIECES, "train": [[60]]}, "a piece is not a list of steps"),
        ({**PIECES, "train": [[[60.0], [1]]]}, "a note is '1', expected MIDI numbers 21 to 108"),
        ({**PIECES, "train": [[[60.5], [60]]]}, "a note is '60.5', expected MIDI numbers 21 to 108"),
        ({**PIECES, "train": [[[math.inf], [60]]]}, "a note is 'inf', expected MIDI numbers 21 to 108"),
        ({**PIECES, "train": [[[True], [60]]]}, "a note is 'True', expected MIDI numbers 21 to 108"),
        ({**PIECES, "train": [[["60"], [60]]]}, "a note is '60', expected MIDI numbers 21 to 108"),
        ({**PIECES, "test": [[[60], [109]]]}, "'test': a note is '109'"),
        ({**PIECES, "test": []}, "no pieces of at least two steps under 'testdata' or 'test'"),
        ({**PIECES, "valid": [[[60]]]}, "no pieces of at least two steps under 'validdata' or 'valid' or"),
        ({**PIECES, "train": PIECES["test"]}, "the splits contain the same pieces"),
    ],
)
def test_invalid_json_is_refused(tmp_path: Path, content: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_piano_rolls(write_json(tmp_path / "a.json", content))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((3, 88), np.nan), "values other than 0 and 1"),
        (np.full((3, 88), 2), "values other than 0 and 1"),
        (np.ones((3, 87)), r"a piece is \(3, 87\) of float64"),
        (np.full((3, 88), "a"), "expected numbers"),
        (np.array([[Attack()]], dtype=object), "not an NPZ file of plain arrays"),
        (np.ones(88), r"a piece is \(88,\)"),
    ],
)
def test_invalid_arrays_are_refused(tmp_path: Path, array: np.ndarray, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_piano_rolls(write_npz(tmp_path / "a.npz", {"train_0": array}))


def test_a_header_that_announces_too_much_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**9, 88)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_0.npy", header.getvalue() + bytes(88))
    with pytest.raises(UserError, match="not an NPZ file of plain arrays"):
        load_piano_rolls(path)
    mat = write_mat(tmp_path / "a.mat", compressed=False, traindata=PIECES["train"])
    content = bytearray(mat.read_bytes())
    at = content.index((3).to_bytes(4, "little") + (88).to_bytes(4, "little"))
    content[at : at + 4] = (2**30).to_bytes(4, "little")
    mat.write_bytes(content)
    with pytest.raises(UserError, match="not a MATLAB 5 file"):
        load_piano_rolls(mat)
    content = bytearray(write_mat(mat, compressed=False, traindata=PIECES["train"]).read_bytes())
    at = content.index((1).to_bytes(4, "little") + (2).to_bytes(4, "little"))
    content[at : at + 4] = (2**30).to_bytes(4, "little")
    mat.write_bytes(content)
    with pytest.raises(UserError, match="'traindata' announces 2,147,483,648 cells"):
        load_piano_rolls(mat)


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    zeros = np.zeros((2**22, 88), dtype=np.uint8)
    cells = np.empty((1, 2), dtype=object)
    cells[0, :] = [zeros, zeros]
    scipy.io.savemat(tmp_path / "a.mat", {"traindata": cells}, do_compression=True)
    np.savez_compressed(tmp_path / "a.npz", train_0=zeros, train_1=zeros)
    for name in ("a.mat", "a.npz"):
        with pytest.raises(UserError, match="unpacks to more than 536,870,912 bytes"):
            load_piano_rolls(tmp_path / name)


def test_an_archive_whose_paths_climb_out_writes_nothing(tmp_path: Path) -> None:
    roll = io.BytesIO()
    np.save(roll, np.ones((2, 88)))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("../train_0.npy", roll.getvalue())
    with pytest.raises(UserError, match="no pieces"):
        load_piano_rolls(tmp_path / "a.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["a.npz"]


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file, expected piano rolls"):
        load_piano_rolls(tmp_path / "none.mat")
    for name in ("a.pickle", "a.pkl", "a"):
        (tmp_path / name).write_bytes(pickle.dumps(Attack()))
        with pytest.raises(UserError, match=r"expected a file whose name ends in \.mat, \.json or \.npz"):
            load_piano_rolls(tmp_path / name)
    for name in ("a.mat", "a.npz", "a.json"):
        (tmp_path / name).write_bytes(pickle.dumps(Attack()))
        with pytest.raises(UserError, match="not"):
            load_piano_rolls(tmp_path / name)
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(UserError, match="not a regular file"):
        load_piano_rolls(tmp_path / "folder.npz")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(UserError, match="not JSON"):
        load_piano_rolls(tmp_path / "deep.json")


def test_matrices_of_any_number_type_and_order_are_read(tmp_path: Path) -> None:
    for dtype in ("u1", "i2", "f4", "f8", "i8"):
        cell = np.empty((1, 2), dtype=object)
        cell[0, 0], cell[0, 1] = np.arange(6).reshape(2, 3).astype(dtype), np.zeros((1, 1), dtype=dtype)
        scipy.io.savemat(tmp_path / "a.mat", {"c": cell, "other": np.eye(3), "words": "text"})
        loaded = cells_of((tmp_path / "a.mat").read_bytes(), tmp_path)
        assert list(loaded) == ["c"]
        np.testing.assert_array_equal(loaded["c"][0], np.arange(6).reshape(2, 3))


def test_a_nested_cell_array_is_ignored(tmp_path: Path) -> None:
    inner, outer = (np.empty((1, 1), dtype=object) for _ in range(2))
    inner[0, 0], outer[0, 0] = np.eye(2), inner
    scipy.io.savemat(tmp_path / "a.mat", {"outer": outer})
    assert cells_of((tmp_path / "a.mat").read_bytes(), tmp_path) == {}
