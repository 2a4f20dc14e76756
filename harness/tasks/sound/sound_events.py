"""sound_events: detect the active sounds in each frame of a synthetic or recorded soundscape."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.errors import UserError
from harness.tasks.common.cache import cached
from harness.tasks.common.scoring import binary_cross_entropy, mean
from harness.tasks.common.task import (
    Array,
    DataFacts,
    Dataset,
    Example,
    Metric,
    Options,
    Scores,
    Split,
    Task,
    calibrated,
    dataset,
    decisive,
    fingerprint,
    split_scores,
)
from harness.tasks.common.user_files import check_trainable
from harness.tasks.sound import detection, frame_wise
from harness.tasks.sound.recordings import Recordings, load_recordings
from harness.tasks.sound.soundscape import LABELS, RATE, Soundscape, soundscape
from harness.tasks.sound.spectrogram import (
    BINS,
    FRAMES,
    frame_labels,
    frame_seconds,
    frames_within,
    pictured,
    spectrogram,
)

_VERSION = "sound_events 2"
_SHARED = 20_240_502
"""Seed of validation and test soundscapes, or of the choice of files for them; the same for all trials."""
_PER_ENTRY = 50
"""Soundscapes per cache entry."""
_Part = tuple[Array, Array, Array | None]
"""Spectrograms and labels of a split's soundscapes, and the frames of each before padding; None without padding."""


class SoundEventsOptions(Options):
    """Options: synthetic soundscapes or your recordings, and the sizes of validation and test splits."""

    folder: Annotated[pathlib.Path, Field(strict=False)] | None = None
    """A folder of WAV or FLAC files, each with a CSV file (onset, offset, label). Default: synthetic soundscapes."""
    validation_size: Annotated[int, Field(ge=1)] = 50
    """Number of soundscapes; with recordings at most those in a fifth of the files."""
    test_size: Annotated[int, Field(ge=1)] = 100
    """Number of soundscapes; with recordings at most those in a fifth of the files."""


def make(train_size: int, sequence_length: int, seed: int, options: SoundEventsOptions) -> Dataset:
    """x (soundscapes, time, 256): log-magnitudes, each frequency standardised by the training split; y (soundscapes,
    time, labels) of 0 and 1. 10 seconds have 256 frames; an example is an excerpt of sequence_length of them. With
    recordings, weight (soundscapes, time) is 0 after the recording's end, where x is 0.

    The seed determines the training soundscapes (with recordings: which excerpts of the training files are used);
    validation and test are the same for every seed. Raises UserError for unusable files and for a length above 256.
    """
    examples(train_size, sequence_length, options)
    seeds = (seed, _SHARED, _SHARED)
    sizes = (train_size, options.validation_size, options.test_size)
    whole = (
        [_synthesised(seeds[at], at, size) for at, size in enumerate(sizes)]
        if options.folder is None
        else _recorded(load_recordings(options.folder), sizes, seed)
    )
    splits = [_excerpt(*part, sequence_length, [seeds[at], at]) for at, part in enumerate(whole)]
    frames = splits[0].x if splits[0].weight is None else splits[0].x[splits[0].weight > 0][None]
    centre, spread = frames.mean(axis=(0, 1)), frames.std(axis=(0, 1)) + 1e-6
    train, validation, test = (_standardised(split, centre, spread) for split in splits)
    made_from = (dict(identity(options)), train_size, sequence_length, seed)
    baselines = _baselines(train, validation, test, fingerprint(*made_from))
    return dataset(
        (train, validation, test),
        lambda _, split: baselines["test" if split is test else "validation"],
        *made_from,
        classes=len(_labels(options)),
    )


def score(y: Array, outputs: Array, weight: Array | None = None, *, thresholds: Array | float = 0.5) -> Scores:
    """y and outputs (soundscapes, time, labels), outputs as probabilities; F1 and error rate above the thresholds.

    Frames of weight 0, (soundscapes, time), do not count. Loss: binary cross-entropy in nats, averaged over frames and
    labels. `accuracy` is the article's metric: the proportion of labels on the correct side of 0.5. A network that
    never detects a sound reaches almost the same value (baseline 'silent').
    """
    counts = _counts(y, weight)
    active, truth = (np.asarray(outputs) >= thresholds) & counts[..., None], (np.asarray(y) > 0) & counts[..., None]
    heard = detection.segments(active, frame_seconds())
    there = detection.segments(truth, frame_seconds())
    return {
        "loss": mean(binary_cross_entropy(y, outputs), weight),
        "accuracy": mean((np.asarray(outputs) > 0.5) == truth, weight),
        "macro_f1": detection.macro_f1(truth, active),
        "average_precision": detection.average_precision(truth[counts], np.asarray(outputs)[counts]),
        "segment_f1": detection.segment_f1(there, heard),
        "segment_error_rate": detection.segment_error_rate(there, heard),
    }


