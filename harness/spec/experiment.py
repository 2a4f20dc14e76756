"""The model of an experiment file: the sweeps to train and the claims to judge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    PrivateAttr,
)
from pydantic_core import PydanticSerializationError

from harness.errors import UserError
from harness.spec.claims import Claim
from harness.spec.factors import Lane
from harness.spec.sweep import Sweep
from harness.spec.toml import to_toml
from harness.spec.trial import TrialLimits
from harness.spec.types import (
    MOST_SEEDS,
    STRICT,
    AnyNumber,
    BackendNames,
    CellNames,
    FigureNames,
    OneOrMore,
    Seeds,
)


def distinct_ids(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """The claims. Raises ValueError where two have the same id."""
    ids = [claim.id for claim in claims]
    for id in ids:
        if ids.count(id) > 1:
            raise ValueError(f"two claims have the id {id!r}")
    return claims


def _absolute(folder: str) -> str:
    if not Path(folder).is_absolute() and not folder.startswith("~"):
        raise ValueError(f"expected an absolute path; found {folder!r}")
    return folder


class Experiment(BaseModel):
    """An experiment file: which trials to train, and which claims to judge with them."""

    model_config = STRICT

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    """Name of the results folder: at most 64 letters, digits, '_', '-' and '.'."""
    title: Annotated[str, Field(min_length=1)]
    """Title of the report."""
    description: str = ""
    """Introduction of the report."""
    folder: Annotated[str, AfterValidator(_absolute), Field(json_schema_extra={"pattern": "^[/~]"})] | None = None
    """Base folder of relative paths and `module:attribute` names; default: the folder of the experiment file."""
    seeds: Seeds
    """Number of seeds (5 stands for the seeds 0 to 4), or a list of seeds."""
    cells: CellNames
    """The cells to compare: names, or module:attribute for a custom cell."""
    backend: BackendNames = ("fused",)
    """The code that executes the cells."""
    lane: Lane = "accuracy"
    """accuracy: trials share the machine; speed: each trial has the machine to itself, and its updates are timed."""
    limits: TrialLimits = TrialLimits()
    """Time and memory limits of a trial."""
    figures: FigureNames = ()
    """Additional figures of the report: names, or module:attribute for a custom figure."""
    sweep: OneOrMore[Sweep]
    """The sweeps to train."""
    claim: Annotated[AnyNumber[Claim], AfterValidator(distinct_ids)] = ()
    """The claims to judge."""
    _source: str = PrivateAttr(default="")
    _folder: Path | None = PrivateAttr(default=None)
    _renamed: tuple[str, ...] = PrivateAttr(default=())
    _text: str = PrivateAttr(default="")
    """The text of the file, with the key `folder` added if paths or modules depend on it."""
    _read: dict[str, Any] = PrivateAttr(default_factory=dict)
    """The fields as read from the text. In a changed copy of the experiment they differ from the present fields."""

    @property
    def source(self) -> str:
        """The file that the experiment was read from, else its name; for messages."""
        return self._source or self.name

    @property
    def renamed(self) -> tuple[str, ...]:
        """A note for each outdated name in the file, with the present name; for messages."""
        return self._renamed

    @property
    def trained_cells(self) -> tuple[str, ...]:
        """The cells of all sweeps, each once."""
        return tuple(dict.fromkeys(cell for sweep in self.sweep for cell in sweep.cells or self.cells))

    def text(self) -> str:
        """TOML text that `parse_experiment` reads as this experiment, in any folder.

        This is the text of the file, with its comments, unless the experiment was made or changed in Python.
        Raises UserError if TOML cannot represent the value of an option.
        """
        if self.is_as_read():
            return self._text
        try:
            return to_toml(self.model_dump(exclude_defaults=True))
        except (PydanticSerializationError, TypeError) as error:
            raise UserError(f"{self.source}: cannot be written as TOML: {error}") from error

    def is_as_read(self) -> bool:
        """Whether the experiment was read from a text and has not been changed since."""
        return dict(self) == self._read


def with_number_of_seeds(experiment: Experiment, number: int) -> Experiment:
    """The experiment with this number of seeds in every sweep: first those of the file, then the following integers."""
    if not 1 <= number <= MOST_SEEDS:
        raise UserError(f"seeds {number}: expected at least 1 and at most {MOST_SEEDS:,}")

    def chosen(seeds: tuple[int, ...]) -> tuple[int, ...]:
        return (*seeds, *range(max(seeds) + 1, max(seeds) + 1 + number))[:number]

    sweeps = [sweep.model_copy(update={"seeds": sweep.seeds and chosen(sweep.seeds)}) for sweep in experiment.sweep]
    return experiment.model_copy(update={"seeds": chosen(experiment.seeds), "sweep": tuple(sweeps)})
