"""Simulate timing blocks on a disturbed machine, to measure the error rates of verdicts on seconds per update.

Time passes turn by turn. The speed of the machine drifts, bursts of other processes start and end within turns, each
turn has independent noise, and equal processes differ in speed (because of their layout in memory). Blocks run one
after the other on one machine. Rounds are added by the same rule as in real blocks; the same code as for records
computes ratios within rounds and verdicts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.verdicts.arrays import Floats
from harness.verdicts.judge import judge_pairs
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import PairedTrials
from harness.verdicts.rounds import FEWEST_ROUNDS, MOST_ROUNDS, are_enough, half_width, with_ratios_of_rounds
from harness.verdicts.stats import ALPHA, SEED
from harness.verdicts.verdict import Verdict
from tools.error_tables import Figure
from tools.simulate_kinds import comparison, pairs_of

BLOCKS = (5, 8, 12)
CELLS = 3
"""Number of trials of a block; the claim compares the first two."""
MARGIN, AT_MARGIN, FAR = "5%", 1.05, 1.1
"""The margin of the claim, the true ratio at the margin, and a larger true ratio."""
_SLOWER = (1.5, 3.0)
"""Range of the factor by which a burst slows the machine."""
_AT_ONCE = 100
"""Number of experiments that are simulated together: 2 million turns."""
_SECONDS = OutcomeColumn("seconds_per_update", "seconds per update", "s", lower_is_better=True)


@dataclass(frozen=True)
class Machine:
    """Disturbances of timings."""

    process: float = 0.03
    """Standard deviation of the log seconds between equal processes."""
    turn: float = 0.01
    """Standard deviation of the log seconds of a turn: noise from Student's t with 3 degrees of freedom."""
    drift: float = 0.0
    """Standard deviation of the change of log seconds from turn to turn: a random walk."""
    burst: float = 0.0
    """Mean length of a burst in turns (exponential); 0: no bursts."""
    pause: float = 0.0
    """Mean time between two bursts in turns (exponential)."""


MACHINES = {
    "quiet": Machine(),
    "drift": Machine(drift=0.03),
    "bursts": Machine(turn=0.03, burst=20, pause=40),
    "drift and bursts": Machine(turn=0.03, drift=0.03, burst=20, pause=40),
    "drift and long bursts": Machine(turn=0.03, drift=0.03, burst=300, pause=600),
    "drift and bursts, equal processes": Machine(process=0.0, turn=0.03, drift=0.03, burst=20, pause=40),
}


