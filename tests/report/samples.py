"""Made-up but plausible results: what a comparison of the three cells on two tasks would leave."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from harness.cells import cells
from harness.report import ReportData
from harness.report.data import FailedTrial
from harness.report.figures.aggregate import prepared
from harness.report.figures.evidence import evidence
from harness.report.figures.looks import Look, looks
from harness.report.figures.panels import results_of
from harness.report.figures.plot import Plot
from harness.store.hosts import Host
from harness.tasks import Metric, Task, tasks
from harness.verdicts.verdict import Pair, Verdict

CELLS = ("simple_rnn", "gru", "lstm")
HOSTILE = [
    "<script>alert(1)</script>",
    "\"quotes\" & 'more' </style></svg>",
    "\u202egnihtemos\u200f العربية",
    "name" * 2500,
    "🦀 snowman ☃ \x00\x07 $x^2_{3$ {{ 7*7 }}",
]
"""Names that somebody might give to anything."""
TITLES = {"simple_rnn": "Simple RNN", "gru": "GRU", "lstm": "LSTM"}
MACHINE = {
    "fingerprint": "3f2a9c",
    "cpu": "AMD EPYC 7B13",
    "cores": 2,
    "memory_bytes": 8 * 2**30,
    "system": "Linux 6.1",
    "python": "3.11.2",
    "tensorflow": "2.20.0",
    "keras": "3.13.1",
    "numpy": "2.4.6",
}
ACCURACY = Metric("accuracy", "Accuracy", "", "higher")
TASKS: dict[str, Task] = {
    "language": replace(
        tasks["language"],
        title="Language",
        summary="Predict the next character of English prose. Doing it well shows a model of spelling and grammar.",
        loss_unit="nats",
        metrics=(Metric("bits_per_character", "Bits per character", "bits", "lower"), ACCURACY),
        solved=None,
        target=None,
    ),
    "recall": replace(
        tasks["recall"],
        title="Recall",
        summary="Name the first of T random symbols at the end. Doing it well shows memory over T steps.",
        loss_unit="nats",
        metrics=(ACCURACY,),
        solved=("accuracy", 0.95),
        target=None,
    ),
}
_GATES = {"simple_rnn": 1, "gru": 3, "lstm": 4}


def trial(**given: Any) -> dict[str, Any]:
    """One row of the frame, an ordinary one unless said otherwise."""
    row: dict[str, Any] = {
        "task": "recall",
        "cell": "gru",
        "backend": "keras",
        "lane": "accuracy",
        "units": 32,
        "layers": 1,
        "matched": "units",
        "train_size": 1000,
        "sequence_length": 16,
        "learning_rate": 3e-3,
        "batch_size": 32,
        "seed": 0,
        "status": "ok",
        "parameters": 5000,
        "recurrent_parameters": 4000,
        "updates": 500,
        "seconds_total": 6.0,
        "seconds_per_update": 0.004,
        "seconds_data": 0.1,
        "seconds_build": 0.4,
        "seconds_first_step": 1.2,
        "seconds_train": 3.9,
        "seconds_evaluate": 0.4,
        "cpu_seconds": 5.5,
        "memory_baseline_bytes": 6.0e8,
        "memory_peak_bytes": 6.5e8,
        "memory_difference_bytes": 0.5e8,
        "train_loss": 1.0,
        "validation_loss": 1.1,
        "test_loss": 1.1,
        "test_accuracy": 0.6,
        "machine": "3f2a9c",
    }
    row |= given
    told_apart_by = ("task", "cell", "backend", "train_size", "sequence_length", "units", "learning_rate", "seed")
    row.setdefault("trial_id", "-".join(str(row[key]) for key in told_apart_by))
    return row


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows) or None, columns=None if rows else list(trial()))


def comparison(seeds: int = 5, cells: tuple[str, ...] = CELLS, *, failures: bool = True) -> pd.DataFrame:
    """Two tasks, several sizes and lengths, three cells."""
    rng = np.random.default_rng(7)
    rows = []
    for size, cell, seed in product((2_000, 8_000, 32_000, 128_000), cells, range(seeds)):
        edge = {"simple_rnn": 0.16, "gru": 0.0, "lstm": 0.05}.get(cell, 0.1)
        loss = 1.75 + 1.1 * (2_000 / size) ** 0.35 + edge * (1 + (2_000 / size) ** 0.3) + rng.normal(0, 0.03)
        rows.append(
            _costed(
                rng,
                cell,
                task="language",
                sequence_length=64,
                train_size=size,
                seed=seed,
                test_loss=loss,
                validation_loss=loss + 0.01,
                train_loss=loss - 0.2,
                test_accuracy=0.62 - loss / 10,
                test_bits_per_character=loss / math.log(2),
                baseline_unigram_loss=3.1,
                baseline_trigram_loss=2.05,
                baseline_chance_accuracy=0.16,
                status="ok",
            )
        )
    for length, cell, seed in product((4, 8, 16, 32, 64, 128), cells, range(seeds)):
        horizon = {"simple_rnn": 10, "gru": 70, "lstm": 45}.get(cell, 30) * math.exp(rng.normal(0, 0.35))
        accuracy = 0.125 + 0.87 / (1 + (length / horizon) ** 4)
        row = _costed(
            rng,
            cell,
            task="recall",
            sequence_length=length,
            train_size=2_000,
            seed=seed,
            test_loss=2.1 * (1 - accuracy) + 0.02,
            validation_loss=2.1 * (1 - accuracy) + 0.03,
            train_loss=0.1,
            test_accuracy=accuracy,
            baseline_chance_accuracy=0.125,
            baseline_chance_loss=math.log(8),
            status="ok",
        )
        if failures and cell == "simple_rnn" and length >= 64 and seed in (1, 3):
            row |= {"status": "diverged", "test_loss": math.nan, "test_accuracy": math.nan, "validation_loss": math.nan}
        rows.append(row)
    return frame(*rows)


def _costed(rng: np.random.Generator, cell: str, **given: Any) -> dict[str, Any]:
    gates, units = _GATES.get(cell, 2), given.get("units", 32)
    recurrent = gates * (units * units + units * 24 + units)
    length = given["sequence_length"]
    seconds = (0.0006 + 0.00003 * length * (1 + 0.28 * gates)) * math.exp(rng.normal(0, 0.06))
    peak = 5.9e8 + 2.0e5 * length * gates + rng.normal(0, 2e6)
    return trial(
        cell=cell,
        recurrent_parameters=recurrent,
        parameters=recurrent + 33 * 60,
        seconds_per_update=seconds,
        memory_peak_bytes=peak,
        seconds_total=2 + 500 * seconds,
        **given,
    )


def curves(rows: pd.DataFrame, points: int = 10) -> pd.DataFrame:
    """A learning curve for each trial, falling to its validation loss; a failed trial's ends early."""
    evaluations = []
    for row in rows.itertuples():
        last = 2.2 if math.isnan(row.validation_loss) else row.validation_loss
        for step in range(1, (points if row.status == "ok" else 3) + 1):
            update = 50 * step
            loss = last + 1.6 * math.exp(-4 * step / points)
            evaluations.append(
                {"trial_id": row.trial_id, "cell": row.cell, "task": row.task, "seed": row.seed, "update": update,
                 "seconds": row.seconds_first_step + update * row.seconds_per_update, "train_loss": loss - 0.1,
                 "validation_loss": loss}
            )  # fmt: skip
    names = ["trial_id", "cell", "task", "seed", "update", "seconds", "train_loss", "validation_loss"]
    return pd.DataFrame(evaluations, columns=names)


