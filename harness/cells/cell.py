"""The definition of a cell: its gates and states, its equations, and the weights of one layer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias, get_args

from harness.cells.ops import Array
from harness.errors import UserError

Gates: TypeAlias = tuple[Array, ...]
"""One array per gate, (batch, units) each, in the order of `Cell.gates`."""

WeightShape: TypeAlias = Literal["full", "diagonal", "none"]
"""The weights of one gate: a matrix, a diagonal (each unit reads only its own state), or none."""

WeightField: TypeAlias = Literal["input_weights", "recurrent_weights"]
"""The field of `Cell` that declares the shapes of one kind of weights."""

States: TypeAlias = tuple[Array, ...]
"""The states of one time step, (batch, units) each. The first is the hidden state, which is the output."""

Saved: TypeAlias = tuple[Array, ...]
"""Arrays that the forward step saves for the backward pass, (batch, units) each."""


RECURRENT: dict[WeightShape, str] = {"full": "recurrent_kernel", "diagonal": "recurrent_diagonal"}
"""For each shape of recurrent weights, the name of the layer's variable that holds them."""


class Recurrence(Protocol):
    """A product with the recurrent weights; the layer that owns the weights passes it to the equations.

    Forward, `recur(h)` computes h U + b: it takes (batch, units) and returns one such array per gate, with dropout
    masks and recurrent bias applied if the layer has them. Backward, `recur(du)` takes one gradient per gate and
    returns the gradient of h, (batch, units). `first` and `last` select gates first to last - 1; the default is all.
    They index the gates that have recurrent weights, `Cell.gates_with("recurrent_weights")`.
    """

    def __call__(self, operand: Any, first: int = 0, last: int | None = None, /) -> Any:
        """The product with the weights of the selected gates."""


Step: TypeAlias = Callable[[Gates, States, Recurrence], tuple[States, Saved]]
"""`step(x, states, recur) -> (states, saved)`: one time step.

x is the input's part of the pre-activations, including its bias: one array for each of
`Cell.gates_with("input_weights")`. It does not depend on the states, so the layer computes it for all time steps in one
product. `saved` is what the backward pass needs; a cell without a backward pass saves `()`. Every operation must be
elementwise, or a product by `recur`. Then the same code also runs for all time steps at once, with a leading time axis,
so the backward pass recomputes `saved` instead of storing it.
"""


@dataclass(frozen=True)
class Backward:
    """A hand-derived backward pass in three parts; only `step` runs once per time step.

    factors:  `backward_factors(saved, before, after)` -> tuple of arrays: the local derivatives for all time steps at
              once. They do not depend on the running gradient. `saved` and the states before and after each step have
              a leading time axis.
    step:     `step(d_states, backward_factors, recur) -> (dx, d_states_before)`: runs from the last time step to the
              first. backward_factors are those of one time step; dx is the gradient of x, one array per gate.
    products: `products(dx, saved, before)` -> list of (operand, gradient, first gate), one entry per recurrent product
              of the step: its operand, (time, batch, units), and the gradient of its result, one array per gate, for
              all time steps. Default: one product of the hidden state, whose gradient is dx; no product if no gate
              has recurrent weights.
    """

    factors: Callable[[Saved, States, States], tuple[Array, ...]]
    step: Callable[[States, tuple[Array, ...], Recurrence], tuple[Gates, States]]
    products: Callable[[Gates, Saved, States], list[tuple[Array, Gates, int]]] | None = None


class Run(NamedTuple):
    """Consecutive gates, first to last - 1, whose recurrent weights have the same shape.

    `place` is the number of earlier gates with this shape, so the run's weights begin at column `place` x units.
    """

    shape: WeightShape
    first: int
    last: int
    place: int