def block_figures(experiments: int, machine: str, blocks: Iterable[int] = BLOCKS) -> Iterator[Figure]:
    """Error rates, coverage and power on this machine (a name in MACHINES), by the number of blocks."""
    generator = np.random.default_rng([SEED, *map(ord, machine)])
    most = max(blocks)
    sizes = [len(part) for part in np.array_split(np.arange(experiments), -(-experiments // _AT_ONCE))]
    ratios = np.concatenate([simulated_ratios(MACHINES[machine], size, most, generator) for size in sizes])
    for n in blocks:
        equal, apart, far = ([_verdict(of_one[:n] * ratio) for of_one in ratios] for ratio in (1.0, AT_MARGIN, FAR))
        percent = 100 * (AT_MARGIN - 1)
        shares = (
            ("coverage of the 95 % interval of a ratio of seconds per update",
             [(v.ci_low or 0.0) <= percent <= (v.ci_high or 0.0) for v in apart], 0.93, 0.97),
            ("type I error of a claim on seconds per update",
             [v.verdict in ("supported", "contradicted") for v in equal], 0.0, ALPHA),
            (f"false 'no practical difference' of seconds per update where one cell takes {percent:.0f} % longer,"
             " the margin", [v.verdict == "no practical difference" for v in apart], 0.0, ALPHA),
            (f"power of a claim on seconds per update where one cell takes {100 * (FAR - 1):.0f} % longer",
             [v.verdict == "supported" for v in far], 0.0, 1.0),
        )  # fmt: skip
        for what, outcomes, low, high in shares:
            yield Figure(what, f"{n} blocks, {machine}", float(np.mean(outcomes)), experiments, low, high)


def simulated_ratios(machine: Machine, experiments: int, blocks: int, generator: np.random.Generator) -> Floats:
    """The median ratio within rounds of each block, (experiments, blocks), for two equally fast cells."""
    seconds = simulated_seconds(machine, experiments, blocks, generator).reshape(-1, CELLS, MOST_ROUNDS)
    rounds = rounds_taken(seconds)
    first, second = (
        [json.dumps(of_block[cell, :count].tolist()) for of_block, count in zip(seconds, rounds, strict=True)]
        for cell in (0, 1)
    )
    block = np.arange(len(seconds))
    pairs = pd.DataFrame(
        {"timing_block": block, "timing_block_than": block, "rounds": first, "rounds_than": second}
    ).assign(outcome=1.0, outcome_than=1.0, timing_group=0, timing_group_than=0)
    pairs = pairs.assign(reference_rounds="[]", reference_rounds_than="[]")
    return with_ratios_of_rounds(pairs)["outcome_than"].to_numpy().reshape(experiments, blocks)


def simulated_seconds(machine: Machine, experiments: int, blocks: int, generator: np.random.Generator) -> Floats:
    """Seconds per update in each turn, (experiments, blocks, CELLS, MOST_ROUNDS); about 1 on an idle machine."""
    shape = (experiments, blocks, MOST_ROUNDS, CELLS)
    of_machine = _slowed(machine, experiments, blocks * MOST_ROUNDS * CELLS, generator).reshape(shape)
    turns = generator.permuted(np.broadcast_to(np.arange(CELLS), shape), axis=-1)  # the turn of each cell in a round
    logs = np.take_along_axis(of_machine, turns, axis=-1)
    logs += machine.turn * generator.standard_t(3, size=shape) / np.sqrt(3)
    logs += machine.process * generator.normal(size=(experiments, blocks, 1, CELLS))
    return np.exp(np.moveaxis(logs, -1, -2))


def _slowed(machine: Machine, experiments: int, turns: int, generator: np.random.Generator) -> Floats:
    """The logarithm of the factor by which the machine is slower in each turn, (experiments, turns)."""
    walk = np.cumsum(machine.drift * generator.normal(size=(experiments, turns)), axis=1)
    if not machine.burst:
        return walk
    count = 20 + 2 * int(turns / (machine.burst + machine.pause))
    lengths = generator.exponential([machine.pause, machine.burst], size=(experiments, count, 2))
    lost = lengths * [0.0, 1.0] * (generator.uniform(*_SLOWER, size=(experiments, count, 1)) - 1)
    ends, total = (np.cumsum(part.reshape(experiments, -1), axis=1) for part in (lengths, lost))
    clock = np.arange(turns + 1)
    lost_by = np.stack([np.interp(clock, [0.0, *end], [0.0, *sum_]) for end, sum_ in zip(ends, total, strict=True)])
    return walk + np.log1p(np.diff(lost_by, axis=1))


def rounds_taken(seconds: Floats) -> NDArray[np.int64]:
    """The number of rounds after which each block ends, (blocks,). seconds: (blocks, CELLS, MOST_ROUNDS)."""
    logs = np.log(seconds)
    ratios = np.stack([logs[:, one] - logs[:, other] for one, other in combinations(range(logs.shape[1]), 2)], axis=1)
    taken = np.full(len(seconds), MOST_ROUNDS)
    going_on = np.arange(len(seconds))
    for count in range(FEWEST_ROUNDS, MOST_ROUNDS):
        ends = are_enough(count, half_width(ratios[going_on, :, :count]).max(axis=1))
        taken[going_on[ends]] = count
        going_on = going_on[~ends]
    return taken


def _verdict(ratios: Floats) -> Verdict:
    """The verdict on "the first cell is faster"; ratios: seconds of the second over the first cell, one per block."""
    pairs = pairs_of(np.ones(len(ratios)), ratios)
    claim = comparison("paired", on="seconds_per_update", margin=MARGIN)
    return judge_pairs([(claim, PairedTrials((pairs,)), _SECONDS)])[0]
