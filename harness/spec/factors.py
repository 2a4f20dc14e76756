"""The table of factors: one entry for everything that may differ between two trials.

`TrialFactors` is the table. Each field has the type and the default of a trial's value, and a `Factor` that describes
it. The table defines the fields of a trial's spec, the keys of a sweep and of a claim's `where`, and the columns of the
frame. It also decides which trials belong to the same condition, have updates of equal cost, have the same training
trajectory, or share a compiled program. The flags of a `Factor` are true by default, so that a new factor keeps trials
apart unless its entry says otherwise.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

from harness.spec.types import Share

Lane = Literal["accuracy", "speed"]
Match = Literal["units", "parameters"]
Purpose = Literal["comparison", "tuning", "check", "prediction"]
"""What a trial is for. Tuning trials choose learning rates, checks time the training up to a target, and `harness
backends` times predictions. Claims compare only trials with the purpose `comparison`."""
Optimizer = Literal["adam", "rmsprop", "sgd"]
Initialiser = Literal["orthogonal", "glorot_uniform"]
"""Initializer of the recurrent kernel."""
Schedule = Literal["constant", "cosine", "step"]
"""Learning-rate schedule; see `harness.trial.schedule`."""
ForgetBias = Annotated[float, Field(allow_inf_nan=False)] | Literal["chrono"]
"""The initial bias of the gate that keeps the old state (LSTM: forget, GRU: update); chrono: log U(1, T - 1)."""
Kind = Literal["text", "whole", "real", "truth"]
"""The kind of values in a column. Lists, tables, and names mixed with numbers are text."""


@dataclass(frozen=True)
class Factor:
    """How a factor is read, shown and compared."""

    about: str
    """Description for the schema and the documentation."""
    _: KW_ONLY
    setting: Any = None
    """The type of a value in the experiment file, for factors that a sweep passes to training unchanged."""
    several: bool = False
    """Whether a sweep accepts a list of values of this setting."""
    off: float | None = None
    """The value in an experiment file that stands for None, because TOML has no null."""
    key: str = ""
    """The key in a sweep, if it differs from the name of the factor."""
    column: str = ""
    """The column in the frame, if it differs from the name of the factor."""
    words: str = ""
    """Template for a value in the name of a condition, such as '{} units'; default: the name and the value."""
    none: str = ""
    """Text for the value None in the name of a condition; default: 'no' and the name."""
    recorded: bool = True
    """Whether the frame has a column for the factor."""
    condition: bool = True
    """Whether trials are compared only if they have the same value."""
    scope: bool = True
    """Whether the scope of a verdict states the value."""
    where: bool = True
    """Whether a claim's `where` may select values."""
    cost: bool = True
    """Whether the time of an update may depend on the factor."""
    run: bool = True
    """Whether the weights after a given number of updates, or the evaluations, depend on the factor."""
    program: bool = True
    """Whether the compiled program depends on the factor. It does not depend on values of variables or on counts."""
    within_block: bool = False
    """Whether trials of one timing block may differ in the factor."""
    usual: bool = True
    """Whether texts leave out the default value."""
    name: str = ""
    type: Any = None
    default: Any = ...
    """Name, type and default come from the field in `TrialFactors`; `...` means that there is no default."""

    @property
    def kind(self) -> Kind:
        """The kind of values in the factor's column."""
        parts = set(get_args(self.type)) if get_origin(self.type) in (Union, types.UnionType) else {self.type}
        if parts <= {int, float, types.NoneType}:
            return "whole" if parts == {int} else "real"
        return "truth" if parts == {bool} else "text"


