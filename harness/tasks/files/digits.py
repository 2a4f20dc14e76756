"""digits: classify a handwritten digit that is read pixel by pixel or row by row."""

from __future__ import annotations

import hashlib
import math
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from harness.errors import UserError
from harness.tasks.common.scoring import ACCURACY, classification, nearest
from harness.tasks.common.task import Array, DataFacts, Dataset, Options, Scores, Split, Task, dataset, decisive
from harness.tasks.common.user_files import check_trainable
from harness.tasks.files.idx import read_idx, write_idx

_VERSION = "digits 1"
_CLASSES = 10
_FILES = (
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)
_SHARED = 20_240_501
"""Seed of the choices that all trials share: the images for validation and test, and the permutation of pixels."""


class DigitsOptions(Options):
    """Options: the images, how they are read, and the sizes of validation and test splits."""

    folder: Annotated[pathlib.Path, Field(strict=False)] | None = None
    """Folder with MNIST's four IDX files. Default: the 1,797 digits of 8 x 8 pixels that come with scikit-learn."""
    step: Literal["pixel", "row"] = "pixel"
    """What a time step reads. sequence_length is the number of pixels or rows: 64 or 8 for images of 8 x 8, 784 or 28
    for 28 x 28. For a half, a quarter, ... of the image size, images are averaged down."""
    permuted: bool = False
    """Whether pixels are in a random order, which is the same for all images and trials."""
    validation_size: Annotated[int, Field(ge=1)] = 300
    """Number of images; at most a fifth of the images outside the test split."""
    test_size: Annotated[int, Field(ge=1)] = 400
    """Number of images; at most a quarter of the bundled digits, or all of MNIST's test images."""


@dataclass(frozen=True)
class _Images:
    """Images (examples, side, side) from 0 to 1, labels (examples,); the first `pool` train or validate."""

    pixels: Array
    labels: Array
    pool: int
    source: str
    sha256: str
    repeated: int
    """Number of images that are left out because they equal another one."""


def make(train_size: int, sequence_length: int, seed: int, options: DigitsOptions) -> Dataset:
    """x (images, time, 1) for pixels or (images, time, width) for rows, from 0 to 1; y (images,) the digit.

    The seed selects the training images; validation and test images are the same for every seed. Raises UserError for
    unusable files, for a sequence_length that matches no image size, and if there are too few images.
    """
    examples(train_size, sequence_length, options)
    images = _load(options.folder)
    pool, validation, test = _measuring(images, options)
    chosen = np.random.default_rng(seed).permutation(pool)[:train_size]
    x = _sequences(images.pixels, sequence_length, options)
    splits = (Split(x=x[at], y=images.labels[at]) for at in (chosen, validation, test))
    made_from = (_VERSION, images.sha256, decisive(options), train_size, sequence_length, seed)
    return dataset(splits, _baselines, *made_from, classes=_CLASSES)


def _baselines(train: Split, split: Split) -> dict[str, Scores]:
    """Baselines: chance, and the digit whose mean training image is nearest."""
    present = np.unique(train.y)
    centroids = np.stack([train.x[train.y == digit].mean(axis=0) for digit in present])
    return {
        "chance": {"loss": math.log(_CLASSES), "accuracy": 1 / _CLASSES},
        "nearest_centroid": {"accuracy": float(np.mean(nearest(centroids, present, split.x) == split.y))},
    }


def examples(train_size: int, sequence_length: int, options: DigitsOptions) -> int:
    """train_size. Raises UserError if the images are unusable, too few, or do not match sequence_length."""
    images = _load(options.folder)
    _side(images.pixels.shape[1], sequence_length, options)
    check_trainable(images.source, len(_measuring(images, options)[0]), "images", train_size)
    return train_size


def facts(train_size: int, sequence_length: int, options: DigitsOptions) -> DataFacts:
    """The source of the images, and the number of duplicates."""
    images = _load(options.folder)
    return DataFacts(
        options.folder.name if options.folder else images.source,
        left_out={"images that equal another one": images.repeated},
    )


def identity(options: DigitsOptions) -> Mapping[str, str]:
    """The hash of the images, the procedure, and the options that differ from their defaults."""
    return {"procedure": _VERSION, "images_sha256": _load(options.folder).sha256, **decisive(options)}


