"""symbols: strings of exactly the LZW complexity asked for, and windows of their repetition."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.errors import UserError
from harness.tasks.common.task import Split
from harness.tasks.synthetic.symbols import SymbolsOptions, complexities, examples, make, make_test, score, seed_string


def options(**given: Any) -> SymbolsOptions:
    return SymbolsOptions.model_validate(given)


def codes(text: str) -> list[str]:
    """The phrases of LZW, found by the longest known beginning of the rest instead of symbol by symbol."""
    known, phrases = set(text), []
    while text:
        phrase = max((one for one in known if text.startswith(one)), key=len)
        phrases.append(phrase)
        known.add(text[: len(phrase) + 1])
        text = text[len(phrase) :]
    return phrases


def as_text(string: np.ndarray) -> str:
    return "".join(chr(ord("A") + symbol) for symbol in string)


@pytest.mark.parametrize(
    ("text", "phrases"),
    [("A", 1), ("AB", 2), ("AAAA", 3), ("ABCABCABC", 6), ("TOBEORNOTTOBEORTOBEORNOT", 16), ("ACBBACCCCCCA", 9)],
)
def test_the_complexity_is_the_number_of_phrases(text: str, phrases: int) -> None:
    """The fifth is Welch's algorithm on a well-known example; the last is a string of the authors, of complexity 9."""
    assert complexities(map(ord, text))[-1] == phrases == len(codes(text))


@given(st.text("ABC", min_size=1, max_size=60))
def test_every_prefix_has_its_complexity(text: str) -> None:
    assert complexities(map(ord, text)) == [len(codes(text[:end])) for end in range(1, len(text) + 1)]


possible = st.integers(2, 12).flatmap(lambda k: st.tuples(st.just(k), st.integers(max(3, k), 80)))


@settings(max_examples=60, deadline=None)
@given(sizes=possible, seed=st.integers(0, 2**31))
def test_a_seed_string_has_exactly_the_symbols_and_the_complexity_asked_for(sizes: tuple[int, int], seed: int) -> None:
    symbols, complexity = sizes
    string = seed_string(seed, options(symbols=symbols, complexity=complexity))
    assert set(string.tolist()) == set(range(symbols))
    assert len(codes(as_text(string))) == complexity
    assert not re.fullmatch(r"(.+?)\1+", as_text(string)), "a repetition has the complexity of the shorter string"


def rows(split: Split) -> set[tuple[int, ...]]:
    return {(*x, y[-1]) for x, y in zip(split.x.tolist(), split.y.tolist(), strict=True)}


@settings(max_examples=40, deadline=None)
@given(sizes=possible, extra=st.integers(2, 20), seed=st.integers(0, 2**31))
def test_windows_are_of_the_repeated_string_and_each_is_in_one_split(
    sizes: tuple[int, int], extra: int, seed: int
) -> None:
    given = options(symbols=sizes[0], complexity=sizes[1])
    length = given.context + extra
    string = seed_string(seed, given)
    data = make(500, length, seed, given)
    repeated = np.tile(string, 2 + length // len(string)).tolist()
    every = {tuple(repeated[at : at + length + 1]) for at in range(len(string))}
    train, validation, test = (rows(split) for split in (data.train, data.validation, data.test))
    assert train | validation | test == every
    assert len(train) + len(validation) + len(test) == len(every)
    for split in (data.train, data.validation, data.test):
        assert split.weight is not None
        np.testing.assert_array_equal(split.x[:, 1:], split.y[:, :-1])
        assert not split.weight[:, : given.context - 1].any()
        assert (split.weight[:, given.context - 1 :] == 1).all()


@settings(max_examples=40, deadline=None)
@given(sizes=possible, seed=st.integers(0, 2**31))
def test_training_shows_every_symbol_after_its_context(sizes: tuple[int, int], seed: int) -> None:
    """So the test asks only for what can be memorised."""
    given = options(symbols=sizes[0], complexity=sizes[1])
    data = make(1000, given.context + 2, seed, given)

    def asked(split: Split) -> set[tuple[int, ...]]:
        seen = np.lib.stride_tricks.sliding_window_view(
            np.concatenate([split.x, split.y[:, -1:]], axis=1), given.context + 1, axis=1
        )
        return {tuple(part) for part in seen.reshape(-1, given.context + 1).tolist()}

    assert asked(data.test) <= asked(data.train)


def test_a_larger_training_set_repeats_the_windows() -> None:
    small, large = make(4, 19, 0, options()), make(400, 19, 0, options())
    np.testing.assert_array_equal(large.train.x[:4], small.train.x)
    assert len(large.train.x) == 400
    assert len(rows(large.train)) < 20
    np.testing.assert_array_equal(large.test.x, small.test.x)


def test_windows_of_another_length_begin_where_those_of_the_test_do() -> None:
    test = make(4, 19, 3, options()).test
    longer = make_test(40, 3, options())
    np.testing.assert_array_equal(longer.x[:, :19], test.x)


def test_only_predictions_after_the_context_are_scored() -> None:
    split = make(4, 19, 0, options()).test
    assert split.weight is not None
    right = 20.0 * (np.arange(5) == split.y[..., None])
    right[split.weight == 0] *= -1
    assert score(split.y, right, split.weight)["accuracy"] == 1
    right[0, 9] *= -1
    assert score(split.y, right, split.weight)["accuracy"] == pytest.approx(1 - 1 / split.weight.sum())


def test_longer_contexts_help_more_on_complex_strings() -> None:
    simple, complex = (make(100, 19, 0, options(complexity=complexity)).baselines for complexity in (5, 50))
    assert simple["bigram"]["accuracy"] == 1, "every symbol occurs once in the string"
    assert complex["unigram"]["loss"] > complex["bigram"]["loss"] > complex["trigram"]["loss"]
    assert complex["trigram"]["accuracy"] < 1


def test_a_complexity_below_the_number_of_symbols_is_refused_with_the_possible_range() -> None:
    with pytest.raises(UserError, match=r"complexity 7 is too low for 8 symbols, .*: expected 8 to 1,000"):
        examples(10, 19, options(symbols=8, complexity=7))
    assert examples(10, 19, options(symbols=8, complexity=8)) == 10


@pytest.mark.parametrize("given", [{"complexity": 2}, {"complexity": 1001}, {"symbols": 1}, {"context": 1}])
def test_options_out_of_range_are_refused(given: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="equal to"):
        options(**given)


def test_sequences_without_enough_predictions_are_refused_with_the_length_that_works() -> None:
    with pytest.raises(UserError, match=r"sequence_length 11 is too short, expected at least 12: .* 10 symbols"):
        examples(10, 11, options())
    with pytest.raises(UserError, match="at least 12"):
        make_test(11, 0, options())
    assert make(10, 12, 0, options()).train.x.shape == (10, 12)
