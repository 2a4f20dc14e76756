"""The main job from one end to the other: experiment -> plan -> trials -> store -> verdicts -> report."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.analysis.claims import Verdict
from harness.bundled import locate
from harness.estimate import Estimator
from harness.experiment import Experiment, TrialSpec, load_experiment
from harness.files import remove_parts
from harness.plan import plan
from harness.results import judge_results, read_summaries, render_results, write_summary
from harness.runner import scratch
from harness.runner.child import server_context, without_main
from harness.runner.cluster.connect import Cluster, cluster_engine, homes
from harness.runner.engine import Engine
from harness.runner.limits import Limits
from harness.runner.local import LocalEngine
from harness.runner.progress import ShowProgress, duration
from harness.runner.run import TRY_AGAIN, Outcome, left_to_do, run_plan
from harness.store import EXPERIMENT_NAME, Store, exclusive, open_store, write_atomically
from harness.tasks.cache import VARIABLE as CACHE_VARIABLE
from harness.trial.process import model_summary, use_temporary_folder
from harness.tuning import Tune

CACHE_FOLDER = ".cache"
"""Beside the results folders, where HARNESS_CACHE names no other: data that take long to make. It can be deleted."""


@dataclass(frozen=True)
class Finished:
    """What a run gave: `report` and `verdicts` are empty where it was stopped before the end."""

    directory: Path
    outcome: Outcome
    verdicts: list[Verdict]
    report: Path | None


def run_experiment(
    experiment: Experiment | str | Path,
    *,
    results: str | Path = "results",
    jobs: int | None = None,
    source: str | None = None,
    console: Console | None = None,
    cluster: Cluster | None = None,
) -> Finished:
    """Run what is left of an experiment's plan, judge its claims and write its report into `results/<name>/`.

    `experiment` is a path, a bundled experiment's name, or an experiment with its TOML text as `source`. `jobs` trials
    run side by side (default: as many as there are cores). A run that was stopped goes on where it was.
    With `cluster`, trials run on Dask's workers. Raises UserError.
    """
    if not isinstance(experiment, Experiment):
        path = locate(experiment)
        experiment = load_experiment(path)
        source = path.read_text(encoding="utf-8")
    console = console or Console()
    directory = Path(results) / experiment.name
    plan(experiment, {})  # a plan that cannot be made is told before anything is written
    with open_store(directory, create=True) as store, exclusive(directory):
        if source is not None:
            write_atomically(directory / EXPERIMENT_NAME, source)
        cache = Path(os.environ.get(CACHE_VARIABLE) or directory.parent / CACHE_FOLDER)
        remove_parts(cache)
        with _engine(cluster, jobs, _limits(experiment), cache, store, console) as engine:
            outcome = _run_stages(experiment, store, engine, console)
        if outcome.stopped:
            return Finished(directory, outcome, [], None)
        _summarise_models(experiment, directory)
        verdicts = judge_results(directory)
        return Finished(directory, outcome, verdicts, render_results(directory, verdicts))


@contextmanager
def _engine(
    cluster: Cluster | None, jobs: int | None, limits: Limits, cache: Path, store: Store, console: Console
) -> Iterator[Engine]:
    if cluster is None:
        yield LocalEngine(jobs, limits, cache)
        return

    def say(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    with cluster_engine(cluster, jobs, limits, lambda: homes(store), say) as engine:
        yield engine


def _limits(experiment: Experiment) -> Limits:
    given = experiment.limits
    return Limits(given.seconds, int(given.memory_gib * 2**30) if given.memory_gib else None)


def final_losses(store: Store) -> dict[str, float]:
    """Validation losses by trial id, for tuning; infinite for a trial that failed for good."""
    losses = {}
    for record in store.records(all_records=True):
        if record["spec"]["purpose"] == "tuning" and record["status"] not in TRY_AGAIN:
            losses[record["trial_id"]] = record["validation"].get("loss", math.inf)
    return losses


def _run_stages(experiment: Experiment, store: Store, engine: Engine, console: Console) -> Outcome:
    """Run the plan; where learning rates are tuned, first the tuning and then what it makes known of the plan."""
    tunes = any(isinstance(sweep.learning_rate, Tune) for sweep in experiment.sweep)
    trials = plan(experiment, final_losses(store) if tunes else {})
    before = finished = failed = 0
    while True:
        store.set_plan(trials)
        stage = _run_stage(experiment, trials, store, engine, console)
        before, finished, failed = before or stage.stored_before, finished + stage.finished, failed + stage.failed
        known_now = trials if stage.stopped or not tunes else plan(experiment, final_losses(store))
        if known_now.keys() == trials.keys():
            return Outcome(len(trials), before, finished, failed, stage.stopped)
        trials = known_now


def _run_stage(
    experiment: Experiment,
    trials: Mapping[str, TrialSpec],
    store: Store,
    engine: Engine,
    console: Console,
) -> Outcome:
    """Run what is left of the plan as far as it is known."""
    left = left_to_do(trials, store.attempts())
    estimator = Estimator(store.records())
    seconds = sum(estimator.seconds(trial.spec) for trial in left) / engine.jobs
    tuning = any(trial.spec.purpose == "tuning" for trial in left)
    console.print(
        f"{experiment.title}: {len(trials)} trials, {len(trials) - len(left)} done before, {len(left)} to do"
        + (f", {engine.jobs} side by side, about {duration(seconds)}" if left else "")
        + (" (to tune learning rates; the comparison follows)" if tuning else ""),
        markup=False,
        soft_wrap=True,
    )
    with ShowProgress(console, left, estimator, engine.jobs, len(trials) - len(left)) as progress:
        return run_plan(left, len(trials), store, engine, progress)


def _summarise_models(experiment: Experiment, directory: Path) -> None:
    """Keep the summaries of the document's models for the report, which itself never imports TensorFlow."""
    missing = [cell for cell in experiment.cells if cell not in read_summaries(directory)]
    if missing:
        temporary = scratch.new_folder()
        pool = ProcessPoolExecutor(1, server_context(), use_temporary_folder, (str(temporary),))
        with without_main(), pool as isolated:
            for cell, text in zip(missing, isolated.map(model_summary, missing), strict=True):
                write_summary(directory, cell, text)
        scratch.remove(temporary)
