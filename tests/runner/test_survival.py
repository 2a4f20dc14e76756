"""The runner is killed at random times: the next run continues, and the results are those of an undisturbed run."""

from __future__ import annotations

import json
import random
import signal
import time

import psutil
import pytest

from tests.runner.place import HEAD, Place, finish, sweeps, wait_until, without_times
from tests.runner.pretend import READY

TRIALS = 16
MOST_KILLS = 40
TEXT = HEAD.replace('"gru"', '["gru", "lstm"]').replace("seeds = 1", "seeds = 2") + sweeps(
    "recall", sizes=range(20, 24)
)


def outcomes(place: Place) -> dict[str, object]:
    """The fields of the stored records that their specs determine."""
    return {key: without_times(json.loads(text)) for key, text in place.rows().items()}


def test_no_trial_is_lost_or_doubled_by_kills_at_random_times(
    place: Place, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    undisturbed = Place(tmp_path_factory.mktemp("undisturbed"))
    process = undisturbed.start(TEXT)
    assert process.stdout is not None
    assert process.stdout.readline() == f"{READY}\n"
    began = time.monotonic()
    process.communicate(timeout=180)
    duration = time.monotonic() - began
    expected = outcomes(undisturbed)
    assert len(expected) == TRIALS

    instants = random.Random(7)
    kills = stored = 0
    while kills < request.config.getoption("kills") or not stored:
        assert kills < MOST_KILLS, "no trial was ever finished"
        before = place.rows()
        process = place.start(TEXT)
        assert process.stdout is not None
        assert process.stdout.readline() == f"{READY}\n"
        time.sleep(instants.uniform(0, duration))
        process.kill()
        output, _ = process.communicate(timeout=60)
        _, alive = psutil.wait_procs(place.processes(), timeout=30)
        assert not alive, "trials end with their runner"
        after = place.rows()
        assert {key: after[key] for key in before} == before, "stored records are unchanged"
        assert outcomes(place) == {key: expected[key] for key in after}
        if process.returncode == 0:  # it was done before it was killed
            assert set(after) == set(expected), output
            place.start_anew()
        else:
            assert process.returncode == -9, output
            kills += 1
            stored += len(after) - len(before)
    code, output = place.run(TEXT)
    assert code == 0, output
    assert outcomes(place) == expected


def test_a_second_run_in_the_same_folder_is_refused_and_disturbs_nothing(place: Place) -> None:
    text = HEAD + sweeps("dozing", "recall")
    first = place.start(text)
    wait_until(lambda: place.rows() and ("recall", 20) in place.records(), first)
    code, output = place.run(text)
    assert code == 2
    assert output.endswith(
        f"harness: {place.directory}: process {first.pid} is running an experiment into this folder."
        " Wait for it, or stop it\n"
    )
    assert first.poll() is None
    first.send_signal(signal.SIGINT)
    assert "Stopped: 1 trials left" in finish(first)
    assert first.returncode == 130
    assert {name: r["status"] for (name, _), r in place.records().items()} == {"dozing": "interrupted", "recall": "ok"}
