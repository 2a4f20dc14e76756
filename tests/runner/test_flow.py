"""`run_experiment` with a pretended engine: budgets, repeated trials, and seeds added until claims are decided."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from harness.errors import UserError
from harness.plan.expand import Plan, make_plan
from harness.results import judge_results
from harness.runner.cluster.connect import Cluster
from harness.runner.engine import Trial
from harness.runner.flow import Finished, run_experiment
from harness.runner.stages import Run, RunOutcome, run_stage
from harness.spec.experiment import Experiment
from harness.spec.load import load_experiment
from harness.spec.trial import TrialSpec
from harness.spec.tuning import Search
from harness.store.folder import EXPERIMENT_NAME, load_stored_experiment
from harness.store.machine import this_machine
from harness.store.record import MAX_CRASHES, Record, Status
from harness.store.sqlite import open_store
from harness.stored import read_results
from tests.factories import EXPERIMENT, experiment, record
from tests.runner.simulated import Simulated

CLAIM = """
[[claim]]
id = "{id}"
claim = "GRUs reach a lower loss than LSTMs"
kind = "paired"
better = "gru"
than = "lstm"
on = "test_loss"
where = {{ train_size = {size} }}
margin = 0.05
"""
CLAIMS = EXPERIMENT + CLAIM.format(id="clear", size=20) + CLAIM.format(id="open", size=40)
NOISE = np.random.default_rng(1).normal(0, 1, size=200)


def losses(trial: Trial) -> Record:
    """The GRU is better at size 20; at size 40 it is better for odd seeds and as much worse for even ones."""
    spec = trial.spec
    loss = 2.0 + NOISE[spec.seed]
    if spec.cell == "gru":
        apart = -1.0 if spec.train_size == 20 else 0.5 if spec.seed % 2 else -0.5
        loss += apart + 0.02 * NOISE[100 + spec.seed]
    return record(spec, attempt=trial.attempt, test={"loss": loss})


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Finished, Simulated, str]]:
    def run(text: str | Experiment = CLAIMS, result: Callable[[Trial], Record] = losses, **options: object):
        engine = Simulated(result=result)
        monkeypatch.setattr("harness.runner.flow.LocalEngine", lambda *_, **__: engine)
        monkeypatch.setattr("harness.runner.flow._summarise_models", lambda *_: None)
        monkeypatch.setattr("harness.report.render", lambda _, directory, *__: directory / "report.html")
        out = io.StringIO()
        given = experiment(text) if isinstance(text, str) else text
        finished = run_experiment(given, results=tmp_path, console=Console(file=out, width=100), **options)
        return finished, engine, out.getvalue()

    return run


def seeds_run(engine: Simulated, size: int) -> set[int]:
    return {trial.spec.seed for trial in engine.ran if trial.spec.train_size == size}


def test_a_spent_budget_leaves_all_trials_out_and_the_next_run_runs_them(run, tmp_path: Path) -> None:
    finished, engine, said = run(budget=1e-9)
    assert engine.ran == []
    assert sum(block.trials for block in finished.left_out) == 8
    first = finished.left_out[0]
    assert (first.task, first.cell, first.seeds) == ("recall", "gru", (0, 1))
    assert first.why.startswith("size 20, length 5, accuracy lane, seeds 0, 1: its block of 2 trials takes about")
    assert not finished.outcome.stopped
    assert "8 to do" in said
    finished, engine, _ = run(budget=1e6)
    assert len(engine.ran) == 8
    assert not finished.left_out


def test_retry_re_runs_trials_with_a_status_once(run, tmp_path: Path) -> None:
    run(result=lambda t: record(t.spec, status="timeout" if t.spec.cell == "gru" else "diverged", test={}))
    assert run()[1].ran == [], "both are outcomes"
    finished, engine, _ = run(retry=["timeout"])
    assert {trial.spec.cell for trial in engine.ran} == {"gru"}
    assert [trial.attempt for trial in engine.ran] == [2] * 4
    assert finished.outcome.stored_before == 4
    assert run(retry=["timeout"])[1].ran == [], "they are ok now"
    again = run(result=lambda t: record(t.spec, attempt=t.attempt, status="diverged", test={}), retry=["diverged"])[1]
    assert len(again.ran) == 4, "once per run, even with the same status"


def test_retry_re_runs_crashed_trials_beyond_the_maximum_number_of_crashes(run) -> None:
    for _ in range(7):
        run(result=lambda t: record(t.spec, attempt=t.attempt, status="crashed", test={}))
    assert run()[1].ran == []
    assert len(run(retry=["crashed"])[1].ran) == 8


TUNED = EXPERIMENT.replace("updates = 6", "updates = 6\nlearning_rate = { tune = [0.001, 0.01], seeds = 1 }")


def crashing(*rates: float, cell: str = "gru", status: str = "crashed") -> Callable[[Trial], Record]:
    """Makes the records of tuning trials that fail at these learning rates."""

    def result(trial: Trial) -> Record:
        spec = trial.spec
        if spec.purpose == "tuning" and spec.cell == cell and spec.learning_rate in rates:
            return record(spec, attempt=trial.attempt, status=status, test={})
        return record(spec, attempt=trial.attempt, validation={"loss": 1.0})

    return result


def test_a_learning_rate_at_which_tuning_crashes_is_not_chosen(run) -> None:
    finished, engine, _ = run(TUNED, crashing(0.001))
    compared = {(t.spec.cell, t.spec.learning_rate) for t in engine.ran if t.spec.purpose == "comparison"}
    assert compared == {("gru", 0.01), ("lstm", 0.001)}
    assert sum(t.spec.purpose == "tuning" and t.spec.learning_rate == 0.001 for t in engine.ran) == MAX_CRASHES + 1
    assert (finished.exit_code, finished.problems) == (0, ())
    assert finished.outcome == RunOutcome(planned=12, stored_before=0, finished=12, failed=1, stopped=False)
    assert run(TUNED, crashing(0.001))[1].ran == [], "it is given up"


def test_a_random_search_runs_before_the_comparison_which_uses_the_best_drawn_rate(run) -> None:
    search = Search(search="log-uniform", low=1e-4, high=1e-2, trials=4, seeds=1)
    table = "{ search = 'log-uniform', low = 1e-4, high = 1e-2, trials = 4, seeds = 1 }"
    text = EXPERIMENT.replace("updates = 6", f"updates = 6\nlearning_rate = {table}")
    best = search.rates[2]

    def result(trial: Trial) -> Record:
        return record(trial.spec, attempt=trial.attempt, validation={"loss": abs(trial.spec.learning_rate - best)})

    _, engine, _ = run(text, result)
    assert [trial.spec.purpose for trial in engine.ran] == ["tuning"] * 2 * 4 + ["comparison"] * 8
    assert {trial.spec.learning_rate for trial in engine.ran[8:]} == {best}
    assert run(text, result)[1].ran == []


def test_a_sweep_without_a_learning_rate_is_a_problem_of_the_run(run) -> None:
    for status in ("crashed", "diverged"):
        finished, engine, _ = run(TUNED.replace("tiny", status), crashing(0.001, 0.01, status=status))
        assert {t.spec.cell for t in engine.ran if t.spec.purpose == "comparison"} == {"lstm"}
        assert finished.exit_code == 1
        (problem,) = finished.problems
        assert problem.startswith(
            "sweep[0] (recall) cannot continue for gru (backend keras, units 4): at every learning rate"
        )


def test_the_comparison_does_not_start_before_an_interrupted_tuning_trial_is_repeated(run) -> None:
    finished, engine, _ = run(TUNED, crashing(0.001, status="interrupted"))
    assert {t.spec.purpose for t in engine.ran} == {"tuning"}
    assert finished.exit_code == 1
    assert finished.problems == ("1 trial is interrupted or not started. The same command continues the run",)
    assert run(TUNED, crashing())[0].exit_code == 0


@pytest.mark.parametrize(
    ("failing", "status", "problems"),
    [
        ({("gru", 20)}, "crashed", []),
        ({("gru", 20), ("lstm", 20)}, "crashed", []),
        ({("gru", 20), ("gru", 40)}, "crashed", ["all 4 trials of gru crashed"]),
        ({("gru", 20), ("gru", 40)}, "diverged", []),
        ({("gru", 20), ("gru", 40), ("lstm", 20)}, "diverged", ["6 of 8 trials failed"]),
        (
            {("gru", 20), ("gru", 40), ("lstm", 20), ("lstm", 40)},
            "crashed",
            ["8 of 8 trials failed", "all 4 trials of gru crashed", "all 4 trials of lstm crashed"],
        ),
    ],
)
def test_a_run_with_too_many_failures_has_problems(
    run, failing: set[tuple[str, int]], status: Status, problems: list[str]
) -> None:
    def result(trial: Trial) -> Record:
        fails = (trial.spec.cell, trial.spec.train_size) in failing
        return record(trial.spec, attempt=trial.attempt, status=status if fails else "ok")

    finished = run(EXPERIMENT, result)[0]
    assert list(finished.problems) == problems
    assert finished.exit_code == (1 if problems else 0)


def test_trials_that_a_budget_leaves_out_are_no_problem(run) -> None:
    assert run(budget=1e-9)[0].exit_code == 0


def test_trials_with_too_many_crashes_count_as_given_up_and_not_as_done(run) -> None:
    for _ in range(MAX_CRASHES):
        run(result=lambda t: record(t.spec, attempt=t.attempt, status="crashed", test={}))
    said = run()[2]
    assert "8 trials, 0 done before, 0 to do, 8 given up after 5 crashes (--retry crashed)" in " ".join(said.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jobs": -1}, "jobs is -1, expected a whole number of at least 1"),
        ({"jobs": 0}, "jobs is 0,"),
        ({"jobs": 1.5}, "jobs is 1.5,"),
        ({"jobs": True}, "jobs is True,"),
        ({"most_seeds": 0}, "most_seeds is 0,"),
        ({"budget": -1.0}, "budget is -1.0, expected a positive number of seconds"),
        ({"budget": float("nan")}, "budget is nan,"),
        ({"budget": "10m"}, "budget is '10m',"),
        ({"retry": "timout"}, "unknown status 'timout'"),
        ({"retry": "other-machine", "cluster": Cluster()}, "--retry other-machine is for one machine"),
    ],
)
def test_invalid_arguments_are_refused_before_anything_is_written(
    run, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        run(**options)
    assert list(tmp_path.iterdir()) == []


SPEED = EXPERIMENT.replace("[[sweep]]", 'lane = "speed"\n\n[[sweep]]')


def test_stored_times_of_another_machine_are_reported_and_retry_re_runs_them(run) -> None:
    elsewhere = this_machine().model_copy(update={"fingerprint": "elsewhere", "cpu": "another processor"})

    def timed(trial: Trial) -> Record:
        at = elsewhere if trial.spec.seed == 0 and trial.attempt == 1 else this_machine()
        return record(trial.spec, attempt=trial.attempt, machine=at)

    assert "another machine" not in run(SPEED, timed)[2]
    engine, said = run(SPEED, timed)[1:]
    assert engine.ran == []
    said = " ".join(said.split())
    assert "4 stored speed trials were timed on another machine (another processor," in said
    assert "--retry other-machine re-runs them on this machine." in said
    engine, said = run(SPEED, timed, retry=["other-machine"])[1:]
    assert {(trial.spec.seed, trial.attempt) for trial in engine.ran} == {(0, 2)}
    assert len(engine.ran) == 4
    assert "another machine" not in said
    assert run(SPEED, timed, retry=["other-machine"])[1].ran == []


def test_more_seeds_are_added_to_the_stored_ones(run) -> None:
    run()
    finished, engine, _ = run(CLAIMS.replace("seeds = 2", "seeds = 5"))
    assert finished.outcome == RunOutcome(planned=20, stored_before=8, finished=12, failed=0, stopped=False)
    assert seeds_run(engine, 20) == seeds_run(engine, 40) == {2, 3, 4}
    assert {verdict.n for verdict in finished.verdicts} == {5}


def test_an_unknown_status_is_refused_with_the_nearest(run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"unknown status 'timout'\. Did you mean 'timeout'\?"):
        run(retry=["timout"])
    assert not (tmp_path / "tiny").exists()


def test_seeds_are_added_only_for_open_claims(run, tmp_path: Path) -> None:
    finished, engine, said = run(until_decided=True, most_seeds=15)
    assert seeds_run(engine, 20) == set(range(5)), "decided after five"
    assert seeds_run(engine, 40) == set(range(15))
    assert finished.open_claims == ("open",)
    assert finished.outcome == RunOutcome(planned=40, stored_before=0, finished=40, failed=0, stopped=False)
    assert "Open claims: clear, open. Adding seeds for clear, up to 5." in said
    assert "Open claims: open. Adding seeds for open, up to 15." in said
    verdicts = {verdict.id: verdict for verdict in finished.verdicts}
    assert (verdicts["clear"].verdict, verdicts["open"].verdict) == ("supported", "undecided")
    assert [analysis.n for analysis in verdicts["clear"].interim_analyses] == [5]
    assert [analysis.n for analysis in verdicts["open"].interim_analyses] == [5, 11, 15]
    assert "Interim analyses after 5, 11 and 15 of at most 15 seeds" in verdicts["open"].reason
    with open_store(tmp_path / "tiny") as store:
        assert {claim: analyses.through for claim, analyses in store.analyses().items()} == {
            "clear": (4,),
            "open": (4, 10, 14),
        }


def test_a_verdict_is_adjusted_for_interim_analyses_each_time_it_is_judged(run, tmp_path: Path) -> None:
    finished = run(until_decided=True, most_seeds=15)[0]
    assert judge_results(tmp_path / "tiny") == finished.verdicts
    once = run_once(tmp_path)
    open_claim = finished.verdicts[1]
    assert open_claim.ci_low < once.ci_low
    assert open_claim.p_value > once.p_value


def run_once(directory: Path):
    """The open claim's verdict as if it had been analysed once, with all seeds."""
    from harness.store.frame import to_frame
    from harness.verdicts.judge import judge

    with open_store(directory / "tiny") as store:
        return judge(experiment(CLAIMS).claim, to_frame(store.records()))[1]


