"""language: windows of real text, split by position, with baselines that use the same tokens as the network."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.errors import UserError
from harness.tasks.text import ngrams
from harness.tasks.text.language import LanguageOptions, task
from harness.tasks.text.next_token import baselines, split_points

DEFAULT = LanguageOptions()
make, score, examples, identity = task.make, task.score, task.examples, task.identity


@settings(max_examples=25, deadline=None)
@given(size=st.integers(1, 5000), length=st.integers(1, 300), seed=st.integers(0, 2**31))
def test_windows_hold_each_character_and_the_next(size: int, length: int, seed: int) -> None:
    if size < length:
        with pytest.raises(UserError, match="less than one sequence"):
            make(size, length, seed, DEFAULT)
        return
    data = make(size, length, seed, DEFAULT)
    assert len(data.train.x) == size // length == examples(size, length, DEFAULT)
    for split in (data.train, data.validation, data.test):
        assert split.x.shape == split.y.shape == (len(split.x), length)
        assert split.x.dtype == np.int32
        np.testing.assert_array_equal(split.x.ravel()[1:], split.y.ravel()[:-1])
        assert split.y.max() < data.classes == data.symbols


def test_the_splits_are_stretches_of_the_text_without_overlap(tmp_path: Path) -> None:
    # Every code point stands once, so that an id says where in the text it was.
    path = tmp_path / "text.txt"
    path.write_text("".join(map(chr, range(0x4E00, 0x4E00 + 5000))))
    data = make(4000 - 1, 10, 0, LanguageOptions(text=(path,), vocabulary=20_000))
    used = data.train.x.ravel().tolist() + data.train.y[-1:, -1].tolist()
    assert used == list(range(1, len(used) + 1))
    assert not data.validation.x.any(), "characters that the training portion lacks are unknown"
    assert len(data.test.x) == len(data.validation.x) == (5000 // 10 - 1) // 10


def test_validation_test_and_vocabulary_are_the_same_for_all_sizes_and_seeds() -> None:
    few, many = make(500, 20, 0, DEFAULT), make(100_000, 20, 7, DEFAULT)
    np.testing.assert_array_equal(few.test.x, many.test.x)
    np.testing.assert_array_equal(few.validation.y, many.validation.y)
    assert few.classes == many.classes
    assert few.fingerprint != many.fingerprint


def test_the_seed_selects_the_training_characters_and_training_sets_are_nested() -> None:
    few, many, other = make(500, 1, 3, DEFAULT), make(50_000, 1, 3, DEFAULT), make(500, 1, 4, DEFAULT)
    assert few.train.x.tobytes() in many.train.x.tobytes()
    assert few.train.x.tobytes() != other.train.x.tobytes()


def test_rare_characters_become_the_unknown_one(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("aaab" * 50 + "aabc" * 10 + "z" * 40)
    data = make(100, 4, 0, LanguageOptions(text=(path,), vocabulary=2))
    assert data.classes == 3
    np.testing.assert_array_equal(np.unique(data.train.x), [1, 2])
    np.testing.assert_array_equal(np.unique(data.test.x), [0])


def test_unigram_and_trigram_by_a_sum_character_by_character() -> None:
    size, length = 3000, 7
    data = make(size, length, 1, DEFAULT)
    tokens = [*data.train.x.ravel().tolist(), int(data.train.y[-1, -1])]
    tokens += make(size, 1, 1, DEFAULT).train.y.ravel()[len(tokens) - 1 :].tolist()
    assert len(tokens) == size + 1

    def p(context: tuple[int, ...], token: int) -> float:
        order = len(context) + 1
        grams = zip(*(tokens[i:] for i in range(order)), strict=False)
        after = Counter(gram[-1] for gram in grams if gram[:-1] == context)
        lower = p(context[1:], token) if context else 1 / data.classes
        return (after[token] + len(after) * lower) / (after.total() + len(after)) if after else lower

    windows = slice(0, 3)
    test = type(data.test)(data.test.x[windows], data.test.y[windows])
    fitted = [ngrams.fit(np.array(tokens), data.classes, order) for order in (1, 2, 3)]
    scored = baselines(fitted, test, carried=False)
    losses = {name: loss for name, (loss, _) in scored.items()}
    unigram = [-math.log(p((), y)) for y in test.y.ravel().tolist()]
    trigram = [
        -math.log(p(tuple(xs[max(0, step - 1) : step + 1]), y))
        for xs, ys in zip(test.x.tolist(), test.y.tolist(), strict=True)
        for step, y in enumerate(ys)
    ]
    assert losses["unigram"] == pytest.approx(np.mean(unigram))
    assert losses["trigram"] == pytest.approx(np.mean(trigram))


def test_where_the_state_is_carried_n_grams_see_across_windows(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("aabb" * 750)  # two letters tell the next, one does not
    options = LanguageOptions(text=(tmp_path / "a.txt",))
    apart = make(1200, 2, 0, options).baselines
    carried = make(1200, 2, 0, options.model_copy(update={"carry_state": True})).baselines
    assert carried["chance"] == apart["chance"]
    assert carried["unigram"]["loss"] == pytest.approx(apart["unigram"]["loss"])
    assert carried["trigram"]["accuracy"] > apart["trigram"]["accuracy"]
    with_one = make(1200, 1, 0, options.model_copy(update={"carry_state": True})).baselines
    assert with_one["trigram"]["loss"] == pytest.approx(carried["trigram"]["loss"], rel=0.01)
    assert identity(options) != identity(options.model_copy(update={"carry_state": True}))


def test_the_test_portion_is_available_in_windows_of_any_length() -> None:
    assert task.make_test is not None
    longer, trained = task.make_test(500, 0, DEFAULT), make(1000, 50, 3, DEFAULT).test
    np.testing.assert_array_equal(longer.x.ravel()[:19_000], trained.x.ravel()[:19_000])
    with pytest.raises(UserError, match="sequence_length 20000 needs more than 20,000 of each"):
        task.make_test(20_000, 0, DEFAULT)


def test_longer_n_grams_are_better_baselines_on_text() -> None:
    data = make(100_000, 50, 0, DEFAULT)
    chance, unigram, bigram, trigram = (data.baselines[n] for n in ("chance", "unigram", "bigram", "trigram"))
    assert chance["loss"] > unigram["loss"] > bigram["loss"] > trigram["loss"]
    assert unigram["accuracy"] == pytest.approx(
        float((data.test.y == Counter(data.train.y.ravel().tolist()).most_common(1)[0][0]).mean())
    )
    assert 0.4 < trigram["accuracy"] < 0.7


def test_scores_have_their_declared_units() -> None:
    y = np.array([[0, 1]])
    even = score(y, np.zeros((1, 2, 8)))
    assert even["loss"] == pytest.approx(math.log(8))
    assert even["bits_per_character"] == pytest.approx(3)
    assert even["perplexity"] == pytest.approx(8)
    half = score(y, np.array([[[9.0, 0, 0, 0], [9, 0, 0, 0]]]))
    assert half["accuracy"] == 0.5
    assert score(y, np.full((1, 2, 8), np.nan))["accuracy"] == 0
    assert score(y, np.array([[[0.0, 5000], [0.0, 5000]]]))["perplexity"] == math.inf


def test_a_path_may_be_a_string_and_is_no_part_of_the_identity(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("the same text " * 20)
    one, other = (LanguageOptions.model_validate({"text": str(tmp_path / name)}) for name in ("a.txt", "b.txt"))
    assert identity(one) == identity(other) != identity(DEFAULT)
    both = LanguageOptions.model_validate({"text": [str(tmp_path / name) for name in ("a.txt", "b.txt")]})
    assert identity(both) != identity(one)
    assert str(tmp_path) not in str(identity(both))
    for options in (one, both):
        assert LanguageOptions.model_validate(json.loads(options.model_dump_json())) == options
    assert identity(LanguageOptions(test_size=5)) != identity(DEFAULT)
    with pytest.raises(ValidationError):
        LanguageOptions.model_validate({"text": 5})


def test_the_error_for_too_little_text_states_what_was_found_and_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text("ab" * 500)
    options = LanguageOptions(text=(path,))
    with pytest.raises(UserError, match=r"book.txt: has 1,000 characters, of which 799 .* fewer than train_size 800"):
        examples(800, 10, options)
    assert examples(799, 10, options) == 79
    with pytest.raises(UserError, match=r"book.txt: has 1,000 characters, .* sequence_length 100 needs more than 100"):
        make(500, 100, 0, options)
    with pytest.raises(UserError, match="no such file"):
        identity(LanguageOptions(text=tmp_path / "none.txt"))


@given(total=st.integers(0, 10**6), validation=st.integers(1, 10**5), test=st.integers(1, 10**5))
def test_portions_have_their_sizes_and_at_most_a_tenth_of_the_text(total: int, validation: int, test: int) -> None:
    validation_at, test_at = split_points(total, validation, test)
    assert total - test_at == min(test, total // 10)
    assert test_at - validation_at == min(validation, total // 10)