class TrialFactors(BaseModel):
    """A value of every factor. Scopes, conditions and tables name the factors in this order.

    A value that equals its default is not part of a trial's id. A new factor therefore needs a default: the value with
    which all earlier trials ran. A default must never change, because the ids of all stored records depend on it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    task: Annotated[str, Factor("What is learnt.")]
    cell: Annotated[
        str, Factor("The cell.", condition=False, scope=False, where=False, within_block=True)  # is compared
    ]
    backend: Annotated[str, Factor("Which code executes the cell.", words="backend {}", within_block=True)]
    lane: Annotated[
        Lane,
        Factor(
            "accuracy: trials are trained and evaluated, side by side; speed: updates are timed, machine left alone.",
            words="{} lane",
            cost=False,
            run=False,
            usual=False,
        ),
    ] = "accuracy"
    matched: Annotated[
        Match,
        Factor(
            "Whether cells are compared at equal units or at equal recurrent parameters.",
            key="match", words="equal {}", cost=False, program=False, usual=False,
        ),
    ] = "units"  # fmt: skip
    units: Annotated[
        int,  # cells matched by parameters differ in their units, so units are no condition
        Factor("Units of each recurrent layer.", words="{} units", condition=False, within_block=True),
    ]
    reference_units: Annotated[
        int,
        Factor(
            "Units of the experiment file, before units are matched by parameters.",
            words="{} units", where=False, cost=False, program=False,
        ),
    ]  # fmt: skip
    layers: Annotated[int, Factor("Recurrent layers.", words="{} layers")] = 1
    dense_units: Annotated[
        tuple[int, ...],
        Factor("Units of the dense layers between the recurrent ones and the output.", where=False),
    ] = ()
    train_size: Annotated[
        int, Factor("Size of the training data, in the task's own unit.", words="size {}", cost=False, program=False)
    ]
    sequence_length: Annotated[int, Factor("Time steps.", words="length {}")]
    learning_rate: Annotated[float, Factor("Of the optimizer.", cost=False, program=False, within_block=True)]
    batch_size: Annotated[int, Factor("Examples per update.", words="batches of {}")]
    updates: Annotated[
        int,
        Factor(
            "Maximum number of updates.",
            column="updates_planned", words="{} updates", cost=False, run=False, program=False,
        ),
    ]  # fmt: skip
    evaluate_every: Annotated[
        int,
        Factor(
            "Number of updates between evaluations on the validation split.",
            words="evaluated every {} updates", where=False, cost=False, program=False,
        ),
    ]  # fmt: skip
    evaluate_lengths: Annotated[
        tuple[int, ...],
        Factor(
            "Further sequence lengths at which the trained network is tested.",
            words="tested at lengths {}", where=False, cost=False, run=False,
        ),
    ] = ()  # fmt: skip
    patience: Annotated[
        int | None,
        Factor(
            "Early stopping: evaluations without a better validation loss before training stops; default: none.",
            none="no early stopping", cost=False, run=False, program=False,
        ),
    ] = None  # fmt: skip
    stop_at_target: Annotated[
        bool,
        Factor(
            "End training at the first evaluation that reaches the task's target on the validation split.",
            words="training ends at the target: {}", cost=False, run=False, program=False,
        ),
    ] = False  # fmt: skip
    dropout: Annotated[
        float, Factor("Dropout rate of the inputs of each recurrent layer, as in Keras.", setting=Share)
    ] = 0.0
    recurrent_dropout: Annotated[float, Factor("Dropout rate of the hidden state, as in Keras.", setting=Share)] = 0.0
    clip_norm: Annotated[
        float | None,
        Factor(
            "Maximum global norm of the gradient; 0 for no clipping.",
            setting=Annotated[float, Field(ge=0, allow_inf_nan=False)], several=True, off=0.0,
            words="gradient clipped at {}", none="gradient not clipped",
        ),
    ] = 1.0  # fmt: skip
    optimizer: Annotated[
        Optimizer,
        Factor("Optimizer, with Keras's default settings.", setting=Optimizer, several=True, words="{}"),
    ] = "adam"
    reset_after: Annotated[
        bool,
        Factor(
            "Whether the GRU applies its reset gate after the product with the recurrent kernel, as in Keras.",
            setting=bool, several=True, words="reset after the product: {}",
        ),
    ] = True  # fmt: skip
    forget_bias: Annotated[
        ForgetBias | None,
        Factor(
            "Initial bias of the gate that keeps the old state; default: that of the cell (LSTM 1, GRU 0).",
            setting=ForgetBias, several=True, cost=False, program=False,
        ),
    ] = None  # fmt: skip
    initialiser: Annotated[
        Initialiser,
        Factor(
            "Initializer of the recurrent kernel.",
            setting=Initialiser,
            several=True,
            words="{}",
            cost=False,
            program=False,
        ),
    ] = "orthogonal"
    weight_decay: Annotated[
        float,
        Factor(
            "Decoupled weight decay, as in AdamW, of all weights except biases; 0 for none.",
            setting=Annotated[float, Field(ge=0, allow_inf_nan=False)], several=True,
        ),
    ] = 0.0  # fmt: skip
    schedule: Annotated[
        Schedule,
        Factor(
            "Learning-rate schedule over the planned updates.",
            setting=Schedule, several=True, words="{} learning rate",
        ),
    ] = "constant"  # fmt: skip
    bidirectional: Annotated[
        bool,
        Factor(
            "Whether each recurrent layer has a second one beside it that reads the sequence from its end.",
            setting=bool, several=True, words="bidirectional: {}",
        ),
    ] = False  # fmt: skip
    gradient_reach: Annotated[
        bool,
        Factor(
            "Measure the gradient reach before and after training.",
            condition=False, scope=False, where=False, cost=False, run=False, program=False,
        ),
    ] = False  # fmt: skip
    train_scores: Annotated[
        bool,
        Factor(
            "Score the training split after training, for claims on `train_loss`.",
            condition=False, scope=False, where=False, cost=False, run=False, program=False,
        ),
    ] = False  # fmt: skip
    purpose: Annotated[
        Purpose,
        Factor(
            "Comparison, tuning, check or prediction.",
            condition=False, scope=False, where=False, cost=False, run=False, program=False,
        ),
    ] = "comparison"  # fmt: skip
    options: Annotated[
        dict[str, Any],  # they hold paths; what identifies the data is in `data`
        Factor(
            "The task's options as given, paths made absolute.",
            condition=False, scope=False, where=False, cost=False, run=False, program=False,
        ),
    ]  # fmt: skip
    data: Annotated[
        dict[str, str],  # hashes: scopes state the column `dataset`
        Factor("What identifies the data behind the options: hashes, not paths.", scope=False, where=False),
    ]
    code: Annotated[
        str,  # differs between cells
        Factor(
            "Digest of the code that trains this trial.", condition=False, scope=False, where=False, within_block=True
        ),
    ]
    seed: Annotated[
        int,  # trials are paired by seed; shapes do not depend on it
        Factor(
            "Seed of data, initial weights and dropout.",
            condition=False,
            scope=False,
            where=False,
            cost=False,
            program=False,
        ),
    ]
    targets: Annotated[
        tuple[float | str, ...],
        Factor(
            "Targets that time-to-target claims name in addition to the task's target: validation losses, or baselines."
            " Near a target, evaluations are more frequent. Targets change no result and are not part of the id.",
            recorded=False, condition=False, scope=False, where=False, cost=False, run=False, program=False,
        ),
    ] = ()  # fmt: skip


def _table() -> dict[str, Factor]:
    factors = {}
    for name, field in TrialFactors.model_fields.items():
        (entry,) = (part for part in field.metadata if isinstance(part, Factor))
        default = ... if field.is_required() else field.default
        factors[name] = replace(
            entry, name=name, type=field.annotation, default=default, column=entry.column or name, key=entry.key or name
        )
    return factors


FACTORS = _table()
"""The factors by name, in the order of `TrialFactors`."""
SETTINGS = tuple(factor for factor in FACTORS.values() if factor.setting is not None)
"""The factors that a sweep passes to training unchanged."""


def columns(chosen: Callable[[Factor], bool], *but: str) -> tuple[str, ...]:
    """The columns of the frame for the factors that `chosen` accepts, without the columns in `but`."""
    return tuple(
        factor.column for factor in FACTORS.values() if factor.recorded and chosen(factor) and factor.column not in but
    )