def test_a_later_run_continues_after_the_stored_interim_analyses(run, tmp_path: Path) -> None:
    run(until_decided=True, most_seeds=15)
    finished, engine, _ = run(until_decided=True)
    assert engine.ran == []
    assert [analysis.n for analysis in finished.verdicts[1].interim_analyses] == [5, 11, 15]


def test_a_plain_run_keeps_the_seeds_that_were_added(run, tmp_path: Path) -> None:
    before = run(until_decided=True, most_seeds=15)[0].verdicts
    finished, engine, _ = run()
    assert engine.ran == []
    assert finished.verdicts == before
    with open_store(tmp_path / "tiny") as store:
        assert len(store.planned_trials()) == 2 * 5 + 2 * 15


def test_seeds_added_by_number_are_an_interim_analysis_too(run, tmp_path: Path) -> None:
    run(until_decided=True, most_seeds=10, budget=1e6)
    with open_store(tmp_path / "tiny") as store:
        before = store.analyses()["open"].through
    text = CLAIMS.replace("seeds = 2", "seeds = 13")
    finished, engine, _ = run(text)
    assert seeds_run(engine, 20) == set(range(5, 13)), "stored trials are not re-run"
    counts = [analysis.n for analysis in finished.verdicts[0].interim_analyses]
    assert counts == [5], "the claim was decided, so later seeds do not count"
    assert "8 seeds came after the last interim analysis and do not count" in finished.verdicts[0].reason
    assert before[-1] == 9