def verdicts() -> list[Verdict]:
    """One of each word."""
    pairs = tuple(Pair(seed, 2.1 + a, 2.2 + a, 0.1 + a / 5) for seed, a in enumerate((0.02, -0.03, 0.05, 0.0, 0.04)))
    losing = tuple(Pair(seed, 0.6 - a, 0.9, -0.25 - a) for seed, a in enumerate((0.02, 0.1, 0.05, 0.3, 0.12)))
    narrow = Verdict(
        "small-2000",
        "at 2,000 characters",
        "supported",
        0.11,
        0.06,
        0.15,
        "nats",
        5,
        {"train_size": 2000},
        margin=0.02,
        pairs=pairs,
    )
    level = Verdict(
        "small-128000",
        "at 128,000 characters",
        "no practical difference",
        0.005,
        -0.01,
        0.015,
        "nats",
        5,
        {"train_size": 128000},
        margin=0.02,
        pairs=tuple(Pair(seed, 2.0, 2.0 + a, a) for seed, a in enumerate((0.01, -0.01, 0.012, 0.004, 0.009))),
    )
    return [
        Verdict(
            "fewer-parameters",
            "A GRU has fewer parameters than an LSTM",
            "supported",
            25.0,
            None,
            None,
            "%",
            0,
            {"units": [32]},
            "Three gates and candidates against four, at every size from 1 to 1,024 units.",
            kind="exact",
        ),
        Verdict(
            "better-on-less-data",
            "GRUs do better than LSTMs on less training data",
            "supported",
            0.108,
            0.061,
            0.155,
            "nats",
            5,
            {"task": "language", "train_size": [2000, 128000]},
            "With little data the GRU is better by 0.108 nats, beyond the margin; with much data the two are level.",
            kind="paired",
            better="gru",
            than="lstm",
            on="test_loss",
            margin=0.02,
            pairs=pairs,
            by_condition=(narrow, level),
            source="GRUs train faster and perform better than LSTMs on less training data.",
        ),
        Verdict(
            "longer-memory",
            "LSTMs remember longer sequences than GRUs",
            "contradicted",
            -0.29,
            -0.44,
            -0.14,
            "share",
            5,
            {"task": "recall", "sequence_length": [32, 64, 128]},
            "From 32 symbols on the GRU names the first symbol more often.",
            kind="paired",
            better="lstm",
            than="gru",
            on="test_accuracy",
            margin=0.05,
            pairs=losing,
        ),
        Verdict(
            "same-quality",
            "With much data it does not matter which one is used",
            "no practical difference",
            0.005,
            -0.01,
            0.015,
            "nats",
            5,
            {"task": "language", "train_size": 128000},
            "Inside the margin of 0.02 nats.",
            margin=0.02,
            better="gru",
            than="lstm",
            on="test_loss",
            pairs=level.pairs,
        ),
        Verdict(
            "trains-faster",
            "GRUs train faster than LSTMs",
            "undecided",
            4.1,
            -2.3,
            10.9,
            "%",
            5,
            {"backend": "keras"},
            "The interval leaves both open.",
            better="gru",
            than="lstm",
            on="seconds_per_update",
            margin=5.0,
            needed_seeds=14,
            pairs=tuple(Pair(seed, 1.0, 1.0, a) for seed, a in enumerate((12.0, -3.0, 6.0, -1.0, 6.5))),
        ),
        Verdict(
            "turing",
            "An LSTM can compute whatever a Turing machine can",
            "not testable",
            None,
            None,
            None,
            "",
            0,
            {},
            "A finite experiment cannot show it; the counting task is the nearest evidence.",
            kind="not-testable",
        ),
    ]


