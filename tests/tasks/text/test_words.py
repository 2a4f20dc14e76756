"""words: the same as language, with words for characters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.tasks.text.words import WordsOptions, task, words_of

make, score, examples, identity = task.make, task.score, task.examples, task.identity


def write(folder: Path, text: str) -> WordsOptions:
    path = folder / "book.txt"
    path.write_text(text)
    return WordsOptions(text=(path,))


def test_a_word_is_a_run_of_letters_in_lower_case_or_of_one_sign(tmp_path: Path) -> None:
    options = write(tmp_path, "The cat_1 sat... the CAT_1 sat... " * 20)
    data = make(60, 4, 0, options)
    assert data.classes == 4 + 1
    tokens = data.train.x.ravel().tolist()
    assert len(set(tokens)) == 4
    assert tokens[:56] == tokens[4:60], "the same four words again and again"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी विकिपीडिया செலவு cafe\u0301", ["हिन्दी", "विकिपीडिया", "செலவு", "cafe\u0301"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("İstanbul", ["i\u0307stanbul"]),
        ("שָׁלוֹם עולם", ["שָׁלוֹם", "עולם"]),
        ("a-b ]) \u0301x", ["a", "-", "b", "]", ")", "\u0301", "x"]),
    ],
)
def test_a_combining_mark_belongs_to_the_letter_before_it(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_unknown_words_and_words_that_fill_no_window_are_counted(tmp_path: Path) -> None:
    options = write(tmp_path, "a a b " * 60 + "c " * 10 + "d " * 10).model_copy(update={"vocabulary": 2})
    data_facts = task.facts(100, 7, options)
    assert data_facts.source.endswith("book.txt, 400 characters")
    assert data_facts.unknown == pytest.approx(20 / 200)
    assert list(data_facts.left_out.values()) == [0, 100 % 7 + 19 % 7 + 19 % 7]


def test_the_most_frequent_words_of_the_training_portion_are_known(tmp_path: Path) -> None:
    options = write(tmp_path, "a a b " * 60 + "c " * 10 + "d " * 40).model_copy(update={"vocabulary": 2})
    data = make(100, 5, 0, options)
    assert data.classes == 3
    assert set(np.unique(data.train.x)) == {1, 2}
    assert set(np.unique(data.test.x)) == {0}


def test_baselines_and_scores_are_in_bits_per_word() -> None:
    data = make(20_000, 20, 0, WordsOptions())
    chance, unigram, trigram = (data.baselines[name]["bits_per_word"] for name in ("chance", "unigram", "trigram"))
    assert chance == pytest.approx(np.log2(2001))
    assert chance > unigram > trigram
    assert score(np.zeros((1, 2), dtype=int), np.zeros((1, 2, 8)))["bits_per_word"] == pytest.approx(3)
    assert identity(WordsOptions(vocabulary=5)) != identity(WordsOptions())