def calibrate(y: Array, outputs: Array, weight: Array | None = None) -> Callable[..., Scores]:
    """`score` with, for each label, the threshold that has the best F1 on these outputs for the validation split."""
    return functools.partial(score, thresholds=_thresholds(y, outputs, weight))


def _thresholds(y: Array, outputs: Array, weight: Array | None) -> Array:
    counts = _counts(y, weight)
    return detection.best_thresholds(np.asarray(y)[counts], np.asarray(outputs)[counts])


def _counts(y: Array, weight: Array | None) -> Array:
    """Whether each frame counts: (soundscapes, time)."""
    return np.ones(np.shape(y)[:2], dtype=bool) if weight is None else np.asarray(weight) > 0


def show(validation: tuple[Split, Array], test: tuple[Split, Array], options: SoundEventsOptions) -> Example:
    """The first test soundscape with the most kinds of sounds, and detections with the thresholds of `calibrate`."""
    split, outputs = test
    at = int(np.argmax(split.y.any(axis=1).sum(axis=1)))
    length = len(split.y[at]) if split.weight is None else int(split.weight[at].sum())
    active = outputs[at] >= _thresholds(validation[0].y, validation[1], validation[0].weight)
    return Example(
        picture=pictured(split.x[at][:length]),
        axis=("frequency", "0 Hz", f"{RATE / 2000:g} kHz"),
        seconds=length * frame_seconds(),
        labels=_labels(options),
        there=_marks(split.y[at][:length] > 0),
        heard=_marks(active[:length]),
    )


def _marks(frames: Array) -> tuple[str, ...]:
    return tuple("".join("1" if frame else "0" for frame in label) for label in frames.T)


def examples(train_size: int, sequence_length: int, options: SoundEventsOptions) -> int:
    """train_size. Raises UserError if there are fewer excerpts to train on, and for a length above 256."""
    if sequence_length > FRAMES:
        raise UserError(f"sequence_length {sequence_length} is more than the {FRAMES} frames of a soundscape")
    if options.folder is not None:
        train, _, _ = _by_split(load_recordings(options.folder))
        check_trainable(options.folder, len(train), "10-second excerpts", train_size)
    return train_size


def facts(train_size: int, sequence_length: int, options: SoundEventsOptions) -> DataFacts:
    """For recordings: the folder, and the content that is in no split."""
    if options.folder is None:
        return DataFacts()
    recordings = load_recordings(options.folder)
    parts = zip(_by_split(recordings)[1:], (options.validation_size, options.test_size), strict=True)
    excerpts = [excerpt for file in recordings.files for excerpt in file]
    left_out = {
        "recordings that equal another one": recordings.repeated,
        "excerpts beyond validation_size or test_size": sum(max(0, len(part) - size) for part, size in parts),
        "frames outside the excerpts of sequence_length": sum(
            max(0, frames_within(excerpt.seconds) - sequence_length) for excerpt in excerpts
        ),
    }
    return DataFacts(f"{options.folder.name}, {len(recordings.files):,} recordings", left_out=left_out)


def identity(options: SoundEventsOptions) -> Mapping[str, str]:
    """The procedure, the hash of the recordings, and the options that differ from their defaults."""
    recorded = {"recordings_sha256": load_recordings(options.folder).sha256} if options.folder else {}
    return {"procedure": _VERSION, **recorded, **decisive(options)}


def _labels(options: SoundEventsOptions) -> tuple[str, ...]:
    return load_recordings(options.folder).labels if options.folder else LABELS


def _synthesised(seed: int, split: int, count: int) -> _Part:
    """The first `count` soundscapes of a seed and a split (0 train, 1 validation, 2 test)."""

    def synthesise(indices: range) -> dict[str, Array]:
        return _frames((soundscape(np.random.default_rng([seed, split, index])) for index in indices), LABELS)

    entries = [range(first, min(count, first + _PER_ENTRY)) for first in range(0, count, _PER_ENTRY)]
    parts = [cached((_VERSION, seed, split, indices), functools.partial(synthesise, indices)) for indices in entries]
    return np.concatenate([part["x"] for part in parts]), np.concatenate([part["y"] for part in parts]), None


def _recorded(recordings: Recordings, sizes: tuple[int, int, int], seed: int) -> list[_Part]:
    train, validation, test = _by_split(recordings)
    chosen = [train[at] for at in np.random.default_rng(seed).permutation(len(train))]
    names = (("train", seed), ("validation",), ("test",))
    parts = [
        cached((_VERSION, recordings.sha256, *name, size), functools.partial(_frames, part[:size], recordings.labels))
        for name, part, size in zip(names, (chosen, validation, test), sizes, strict=True)
    ]
    return [(part["x"], part["y"], part["frames"]) for part in parts]


