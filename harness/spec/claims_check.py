"""Checks that the sweeps of an experiment run the trials that its claims need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from harness.errors import UserError, nearest
from harness.spec.claims import OPTION, AlongFactor, Comparison, Exact, NotTestable
from harness.spec.factors import FACTORS
from harness.spec.tuning import Tuning

if TYPE_CHECKING:
    from harness.spec.experiment import Experiment
    from harness.spec.sweep import Sweep

_UNKNOWN_BEFOREHAND = ("batch_size", "updates", "patience", "clip_norm")
"""Factors whose values may depend on the data or on other keys, so that only the plan knows them."""


def check_claims(experiment: Experiment) -> None:
    """Raises UserError for the first claim that no sweep has trials for, with what the nearest sweep lacks."""
    for place, claim in enumerate(experiment.claim):
        if isinstance(claim, Exact | NotTestable):
            continue
        lacking = [list(_lacking(claim, experiment, sweep)) for sweep in experiment.sweep]
        where = f"{experiment.source}: claim[{place}] ({claim.id})"
        if all(lacking):
            nearest = min(range(len(lacking)), key=lambda index: len(lacking[index]))
            task = experiment.sweep[nearest].task
            raise UserError(
                f"{where}: no sweep has trials for it; the nearest, sweep[{nearest}] ({task}), has "
                + "; ".join(lacking[nearest])
            )
        if isinstance(claim, AlongFactor):
            fitting = [sweep for sweep, lacks in zip(experiment.sweep, lacking, strict=True) if not lacks]
            _check_levels(claim, fitting, where)


def _lacking(claim: Comparison, experiment: Experiment, sweep: Sweep) -> Iterator[str]:
    """What the claim needs and the sweep does not run, in words."""
    trained = sweep.cells or experiment.cells
    missing = [cell for cell in (claim.better, claim.than) if cell not in trained]
    if missing:
        yield f"the cells {_listed(trained)}, not {_listed(missing)}"
    for name, wanted in claim.where.asked.items():
        option = name.removeprefix(OPTION)
        if option != name and option not in sweep.options:
            yield f"no option {option!r}.{nearest(option, sweep.options)}"
            continue
        if option != name and isinstance(sweep.options[option], list | dict):
            yield f"several values in {name}, by which no claim can select"
            continue
        has = _values(name, experiment, sweep)
        if isinstance(wanted, tuple) and has is not None and not set(wanted) & set(has):
            yield f"{name} {_listed(has)}, not {_listed(wanted)}"


def _values(name: str, experiment: Experiment, sweep: Sweep) -> tuple[Any, ...] | None:
    """The values of a factor that the sweep runs; None if only the plan knows them."""
    if name in _UNKNOWN_BEFOREHAND or (name == "learning_rate" and isinstance(sweep.learning_rate, Tuning)):
        return None
    if name.startswith(OPTION):
        return (sweep.options[name.removeprefix(OPTION)],)
    value = getattr(sweep, FACTORS[name].key)
    if name in ("backend", "lane"):
        value = value or getattr(experiment, name)
    if name == "forget_bias":
        return ("",) if value is None else tuple(bias if isinstance(bias, str) else str(bias) for bias in value)
    return value if isinstance(value, tuple) else (value,)


def _check_levels(claim: AlongFactor, sweeps: Sequence[Sweep], where: str) -> None:
    """Raises UserError if the sweeps have fewer values of the claim's factor than it needs."""
    option = claim.along.removeprefix(OPTION)
    if option == claim.along:
        along = [getattr(sweep, claim.along) for sweep in sweeps]
    else:
        along = [sweep.options.get(option) for sweep in sweeps]
        if odd := [value for value in along if isinstance(value, bool) or not isinstance(value, int | float)]:
            raise UserError(
                f"{where}: 'along' is {claim.along!r}, which has to be a number in each sweep; found {_shown(odd[0])}"
            )
    if any(isinstance(values, Tuning) for values in along):
        return
    levels = {level for values in along for level in (values if isinstance(values, tuple) else (values,))}
    if len(levels) < claim.fewest_levels:
        raise UserError(
            f"{where}: a {claim.kind} along {claim.along!r} needs at least {claim.fewest_levels} values of it; "
            f"its sweeps have {_listed(sorted(levels))}"
        )


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(map(_shown, values))


def _shown(value: Any) -> str:
    """A value in TOML syntax; 'none' for an option without a value."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'" if isinstance(value, str) else f"{value:g}"
