"""Benchmarks beside a reference: before and after each round the reference is timed, in the same process.

`--benchmark-enable` measures; without it every benchmark is done once, as a test that it can be. `--gate` leaves out
what is no such benchmark, or takes long; `--slow-down` makes one benchmark slower, to see that it is noticed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import fmean
from typing import Any, Protocol

import pytest

from tests.benchmarks.references import reference, seconds


class Measure(Protocol):
    """Times `work` over some rounds, each between two timings of a reference; returns what it gives."""

    def __call__(self, work: Callable[[], Any], *, beside: str, rounds: int) -> Any: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("gate")
    group.addoption("--gate", action="store_true", help="leave out the benchmarks that take long")
    group.addoption("--slow-down", metavar="NAME=FACTOR", help="make the benchmarks of this name slower")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--gate"):
        items[:] = [item for item in items if "measure" in getattr(item, "fixturenames", ())]


@pytest.fixture
def measure(benchmark: Any, request: pytest.FixtureRequest) -> Measure:
    name, _, factor = (request.config.getoption("--slow-down") or "").partition("=")

    def measured(work: Callable[[], Any], *, beside: str, rounds: int) -> Any:
        if benchmark.disabled:
            return benchmark.pedantic(work)
        if name and name in request.node.name:
            work = slowed(work, float(factor))
        other, before, after = reference(beside), [], []
        times = min(5, max(1, int(seconds(work) / seconds(other) / 10)))
        result = benchmark.pedantic(
            work,
            rounds=rounds,
            setup=lambda: before.append(fmean(seconds(other) for _ in range(times))),
            teardown=lambda: after.append(fmean(seconds(other) for _ in range(times))),
        )
        benchmark.extra_info |= {
            "reference": beside,
            "reference_seconds": [fmean(pair) for pair in zip(before, after, strict=True)],
        }
        return result

    return measured


def slowed(work: Callable[[], Any], factor: float) -> Callable[[], Any]:
    """The same work, followed by idling until `factor` times its own time has passed."""

    def work_and_idle() -> Any:
        start = time.perf_counter()
        result = work()
        until = start + factor * (time.perf_counter() - start)
        while time.perf_counter() < until:
            pass
        return result

    return work_and_idle