@dataclass(frozen=True)
class Cell:
    """An architecture: the facts that reports and claims quote, and the equations that the fused backend runs.

    gates:           names of all gates and candidates with weights, in the order of the equivalent Keras layer;
                     additional weights, such as peepholes, are named here too
    multiplicative_gates: names of the gates whose activation, between 0 and 1, multiplies another value
    states:          names of the states passed from one time step to the next, the output first
    step, backward:  the equations. Without `step` the cell has no fused backend; without `backward` the fused backend
                     uses autodiff
    keras_layer:     name of the equivalent layer in `keras.layers`, or None
    recurrent_weights: shape of each gate's recurrent weights: full, diagonal or none; one shape for all gates, or a
                     mapping from gate names, in which a missing gate has full weights. A gate without a recurrent
                     product must be declared as none: parameter counts and matching by parameters use these shapes
    input_weights:   the same for the input weights, full or none; a gate without input weights has no input bias
    recurrent_bias:  whether the recurrent product has a separate bias
    ones:            gates whose bias is initialised with one (`unit_forget_bias`)
    reset_before:    the variant selected by `reset_after=False`, or None
    """

    name: str
    title: str
    summary: str
    gates: tuple[str, ...]
    multiplicative_gates: tuple[str, ...]
    states: tuple[str, ...] = ("hidden state",)
    step: Step | None = None
    backward: Backward | None = None
    keras_layer: str | None = None
    recurrent_weights: WeightShape | Mapping[str, WeightShape] = "full"
    input_weights: WeightShape | Mapping[str, WeightShape] = "full"
    recurrent_bias: bool = False
    ones: tuple[str, ...] = ()
    reset_before: Cell | None = None

    def __post_init__(self) -> None:
        for field in ("gates", "states"):
            names = getattr(self, field)
            if not names or len({*names}) < len(names):
                raise self.error(f"{field!r} is {names!r}, expected at least one name, and each name once")
        if self.step is None and self.keras_layer is None:
            raise self.error("it has neither 'step' nor 'keras_layer', so no backend can run it")
        self._check_weights()

    def _check_weights(self) -> None:
        """Raise UserError for unknown shapes or gates, gates without weights, and a mismatch with `keras_layer`."""
        fields: dict[WeightField, tuple[str, ...]] = {
            "recurrent_weights": get_args(WeightShape),
            "input_weights": ("full", "none"),
        }
        for field, valid in fields.items():
            given = getattr(self, field)
            shapes = dict(given) if isinstance(given, Mapping) else dict.fromkeys(self.gates, given)
            if unknown := shapes.keys() - {*self.gates}:
                raise self.error(f"{field!r} names {sorted(unknown)}, which are not its gates")
            if wrong := [shape for shape in shapes.values() if shape not in valid]:
                raise self.error(f"{field!r} contains {wrong[0]!r}, expected one of: {', '.join(valid)}")
        seeing, recurrent = self.gates_with("input_weights"), self.gates_with("recurrent_weights")
        if not seeing:
            raise self.error("'input_weights' is 'none' for every gate, so no gate reads the input")
        if unreached := [gate for gate in self.gates if gate not in {*seeing, *recurrent}]:
            raise self.error(f"gate {unreached[0]!r} has no input weights and no recurrent weights")
        if unknown := {*self.ones} - {*seeing}:
            raise self.error(f"'ones' names {sorted(unknown)}, which are not gates with a bias")
        full = all(self.weight_shapes(field) == ("full",) * len(self.gates) for field in fields)
        if self.keras_layer is not None and not full:
            raise self.error(
                "'recurrent_weights' and 'input_weights' must be 'full' for every gate, as in the Keras layer "
                f"{self.keras_layer!r} that 'keras_layer' names"
            )
        by_default = self.backward is not None and self.backward.products is None
        if by_default and recurrent not in ((), seeing):
            raise self.error(
                "'backward' needs 'products', because different gates have recurrent weights and input weights, so "
                "the gradients of the recurrent products are not those of x"
            )

    def error(self, text: str) -> UserError:
        """An error that names the cell."""
        return UserError(f"cell {self.name!r}: {text}")

    def check(self, **arguments: Any) -> None:
        """Raise UserError unless these arguments of a layer or network, by name, have valid values."""
        for argument, value in arguments.items():
            is_valid, expected = _ARGUMENTS.get(argument, _SWITCH)
            if not is_valid(value):
                raise self.error(f"{argument!r} is {value!r}, expected {expected}")

    def weight_shapes(self, field: WeightField) -> tuple[WeightShape, ...]:
        """The shape of each gate's weights."""
        given = getattr(self, field)
        return tuple(given.get(gate, "full") if isinstance(given, Mapping) else given for gate in self.gates)

    def gates_with(self, field: WeightField) -> tuple[str, ...]:
        """The gates that have weights of this kind, in order.

        The step receives one x per gate with input weights; `recur` returns one product per gate with recurrent
        weights.
        """
        shapes = self.weight_shapes(field)
        return tuple(gate for gate, shape in zip(self.gates, shapes, strict=True) if shape != "none")

    def runs(self, first: int = 0, last: int | None = None) -> list[Run]:
        """The gates with recurrent weights, first to last - 1, split where the shape of their weights changes."""
        shapes = [shape for shape in self.weight_shapes("recurrent_weights") if shape != "none"]
        last = len(shapes) if last is None else last
        if not 0 <= first < last <= len(shapes):
            raise self.error(
                f"'recur' was called for gates {first} to {last - 1}, but the gates with recurrent weights are 0 to "
                f"{len(shapes) - 1}"
            )
        runs = []
        for shape, group in groupby(range(first, last), key=shapes.__getitem__):
            members = list(group)
            runs.append(Run(shape, members[0], members[-1] + 1, shapes[: members[0]].count(shape)))
        return runs

    @property
    def backends(self) -> tuple[str, ...]:
        """The backends that can execute this cell, keys of `harness.cells.BACKENDS`."""
        return (("article", "keras") if self.keras_layer else ()) + (("fused",) if self.step else ())

    def variant(self, *, reset_after: bool = True) -> Cell:
        """This cell, or with `reset_after=False` its form that applies the reset gate before the recurrent product."""
        return self if reset_after or self.reset_before is None else self.reset_before

    def shapes(
        self, features: int, units: int, *, use_bias: bool = True, reset_after: bool = True
    ) -> dict[str, tuple[int, ...]]:
        """Shapes of the trainable weights of one layer by name, in the order of the equivalent Keras layer.

        Raises UserError if `features` or `units` is not a positive integer.
        """
        self.check(features=features, units=units)
        cell = self.variant(reset_after=reset_after)
        seeing, recurrent = cell.gates_with("input_weights"), cell.gates_with("recurrent_weights")
        recurrent_shapes = cell.weight_shapes("recurrent_weights")
        width, recurrent_width = len(seeing) * units, len(recurrent) * units
        shapes: dict[str, tuple[int, ...]] = {"kernel": (features, width)}
        if "full" in recurrent_shapes:
            shapes[RECURRENT["full"]] = (units, recurrent_shapes.count("full") * units)
        if "diagonal" in recurrent_shapes:
            shapes[RECURRENT["diagonal"]] = (recurrent_shapes.count("diagonal") * units,)
        if not use_bias:
            return shapes
        if cell.recurrent_bias and seeing == recurrent:
            return shapes | {"bias": (2, width)}
        shapes["bias"] = (width,)
        return shapes | ({"recurrent_bias": (recurrent_width,)} if cell.recurrent_bias and recurrent_width else {})

    def parameters(self, features: int, units: int, *, use_bias: bool = True, reset_after: bool = True) -> int:
        """Number of trainable parameters of one layer.

        If all gates have full weights, it is gates x units x (features + units + biases).
        """
        return sum(map(math.prod, self.shapes(features, units, use_bias=use_bias, reset_after=reset_after).values()))

    def multiplications(self, features: int, units: int) -> int:
        """Multiplications by weights per time step of one sequence: one for each weight that is not a bias."""
        return self.parameters(features, units, use_bias=False)

    def input_multiplications(self, features: int, units: int) -> int:
        """Multiplications by input weights per time step of one sequence, a part of `multiplications`."""
        shapes = self.shapes(features, units, use_bias=False)
        return sum(math.prod(shape) for name, shape in shapes.items() if not name.startswith("recurrent"))