@lru_cache(maxsize=3)
def _load(folder: pathlib.Path | None) -> _Images:
    if folder is None:
        from sklearn.datasets import load_digits

        loaded = load_digits()
        pixels = np.asarray(loaded.images, dtype=np.float32) / 16
        return _images(pixels, np.asarray(loaded.target), None, "scikit-learn's digits")
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder, expected a folder with MNIST's files {', '.join(sum(_FILES, ()))}")
    folder = next((path for path in (folder / "MNIST" / "raw", folder / "raw") if path.is_dir()), folder)  # torchvision
    parts = [(read_idx(folder / images, 3), read_idx(folder / labels, 1)) for images, labels in _FILES]
    for (pixels, labels), names in zip(parts, _FILES, strict=True):
        if len(pixels) != len(labels) or not len(pixels):
            raise UserError(f"{folder}: {len(pixels):,} images in {names[0]} and {len(labels):,} labels in {names[1]}")
        if labels.max() >= _CLASSES:
            raise UserError(f"{folder / names[1]}: a label is {labels.max()}, expected 0 to {_CLASSES - 1}")
    (train, train_labels), (test, test_labels) = parts
    if train.shape[1:] != test.shape[1:] or train.shape[1] != train.shape[2] or train.shape[1] < 2:
        raise UserError(
            f"{folder}: training images of {train.shape[1]} x {train.shape[2]} pixels and test images of "
            f"{test.shape[1]} x {test.shape[2]}, expected square images of the same size"
        )
    pixels = np.concatenate([train, test]).astype(np.float32) / 255
    return _images(pixels, np.concatenate([train_labels, test_labels]), len(train), str(folder))


def _images(pixels: Array, labels: Array, trainable: int | None, source: str) -> _Images:
    """The images without duplicates, in random order; those for training and validation first."""
    digest = hashlib.sha256(pixels.tobytes() + np.asarray(labels, dtype=np.int32).tobytes()).hexdigest()
    seen = {image.tobytes(): at for at, image in reversed(list(enumerate(pixels)))}
    kept = np.array(sorted(seen.values()))
    generator = np.random.default_rng(_SHARED)
    if trainable is None:
        order = generator.permutation(kept)
        pool = len(order) - len(order) // 4
    else:
        pool = int((kept < trainable).sum())
        order = np.concatenate([generator.permutation(kept[:pool]), generator.permutation(kept[pool:])])
    repeated = len(pixels) - len(kept)
    return _Images(pixels[order], np.asarray(labels[order], dtype=np.int32), pool, source, digest, repeated)


def _measuring(images: _Images, options: DigitsOptions) -> tuple[Array, Array, Array]:
    """Indices of the images for training, validation and test."""
    validation = min(options.validation_size, images.pool // 5)
    tested = min(options.test_size, len(images.pixels) - images.pool)
    if not validation or not tested:
        raise UserError(f"{images.source}: {len(images.pixels):,} different images are too few for three splits")
    at = np.arange(len(images.pixels))
    return at[: images.pool - validation], at[images.pool - validation : images.pool], at[images.pool :][:tested]


def _side(full: int, sequence_length: int, options: DigitsOptions) -> int:
    """Side length of images that match sequence_length: the full one, or divided by 2, 4, ... while it is even."""
    sides = [full]
    while sides[-1] % 2 == 0 and sides[-1] > 2:
        sides.append(sides[-1] // 2)
    for side in sides:
        if sequence_length == (side if options.step == "row" else side * side):
            return side
    valid = ", ".join(str(side if options.step == "row" else side * side) for side in sides)
    raise UserError(
        f"sequence_length {sequence_length} does not match images of {full} x {full} pixels read by {options.step}; "
        f"expected one of {valid}"
    )


def _sequences(pixels: Array, sequence_length: int, options: DigitsOptions) -> Array:
    count, full, _ = pixels.shape
    side = _side(full, sequence_length, options)
    factor = full // side
    x = pixels.reshape(count, side, factor, side, factor).mean(axis=(2, 4)).reshape(count, side * side)
    if options.permuted:
        x = x[:, np.random.default_rng(_SHARED).permutation(side * side)]
    return np.ascontiguousarray(x.reshape(count, sequence_length, -1), dtype=np.float32)


def sample(folder: pathlib.Path) -> dict[str, object]:
    """Random images of 8 x 8 pixels in MNIST's format, for tests."""
    generator = np.random.default_rng(0)
    for (images, labels), count in zip(_FILES, (150, 40), strict=True):
        pixels = generator.integers(256, size=(count, 8, 8), dtype=np.uint8)
        write_idx(folder / images, pixels)
        write_idx(folder / labels, generator.integers(_CLASSES, size=count, dtype=np.uint8))
    return {"folder": str(folder)}


task = Task(
    name="digits",
    title="Handwritten digits, step by step",
    summary=(
        "The network reads the image of a handwritten digit pixel by pixel, or row by row, and classifies it. "
        "Good performance shows that a cell combines evidence from many steps into one answer."
    ),
    loss_unit="nats per image",
    output="softmax",
    every_step=False,
    metrics=(ACCURACY,),
    train_size_unit="images",
    options=DigitsOptions,
    make=make,
    score=classification,
    examples=examples,
    widths=lambda options: (1 if options.step == "pixel" else 28, _CLASSES),
    identity=identity,
    facts=facts,
    # The level of one mean image per digit. A better network uses more than a sum over the steps.
    target=("accuracy", "nearest_centroid"),
    small=(64, 64),
    sample=sample,
)
