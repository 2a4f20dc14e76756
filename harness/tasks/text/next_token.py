"""The common part of character and word models: windows of a text, n-gram baselines and checks of sizes."""

from __future__ import annotations

import math
import pathlib
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, WithJsonSchema

from harness.errors import UserError
from harness.tasks.common.scoring import cross_entropy, hits, mean
from harness.tasks.common.task import (
    Array,
    DataFacts,
    Dataset,
    Metric,
    Options,
    Scores,
    Split,
    Task,
    dataset,
    decisive,
)
from harness.tasks.text import ngrams
from harness.tasks.text.documentation import Text
from harness.tasks.text.text import load_text

_LARGEST_EXPONENT = math.log(sys.float_info.max)
UNKNOWN = 0
"""The id of all tokens that are not in the vocabulary."""


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value if value is None or isinstance(value, tuple) else (value,)


_PATH = {"type": "string", "format": "path"}
Paths = Annotated[
    Annotated[tuple[Annotated[pathlib.Path, Field(strict=False)], ...], Field(min_length=1)] | None,
    BeforeValidator(_as_tuple),
    WithJsonSchema({"anyOf": [_PATH, {"type": "array", "items": _PATH, "minItems": 1}, {"type": "null"}]}),
]
"""One path, or a list of them."""


class TextOptions(Options):
    """Options: the text, whether the state is carried, and the sizes of validation and test splits."""

    text: Paths = None
    """A UTF-8 text file, a folder of `.txt` files, or a list of these. Default: the documentation of pandas, at the
    version that requirements.lock pins."""
    carry_state: bool = False
    """Whether the network's state is carried from each window of the text to the next. If not, each window begins with
    zero states, so the network uses no token before the window."""
    validation_size: Annotated[int, Field(ge=1)] = 20_000
    """Number of tokens; at most a tenth of the text."""
    test_size: Annotated[int, Field(ge=1)] = 20_000
    """Number of tokens; at most a tenth of the text."""


@dataclass(frozen=True)
class Portions:
    """Consecutive parts of a text, without overlap, as token ids below `symbols`; `unit` names the tokens."""

    train: Array
    validation: Array
    test: Array
    symbols: int
    text: Text
    unit: str

    @property
    def unknown(self) -> float:
        """Fraction of the text's tokens that are not in the vocabulary."""
        parts = (self.train, self.validation, self.test)
        return sum(int((part == UNKNOWN).sum()) for part in parts) / max(1, sum(map(len, parts)))


def next_token_task(
    *,
    name: str,
    title: str,
    summary: str,
    unit: str,
    version: str,
    options: type[TextOptions],
    tokens_of: Callable[[str], Any],
    ids_of: Callable[[Any, Sequence[str]], Array],
    small: tuple[int, int],
) -> Task:
    """A task that predicts the next token; `unit` names a token.

    tokens_of(text): the tokens, a string or a list. ids_of(tokens, known): their ids, int32, from 1 for the `known`
    tokens; the others are UNKNOWN.
    """

    @lru_cache(maxsize=4)
    def coded(text: Text, vocabulary: int, validation_size: int, test_size: int) -> Portions:
        tokens = tokens_of(text.characters)
        validation_at, test_at = split_points(len(tokens), validation_size, test_size)
        known = [token for token, _ in Counter(tokens[:validation_at]).most_common(vocabulary)]
        train, validation, test = np.split(ids_of(tokens, known), [validation_at, test_at])
        return Portions(train, validation, test, len(known) + 1, text, f"{unit}s")

    def portions(options: Any) -> Portions:
        return coded(load_text(options.text), options.vocabulary, options.validation_size, options.test_size)

    def scores(loss: float, accuracy: float) -> Scores:
        return {
            "loss": loss,
            f"bits_per_{unit}": loss / math.log(2),
            "perplexity": math.exp(loss) if loss < _LARGEST_EXPONENT else math.inf,
            "accuracy": accuracy,
        }

    def score(y: Array, outputs: Array) -> Scores:
        """Scores per token: y (windows, time), outputs (windows, time, symbols) of logits; loss in nats."""
        return scores(mean(cross_entropy(y, outputs)), mean(hits(y, outputs)))

    def make(train_size: int, sequence_length: int, seed: int, options: TextOptions) -> Dataset:
        """x (windows, time) of token ids, y (windows, time) the ids of the next tokens; id 0 is the unknown token.

        The seed determines which `train_size` consecutive tokens of the training portion are used; a larger part
        contains the smaller ones of the same seed. Vocabulary, validation and test are the same for all sizes and
        seeds. Raises UserError for an unusable text, and for a train_size larger than the training portion or smaller
        than one sequence.
        """
        text = portions(options)
        window_count(train_size, sequence_length, text)
        start = int(np.random.default_rng(seed).random() * (len(text.train) - train_size))
        cut = text.train[start : start + train_size + 1]
        splits = (windows(portion, sequence_length) for portion in (cut, text.validation, text.test))
        fitted = [ngrams.fit(cut, text.symbols, order) for order in (1, 2, 3)]

        def scored(train: Split, split: Split) -> dict[str, Scores]:
            by_name = baselines(fitted, split, carried=options.carry_state)
            return {name: scores(*values) for name, values in by_name.items()}

        made_from = (dict(identity(options)), train_size, sequence_length, seed)
        return dataset(splits, scored, *made_from, classes=text.symbols, symbols=text.symbols)

    def make_test(sequence_length: int, seed: int, options: TextOptions) -> Split:
        """The test portion in windows of any length."""
        text = portions(options)
        _check_measuring(sequence_length, text)
        return windows(text.test, sequence_length)

    def examples(train_size: int, sequence_length: int, options: TextOptions) -> int:
        """Number of windows in `train_size` tokens. Raises UserError if the text or train_size is too small."""
        return window_count(train_size, sequence_length, portions(options))

    def facts(train_size: int, sequence_length: int, options: TextOptions) -> DataFacts:
        """The text, the fraction of unknown tokens, and the tokens that do not fill a window."""
        text = portions(options)
        cut = (train_size, len(text.validation) - 1, len(text.test) - 1)
        left_out = {
            "paragraphs that repeat an earlier one": text.text.repeated,
            f"{unit}s after the last whole window of a split": sum(tokens % sequence_length for tokens in cut),
        }
        source = ", ".join(path.name for path in options.text) if options.text else text.text.source
        return DataFacts(f"{source}, {len(text.text.characters):,} characters", text.unknown, left_out)

    def identity(options: TextOptions) -> Mapping[str, str]:
        """The hash of the text, the procedure, and the options that differ from their defaults."""
        return {"procedure": version, "text_sha256": load_text(options.text).sha256, **decisive(options)}

    return Task(
        name=name,
        title=title,
        summary=summary,
        loss_unit=f"nats per {unit}",
        output="softmax",
        every_step=True,
        predicts_inputs=True,
        metrics=(
            Metric(f"bits_per_{unit}", f"Bits per {unit}", "bits", "lower"),
            Metric("perplexity", f"Perplexity per {unit}", "", "lower"),
            Metric("accuracy", f"Accuracy of the next {unit}", "", "higher", bounds=(0.0, 1.0)),
        ),
        train_size_unit=f"{unit}s",
        options=options,
        make=make,
        score=score,
        examples=examples,
        widths=lambda options: (portions(options).symbols, portions(options).symbols),
        identity=identity,
        facts=facts,
        make_test=make_test,
        carries=lambda options: bool(options.carry_state),
        # A model without memory cannot beat a bigram, which uses all information of the current token.
        target=("loss", "bigram"),
        small=small,
    )