def _by_split(recordings: Recordings) -> tuple[list[Soundscape], list[Soundscape], list[Soundscape]]:
    """Excerpts for training, validation and test; validation and test have a fifth of the files each."""
    order = np.random.default_rng(_SHARED).permutation(len(recordings.files))
    measuring = max(1, len(order) // 5)
    if len(order) <= 2 * measuring:
        raise UserError(f"{recordings.source}: {len(order)} different recordings are too few, expected at least 3")
    parts = np.split(order, [measuring, 2 * measuring])
    test, validation, train = ([excerpt for at in part for excerpt in recordings.files[at]] for part in parts)
    return train, validation, test


def _frames(soundscapes: Iterable[Soundscape], labels: tuple[str, ...]) -> dict[str, Array]:
    """Spectrograms and labels. Half precision is sufficient for spectrograms and halves the size of the cache."""
    of_each = (
        (spectrogram(sound.samples), frame_labels(sound.events, labels), frames_within(sound.seconds))
        for sound in soundscapes
    )
    spectrograms, labelled, frames = zip(*of_each, strict=True)
    return {
        "x": np.stack(spectrograms).astype(np.float16),
        "y": np.stack(labelled).astype(np.uint8),
        "frames": np.array(frames),
    }


def _excerpt(x: Array, y: Array, frames: Array | None, length: int, seed: list[int]) -> Split:
    """`length` frames of each soundscape from a random start; a soundscape with fewer `frames` is padded."""
    starts = np.random.default_rng(seed).integers(FRAMES - length + 1, size=len(x))
    if frames is not None:
        starts %= np.maximum(frames - length, 0) + 1
    at = (np.arange(len(x))[:, None], starts[:, None] + np.arange(length))
    weight = None if frames is None else (at[1] < frames[:, None]).astype(np.float32)
    return Split(x=x[at].astype(np.float32), y=y[at].astype(np.float32), weight=weight)


def _standardised(split: Split, centre: Array, spread: Array) -> Split:
    x = (split.x - centre) / spread
    return Split(x if split.weight is None else x * split.weight[..., None], split.y, split.weight)


def _baselines(train: Split, validation: Split, test: Split, made_from: str) -> dict[str, dict[str, Scores]]:
    """Baselines: the frequency of each label, no detections, and a trained network that reads single frames.

    Keys are 'validation' and 'test', the scored split; thresholds are chosen on the validation split.
    """
    prevalence = train.y.mean(axis=(0, 1)) if train.weight is None else train.y[train.weight > 0].mean(axis=0)
    by_frame = cached(
        (frame_wise.VERSION, made_from), functools.partial(frame_wise.fit_and_predict, train, validation, test.x)
    )
    guessed = calibrated(validation, np.broadcast_to(prevalence, validation.y.shape), calibrate)
    framed = calibrated(validation, by_frame["validation"], calibrate)

    def scored(split: Split, outputs: Array) -> dict[str, Scores]:
        silent = split_scores(split, np.zeros_like(split.y), score)
        return {
            "chance": split_scores(split, np.broadcast_to(prevalence, split.y.shape), guessed),
            "silent": {name: value for name, value in silent.items() if name not in ("loss", "average_precision")},
            "frame_wise": split_scores(split, outputs, framed),
        }

    return {
        "validation": scored(validation, by_frame["validation"]),
        "test": scored(test, by_frame["others"]),
    }


def sample(folder: pathlib.Path) -> dict[str, object]:
    """Options with few soundscapes, for tests."""
    return {"validation_size": 6, "test_size": 8}


task = Task(
    name="sound_events",
    title="Sound event detection",
    summary=(
        "The network reads the spectrogram of ten noisy seconds and detects the active sounds in each frame. "
        "A better score than that of the frame-wise baseline shows that a cell uses how sounds change in time."
    ),
    loss_unit="nats per label",
    output="sigmoid",
    every_step=True,
    metrics=(
        Metric("accuracy", "Binary accuracy", "", "higher", bounds=(0.0, 1.0)),
        Metric("macro_f1", "Frame-wise F1, mean of the labels", "", "higher", bounds=(0.0, 1.0)),
        Metric("average_precision", "Average precision, mean of the labels", "", "higher", bounds=(0.0, 1.0)),
        Metric("segment_f1", "F1 of 1-second segments", "", "higher", bounds=(0.0, 1.0)),
        Metric("segment_error_rate", "Error rate of 1-second segments", "", "lower"),
    ),
    train_size_unit="soundscapes",
    options=SoundEventsOptions,
    make=make,
    score=score,
    examples=examples,
    widths=lambda options: (BINS, len(_labels(options))),
    identity=identity,
    facts=facts,
    calibrate=calibrate,
    # The level that is possible with single frames; average precision needs no thresholds.
    target=("average_precision", "frame_wise"),
    show=show,
    small=(12, 64),
    sample=sample,
)
