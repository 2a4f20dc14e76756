"""formal_language: answers of the eight functions, ranges of lengths, and scores."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.tasks.common.task import Split
from harness.tasks.synthetic.formal_language import FormalLanguageOptions, Language, examples, make, make_test, score

LANGUAGES = get_args(Language)
SIZES = {"validation_size": 10, "test_size": 20}


def options(language: str, **given: Any) -> FormalLanguageOptions:
    return FormalLanguageOptions.model_validate({"language": language, **SIZES, **given})


def pairs(split: Split) -> list[tuple[list[int], list[int]]]:
    """The strings of a split with their answers."""
    assert split.weight is not None
    found = []
    for x, y, weight in zip(split.x, split.y, split.weight, strict=True):
        steps = np.flatnonzero(weight)
        assert x[steps[0]] == 1, "the answer begins at the sign for it"
        assert not x[steps[0] + 1 :].any()
        assert steps.tolist() == list(range(steps[0], steps[-1] + 1))
        found.append(((x[: steps[0]] - 2).tolist(), y[steps].tolist()))
    return found


def expected(language: str, string: list[int]) -> list[int]:
    """The answer, computed in another way than the task does."""
    if language == "even_pairs":
        text = "".join(map(str, string))
        return [sum(text[at : at + 2] in ("01", "10") for at in range(len(text))) % 2]
    if language == "parity":
        return [string.count(1) % 2]
    if language == "cycle_navigation":
        return [(string.count(2) - string.count(0)) % 5]
    if language == "modular_arithmetic":
        return [eval("".join(str(one) if one < 5 else "+-*"[one - 5] for one in string)) % 5]
    if language == "bucket_sort":
        return sorted(string)
    if language == "binary_addition":
        first, second = "".join(map(str, string)).split("2")
        return [*map(int, reversed(f"{int(first[::-1], 2) + int(second[::-1], 2):b}")), 2]
    return string[::-1] if language == "reverse" else string * 2


@settings(max_examples=40, deadline=None)
@given(language=st.sampled_from(LANGUAGES), length=st.integers(60, 120), seed=st.integers(0, 2**31))
def test_every_string_has_its_answer_and_tested_strings_are_longer(language: str, length: int, seed: int) -> None:
    data = make(30, length, seed, options(language))
    trained, tested = pairs(data.train) + pairs(data.validation), pairs(data.test)
    for string, answer in trained + tested:
        assert answer == expected(language, string)
    assert max(len(string) for string, _ in trained) < min(len(string) for string, _ in tested) + 2
    assert max(len(string) + len(answer) for string, answer in tested) <= length
    assert len({tuple(string) for string, _ in trained}) == len(trained), "no string is in two splits"


@pytest.mark.parametrize(
    ("string", "value"), [([1, 5, 2, 7, 3], 2), ([1, 6, 1, 6, 1], 4), ([0, 7, 1, 5, 4, 7, 3, 6, 2], 0), ([4], 4)]
)
def test_multiplication_binds_more_tightly(string: list[int], value: int) -> None:
    assert expected("modular_arithmetic", string) == [value]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_test_split_of_another_length_has_the_longest_strings_that_fit(language: str) -> None:
    for string, answer in pairs(make_test(41, 0, options(language))):
        assert answer == expected(language, string)
        assert len(string) + len(answer) >= 26


def test_only_the_answer_is_scored() -> None:
    data = make(30, 60, 0, options("reverse"))
    split = data.test
    assert split.weight is not None
    right = 20.0 * (np.arange(2) == split.y[..., None])
    right[split.weight == 0] = np.nan
    scores = score(split.y, right, split.weight)
    assert scores["loss"] == pytest.approx(0, abs=1e-6)
    assert (scores["accuracy"], scores["strings"]) == (1, 1)
    one_wrong = right.copy()
    one_wrong[0, int(np.flatnonzero(split.weight[0])[0])] *= -1
    scores = score(split.y, one_wrong, split.weight)
    assert scores["strings"] == pytest.approx(1 - 1 / len(split.y))
    assert 1 - 1 / len(split.y) < scores["accuracy"] < 1


def test_too_short_sequences_are_refused_with_the_length_that_works() -> None:
    with pytest.raises(UserError, match=r"sequence_length 7 is too short for strings of 'reverse' .* at least 8"):
        examples(10, 7, options("reverse"))
    assert examples(1, 8, options("reverse", validation_size=1, test_size=1)) == 1


def test_more_strings_than_exist_are_refused() -> None:
    with pytest.raises(UserError, match="only 30 different strings of 'parity' with 1 to 4 symbols"):
        examples(1000, 17, options("parity"))


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="even_pairs"):
        options("palindromes")
