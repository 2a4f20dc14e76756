"""The experiment file, read into strict and frozen models; a bad file gets one message."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticSerializationError, to_jsonable_python

from harness.errors import UserError, nearest
from harness.files import read_text, resolved, user_path
from harness.registry import find_beside
from harness.spec.bundled import bundled_experiments, locate
from harness.spec.claims import Claim
from harness.spec.claims_check import check_claims
from harness.spec.explain import explain
from harness.spec.factors import ForgetBias as ForgetBias
from harness.spec.factors import Initialiser as Initialiser
from harness.spec.factors import Lane as Lane
from harness.spec.factors import Match as Match
from harness.spec.factors import Optimizer as Optimizer
from harness.spec.factors import Purpose as Purpose
from harness.spec.toml import to_toml
from harness.spec.types import (
    STRICT,
    AnyNumber,
    CellName,
    CellNames,
    Count,
    Distinct,
    KernelNames,
    Length,
    OneOrMore,
    Positive,
    Seeds,
    Share,
    TaskName,
)
from harness.tasks import tasks
from harness.tasks.common.target import target_of
from harness.tasks.common.task import with_paths_from
from harness.tuning import Tune


def _kind_of_rates(value: object) -> str:
    return "=tuned" if isinstance(value, dict | Tune) else "=given"


Rates = Annotated[
    Annotated[OneOrMore[Positive], Tag("=given")] | Annotated[Tune, Tag("=tuned")], Discriminator(_kind_of_rates)
]
"""One rate, a list of them, or a table `{ tune = [...], seeds = 2 }`."""


class TrialSpec(BaseModel):
    """Everything that decides a trial's result: one cell, kernel, task, size, length, learning rate and seed.

    A value that equals its field's default is not part of the id. So a new factor has a default, under which all
    trials so far were run, and a default is never changed: it is the value behind the ids of all stored records.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str
    options: dict[str, Any]
    """The task's options as given, paths made absolute."""
    data: dict[str, str]
    """What identifies the data behind the options: hashes, not paths."""
    code: str
    """Digest of the code that trains this trial."""
    cell: str
    kernel: str
    lane: Lane = "accuracy"
    units: int
    layers: int = 1
    dense_units: tuple[int, ...] = ()
    matched: Match = "units"
    """Whether cells are compared at equal units or at equal recurrent parameters."""
    reference_units: int
    """The units asked for; a cell matched by parameters has others."""
    train_size: int
    sequence_length: int
    learning_rate: float
    batch_size: int
    updates: int
    """The most updates to do."""
    evaluate_every: int
    """Updates between two evaluations on the validation split."""
    patience: int | None = None
    """Evaluations without a better validation loss after which training stops; None: never."""
    stop_at_target: bool = False
    """Whether training also ends at the first evaluation that finds validation data at the task's own target."""
    dropout: float = 0.0
    recurrent_dropout: float = 0.0
    clip_norm: float | None = 1.0
    optimizer: Optimizer = "adam"
    reset_after: bool = True
    forget_bias: ForgetBias | None = None
    initialiser: Initialiser = "orthogonal"
    evaluate_lengths: tuple[int, ...] = ()
    gradient_reach: bool = False
    train_scores: bool = False
    """Whether the training split is scored at the end: for claims on `train_loss`."""
    purpose: Purpose = "comparison"
    seed: int
    targets: tuple[float | str, ...] = ()
    """Validation losses, or baselines whose loss is to be reached, that claims on time to target name beside the task's
    own target. They decide when evaluations come closer together, and no result: no part of the id."""

    def id(self) -> str:
        """16 hexadecimal digits: the SHA-256 of all that can change the result, and of nothing else.

        It is that of the values that are not their field's default, as JSON with sorted keys.
        """
        values = self.model_dump(mode="json", exclude={"options", "targets"}, exclude_defaults=True)
        text = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def id_by_any_code(self) -> str:
        """The same for trials that ask for the same, by whichever code and version of their data they are trained."""
        return self.model_copy(update={"code": "", "data": {"options": json.dumps(self.options, sort_keys=True)}}).id()

    def program(self) -> str:
        """What the compiled training step and prediction depend on; trials with the same one can share compiled code.

        Everything counts but what is a value of a variable, a count, or a way to choose or to report.
        """
        return self.model_dump_json(exclude=_NOT_COMPILED)