def is_number(kind: type[Integral] | type[Real], value: Any) -> bool:
    """Whether a value is a number of this kind, from Python or NumPy; True and False are not numbers."""
    return isinstance(value, kind) and not isinstance(value, bool)


_Check: TypeAlias = tuple[Callable[[Any], bool], str]
"""Whether a value is valid, and the end of the message if it is not."""
_SIZE: _Check = (lambda value: is_number(Integral, value) and value >= 1, "an integer of at least 1")
_RATE: _Check = (lambda value: is_number(Real, value) and 0 <= value < 1, "a rate from 0 to below 1")
_POSITIVE: _Check = (lambda value: is_number(Real, value) and 0 < value < math.inf, "a number above 0")
_SWITCH: _Check = (lambda value: isinstance(value, bool), "True or False")
_ARGUMENTS: dict[str, _Check] = {
    "features": _SIZE,
    "units": _SIZE,
    "dropout": _RATE,
    "recurrent_dropout": _RATE,
    "learning_rate": _POSITIVE,
    "clip_norm": (lambda value: value is None or _POSITIVE[0](value), "None or a number above 0"),
    "weight_decay": (lambda value: is_number(Real, value) and 0 <= value < math.inf, "a number of at least 0"),
    "seed": (
        lambda value: value is None or (is_number(Integral, value) and 0 <= value < 2**32),
        "None or an integer from 0 to below 2**32",
    ),
}
"""The arguments that are numbers; the others that `Cell.check` is called with are True or False."""


def equations(cell: Cell) -> Step:
    """The cell's forward step. Raises UserError if it has none."""
    if cell.step is None:
        raise cell.error(f"it has no 'step', which backend 'fused' needs; available: {', '.join(cell.backends)}")
    return cell.step
