"""What the command shows, in terminals of any width, with and without colour, and piped."""

from __future__ import annotations

import io
import math
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from harness.cli.diff import table
from harness.cli.terminal import (
    VerdictTable,
    backend_notes,
    backend_table,
    backend_title,
    data_lines,
    plan_table,
    rate_lines,
    status_table,
)
from harness.runner.backends import BackendRecord, Shape
from harness.store.status import CellStatus, Status
from harness.verdicts.changes import Change, Quantity
from harness.verdicts.verdict import Verdict
from harness.verdicts.words.effects import effect_in_words
from tests.factories import EXPERIMENT, experiment, plan, spec

SCOPE = {"task": "language", "train_size": [2000, 8000], "sequence_length": 64, "backend": "fused", "matched": "units"}
VERDICTS = [
    Verdict("a", "GRUs do better on less data", "supported", 0.108, 0.061, 0.155, "bits", 6, SCOPE, "Why this is so."),
    Verdict("b", "No difference", "no practical difference", 0.0, -0.01, 0.01, "bits", 6, {"machine": "3f2a9c"}, "R."),
    Verdict("c", "LSTMs win", "depends", -4.0, float("-inf"), 9.0, "%", 1),
    Verdict("d", "Turing", "not testable", None, None, None, "", 0, reason="It has no end."),
]
SAID = (
    "supported", "GRUs do better on less data", "+0.108 bits [0.061, 0.155]", "Why this is so.", "No difference",
    "Scope: language; size 2,000, 8,000; length 64; backend fused; equal units", "Scope: machine 3f2a9c",
    "depends", "LSTMs win", "−4 % [−∞, 9]", "not testable", "Turing", "It has no end.",
)  # fmt: skip


def printed(width: int, *, report: Path | None = None, verbose: bool = True, **console: object) -> str:
    file = io.StringIO()
    table = VerdictTable(VERDICTS, report, verbose=verbose)
    Console(file=file, width=width, **console).print(table)  # type: ignore[arg-type]
    return file.getvalue()


def words(text: str) -> str:
    return " ".join(text.replace("─", " ").split())