def split_points(total: int, validation_size: int, test_size: int) -> tuple[int, int]:
    """The indices at which the validation and test portions begin; test is last, after validation.

    Each of the two has the given size, but at most a tenth of the text.
    """
    test_at = total - min(test_size, total // 10)
    return test_at - min(validation_size, total // 10), test_at


def window_count(train_size: int, sequence_length: int, portions: Portions) -> int:
    """Number of training windows in `train_size` tokens. Raises UserError if the text or train_size is too small."""
    _check_measuring(sequence_length, portions)
    if train_size < sequence_length:
        raise UserError(f"train_size {train_size:,} is less than one sequence of {sequence_length:,} {portions.unit}")
    if train_size >= len(portions.train):
        raise UserError(
            f"{_found(portions)}, of which {len(portions.train) - 1:,} are for training, fewer than train_size "
            f"{train_size:,}"
        )
    return train_size // sequence_length


def windows(tokens: Array, length: int) -> Split:
    """Tokens (n,) as consecutive windows (windows, length), with the next token as label of each."""
    count = (len(tokens) - 1) // length
    x, y = tokens[: count * length], tokens[1 : count * length + 1]
    return Split(x=x.reshape(count, length), y=y.reshape(count, length))


def baselines(fitted: Sequence[ngrams.NGrams], split: Split, *, carried: bool) -> dict[str, tuple[float, float]]:
    """Loss and accuracy of chance and of n-grams, `fitted` with orders 1, 2 and 3, on a split's windows.

    Like the network, the n-grams use no token before a window, unless the state is carried.
    """
    if carried:
        split = Split(split.x.reshape(1, -1), split.y.reshape(1, -1))
    one, two, three = fitted
    return {
        "chance": (math.log(one.symbols), 1 / one.symbols),
        "unigram": _predicted(split, first=one, later=one),
        "bigram": _predicted(split, first=two, later=two),
        "trigram": _predicted(split, first=two, later=three),
    }


def _check_measuring(sequence_length: int, portions: Portions) -> None:
    validation, test = len(portions.validation), len(portions.test)
    if min(validation, test) <= sequence_length:
        raise UserError(
            f"{_found(portions)}, of which {validation:,} are for validation and {test:,} for test; sequence_length "
            f"{sequence_length} needs more than {sequence_length:,} of each: use a shorter sequence_length, a longer "
            "text, or larger options.validation_size and options.test_size"
        )


def _found(portions: Portions) -> str:
    total = len(portions.train) + len(portions.validation) + len(portions.test)
    return f"{portions.text.source}: has {total:,} {portions.unit}"


def _predicted(split: Split, *, first: ngrams.NGrams, later: ngrams.NGrams) -> tuple[float, float]:
    """Loss and accuracy of n-grams that read one token at the first step of a window and two at later steps."""
    pairs = np.stack([split.x[:, :-1], split.x[:, 1:]], axis=-1).reshape(-1, 2)
    parts = ((first, split.x[:, :1], split.y[:, 0]), (later, pairs, split.y[:, 1:].ravel()))
    p = np.concatenate([ngrams.probabilities(model, seen, y, model.symbols) for model, seen, y in parts])
    right = np.concatenate([ngrams.likeliest(model, seen) == y for model, seen, y in parts])
    return float(-np.log(p).mean()), float(right.mean())
