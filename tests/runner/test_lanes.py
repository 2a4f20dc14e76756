"""The order of speed trials, and the lock that keeps other trials off the machine."""

from __future__ import annotations

import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

from harness.errors import UserError
from harness.runner.engine import Trial
from harness.runner.lanes import MachineLock, in_blocks, speed_order
from harness.spec.factors import Lane
from tests.factories import spec

SPECS = [
    spec(lane="speed", seed=seed, cell=cell, backend=backend, train_size=size)
    for seed, cell, backend, size in product((0, 1, 2), ("gru", "lstm"), ("keras", "fused"), (20, 40))
]
TRIALS = [Trial(s.id(), s) for s in SPECS]


def test_all_cells_and_backends_of_a_seed_and_condition_run_back_to_back() -> None:
    ordered = speed_order(TRIALS)
    assert sorted(trial.id for trial in ordered) == sorted(trial.id for trial in TRIALS)
    for start in range(0, len(ordered), 4):
        block = ordered[start : start + 4]
        assert len({(t.spec.seed, t.spec.train_size) for t in block}) == 1
        assert len({(t.spec.cell, t.spec.backend) for t in block}) == 4


def test_the_order_is_random_within_blocks_but_always_the_same() -> None:
    ordered = speed_order(TRIALS)
    assert ordered == speed_order(TRIALS[::-1])
    firsts = {(t.spec.cell, t.spec.backend) for t in ordered[::4]}
    assert len(firsts) > 1


def test_seeds_stay_in_order_so_that_an_unfinished_run_is_paired() -> None:
    seeds = [trial.spec.seed for trial in speed_order(TRIALS)]
    assert seeds == sorted(seeds)


def test_a_block_has_all_trials_of_a_condition_and_seed() -> None:
    assert [len(block) for block in in_blocks(TRIALS)] == [4] * 6


def test_accuracy_runs_share_the_machine_and_a_speed_run_has_it_alone(tmp_path: Path) -> None:
    first, second = MachineLock(tmp_path / "lock"), MachineLock(tmp_path / "lock")
    assert first.take("accuracy")
    assert second.take("accuracy")
    assert not first.take("speed")
    second.release()
    assert first.take("speed")
    assert not second.take("accuracy")
    assert not second.take("speed")
    first.release()
    assert second.take("speed")


HOLD = """
import sys, time
from pathlib import Path
from harness.runner.lanes import MachineLock
lock = MachineLock(Path(sys.argv[1]))
assert lock.take(sys.argv[2])
print("held", flush=True)
time.sleep(3600)
"""


@pytest.mark.parametrize("lane", ["accuracy", "speed"])
def test_the_lock_applies_across_processes_and_ends_with_its_process(tmp_path: Path, lane: Lane) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock"), lane]
    ours = MachineLock(tmp_path / "lock")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert not ours.take("speed")
        assert ours.take("accuracy") == (lane == "accuracy")
        other.kill()
    assert ours.take("speed")
    ours.release()


def test_a_run_that_could_not_change_lanes_holds_nothing(tmp_path: Path) -> None:
    first, second, third = (MachineLock(tmp_path / "lock") for _ in range(3))
    assert first.take("accuracy")
    assert second.take("accuracy")
    assert not first.take("speed")
    second.release()
    assert third.take("speed")
    third.release()


def test_a_lock_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="lock: cannot open this lock file"):
        MachineLock(tmp_path / "lock").take("speed")
    assert not (tmp_path / "elsewhere").exists()
