"""The plan of an experiment: its trials by id. If learning rates are tuned, the plan has two stages."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from harness.errors import UserError
from harness.plan.digest import code_version
from harness.plan.matching import units_of
from harness.plan.rates import Choice, choose, held_out
from harness.spec.claims import Comparison, TimeToTarget
from harness.spec.experiment import Experiment
from harness.spec.factors import SETTINGS, Lane, Purpose
from harness.spec.sweep import Sweep
from harness.spec.trial import TrialSpec
from harness.spec.tuning import Tuning
from harness.tasks import tasks

MOST_TRIALS = 1_000_000
"""The maximum number of trials of a sweep, because each takes at least 2 kB of memory."""
Losses = Mapping[str, float]
"""Trial id to validation loss, for trials with a final record; infinite for failed trials."""
_ByRate = dict[float, list[float]]
"""Validation losses of tuning trials by learning rate."""


@dataclass(frozen=True)
class Plan:
    """The trials of an experiment that are known at this stage."""

    trials: Mapping[str, TrialSpec]
    """Specs by trial id, in the order of seeds, so that an unfinished run is still paired."""
    wide: Mapping[str, TrialSpec]
    """`trials`, and those of further seeds in every sweep, which `--until-decided` may add."""
    choices: tuple[Choice, ...]
    """The learning rates chosen by tuning, with the validation losses of all rates."""
    without_rate: tuple[str, ...]
    """The sweeps and cells that cannot continue, because a tuning trial failed at every learning rate."""


def make_plan(experiment: Experiment, losses: Losses | None = None, *, most_seeds: int = 0) -> Plan:
    """The plan of an experiment; deterministic.

    If learning rates are tuned, the plan has the tuning trials of a sweep. It has the trials of the comparison only if
    `losses` has a loss for each tuning trial of the sweep; without `losses`, all rates count as equally good. A cell
    for which a trial failed at every rate has no trials in the comparison.

    most_seeds: the minimum number of seeds of each sweep in `wide`: its seeds, then the integers after the largest one

    Raises UserError if a task cannot make the data of a sweep.
    """
    specs: dict[str, TrialSpec] = {}
    asked_for: set[str] = set()
    choices: list[Choice] = []
    without_rate: list[str] = []
    for index, sweep in enumerate(experiment.sweep):
        seeds = sweep.seeds or experiment.seeds
        further = range(max(seeds) + 1, max(seeds) + 1 + max(0, most_seeds - len(seeds)))
        wider = sweep.model_copy(update={"seeds": (*seeds, *further)})
        planned, chosen, stuck = _sweep_plan(experiment, index, wider, losses)
        for spec in planned:
            id = spec.id()
            specs.setdefault(id, spec)
            if spec.purpose == "tuning" or spec.seed in seeds:
                asked_for.add(id)
        choices += chosen
        without_rate += stuck
    # Tuning trials first, then the first seed of every condition, and so on.
    wide = dict(sorted(specs.items(), key=lambda item: (item[1].purpose != "tuning", item[1].seed)))
    trials = {id: spec for id, spec in wide.items() if id in asked_for}
    return Plan(trials, wide, tuple(choices), tuple(without_rate))


def _sweep_plan(
    experiment: Experiment, index: int, sweep: Sweep, losses: Losses | None
) -> tuple[list[TrialSpec], list[Choice], list[str]]:
    """The trials of a sweep, the rates that tuning chose, and the cells for which it cannot continue, with reasons."""
    place = f"{experiment.source}: sweep[{index}] ({sweep.task})"
    try:
        _check_evaluation(experiment, sweep)
        if not isinstance(sweep.learning_rate, Tuning):
            return [planned.spec for planned in _expand(experiment, sweep, sweep.learning_rate)], [], []
        if (sweep.lane or experiment.lane) == "speed":
            raise UserError("trials of the speed lane are not evaluated, so no learning rate can be tuned by them")
        tune = sweep.learning_rate
        tuning = list(_expand(experiment, _tuning_sweep(sweep, tune), tune.rates, "tuning"))
        known = dict.fromkeys((planned.spec.id() for planned in tuning), 0.0) if losses is None else losses
        groups = _tuning_groups(tuning, known, tune)
        tuning_specs = [planned.spec for planned in tuning]
        if groups is None:
            return tuning_specs, [], []
        choices, stuck = [], []
        for where, by_rate in groups:
            if any(all(map(math.isfinite, of_rate)) for of_rate in by_rate.values()):
                choices.append(choose(where, by_rate))
            else:
                stuck.append(_stuck(index, sweep, where))
        rates = {tuple(choice.where.values()): choice.rate for choice in choices}
        chosen = [
            planned.spec.model_copy(update={"learning_rate": rates[key]})
            for planned in _expand(experiment, sweep, (math.nan,))
            if (key := tuple(_tuned_together(planned, tune.at).values())) in rates
        ]
        return tuning_specs + chosen, choices, stuck
    except (MemoryError, OverflowError) as error:
        raise UserError(f"{place}: its data are too large for this machine ({error})") from error
    except UserError as error:
        raise UserError(f"{place}: {error}") from error


def _stuck(index: int, sweep: Sweep, where: Mapping[str, Hashable]) -> str:
    stated = ", ".join(f"{name} {where[name]}" for name in ("backend", "units", "train_size") if name in where)
    return (
        f"sweep[{index}] ({sweep.task}) cannot continue for {where['cell']} ({stated}): at every learning rate a tuning"
        " trial failed, so no rate is left"
    )


def _check_evaluation(experiment: Experiment, sweep: Sweep) -> None:
    """Raises UserError if `evaluate_lengths` is impossible, before anything is trained."""
    task = tasks[sweep.task]
    if not sweep.evaluate_lengths or task.make_test is None:
        return
    if "article" in (sweep.backend or experiment.backend):
        raise UserError("backend 'article' runs one sequence length, so 'evaluate_lengths' needs 'keras' or 'fused'")
    for length in sweep.evaluate_lengths:
        task.make_test(length, 0, sweep.task_options())


def _tuned_together(planned: _Planned, at: str) -> dict[str, Hashable]:
    """The factors of a trial for which a learning rate is chosen."""
    spec, asked = planned
    names = ("task", "cell", "backend", "units", "matched") + (("train_size", "sequence_length") if at == "all" else ())
    spec_values = {name: getattr(spec, name) for name in names}
    return spec_values | {name: asked[name] for name in asked if name not in spec_values and name not in _NOT_TUNED_BY}


_NOT_TUNED_BY = ("learning_rate", "seed", "match")


def _tuning_groups(
    tuning: Sequence[_Planned], losses: Losses, tune: Tuning
) -> list[tuple[dict[str, Hashable], _ByRate]] | None:
    """For each learning rate to choose: its factors, and the losses by rate. None if a loss is missing."""
    groups: dict[tuple[Hashable, ...], tuple[dict[str, Hashable], _ByRate]] = {}
    for planned in tuning:
        id = planned.spec.id()
        if id not in losses:
            return None
        where = _tuned_together(planned, tune.at)
        _, by_rate = groups.setdefault(tuple(where.values()), (where, {}))
        by_rate.setdefault(planned.spec.learning_rate, []).append(losses[id])
    return list(groups.values())


def _tuning_sweep(sweep: Sweep, tune: Tuning) -> Sweep:
    """The sweep of the tuning trials: the middle size and length, or all of them, with the seeds for tuning."""
    changes: dict[str, Any] = {"seeds": tuple(tune.seed_numbers()), "evaluate_lengths": ()}
    if tune.at == "middle":
        for name in ("train_size", "sequence_length"):
            values = sorted(getattr(sweep, name))
            changes[name] = (values[len(values) // 2],)
    return sweep.model_copy(update=changes)


_Asked = Mapping[str, Any]
"""One combination of the factors of a sweep, except sizes and lengths: values by the keys of `_varied`."""


class _Planned(NamedTuple):
    """A trial, and the combination of factors that it belongs to."""

    spec: TrialSpec
    asked: _Asked


def _varied(
    experiment: Experiment, sweep: Sweep, cell_names: Sequence[str], rates: Sequence[float]
) -> dict[str, Sequence[Hashable]]:
    """The values of all factors that a sweep varies, except sizes and lengths."""
    return {
        "units": sweep.units,
        "layers": sweep.layers,
        "match": sweep.match,
        "learning_rate": rates,
        "batch_size": sweep.batch_size,
        "duration": sweep.updates or sweep.epochs or (),
        **{factor.name: getattr(sweep, factor.name) or (None,) for factor in SETTINGS if factor.several},
        "backend": sweep.backend or experiment.backend,
        "seed": sweep.seeds or experiment.seeds,
        "cell": cell_names,
    }


def _settings(sweep: Sweep, asked: _Asked) -> dict[str, Any]:
    """The settings of a trial: those of the combination, and those with a single value in the sweep."""
    values = [asked[factor.name] if factor.several else getattr(sweep, factor.name) for factor in SETTINGS]
    return {factor.name: None if value == factor.off else value for factor, value in zip(SETTINGS, values, strict=True)}


def _expand(
    experiment: Experiment, sweep: Sweep, rates: Sequence[float], purpose: Purpose = "comparison"
) -> Iterator[_Planned]:
    task = tasks[sweep.task]
    check = sweep.until_target and purpose == "comparison"
    lane: Lane = "speed" if check else sweep.lane or experiment.lane
    is_judged = lane == "accuracy" and purpose == "comparison"
    claims = _claims_on(sweep.task, experiment) if is_judged else []
    named = [claim.target for claim in claims if isinstance(claim, TimeToTarget) and claim.target is not None]
    targets = tuple(dict.fromkeys(named))
    if sweep.stop_at_target and lane == "speed":
        raise UserError("'stop_at_target' ends training in the accuracy lane; leave it out in the speed lane")
    if sweep.stop_at_target and targets:
        raise UserError(
            f"a claim names the target {targets[0]!r}, and 'stop_at_target' ends training at the task's own; leave one"
            " of them out"
        )
    train_scores = any(getattr(claim, "on", None) == "train_loss" for claim in claims)
    options = sweep.task_options()
    data = dict(sorted(task.identity(options).items()))
    carried = task.carries(options)
    cell_names = sweep.cells or experiment.cells
    code = {cell: code_version(sweep.task, cell) for cell in cell_names}
    reference = sweep.reference or ("lstm" if "lstm" in cell_names else cell_names[0])
    varied = _varied(experiment, sweep, cell_names, rates)
    trials = math.prod(map(len, (sweep.train_size, sweep.sequence_length, *varied.values())))
    if trials > MOST_TRIALS:
        raise UserError(f"{trials:,} trials, expected at most {MOST_TRIALS:,}: fewer seeds or values of its factors")
    for train_size, length in product(sweep.train_size, sweep.sequence_length):
        examples = task.examples(train_size, length, options)
        for values in product(*varied.values()):
            asked: dict[str, Any] = dict(zip(varied, values, strict=True))
            batch_size = min(asked["batch_size"], examples)
            trained_on = examples - held_out(examples) if purpose == "tuning" else examples
            if carried:
                _check_streams(train_size, trained_on, batch_size)
            updates = asked["duration"] if sweep.updates else asked["duration"] * -(-examples // batch_size)
            spec = TrialSpec(
                task=sweep.task,
                options=sweep.options,
                data=data,
                code=code[asked["cell"]],
                cell=asked["cell"],
                backend=asked["backend"],
                lane=lane,
                units=units_of(sweep, reference, options, asked),
                layers=asked["layers"],
                dense_units=sweep.dense_units,
                matched=asked["match"],
                reference_units=asked["units"],
                train_size=train_size,
                sequence_length=length,
                learning_rate=asked["learning_rate"],
                batch_size=batch_size,
                updates=updates,
                evaluate_every=min(sweep.evaluate_every or -(-updates // 10), updates),
                patience=sweep.patience,
                stop_at_target=sweep.stop_at_target and is_judged,
                evaluate_lengths=sweep.evaluate_lengths,
                gradient_reach=sweep.gradient_reach and purpose == "comparison",
                train_scores=train_scores,
                purpose="check" if check else purpose,
                seed=asked["seed"],
                targets=targets,
                **_settings(sweep, asked),
            )
            yield _Planned(spec, asked)


def _claims_on(task: str, experiment: Experiment) -> list[Comparison]:
    """The claims that compare trials of a task."""
    comparisons = (claim for claim in experiment.claim if isinstance(claim, Comparison))
    return [claim for claim in comparisons if claim.where.task is None or task in claim.where.task]


def _check_streams(train_size: int, windows: int, batch_size: int) -> None:
    if windows < 2 * batch_size:
        raise UserError(
            f"train_size {train_size:,} makes {windows:,} windows to train on, fewer than two for each of the "
            f"{batch_size:,} streams of a batch, so that no state would be carried: expected a batch_size of at most "
            f"{windows // 2:,}, or more data"
        )