def summary(cell: str) -> str:
    """In the shape of Keras's."""
    title = {"simple_rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}.get(cell, cell)
    counts = {"simple_rnn": (9_248, 2_080, 12_714), "gru": (27_840, 6_336, 35_562), "lstm": (36_992, 8_320, 46_698)}
    first, second, total = counts.get(cell, (1, 2, 3))
    edge = "━" * 31 + "╇" + "━" * 22 + "╇" + "━" * 13
    rows = [
        f"┃ {'Layer (type)':<29} ┃ {'Output Shape':<20} ┃ {'Param #':>11} ┃",
        f"┡{edge}┩",
        f"│ {f'{title.lower()} ({title})':<29} │ {'(None, 256, 32)':<20} │ {first:>11,} │",
        f"│ {f'{title.lower()}_1 ({title})':<29} │ {'(None, 256, 32)':<20} │ {second:>11,} │",
        f"│ {'time_distributed':<29} │ {'(None, 256, 32)':<20} │ {1_056:>11,} │",
        f"│ {'strong_out (Activation)':<29} │ {'(None, 256, 10)':<20} │ {0:>11,} │",
    ]
    return "\n".join(['Model: "functional"', *rows, f" Total params: {total:,}"])


def failures(frame: pd.DataFrame) -> list[FailedTrial]:
    failed = frame[frame["status"] != "ok"]
    return [
        FailedTrial(
            row.trial_id,
            row.task,
            row.cell,
            row.seed,
            row.status,
            "train",
            "the loss is not finite after 118 updates",
            "step 117: loss 2.1e+29\nstep 118: loss nan\n",
        )
        for row in failed.itertuples()
    ]


DATASETS = [
    {
        "task": "language", "data": "documentation of pandas 3.1.1, 426,775 characters", "train": "374 to 1,500",
        "validation": "312", "test": "312", "classes": "94", "unknown tokens": "0.0 %", "padding": "0.0 %",
        "left out": "at most 14 characters after the last whole window of a split",
    }
]  # fmt: skip
HOSTS = [
    Host("node17.cluster.example.org", "0123456789ab", 120, ("language at length 64, seeds 0 to 4",), ("keras 3.15.0",))
]


def report_data(rows: pd.DataFrame | None = None, **given: Any) -> ReportData:
    """A complete report's data."""
    rows = comparison() if rows is None else rows
    values: dict[str, Any] = {
        "name": "compare",
        "title": "Simple RNN, GRU and LSTM: what holds of what people say?",
        "description": "Three recurrent architectures on language and on memory, swept over data and length.",
        "frame": rows,
        "curves": curves(rows) if "validation_loss" in rows else None,
        "experiment_toml": 'name = "compare"\nseeds = 5\ncells = ["simple_rnn", "gru", "lstm"]\n',
        "command": "harness run experiments/compare.toml",
        "verdicts": verdicts(),
        "summaries": {cell: summary(cell) for cell in CELLS},
        "architectures": {name: cells[name] for name in CELLS},
        "machines": [MACHINE],
        "failures": failures(rows) if len(rows) else [],
        "tasks": TASKS,
        "datasets": DATASETS,
        "hosts": HOSTS,
        "planned": len(rows),
        "done": len(rows),
        "versions": "harness 0.1.0, Python 3.11.2, TensorFlow 2.20.0",
        "commit": "0123456789abcdef",
        "generated_at": "2026-01-02T03:04:05Z",
    }
    return ReportData(**(values | given))


def plots(rows: pd.DataFrame, points: pd.DataFrame | None = None, **given: Any) -> dict[str, Plot]:
    """The figures' descriptions by id, of these trials and learning curves."""
    data = report_data(rows, curves=points, **given)
    return {plot.id: plot for plot in evidence(results_of(data, prepared(rows), TITLES))}


def looks_of_three() -> dict[str, Look]:
    """The looks of the bundled cells."""
    return looks(TITLES)