@pytest.mark.parametrize("width", [40, 60, 80, 95])
def test_a_narrow_terminal_has_all_of_every_verdict_one_under_the_other(width: int) -> None:
    text = printed(width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for said in (*SAID, "+0.108 bits [0.061, 0.155], 6 seeds", "1 seed"):
        assert said in words(text), said


@pytest.mark.parametrize("width", [96, 120, 240])
def test_a_wide_terminal_has_a_table(width: int) -> None:
    text = printed(width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    head, _, *rows = (line.rstrip() for line in text.splitlines() if line.strip())
    assert head.split() == ["verdict", "claim", "effect", "[95", "%", "interval]", "seeds"]
    effect = head.index("effect")
    assert next(row for row in rows if "GRUs do better" in row)[effect:].split() == [
        "+0.108", "bits", "[0.061,", "0.155]", "6",
    ]  # fmt: skip
    columns = ((0, head.index("claim")), (head.index("claim"), effect), (effect, head.index("seeds")))
    by_column = [words("\n".join(row[start:end] for row in rows)) for start, end in columns]
    for said in SAID:
        assert any(said in text for text in by_column), said


def test_without_verbose_a_verdict_is_one_line_of_at_most_100_columns() -> None:
    lines = [line.rstrip() for line in printed(100, verbose=False).splitlines() if line.strip()]
    rows = lines[2:]
    assert len(rows) == len(VERDICTS)
    assert max(map(len, lines)) <= 100
    assert "Why this is so." not in " ".join(lines)
    assert "Scope" not in " ".join(lines)


def test_decided_verdicts_are_listed_first() -> None:
    undecided = Verdict("e", "Nobody knows", "undecided", 0.1, -1.0, 1.0, "bits", 3)
    file = io.StringIO()
    Console(file=file, width=100).print(VerdictTable([undecided, *VERDICTS]))
    text = file.getvalue()
    places = [text.index(claim) for claim in ("GRUs do better", "No difference", "LSTMs win", "Nobody knows", "Turing")]
    assert places == sorted(places)


@pytest.mark.parametrize("width", [60, 120])
def test_colour_adds_nothing_that_is_not_said_in_words(width: int) -> None:
    coloured = printed(width, force_terminal=True, color_system="truecolor")
    assert "\x1b[1;32m" in coloured
    plain = printed(width, force_terminal=True, no_color=True, color_system=None)
    assert "\x1b" not in plain
    assert plain == printed(width), "piped"


def test_where_the_terminal_can_a_verdict_leads_to_its_place_in_the_report(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    linked = printed(80, report=report, force_terminal=True, color_system="truecolor")
    for id in "abcd":
        assert f"{report.as_uri()}#claim-{id}" in linked
    assert "report.html" not in printed(80, report=report)


@pytest.mark.parametrize("width", [40, 120])
def test_without_claims_it_says_that_there_is_nothing_to_judge(width: int) -> None:
    file = io.StringIO()
    Console(file=file, width=width).print(VerdictTable([]))
    assert words(file.getvalue()) == "No claims are declared, so there is nothing to judge."


MARKUP = "Does [/b] [red]matter[/red]?"


def tables() -> list[Table]:
    """One of each kind, with a name in it that looks like markup."""
    tiny = experiment().model_copy(update={"title": MARKUP})
    trials = {id: trial.model_copy(update={"task": MARKUP}) for id, trial in plan(tiny).items()}
    quantity = Quantity("accuracy", "test_loss", "loss", "", "difference")
    change = Change(MARKUP, {"train_size": MARKUP}, "gru", quantity, 1.0, 2.0, 1.0, 0.5, 1.5, 5, "changed")
    measured = BackendRecord(MARKUP, "keras", "update", Shape(), 0.0, status="crashed")
    status = Status((CellStatus(MARKUP, Counter(ok=1), 1.0, 0.0),), 1.0, 0.0, 0, 0)
    return [
        plan_table(tiny, {}),
        plan_table(experiment(), trials),
        table([change]),
        status_table(status),
        backend_table([measured]),
    ]


def test_backends_are_shown_with_ratio_and_interval_and_what_failed_by_its_status() -> None:
    shape = Shape(units=8)
    measured = [
        BackendRecord("gru", "keras", "step", shape, 0.5, (0.002,) * 10, 1.5, (1.0, 1.0, 1.0), 3 * 2**20, 2**20),
        BackendRecord("gru", "fused", "step", shape, 0.5, (0.001,) * 10, 0.5, (0.4, 0.5, 0.6), None, None),
        BackendRecord("lstm", "keras", "step", shape, 0.5, status="out_of_memory", failure="9 GiB (in first_step)"),
    ]
    file = io.StringIO()
    Console(file=file, width=200).print(backend_table(measured))
    lines = [line.strip() for line in file.getvalue().splitlines() if line.strip()]
    rows = lines[next(place for place, line in enumerate(lines) if set(line) == {"─"}) + 1 :]
    title = "Prediction of one time step at batch size 1: 256 features, 2 x 8 units; 10 rounds in turn"
    assert backend_title(measured) == title
    assert {"ms", "per", "step"} <= {*" ".join(lines[:3]).split()}
    assert [row.split()[:5] for row in rows[:2]] == [
        ["gru", "keras", "1.50", "2", "2"],
        ["gru", "fused", "0.50", "1", "1"],
    ]
    assert rows[0].split()[7] == "1.00"
    assert rows[0].endswith(" 3")
    assert "0.50 [0.40, 0.60]" in rows[1]
    assert rows[2].split() == ["lstm", "keras", "-", "out", "of", "memory", "-", "-", "-", "-"]
    few = BackendRecord("lstm", "fused", "step", shape, 0.5, (0.001,), ratio_to_keras=(0.0, 0.73, math.inf), group=2)
    grouped = [*measured, few]
    Console(file=file, width=200).print(backend_table([few]))
    assert " 0.73 " in file.getvalue()
    assert "inf" not in file.getvalue(), "an interval from 0 to infinity says nothing"
    assert next(iter(backend_notes(grouped))).startswith(
        "Memory is too small for all processes at once. They were timed in 2 groups"
    )
    assert list(backend_notes(measured)) == ["lstm, keras: out of memory. 9 GiB (in first_step)"]


@pytest.mark.parametrize("shown", tables())
def test_text_that_looks_like_markup_is_printed_unchanged(shown: Table) -> None:
    file = io.StringIO()
    Console(file=file, width=400).print(shown)
    assert MARKUP in file.getvalue()


@pytest.mark.parametrize(
    ("effect", "low", "high", "unit", "text"),
    [
        (999.7, None, None, "%", "+1,000 %"),
        (12_345_678.0, 1e6, 2e7, "bytes", "+12,345,678 bytes [1,000,000, 20,000,000]"),
        (float("inf"), float("-inf"), float("inf"), "%", "+∞ [−∞, ∞]"),
        (-0.12345, -0.2, -0.04, "nats", "−0.123 nats [−0.2, −0.04]"),
        (None, None, None, "", "–"),
    ],
)
def test_an_effect_is_written_without_powers_of_ten(
    effect: float | None, low: float | None, high: float | None, unit: str, text: str
) -> None:
    assert effect_in_words(Verdict("x", "x", "undecided", effect, low, high, unit, 5)) == text


def test_check_says_what_data_are_read_and_warns_of_unknown_tokens(tmp_path: Path) -> None:
    (tmp_path / "verse.txt").write_text("".join(map(chr, range(0x4E00, 0x4E00 + 1000))) + "ab" * 1000)
    options = {"text": [str(tmp_path / "verse.txt")], "vocabulary": 256}
    trials = [spec(task="language", options=options, train_size=100, sequence_length=8, seed=seed) for seed in (0, 1)]
    assert list(data_lines(trials)) == [
        "language: verse.txt, 3,000 characters; 24.9 % unknown characters.",
        "language: in no split: at most 10 characters after the last whole window of a split.",
        "Warning: language: 25 % of the characters are unknown: raise options.vocabulary.",
    ]
    assert list(data_lines([spec()])) == []


def test_check_names_each_of_several_files_as_its_table_does(tmp_path: Path) -> None:
    trials = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "corpus.txt").write_text("ab" * (1000 if folder == "a" else 2000))
        options = {"text": [str(tmp_path / folder / "corpus.txt")]}
        data = {"text_sha256": folder}
        trials.append(spec(task="language", options=options, data=data, train_size=100, sequence_length=8))
    lines = [line for line in data_lines(trials) if "characters;" in line]
    assert [line.split(",")[0] for line in lines] == [
        f"language ({folder}/corpus.txt): corpus.txt" for folder in ("a", "b")
    ]


def test_a_terminal_of_80_columns_has_all_that_was_measured_of_backends() -> None:
    measured = [
        BackendRecord(
            "simple_rnn", "article", "update", Shape(), 0.5, (0.0123, 0.0124, 0.0151), 12.34, (0.21, 0.23, 0.25),
            985 * 2**20, 2**20,
        )
    ]  # fmt: skip
    file = io.StringIO()
    Console(file=file, width=80).print(backend_table(measured))
    text = words(file.getvalue())
    assert max(map(len, file.getvalue().splitlines())) <= 80
    assert "…" not in text
    for said in ("simple_rnn", "article", "12.34", "12.4", "to", "[0.21,", "0.25]", "985"):
        assert said in text.split(), said


def test_check_lists_the_rates_that_a_random_search_draws() -> None:
    rates = '{ search = "log-uniform", low = 1e-4, high = 1e-2, trials = 3 }'
    assert list(rate_lines(experiment(EXPERIMENT, ("updates = 6", f"updates = 6\nlearning_rate = {rates}")))) == [
        "sweep[0] (recall) tries 3 learning rates drawn from the log-uniform distribution on [0.0001, 0.01], the same "
        "for each cell: 0.0001084, 0.000747, 0.003899."
    ]
    assert list(rate_lines(experiment())) == []
