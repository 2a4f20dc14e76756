"""The article's network, for any cell and backend: recurrent layers, dense layers, an output per time step."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from numbers import Integral
from typing import Any, Literal, TypeAlias

import numpy as np

from harness.cells import BACKENDS, Cell, cells
from harness.cells.cell import is_number
from harness.cells.dropout import Dropout
from harness.cells.keras_backend import keras
from harness.cells.layer import Recurrent
from harness.cells.sharded_model import ShardedModel
from harness.errors import UserError, check_name

Output: TypeAlias = Literal["sigmoid", "softmax", "linear"]

LOSSES: dict[str, Callable[[], Any]] = {
    "sigmoid": lambda: "binary_crossentropy",
    "softmax": lambda: keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    "linear": lambda: "mean_squared_error",
}
_LARGEST_SIZE = 1_000_000
INITIALIZERS = {"orthogonal": keras.initializers.Orthogonal, "glorot_uniform": keras.initializers.GlorotUniform}
OPTIMIZERS = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop, "sgd": keras.optimizers.SGD}


def get_model(
    cell: str | Cell,
    *,
    rnn_units: Sequence[int] = (32, 32),
    fc_units: Sequence[int] = (32,),
    dropout: float = 0.5,
    recurrent_dropout: float = 0.5,
    input_shape: Sequence[int | None] = (256, 256),
    classes: int = 10,
    backend: str = "article",
    output: Output = "sigmoid",
    every_step: bool = True,
    symbols: int | None = None,
    optimizer: str = "adam",
    learning_rate: float = 1e-3,
    clip_norm: float | None = None,
    weight_decay: float = 0.0,
    reset_after: bool = True,
    unit_forget_bias: bool = True,
    recurrent_initializer: str = "orthogonal",
    bidirectional: bool = False,
    carry_state: bool = False,
    seed: int | None = None,
) -> keras.Model:
    """A compiled Keras model. The defaults give exactly the article's model.

    cell:             a name in `harness.cells.cells`, a `module:attribute`, or a Cell
    rnn_units:        units of each recurrent layer, at least one layer
    fc_units:         units of each dense layer before the output layer, each followed by dropout; may be empty
    dropout:          dropout rate of the recurrent layers' inputs and after each dense layer, from 0 to below 1
    recurrent_dropout: dropout rate of the hidden state, with one mask per gate, the same at every time step
    input_shape:      (time, features), or (time,) with `symbols`; time may be None with backends keras and fused
    classes:          width of the output
    backend:          the code that executes the cells, a key of `harness.cells.BACKENDS`; all backends have the same
                      weights. With `fused`, XLA compiles the model, and `fit` trains it in shards
                      (harness/cells/sharded_model.py). With other backends XLA is off, also on a GPU
    output:           'sigmoid': probabilities, binary cross-entropy; 'softmax': logits, cross-entropy with integer
                      labels; 'linear': mean squared error
    every_step:       True: one output per time step, (batch, time, classes). False: one output per sequence, (batch,
                      classes)
    symbols:          number of symbols: inputs are integer ids below it, one-hot encoded inside the model
    optimizer:        adam, rmsprop or sgd, with `learning_rate`; `clip_norm` limits the norm of the whole gradient
    weight_decay:     each update subtracts `weight_decay` x learning rate x weight from each weight except biases. This
                      is decoupled from the gradient: with adam, the optimizer is AdamW (arXiv 1711.05101)
    reset_after:      the form of the GRU (see harness/cells/gru.py); other cells ignore it
    unit_forget_bias: whether the bias of the LSTM's forget gate is initialised with one
    recurrent_initializer: orthogonal (Keras's default) or glorot_uniform
    bidirectional:    each recurrent layer has a second one beside it, with weights of its own, that reads the sequence
                      from its end, as in `keras.layers.Bidirectional`; their outputs are concatenated
    carry_state:      the states are additional inputs and outputs, so that a sequence can be processed in several
                      calls: the model maps `[inputs, *states]` to `[outputs, *states]`, with (batch, units) for each
                      state of each layer
    seed:             makes initial weights and dropout reproducible, and equal for all backends

    Raises UserError, with the name of the argument, for an invalid value.
    """
    architecture = cell if isinstance(cell, Cell) else cells[cell]
    check_name("backend", backend, BACKENDS)
    if backend not in architecture.backends:
        needed, available = "step" if backend == "fused" else "keras_layer", ", ".join(architecture.backends)
        raise architecture.error(f"it has no {needed!r}, which backend {backend!r} needs; available: {available}")
    for argument, sizes in (("rnn_units", rnn_units), ("fc_units", fc_units), ("classes", (classes,))):
        _check_sizes(architecture, argument, sizes)
    if len(rnn_units) == 0:
        raise architecture.error("'rnn_units' is empty, expected at least one recurrent layer")
    architecture.check(dropout=dropout, recurrent_dropout=recurrent_dropout, seed=seed)
    architecture.check(learning_rate=learning_rate, clip_norm=clip_norm, weight_decay=weight_decay)
    architecture.check(reset_after=reset_after, unit_forget_bias=unit_forget_bias)
    architecture.check(every_step=every_step, carry_state=carry_state, bidirectional=bidirectional)
    if bidirectional and carry_state:
        raise architecture.error(
            "'carry_state' hands states on to later steps, which a bidirectional layer has read before; leave one out"
        )
    shape = _checked_shape(architecture, input_shape, symbols, backend)
    check_name("output", output, LOSSES)
    check_name("optimizer", optimizer, OPTIMIZERS)
    check_name("initialiser", recurrent_initializer, INITIALIZERS)

    seeds, fused = _seeds(seed), backend == "fused"

    def recurrent(units: int, *, return_sequences: bool, go_backwards: bool = False) -> keras.Layer:
        options = {  # every backend takes the seeds in the same order
            "kernel_initializer": keras.initializers.GlorotUniform(seed=next(seeds)),
            "recurrent_initializer": INITIALIZERS[recurrent_initializer](seed=next(seeds)),
            "seed": next(seeds),
            "dropout": dropout,
            "recurrent_dropout": recurrent_dropout,
            "return_sequences": return_sequences,
            "return_state": carry_state,
            "go_backwards": go_backwards,
        }
        if fused or architecture.ones:
            options["unit_forget_bias"] = unit_forget_bias
        if fused or architecture.reset_before is not None:
            options["reset_after"] = reset_after
        if fused:
            return Recurrent(cell, units, **options)
        return getattr(keras.layers, architecture.keras_layer or "")(units, activation="tanh", **options)

    def both_ways(x: Any, units: int, *, return_sequences: bool) -> Any:
        """The outputs of a layer and of one that reads from the end, (batch, [time,] 2 units), at the same steps."""
        forward = recurrent(units, return_sequences=return_sequences)(x)
        backward = recurrent(units, return_sequences=return_sequences, go_backwards=True)(x)
        return keras.layers.Concatenate()([forward, keras.ops.flip(backward, 1) if return_sequences else backward])

    def dense(units: int) -> keras.Layer:
        layer = keras.layers.Dense(int(units), kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)))
        return keras.layers.TimeDistributed(layer) if backend == "article" and every_step else layer

    inputs = keras.Input(shape, dtype="float32" if symbols is None else "int32")
    x = inputs if symbols is None else keras.ops.one_hot(inputs, int(symbols))
    before: list[Any] = []
    after: list[Any] = []
    for depth, units in enumerate(rnn_units):
        return_sequences = every_step or depth < len(rnn_units) - 1
        if bidirectional:
            x = both_ways(x, int(units), return_sequences=return_sequences)
            continue
        layer = recurrent(int(units), return_sequences=return_sequences)
        if not carry_state:
            x = layer(x)
            continue
        states = [keras.Input((int(units),)) for _ in architecture.states]
        x, *last = layer(x, initial_state=states)
        before, after = before + states, after + last
    for units in fc_units:
        x = dense(units)(x)
        x = (Dropout if fused else keras.layers.Dropout)(dropout, seed=next(seeds))(x)
    x = dense(classes)(x)
    activation = "sigmoid" if output == "sigmoid" else "linear"
    outputs = keras.layers.Activation(activation, name="strong_out")(x)

    kind = ShardedModel if fused else keras.Model
    model = kind([inputs, *before], [outputs, *after]) if carry_state else kind(inputs, outputs)
    rule = OPTIMIZERS[optimizer](
        learning_rate=learning_rate, global_clipnorm=clip_norm, weight_decay=weight_decay or None
    )
    if weight_decay:
        rule.exclude_from_weight_decay([weight for weight in model.trainable_variables if "bias" in weight.name])
    model.compile(
        optimizer=rule,
        loss=LOSSES[output](),
        metrics=["accuracy"],
        jit_compile=fused,  # not "auto", which depends on the machine
    )
    return model


def recurrent_parameters(model: keras.Model) -> int:
    """Number of parameters in the recurrent layers."""
    return sum(layer.count_params() for layer in model.layers if is_recurrent(layer))


def is_recurrent(layer: keras.Layer) -> bool:
    """Whether a layer of `get_model` is recurrent: recurrent layers of Keras and of this package have a `cell`."""
    return hasattr(layer, "cell")


def summary_text(cell: str | Cell, *, width: int = 80, **options: Any) -> str:
    """The output of `get_model(cell, **options).summary()` as plain text, `width` columns wide.

    Resets Keras's counters of layer names, so that the same options always give the same text. Raises UserError for
    options that get_model rejects, and for weights that do not fit into memory.
    """
    import tensorflow as tf  # imported late, because keras_backend has to be imported first

    text = io.StringIO()
    keras.utils.clear_session(free_memory=False)
    try:
        model = get_model(cell, **options)
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise UserError("this network needs more memory than is available. Choose smaller sizes") from error
    model.summary(line_length=width, print_fn=lambda line, **_: text.write(f"{line}\n"))
    return text.getvalue().rstrip() + "\n"


def _seeds(seed: int | None) -> Iterator[int | None]:
    """An endless stream of seeds, one for each random part of the model; None if `seed` is None."""
    stream = np.random.default_rng(seed)
    while True:
        yield None if seed is None else int(stream.integers(2**31))


def _check_sizes(cell: Cell, argument: str, sizes: Any) -> None:
    if not isinstance(sizes, Sequence | np.ndarray) or isinstance(sizes, str):
        raise cell.error(f"{argument!r} is {sizes!r}, expected integers of at least 1, as in (32, 32)")
    for size in sizes:
        if not is_number(Integral, size) or not 1 <= size <= _LARGEST_SIZE:
            raise cell.error(f"{argument!r} contains {size!r}, expected integers from 1 to {_LARGEST_SIZE:,}")


def _checked_shape(
    cell: Cell, input_shape: Sequence[int | None], symbols: int | None, backend: str
) -> tuple[int | None, ...]:
    expected = "(time, features)" if symbols is None else "(time,), with 'symbols'"
    if not isinstance(input_shape, Sequence) or len(input_shape) != (2 if symbols is None else 1):
        raise cell.error(f"'input_shape' is {input_shape!r}, expected {expected}")
    shape = tuple(input_shape)
    _check_sizes(cell, "input_shape", [size for size in shape if size is not None])
    if shape[0] is None and backend == "article":
        raise cell.error(
            f"'input_shape' is {shape}, but backend 'article' needs the number of time steps; backends 'keras' and "
            "'fused' do not"
        )
    if None in shape[1:]:
        raise cell.error(f"'input_shape' is {shape}, expected a number of features")
    if symbols is not None:
        _check_sizes(cell, "symbols", (symbols,))
    return tuple(None if size is None else int(size) for size in shape)
