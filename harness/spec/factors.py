"""The table of factors: everything that may differ between two trials, an entry each, and what each place needs of it.

`TrialFactors` is the table. A field has the type and the default of one trial's value, and a `Factor` with the rest.
From it follow the fields of a trial's spec, the keys of a sweep and of a claim's `where`, the columns of the frame, and
what counts as a condition, as the cost of an update, as the same run and as the same compiled program. The flags of a
`Factor` are true by default: an entry that says nothing pools no trials.
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
"""What a trial is for. Tuning chooses learning rates, a check times the way to a target, and `harness backends` times
prediction: claims judge none of these."""
Optimizer = Literal["adam", "rmsprop", "sgd"]
Initialiser = Literal["orthogonal", "glorot_uniform"]
"""Initializer of the recurrent kernel."""
Schedule = Literal["constant", "cosine", "step"]
"""Of the learning rate: `harness.trial.schedule`."""
ForgetBias = Annotated[float, Field(allow_inf_nan=False)] | Literal["chrono"]
"""The initial bias of the gate that keeps the old state (LSTM: forget, GRU: update); chrono: log U(1, T - 1)."""
Kind = Literal["text", "whole", "real", "truth"]
"""Of a column: what it holds. Lists, tables, and names mixed with numbers are text."""


@dataclass(frozen=True)
class Factor:
    """What is known of a factor."""

    about: str
    """A sentence for the schema and the documentation."""
    _: KW_ONLY
    setting: Any = None
    """Of a factor that a sweep passes on to what trains: the type of a value in the experiment file."""
    several: bool = False
    """Whether a sweep takes a list of values of a setting, too."""
    off: float | None = None
    """The value in an experiment file that stands for None, which TOML lacks."""
    key: str = ""
    """Its key in a sweep, where it has another name."""
    column: str = ""
    """Its column in the frame, where it has another name."""
    words: str = ""
    """How the name of a condition states a value, as in '{} units'; default: the name, and the value."""
    none: str = ""
    """How it states that there is none; default: 'no', and the name."""
    recorded: bool = True
    """Whether it is a column of the frame."""
    condition: bool = True
    """Whether trials must agree in it to be compared."""
    scope: bool = True
    """Whether a verdict states it."""
    where: bool = True
    """Whether a claim may be restricted to values of it."""
    cost: bool = True
    """Whether an update may take longer or shorter for it."""
    run: bool = True
    """Whether it decides the weights after a number of updates, or when they are evaluated."""
    program: bool = True
    """Whether the compiled program depends on it; not on a value of a variable, a count, or a way to choose."""
    within_block: bool = False
    """Whether trials of one timing block may differ in it."""
    usual: bool = True
    """Whether its default, where it has one, goes without saying."""
    name: str = ""
    type: Any = None
    default: Any = ...
    """These three are those of the field in `TrialFactors`; `...` where it has no default."""

    @property
    def kind(self) -> Kind:
        """What its column holds."""
        parts = set(get_args(self.type)) if get_origin(self.type) in (Union, types.UnionType) else {self.type}
        if parts <= {int, float, types.NoneType}:
            return "whole" if parts == {int} else "real"
        return "truth" if parts == {bool} else "text"


class TrialFactors(BaseModel):
    """A value of every factor. The order is that in which scopes, conditions and tables name them.

    A value that equals its default is not part of a trial's id. So a new factor has a default, under which all trials
    so far were run, and a default is never changed: it is the value behind the ids of all stored records.
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
        int,  # a cell matched by parameters has units of its own, so they are no condition
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
        int,  # pairs the trials; decides values, not how many there are
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
            "Validation losses, or baselines whose loss is to be reached, that claims on time to target name beside the"
            " task's own target. They decide when evaluations come closer together, and no result: no part of the id.",
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
"""By name; the order is that of `TrialFactors`."""
SETTINGS = tuple(factor for factor in FACTORS.values() if factor.setting is not None)
"""What a sweep passes on to what trains."""


def columns(chosen: Callable[[Factor], bool], *but: str) -> tuple[str, ...]:
    """The columns of the frame that hold the chosen factors, without those named."""
    return tuple(
        factor.column for factor in FACTORS.values() if factor.recorded and chosen(factor) and factor.column not in but
    )
