"""An experiment: the sweeps to train and the claims to judge, as one frozen object."""

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
    """A question as data: what to train, and which claims to judge by it."""

    model_config = STRICT

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    """Names the results folder: letters, digits, '_', '-', '.'; at most 64."""
    title: Annotated[str, Field(min_length=1)]
    """For the report."""
    description: str = ""
    """For the report."""
    folder: Annotated[str, AfterValidator(_absolute), Field(json_schema_extra={"pattern": "^[/~]"})] | None = None
    """Where relative paths and `module:attribute` names are found; default: the file's own folder."""
    seeds: Seeds
    """How many (5 stands for 0 to 4), or a list of them."""
    cells: CellNames
    """What is compared: names, or module:attribute for one of your own."""
    backend: BackendNames = ("fused",)
    """How the cells are executed."""
    lane: Lane = "accuracy"
    """accuracy: trials share the machine; speed: each has it to itself, and its updates are timed."""
    limits: TrialLimits = TrialLimits()
    """What one trial may take."""
    figures: FigureNames = ()
    """Shown in the report after the bundled ones: names, or module:attribute for one of your own."""
    sweep: OneOrMore[Sweep]
    """What to train."""
    claim: Annotated[AnyNumber[Claim], AfterValidator(distinct_ids)] = ()
    """What is to be judged."""
    _source: str = PrivateAttr(default="")
    _folder: Path | None = PrivateAttr(default=None)
    _renamed: tuple[str, ...] = PrivateAttr(default=())
    _text: str = PrivateAttr(default="")
    """As it was written, with its folder where that matters."""
    _read: dict[str, Any] = PrivateAttr(default_factory=dict)
    """The fields as they were read from the text: a changed copy has others."""

    @property
    def source(self) -> str:
        """The file it was read from, or its name: for messages."""
        return self._source or self.name

    @property
    def renamed(self) -> tuple[str, ...]:
        """What the text that was read calls by an old name, and the present name: for messages."""
        return self._renamed

    @property
    def trained_cells(self) -> tuple[str, ...]:
        """The cells of all sweeps, each once."""
        return tuple(dict.fromkeys(cell for sweep in self.sweep for cell in sweep.cells or self.cells))

    def text(self) -> str:
        """TOML text that `parse_experiment` reads as this experiment, wherever the text lies.

        It is the text that was read, comments included, unless the experiment was changed since or made in Python.
        Raises UserError where an option has a value that TOML lacks.
        """
        if self.is_as_read():
            return self._text
        try:
            return to_toml(self.model_dump(exclude_defaults=True))
        except (PydanticSerializationError, TypeError) as error:
            raise UserError(f"{self.source}: cannot be written as TOML: {error}") from error

    def is_as_read(self) -> bool:
        """Whether it was read from a text and not changed since."""
        return dict(self) == self._read


def with_number_of_seeds(experiment: Experiment, number: int) -> Experiment:
    """The experiment with this number of seeds in every sweep: its own in their order, then the following integers."""
    if not 1 <= number <= MOST_SEEDS:
        raise UserError(f"seeds {number}: expected at least 1 and at most {MOST_SEEDS:,}")

    def chosen(seeds: tuple[int, ...]) -> tuple[int, ...]:
        return (*seeds, *range(max(seeds) + 1, max(seeds) + 1 + number))[:number]

    sweeps = [sweep.model_copy(update={"seeds": sweep.seeds and chosen(sweep.seeds)}) for sweep in experiment.sweep]
    return experiment.model_copy(update={"seeds": chosen(experiment.seeds), "sweep": tuple(sweeps)})