SPEC_DEFAULTS: dict[str, Any] = {
    name: to_jsonable_python(field.default) for name, field in TrialSpec.model_fields.items() if not field.is_required()
}
"""By field, as JSON values: what a stored spec says that was written before there was the field."""


_NOT_COMPILED = {
    "options", "matched", "reference_units", "train_size", "learning_rate", "updates", "evaluate_every", "patience",
    "stop_at_target", "forget_bias", "initialiser", "gradient_reach", "train_scores", "purpose", "targets", "seed",
}  # fmt: skip
"""The fields of a trial's spec that its program does not depend on. The options' effects are in `data`."""


class TrialLimits(BaseModel):
    """`[limits]`: what one trial may take before it is stopped; a trial that was stopped is an outcome."""

    model_config = STRICT

    seconds: Positive = 3600.0
    """Wall time."""
    memory_gib: Positive | None = None
    """Resident memory; default: nine tenths of the machine's, shared out among the trials that run side by side."""


class Sweep(BaseModel):
    """A task with factors; every combination of their values is a condition, run with every cell and seed."""

    model_config = STRICT

    task: TaskName
    """What is learnt: `harness list tasks` names them; or module:attribute."""
    options: dict[str, Any] = {}
    """The task's own settings; paths are relative to the file."""
    cells: CellNames | None = None
    """This sweep's own, in place of those at the top."""
    kernel: KernelNames | None = None
    """This sweep's own, in place of those at the top."""
    lane: Lane | None = None
    """This sweep's own, in place of the one at the top."""
    seeds: Seeds | None = None
    """This sweep's own, in place of those at the top."""
    train_size: OneOrMore[Count]
    """How much training data: characters, sequences, ... as the task counts."""
    sequence_length: OneOrMore[Length]
    """Time steps."""
    units: OneOrMore[Count] = (32,)
    """Of each recurrent layer."""
    layers: OneOrMore[Count] = (1,)
    """Recurrent layers."""
    dense_units: AnyNumber[Count] = ()
    """Units of the dense layers between the recurrent ones and the output."""
    match: Annotated[OneOrMore[Match], Distinct()] = ("units",)
    """By what cells are made comparable: equal units, or equal recurrent parameters."""
    reference: CellName | None = None
    """The cell whose `units` the others match by parameters; default: the LSTM where it is there, else the first."""
    learning_rate: Rates = (3e-3,)
    """A rate, a list of them, or { tune = [...], seeds = 2, at = "middle" }: chosen for each cell."""
    batch_size: OneOrMore[Count] = (32,)
    """At most the training set."""
    updates: OneOrMore[Count] | None = None
    """How long to train; or `epochs`."""
    epochs: OneOrMore[Count] | None = None
    """How long to train; or `updates`."""
    evaluate_every: Count | None = None
    """Updates between two evaluations on the validation split; default: a tenth of the updates."""
    patience: Count | None = None
    """Evaluations without a better validation loss before training stops; default: it never does."""
    stop_at_target: bool = False
    """End training at the first evaluation at which the validation data are at the task's target."""
    dropout: Share = 0.0
    """On the inputs of each recurrent layer, as in Keras."""
    recurrent_dropout: Share = 0.0
    """On the hidden state, as in Keras."""
    clip_norm: OneOrMore[Annotated[float, Field(ge=0, allow_inf_nan=False)]] = (1.0,)
    """The largest norm of the whole gradient; 0: not clipped."""
    optimizer: OneOrMore[Optimizer] = ("adam",)
    """By what rule the weights are updated."""
    reset_after: OneOrMore[bool] = (True,)
    """The GRU's form: whether the reset gate acts after the product with the recurrent weights."""
    forget_bias: OneOrMore[ForgetBias] | None = None
    """Initial bias of the gate that keeps the old state; default: the cell's own (LSTM 1, GRU 0)."""
    initialiser: OneOrMore[Initialiser] = ("orthogonal",)
    """Of the recurrent weights."""
    evaluate_lengths: AnyNumber[Length] = ()
    """Other sequence lengths at which the trained network is tested."""
    gradient_reach: bool = False
    """Measure, before and after training, how much of the last loss each earlier input still feels."""
    until_target: bool = False
    """Measure time to target directly: in the speed lane, train until the validation split is at the task's target."""

    @model_validator(mode="after")
    def _one_length_of_training(self) -> Sweep:
        if (self.updates is None) == (self.epochs is None):
            raise ValueError("give either 'updates' or 'epochs', one of the two")
        return self

    @model_validator(mode="after")
    def _lengths_can_be_evaluated(self) -> Sweep:
        if self.evaluate_lengths and tasks[self.task].make_test is None:
            raise ValueError(f"task {self.task!r} has no other lengths, so 'evaluate_lengths' must be left out")
        return self

    @model_validator(mode="after")
    def _target_can_be_timed(self) -> Sweep:
        if self.until_target and target_of(tasks[self.task]) is None:
            raise ValueError(f"task {self.task!r} declares no target, so 'until_target' must be left out")
        if self.until_target and self.lane == "accuracy":
            raise ValueError("'until_target' measures in the speed lane; leave 'lane' out")
        if self.stop_at_target and target_of(tasks[self.task]) is None:
            raise ValueError(f"task {self.task!r} declares no target, so 'stop_at_target' must be left out")
        return self


