"""music: predict the notes of the next step of polyphonic music (Boulanger-Lewandowski, Bengio and Vincent 2012)."""

from __future__ import annotations

import json
import math
import pathlib
from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.tasks.common.scoring import binary_cross_entropy, mean
from harness.tasks.common.task import (
    Array,
    DataFacts,
    Dataset,
    Metric,
    Options,
    Scores,
    Split,
    Task,
    dataset,
    decisive,
)
from harness.tasks.common.user_files import check_trainable
from harness.tasks.files.piano_rolls import LOWEST, NOTES, load_piano_rolls

_VERSION = "music 2"


class MusicOptions(Options):
    """Options: the file with the music."""

    file: Annotated[pathlib.Path, Field(strict=False)]
    """Piano rolls as .mat, .json or .npz: see `harness.tasks.files.piano_rolls.load_piano_rolls`."""


def make(train_size: int, sequence_length: int, seed: int, options: MusicOptions) -> Dataset:
    """x (sequences, time, 88): the notes of a step; y: those of the next step; weight (sequences, time): 0 at padding.

    A piece of more than sequence_length + 1 steps is cut into several sequences. The seed selects `train_size` of the
    training sequences. Raises UserError for an unusable file, and if it has fewer sequences.
    """
    examples(train_size, sequence_length, options)
    rolls = load_piano_rolls(options.file)
    every = _cut(rolls.train, sequence_length)
    chosen = [every[at] for at in np.random.default_rng(seed).permutation(len(every))[:train_size]]
    pieces = (chosen, _cut(rolls.validation, sequence_length), _cut(rolls.test, sequence_length))
    splits = (_split(sequences, sequence_length) for sequences in pieces)
    return dataset(splits, _baselines, _VERSION, rolls.sha256, train_size, sequence_length, seed, classes=NOTES)


def score(y: Array, outputs: Array, weight: Array) -> Scores:
    """y and outputs (sequences, time, 88), outputs as probabilities, weight (sequences, time).

    Loss: binary cross-entropy in nats per note. `negative_log_likelihood`: its sum over the 88 notes, per step, as in
    the literature. `accuracy`: TP / (TP + FN + FP) of the notes, at threshold 0.5 (Bay, Ehmann and Downie 2009).
    """
    loss = mean(binary_cross_entropy(y, outputs), weight)
    counts = np.asarray(weight)[..., None] > 0
    sounding, played = (np.asarray(outputs) > 0.5) & counts, (np.asarray(y) > 0) & counts
    union = int((sounding | played).sum())
    return {
        "loss": loss,
        "negative_log_likelihood": loss * NOTES,
        "accuracy": int((sounding & played).sum()) / union if union else 1.0,
    }


def examples(train_size: int, sequence_length: int, options: MusicOptions) -> int:
    """train_size. Raises UserError for an unusable file, and if it has fewer sequences."""
    rolls = load_piano_rolls(options.file)
    unit = f"sequences of at most {sequence_length:,} steps"
    check_trainable(rolls.source, len(_cut(rolls.train, sequence_length)), unit, train_size)
    return train_size


def facts(train_size: int, sequence_length: int, options: MusicOptions) -> DataFacts:
    """The file, and the pieces that are in no split."""
    rolls = load_piano_rolls(options.file)
    left_out = {
        "pieces of a single step": rolls.short,
        "pieces that equal one of the validation or test split": rolls.repeated,
    }
    return DataFacts(options.file.name, left_out=left_out)


def identity(options: MusicOptions) -> Mapping[str, str]:
    """The hash of the file and the procedure."""
    return {"procedure": _VERSION, "file_sha256": load_piano_rolls(options.file).sha256, **decisive(options)}


def _cut(pieces: Sequence[Array], length: int) -> list[Array]:
    """Parts of 2 to length + 1 steps. Each begins with the last step of the previous one, so that all are predicted."""
    return [piece[at : at + length + 1] for piece in pieces for at in range(0, len(piece) - 1, length)]


def _split(sequences: Sequence[Array], length: int) -> Split:
    x = np.zeros((len(sequences), length, NOTES), dtype=np.float32)
    y, weight = x.copy(), np.zeros(x.shape[:2], dtype=np.float32)
    for at, steps in enumerate(sequences):
        x[at, : len(steps) - 1], y[at, : len(steps) - 1] = steps[:-1], steps[1:]
        weight[at, : len(steps) - 1] = 1
    return Split(x=x, y=y, weight=weight)


def _baselines(train: Split, split: Split) -> dict[str, Scores]:
    """Baselines: the frequency of each note; its frequency given its previous step. Counts are smoothed by one half."""
    assert train.weight is not None
    assert split.weight is not None
    steps = train.weight > 0
    before, after = train.x[steps], train.y[steps]

    def share(counted: Array) -> Array:
        return np.asarray(((after * counted).sum(axis=0) + 0.5) / (counted.sum(axis=0) + 1))

    unigram = np.broadcast_to(share(np.ones_like(before)), split.y.shape)
    markov = np.where(split.x > 0, share(before), share(1 - before))
    return {
        "chance": {"loss": math.log(2), "negative_log_likelihood": NOTES * math.log(2)},
        "unigram": score(split.y, unigram, split.weight),
        "markov": score(split.y, markov, split.weight),
    }


def sample(folder: pathlib.Path) -> dict[str, object]:
    """A few pieces of random chords, as JSON."""
    generator = np.random.default_rng(0)
    pieces = {
        split: [generator.integers(LOWEST, LOWEST + NOTES, size=(int(steps), 4)).tolist() for steps in lengths]
        for split, lengths in (("train", (30, 12, 55, 20)), ("valid", (25, 8)), ("test", (40, 17, 9)))
    }
    path = folder / "music.json"
    path.write_text(json.dumps(pieces), encoding="utf-8")
    return {"file": str(path)}


task = Task(
    name="music",
    title="Polyphonic music",
    summary=(
        "The network reads the notes that sound at each step of a piece and predicts those of the next. "
        "A better score than that of the 'markov' baseline shows that a cell learns harmony and metre."
    ),
    loss_unit="nats per note",
    output="sigmoid",
    every_step=True,
    predicts_inputs=True,
    metrics=(
        Metric("negative_log_likelihood", "Negative log-likelihood", "nats per step", "lower"),
        Metric("accuracy", "Correct notes / (correct + missed + extra notes)", "", "higher", bounds=(0.0, 1.0)),
    ),
    train_size_unit="sequences",
    options=MusicOptions,
    make=make,
    score=score,
    examples=examples,
    widths=lambda options: (NOTES, NOTES),
    identity=identity,
    facts=facts,
    # 'markov' predicts each note from its previous step; a better network has learned how notes depend on each other.
    target=("negative_log_likelihood", "markov"),
    small=(5, 16),
    sample=sample,
)
