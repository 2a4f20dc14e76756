"""Simulated timing blocks on a disturbed machine: what verdicts on seconds per update are held to.

Time goes turn by turn. The speed of the machine drifts, bursts of other processes begin and end within turns, each turn
has noise of its own, and each process is faster or slower than others that do the same (its layout in memory). Blocks
follow one another on one machine. Rounds are added by the rule that ends a real block; the ratios within rounds and the
verdict are computed by the code that judges records.
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
"""Trials of a block; the claim is about the first two."""
MARGIN, AT_MARGIN, FAR = "5%", 1.05, 1.1
"""Of the claim; a true ratio as large as that, and a larger one."""
_SLOWER = (1.5, 3.0)
"""Between these, by what factor a burst slows the machine."""
_AT_ONCE = 100
"""Experiments that are simulated together: 2 million turns."""
_SECONDS = OutcomeColumn("seconds_per_update", "seconds per update", "s", lower_is_better=True)


@dataclass(frozen=True)
class Machine:
    """What disturbs timings. The first three are standard deviations of the logarithms of seconds, the others turns."""

    process: float = 0.03
    """Of a process's own speed."""
    turn: float = 0.01
    """Of a turn's own noise, which is Student's t with 3 degrees of freedom."""
    drift: float = 0.0
    """Of the change from one turn to the next: a random walk."""
    burst: float = 0.0
    """Mean length of a burst (exponential); 0: there are none."""
    pause: float = 0.0
    """Mean time between two bursts (exponential)."""


MACHINES = {
    "quiet": Machine(),
    "drift": Machine(drift=0.03),
    "bursts": Machine(turn=0.03, burst=20, pause=40),
    "drift and bursts": Machine(turn=0.03, drift=0.03, burst=20, pause=40),
    "drift and long bursts": Machine(turn=0.03, drift=0.03, burst=300, pause=600),
    "drift and bursts, equal processes": Machine(process=0.0, turn=0.03, drift=0.03, burst=20, pause=40),
}


def block_figures(experiments: int, machine: str, blocks: Iterable[int] = BLOCKS) -> Iterator[Figure]:
    """How often verdicts on seconds per update err on this machine, a name in MACHINES, by the number of blocks."""
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
    """The median ratio within the rounds of each block, (experiments, blocks), of two cells that are equally fast."""
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
    """What an update takes in each turn, (experiments, blocks, CELLS, MOST_ROUNDS): in a quiet machine about 1."""
    shape = (experiments, blocks, MOST_ROUNDS, CELLS)
    of_machine = _slowed(machine, experiments, blocks * MOST_ROUNDS * CELLS, generator).reshape(shape)
    turns = generator.permuted(np.broadcast_to(np.arange(CELLS), shape), axis=-1)  # which one each cell has in a round
    logs = np.take_along_axis(of_machine, turns, axis=-1)
    logs += machine.turn * generator.standard_t(3, size=shape) / np.sqrt(3)
    logs += machine.process * generator.normal(size=(experiments, blocks, 1, CELLS))
    return np.exp(np.moveaxis(logs, -1, -2))


def _slowed(machine: Machine, experiments: int, turns: int, generator: np.random.Generator) -> Floats:
    """The logarithm of how much slower the machine is in each turn, (experiments, turns)."""
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
    """After how many of its rounds each block ends, (blocks,). seconds: (blocks, CELLS, MOST_ROUNDS)."""
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
    """Of a claim that the first cell is faster; ratios: the second cell's seconds over the first's, a block each."""
    pairs = pairs_of(np.ones(len(ratios)), ratios)
    claim = comparison("paired", on="seconds_per_update", margin=MARGIN)
    return judge_pairs([(claim, PairedTrials((pairs,)), _SECONDS)])[0]
