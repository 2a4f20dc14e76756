"""digits: name a handwritten digit read pixel by pixel or row by row."""

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
from harness.tasks.common.task import Array, DataFacts, Dataset, Options, Scores, Split, Task, decisive, fingerprint
from harness.tasks.files.idx import read_idx, write_idx

_VERSION = "digits 1"
_CLASSES = 10
_FILES = (
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)
_SHARED = 20_240_501
"""Seeds what is the same for all trials: which images measure, and the permutation of the pixels."""


class DigitsOptions(Options):
    """Which digits, and how they are read."""

    folder: Annotated[pathlib.Path, Field(strict=False)] | None = None
    """Where MNIST's four IDX files are; without it, the 1,797 digits of 8 x 8 pixels bundled with scikit-learn."""
    step: Literal["pixel", "row"] = "pixel"
    """What a time step reads. sequence_length must fit it: with 8 x 8 images 64 or 8, with 28 x 28 784 or 28; images
    are averaged down where sequence_length fits their half, quarter, ... instead."""
    permuted: bool = False
    """The pixels in a random order, the same for all images and trials."""
    validation_size: Annotated[int, Field(ge=1)] = 300
    """Images, at most a fifth of those to train on."""
    test_size: Annotated[int, Field(ge=1)] = 400
    """Images, at most a quarter of the bundled digits, or at most MNIST's test images."""


@dataclass(frozen=True)
class _Images:
    """Images (examples, side, side) from 0 to 1, labels (examples,); the first `pool` may be trained on."""

    pixels: Array
    labels: Array
    pool: int
    source: str
    sha256: str
    repeated: int
    """Images that equal another one, and are left out."""


def make(train_size: int, sequence_length: int, seed: int, options: DigitsOptions) -> Dataset:
    """x (images, time, 1) for pixels or (images, time, width) for rows, from 0 to 1; y (images,) the digit.

    The seed chooses the training images; validation and test images are the same for every seed. Raises UserError for
    unusable files, for a sequence_length that fits no size of image, and where there are too few images.
    """
    examples(train_size, sequence_length, options)
    images = _load(options.folder)
    pool, validation, test = _measuring(images, options)
    chosen = np.random.default_rng(seed).permutation(pool)[:train_size]
    x = _sequences(images.pixels, sequence_length, options)
    train, validating, testing = (Split(x=x[at], y=images.labels[at]) for at in (chosen, validation, test))
    return Dataset(
        train=train,
        validation=validating,
        test=testing,
        input_shape=x.shape[1:],
        classes=_CLASSES,
        fingerprint=fingerprint(_VERSION, images.sha256, decisive(options), train_size, sequence_length, seed),
        baselines=_baselines(train, testing),
        validation_baselines=_baselines(train, validating),
    )


def _baselines(train: Split, split: Split) -> dict[str, Scores]:
    return {
        "chance": {"loss": math.log(_CLASSES), "accuracy": 1 / _CLASSES},
        "nearest_centroid": {"accuracy": _nearest_centroid(train, split)},
    }


def examples(train_size: int, sequence_length: int, options: DigitsOptions) -> int:
    """train_size. Raises UserError where the images are unusable, too few, or do not fit the length."""
    images = _load(options.folder)
    _side(images.pixels.shape[1], sequence_length, options)
    pool = len(_measuring(images, options)[0])
    if train_size > pool:
        raise UserError(f"{images.source}: {pool:,} images can be trained on; train_size {train_size:,} is more")
    return train_size


def facts(train_size: int, sequence_length: int, options: DigitsOptions) -> DataFacts:
    """Where the images are from, and how many equal another one."""
    images = _load(options.folder)
    return DataFacts(
        options.folder.name if options.folder else images.source,
        left_out={"images that equal another one": images.repeated},
    )


def identity(options: DigitsOptions) -> Mapping[str, str]:
    """The hash of the images, the procedure, and the options that differ from their defaults."""
    return {"procedure": _VERSION, "images_sha256": _load(options.folder).sha256, **decisive(options)}


def _load(folder: pathlib.Path | None) -> _Images:
    return _bundled() if folder is None else _mnist(folder)


@lru_cache(maxsize=1)
def _bundled() -> _Images:
    from sklearn.datasets import load_digits

    loaded = load_digits()
    pixels = np.asarray(loaded.images, dtype=np.float32) / 16
    return _images(pixels, np.asarray(loaded.target), None, "scikit-learn's digits")


@lru_cache(maxsize=2)
def _mnist(folder: pathlib.Path) -> _Images:
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder, expected one with MNIST's files {', '.join(sum(_FILES, ()))}")
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
            f"{folder}: images of {train.shape[1]} x {train.shape[2]} pixels to train on and of {test.shape[1]} x "
            f"{test.shape[2]} to test on, expected squares of one size"
        )
    pixels = np.concatenate([train, test]).astype(np.float32) / 255
    return _images(pixels, np.concatenate([train_labels, test_labels]), len(train), str(folder))


def _images(pixels: Array, labels: Array, trainable: int | None, source: str) -> _Images:
    """Without repeated images, and with the ones that can be trained on first, in an order of no meaning."""
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
    """Which images can be trained on, which validate, which test."""
    validation = min(options.validation_size, images.pool // 5)
    tested = min(options.test_size, len(images.pixels) - images.pool)
    if not validation or not tested:
        raise UserError(f"{images.source}: {len(images.pixels):,} different images are too few for three splits")
    at = np.arange(len(images.pixels))
    return at[: images.pool - validation], at[images.pool - validation : images.pool], at[images.pool :][:tested]


def _side(full: int, sequence_length: int, options: DigitsOptions) -> int:
    """The side of the images that sequence_length asks for: the full one, or it divided by 2, 4, ... while even."""
    sides = [full]
    while sides[-1] % 2 == 0 and sides[-1] > 2:
        sides.append(sides[-1] // 2)
    for side in sides:
        if sequence_length == (side if options.step == "row" else side * side):
            return side
    valid = ", ".join(str(side if options.step == "row" else side * side) for side in sides)
    raise UserError(
        f"sequence_length {sequence_length} fits no image read a {options.step} a step; for {full} x {full} pixels "
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


def _nearest_centroid(train: Split, test: Split) -> float:
    """The accuracy of naming the digit whose mean training image is the nearest."""
    present = np.unique(train.y)
    centroids = np.stack([train.x[train.y == digit].mean(axis=0) for digit in present])
    return float(np.mean(nearest(centroids, present, test.x) == test.y))


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
        "The network reads the image of a handwritten digit pixel by pixel, or row by row, and names the digit. "
        "Doing it well shows that real evidence, spread over many steps, is gathered into one answer."
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
    # The level of one mean image a digit: beyond it, more was gathered from the steps than a sum over them.
    target=("accuracy", "nearest_centroid"),
    small=(64, 64),
    sample=sample,
)
