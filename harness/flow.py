"""The main job from one end to the other: experiment -> plan -> trials -> store -> verdicts -> report."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from harness.analysis.claims import Verdict
from harness.estimate import Estimator
from harness.experiment import Experiment, load_experiment, plan
from harness.results import judge_results, read_summaries, render_results, write_summary
from harness.runner.local import LocalEngine, server_context, without_main
from harness.runner.progress import ShowProgress, duration
from harness.runner.run import Outcome, left_to_do, run_plan
from harness.store import EXPERIMENT_NAME, exclusive, open_store, write_atomically
from harness.trial.process import model_summary


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
) -> Finished:
    """Run what is left of an experiment's plan, judge its claims and write its report into `results/<name>/`.

    `experiment` is a path, or an experiment with its TOML text as `source`. `jobs` trials run side by side (default: as
    many as there are cores). A run that was stopped goes on where it was. Raises UserError.
    """
    if not isinstance(experiment, Experiment):
        path = Path(experiment)
        experiment = load_experiment(path)
        source = path.read_text(encoding="utf-8")
    console = console or Console()
    directory = Path(results) / experiment.name
    trials = plan(experiment)
    with open_store(directory, create=True) as store, exclusive(directory):
        store.set_plan(trials)
        if source is not None:
            write_atomically(directory / EXPERIMENT_NAME, source)
        left = left_to_do(trials, store.attempts())
        estimator = Estimator(store.records())
        engine = LocalEngine(jobs)
        seconds = sum(estimator.seconds(trial.spec) for trial in left) / engine.jobs
        console.print(
            f"{experiment.title}: {len(trials)} trials, {len(trials) - len(left)} done before, {len(left)} to do"
            + (f", {engine.jobs} side by side, about {duration(seconds)}" if left else ""),
            markup=False,
            soft_wrap=True,
        )
        with ShowProgress(console, left, estimator, engine.jobs, len(trials) - len(left)) as progress:
            outcome = run_plan(left, len(trials), store, engine, progress)
        if outcome.stopped:
            return Finished(directory, outcome, [], None)
        _summarise_models(experiment, directory)
        verdicts = judge_results(directory)
        return Finished(directory, outcome, verdicts, render_results(directory, verdicts))


def _summarise_models(experiment: Experiment, directory: Path) -> None:
    """Keep the summaries of the document's models for the report, which itself never imports TensorFlow."""
    missing = [cell for cell in experiment.cells if cell not in read_summaries(directory)]
    if missing:
        with without_main(), ProcessPoolExecutor(max_workers=1, mp_context=server_context()) as isolated:
            for cell, text in zip(missing, isolated.map(model_summary, missing), strict=True):
                write_summary(directory, cell, text)