def test_the_maximum_number_of_seeds_is_fixed_after_the_first_interim_analysis(run) -> None:
    run(until_decided=True, most_seeds=15)
    with pytest.raises(UserError, match=r"--most-seeds 60: .* at most 15 seeds"):
        run(until_decided=True, most_seeds=60)


def test_a_refused_run_does_not_change_the_stored_experiment(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(until_decided=True, most_seeds=15)

    def refuses(*_: object) -> None:
        raise UserError("no such scheduler")

    monkeypatch.setattr("harness.runner.flow.cluster_engine", refuses)
    for options in ({"until_decided": True, "most_seeds": 60}, {"cluster": Cluster()}):
        with pytest.raises(UserError):
            run(CLAIMS.replace("seeds = 2", "seeds = 3"), **options)
        assert (tmp_path / "tiny" / EXPERIMENT_NAME).read_text(encoding="utf-8") == CLAIMS


def test_a_maximum_below_the_experiments_seeds_is_refused(run) -> None:
    with pytest.raises(UserError, match="--most-seeds 1: the experiment begins with 2 seeds"):
        run(until_decided=True, most_seeds=1)


def test_no_seeds_are_added_when_the_time_is_spent(run) -> None:
    finished, engine, _ = run(until_decided=True, budget=1e-9)
    assert engine.ran == []
    assert finished.open_claims == ()


def test_a_budget_that_ends_while_seeds_are_added_leaves_a_complete_plan(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times_out = iter((False, True))

    def stage(of: Run, trials: Mapping[str, TrialSpec]) -> RunOutcome:
        return run_stage(replace(of, deadline=0.0) if next(times_out) else of, trials)

    monkeypatch.setattr("harness.runner.add_seeds.run_stage", stage)
    finished, engine, said = run(until_decided=True, most_seeds=15, budget=1e6)
    assert said.count("Adding seeds for") == 2
    assert finished.open_claims == ("open",)
    assert not finished.left_out
    with open_store(tmp_path / "tiny") as store:
        assert store.planned_trials().keys() == {trial.id for trial in engine.ran}
    monkeypatch.undo()
    finished, engine, said = run(until_decided=True, budget=1e6)
    assert engine.ran, "the next run adds the seeds that did not fit"


def test_no_seeds_are_added_for_claims_that_seeds_cannot_decide(run) -> None:
    def all_fail(trial: Trial) -> Record:
        return record(trial.spec, attempt=trial.attempt, status="diverged", test={})

    finished, engine, _ = run(result=all_fail, until_decided=True)
    assert seeds_run(engine, 20) == set(range(5)), "more seeds cannot decide a claim if all trials failed"
    assert [verdict.verdict for verdict in finished.verdicts] == ["undecided"] * 2
    assert finished.open_claims == ()


def test_a_loaded_experiment_is_stored_with_its_text_and_judged_by_its_claims(run, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(CLAIMS, encoding="utf-8")
    finished = run(load_experiment(tmp_path / "mine.toml"))[0]
    assert (tmp_path / "tiny" / EXPERIMENT_NAME).read_text(encoding="utf-8") == CLAIMS
    assert [verdict.id for verdict in finished.verdicts] == ["clear", "open"]


def test_a_changed_experiment_is_judged_by_its_own_claims_in_an_existing_folder(run, tmp_path: Path) -> None:
    run()
    given = experiment(CLAIMS)
    finished = run(given.model_copy(update={"claim": given.claim[1:], "seeds": (0, 1, 2)}))[0]
    assert [verdict.id for verdict in finished.verdicts] == ["open"]
    assert [verdict.id for verdict in judge_results(tmp_path / "tiny")] == ["open"]
    assert load_stored_experiment(tmp_path / "tiny").seeds == (0, 1, 2)


def test_a_run_from_the_folders_own_copy_has_nothing_left_to_do(run, tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("the quick brown fox. " * 200, encoding="utf-8")
    text = EXPERIMENT.replace('"recall"', '"language"') + 'options.text = "corpus.txt"\n'
    run(experiment(text, folder=tmp_path))
    copy = load_experiment(tmp_path / "tiny" / EXPERIMENT_NAME)
    finished, engine, _ = run(copy)
    assert engine.ran == []
    assert finished.outcome.planned == finished.outcome.stored_before == 8


def test_a_number_of_seeds_replaces_that_of_the_file_and_is_in_the_command_of_the_report(run, tmp_path: Path) -> None:
    _, engine, _ = run(seeds=3)
    assert seeds_run(engine, 20) == {0, 1, 2}
    assert (tmp_path / "tiny" / EXPERIMENT_NAME).read_text(encoding="utf-8") == CLAIMS
    assert read_results(tmp_path / "tiny").data.command.endswith(" --seeds 3")
    with pytest.raises(UserError, match="seeds is 0, expected a whole number of at least 1"):
        run(seeds=0)


@pytest.mark.parametrize(("text", "plans"), [(CLAIMS, 1), (TUNED, 3)])
def test_a_plan_is_made_once_for_each_stage(run, monkeypatch: pytest.MonkeyPatch, text: str, plans: int) -> None:
    """With tuned rates: for the tuning, for the comparison, and to see that nothing is left to plan."""
    count = 0

    def counting(*given: object, **options: object) -> Plan:
        nonlocal count
        count += 1
        return make_plan(*given, **options)

    monkeypatch.setattr("harness.runner.flow.make_plan", counting)
    monkeypatch.setattr("harness.runner.stages.make_plan", counting)
    run(text, result=lambda t: record(t.spec, attempt=t.attempt, validation={"loss": 1.0}))
    assert count == plans
