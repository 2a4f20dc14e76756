"""The gate catches what became slower and blames nothing else: on timings with noise of known size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from harness.store.machine import this_machine
from tests.benchmarks.compare import OTHER_MACHINE, THRESHOLD, Ratio, compared, middle, named, ratios, table
from tests.benchmarks.conftest import slowed
from tests.benchmarks.regress import BASELINE, REPEATS, gate, read_baseline, report, slack_here, suite, write_baseline

NAMES = [f"update[{cell}-{backend}]" for cell in ("simple_rnn", "gru", "lstm") for backend in ("fused", "keras")]
NAMES += [f"data[{number}]" for number in range(20)]
BASE = {name: Ratio("python loop", 2.0 + place) for place, name in enumerate(NAMES)}
NOISE = 0.08
"""Standard deviation of a ratio's logarithm from run to run, in these tests."""


class Machine:
    """Measures made-up benchmarks, some of them slower than they were."""

    def __init__(self, generator: np.random.Generator, slower: dict[str, float]) -> None:
        self.generator, self.slower = generator, slower
        self.asked: list[list[str]] = []

    def __call__(self, names: Sequence[str]) -> dict[str, Ratio]:
        self.asked.append(list(names))
        noise = {name: float(np.exp(NOISE * self.generator.normal())) for name in names or NAMES}
        return {name: Ratio("python loop", BASE[name].ratio * self.slower.get(name, 1) * noise[name]) for name in noise}


def blamed(generator: np.random.Generator, slower: dict[str, float]) -> list[str]:
    machine = Machine(generator, slower)
    return named(gate(machine, BASE, machine([])), "slower")


def test_a_backend_slower_by_half_is_caught_and_nothing_else_is_blamed() -> None:
    generator, backend = np.random.default_rng(0), "update[gru-fused]"
    blamed_each = [blamed(generator, {backend: 1.5}) for _ in range(400)]
    assert sum(names == [backend] for names in blamed_each) >= 0.85 * len(blamed_each)
    assert all(set(names) <= {backend} for names in blamed_each)


def test_without_a_change_nothing_is_blamed() -> None:
    generator = np.random.default_rng(1)
    assert sum(bool(blamed(generator, {})) for _ in range(1000)) <= 10


def test_only_suspects_are_measured_again_and_one_good_measurement_clears_them() -> None:
    machine = Machine(np.random.default_rng(2), {"data[3]": 3.0})
    gate(machine, BASE, machine([]))
    assert machine.asked == [[]] + [["data[3]"]] * REPEATS
    first = {name: Ratio(one.reference, one.ratio * (2 if name == "data[5]" else 1)) for name, one in BASE.items()}
    assert named(gate(Machine(np.random.default_rng(3), {}), BASE, first), "slower") == []


def test_new_missing_and_faster_benchmarks_are_reported_and_only_missing_or_slower_ones_fail(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, half = Ratio("fsync", 1.0), Ratio("fsync", 0.5)
    rows = compared({"a": one, "b": one}, {"a": half, "c": one})
    assert [(row.name, row.finding) for row in rows] == [("a", "faster"), ("b", "gone"), ("c", "new")]
    assert report([row for row in rows if row.name != "b"]) == 0
    assert report(rows) == 1
    assert "no longer among the benchmarks: b" in capsys.readouterr().out
    assert report(compared({"x": one}, {"x": Ratio("fsync", THRESHOLD["fsync"] + 0.01)})) == 1
    assert "Slower in each of 3 measurements: x" in capsys.readouterr().out


def test_a_ratio_is_the_median_of_rounds_each_beside_its_own_reference() -> None:
    info = {"reference": "fsync", "reference_seconds": [1.0, 2.0, 10.0]}
    written = {"benchmarks": [{"fullname": "a", "extra_info": info, "stats": {"data": [3.0, 6.0, 90.0]}}]}
    assert ratios(written) == {"a": Ratio("fsync", 3.0, 6.0)}
    runs = [{"a": Ratio("fsync", ratio)} for ratio in (9.0, 1.0, 2.0)]
    assert middle(runs)["a"].ratio == 2.0


def test_the_table_is_markdown_and_names_what_is_slower() -> None:
    name = "tests/benchmarks/test_update.py::test_update[gru-fused-short]"
    (row,) = compared({name: Ratio("fsync", 1.0)}, {name: Ratio("fsync", 2.0, 0.05)})
    assert table([row]).splitlines()[-1].endswith("update[gru-fused-short] | fsync | 50 | 2.00 | 1.60 | **slower** |")


def test_a_baseline_is_read_as_it_was_written(tmp_path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(BASE, path)
    assert read_baseline(path) == BASE


def test_thresholds_are_wider_where_the_baseline_is_of_another_machine(tmp_path) -> None:
    path = tmp_path / "baseline.json"
    write_baseline(BASE, path)
    assert slack_here(path) == 1
    path.write_text(path.read_text().replace(this_machine().cpu, "another processor"))
    assert slack_here(path) == OTHER_MACHINE
    between = {"x": Ratio("fsync", THRESHOLD["fsync"] + 0.01)}
    assert named(compared({"x": Ratio("fsync", 1.0)}, between), "slower") == ["x"]
    assert named(compared({"x": Ratio("fsync", 1.0)}, between, OTHER_MACHINE), "slower") == []


def test_the_committed_baseline_knows_every_reference() -> None:
    assert {one.reference for one in read_baseline(BASELINE).values()} <= set(THRESHOLD)


def test_slowed_work_gives_the_same_result() -> None:
    assert slowed(lambda: 7, 2.0)() == 7


def test_a_real_slowdown_is_measured() -> None:
    """Twenty times slower is seen on any machine, however busy."""
    (plain,) = suite("-k", "test_plan")([]).items()
    (slow,) = suite("-k", "test_plan", "--slow-down=test_plan=20")([]).items()
    assert plain[0] == slow[0] == "tests/benchmarks/test_records.py::test_plan"
    assert slow[1].ratio > 4 * plain[1].ratio


def test_a_backend_really_slowed_down_is_caught_and_nothing_else_is_blamed(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("benchmark_disable"):
        pytest.skip("measured with --benchmark-enable, on a machine that is left alone")
    which = ("-k", "test_update and fused and short")
    baseline = suite(*which)([])
    slow = suite(*which, "--slow-down=gru-fused-short=1.5")
    assert named(gate(slow, baseline, slow([])), "slower") == [
        "tests/benchmarks/test_update.py::test_update[gru-fused-short]"
    ]