def _distinct_ids(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
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
    kernel: KernelNames = ("fused",)
    """How the cells are executed."""
    lane: Lane = "accuracy"
    """accuracy: trials share the machine; speed: each has it to itself, and its updates are timed."""
    limits: TrialLimits = TrialLimits()
    """What one trial may take."""
    sweep: OneOrMore[Sweep]
    """What to train."""
    claim: Annotated[AnyNumber[Claim], AfterValidator(_distinct_ids)] = ()
    """What is to be judged."""
    _source: str = PrivateAttr(default="")
    _folder: Path | None = PrivateAttr(default=None)
    _text: str = PrivateAttr(default="")
    """As it was written, with its folder where that matters."""
    _read: dict[str, Any] = PrivateAttr(default_factory=dict)
    """The fields as they were read from the text: a changed copy has others."""

    @property
    def source(self) -> str:
        """The file it was read from, or its name: for messages."""
        return self._source or self.name

    @property
    def trained_cells(self) -> tuple[str, ...]:
        """The cells of all sweeps, each once."""
        return tuple(dict.fromkeys(cell for sweep in self.sweep for cell in sweep.cells or self.cells))

    def text(self) -> str:
        """TOML text that `parse_experiment` reads as this experiment, wherever the text lies.

        It is the text that was read, comments included, unless the experiment was changed since or made in Python.
        Raises UserError where an option has a value that TOML lacks.
        """
        if dict(self) == self._read:
            return self._text
        try:
            return to_toml(self.model_dump(exclude_defaults=True))
        except (PydanticSerializationError, TypeError) as error:
            raise UserError(f"{self.source}: cannot be written as TOML: {error}") from error

    def checked(self) -> Experiment:
        """This experiment as it would be read from a file: one that was changed or made in Python is checked now.

        Relative paths are then those of the current folder. Raises UserError.
        """
        if dict(self) == self._read:
            return self
        return parse_experiment(self.text(), source=self.source, folder=self._folder or Path.cwd())


class ClaimsFile(BaseModel):
    """A file of claims alone, to judge records by that are there already."""

    model_config = STRICT

    claim: Annotated[OneOrMore[Claim], AfterValidator(_distinct_ids)]
    """What is to be judged."""


def parse_experiment(text: str, *, source: str, folder: Path) -> Experiment:
    """The experiment in TOML text. `source` names it in messages; paths in options are relative to `folder`, as are
    modules, unless the text has a folder of its own.

    Raises UserError with file, key, what was expected and the nearest valid name.
    """
    content = _content(text, source)
    modules = _modules(content)
    try:
        folder = _folder_of(content, folder)
        find_beside(folder, modules)
        experiment = Experiment.model_validate(content)
    except UserError as error:
        raise UserError(f"{source}: {error}") from error
    except ValidationError as error:
        missing = f"\n{_no_folder(source, folder)}" if modules and "folder" in content and not folder.is_dir() else ""
        raise UserError(explain(error, source=source, model=Experiment) + missing) from error
    sweeps = []
    has_relative_paths = False
    for index, sweep in enumerate(experiment.sweep):
        options = tasks[sweep.task].options
        try:
            given = options.model_validate(sweep.options)
            complete = with_paths_from(folder, given)
        except ValidationError as error:
            raise UserError(explain(error, source=source, model=options, at=("sweep", index, "options"))) from error
        except UserError as error:
            raise UserError(f"{source}: sweep[{index}].options: {error}") from error
        has_relative_paths |= complete != given
        sweeps.append(sweep.model_copy(update={"options": complete.model_dump(mode="json")}))
    experiment = experiment.model_copy(update={"sweep": tuple(sweeps)})
    experiment._source, experiment._folder, experiment._text = source, folder, text
    if "folder" not in content and (has_relative_paths or modules):
        experiment._text = _with_folder(text, folder)
        experiment = experiment.model_copy(update={"folder": str(folder)})
    experiment._read = dict(experiment)
    check_claims(experiment)
    return experiment


def load_experiment(path: str | Path) -> Experiment:
    """The experiment in a TOML file, or the bundled one of that name.

    Raises UserError where the file cannot be read or is not right.
    """
    path = locate(path)
    experiment = parse_experiment(_text(path), source=str(path), folder=resolved(path).parent)
    if experiment.folder is not None and not user_path(experiment.folder).is_dir():
        raise UserError(_no_folder(str(path), user_path(experiment.folder)))
    return experiment


def load_claims(path: str | Path) -> tuple[Claim, ...]:
    """The claims of an experiment file, or of a file that has nothing but claims. Raises UserError."""
    path = locate(path)
    text = _text(path)
    content, folder = _content(text, str(path)), resolved(path).parent
    if content.keys() & Experiment.model_fields.keys() - ClaimsFile.model_fields.keys():
        return parse_experiment(text, source=str(path), folder=folder).claim
    try:
        find_beside(folder, _modules(content))
        return ClaimsFile.model_validate(content).claim
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
    except ValidationError as error:
        raise UserError(explain(error, source=str(path), model=ClaimsFile)) from error


def _folder_of(content: dict[str, Any], folder: Path) -> Path:
    """Where relative paths and modules are: as the text says, or in the folder of its file."""
    given = content.get("folder")
    try:
        return resolved(user_path(given) if isinstance(given, str) and given else folder)
    except UserError as error:  # a null character
        raise UserError(f"folder: {given!r} is not a path ({error})") from error


def _no_folder(source: str, folder: Path) -> str:
    return (
        f"{source}: folder: {folder}: no such folder. The experiment's data and modules were there;"
        " change 'folder' to where they are now"
    )


def _with_folder(text: str, folder: Path) -> str:
    """The text with the key `folder`, below the comments that it begins with, where only keys of the top can stand."""
    begin = _COMMENTS.match(text)
    place = begin.end() if begin else 0
    return f"{text[:place]}{to_toml({'folder': str(folder)})}{text[place:]}"


_COMMENTS = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*")
_MODULE = re.compile(r"[\w.]+:\w+")


def _modules(content: object) -> list[str]:
    """The names of the form `module:attribute` that stand where they may; the rest of the content may be wrong."""
    if isinstance(content, str):
        return [content] if _MODULE.fullmatch(content) else []
    if isinstance(content, list):
        return [name for inner in content for name in _modules(inner)]
    if isinstance(content, dict):
        names = [content.get(key) for key in ("task", "cells", "reference", "better", "than")]
        tables = [content.get(key) for key in ("sweep", "claim", "where")]
        return _modules([*names, *(table for table in tables if not isinstance(table, str))])
    return []


def _content(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or a number of more digits than Python reads
        raise UserError(f"{source}: not valid TOML: {error}") from error
    except RecursionError as error:
        raise UserError(f"{source}: lists or tables are nested too deeply") from error


def _text(path: Path) -> str:
    try:
        path.stat()
    except FileNotFoundError:
        siblings = {str(sibling) for sibling in path.parent.glob("[!.]*.toml")} if path.parent.is_dir() else set()
        raise UserError(
            f"{path}: no such experiment file.{nearest(str(path), siblings | bundled_experiments().keys())}"
        ) from None
    except (OSError, ValueError):
        pass  # reading it says what is wrong
    return read_text(path)
