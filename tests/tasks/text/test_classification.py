"""text_classification: labelled texts from valid and invalid files, as words after padding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.errors import UserError
from harness.tasks.text.classification import TextClassificationOptions, examples, facts, identity, make, sample


def reviews(folder: Path, count: int = 40, separator: str = ",", header: str = "label,text") -> Path:
    lines = [header.replace(",", separator)]
    for at in range(count):
        label, word = (("good", "fine"), ("bad", "dull"))[at % 2]
        lines.append(f'{label}{separator}"film {at}, {word}; ""quite"" {word}\nindeed"')
    path = folder / "reviews.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_quoted_texts_keep_their_separators_and_lines(tmp_path: Path, separator: str) -> None:
    options = TextClassificationOptions(file=reviews(tmp_path, separator=separator))
    data = make(20, 12, 0, options)
    assert facts(20, 12, options).source == "reviews.csv, 40 texts with 2 labels"
    words = (data.test.x > 0).sum(axis=1)
    assert words.tolist() == [10] * len(words), 'film, 7, ",", fine, ;, ", quite, ", fine, indeed'


def test_padding_comes_before_the_words_and_long_texts_are_cut(tmp_path: Path) -> None:
    options = TextClassificationOptions(file=reviews(tmp_path))
    long = make(20, 15, 0, options).test.x
    assert not long[:, :5].any()
    assert long[:, 5:].all()
    short = make(20, 4, 0, options)
    assert short.test.x.all()
    assert facts(20, 4, options).left_out["words after the first sequence_length of their text"] == 40 * 6


def test_the_vocabulary_comes_from_the_training_texts(tmp_path: Path) -> None:
    options = TextClassificationOptions(file=reviews(tmp_path), vocabulary=3)
    data = make(20, 10, 0, options)
    assert data.symbols == 5
    assert data.train.x.max() == 4
    assert (data.train.x == 1).any(), "all other words count as one"


def test_a_bag_of_words_finds_the_words_that_tell(tmp_path: Path) -> None:
    options = TextClassificationOptions.model_validate(sample(tmp_path))
    baselines = make(100, 20, 0, options).baselines
    assert baselines["bag_of_words"]["accuracy"] > baselines["chance"]["accuracy"] + 0.2


def test_repeated_and_empty_texts_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"{'yes' if at % 2 else 'no'},text {at}" for at in range(20)] + ["yes,text 1", "no,"]
    path.write_text("\n".join(["label,text", *rows]), encoding="utf-8")
    found = facts(5, 10, TextClassificationOptions(file=path))
    assert found.source == "a.csv, 20 texts with 2 labels"
    assert found.left_out["texts that equal another one"] == 1
    assert found.left_out["texts without words"] == 1


def test_parquet_and_other_column_names_are_read(tmp_path: Path) -> None:
    frame = pd.DataFrame({"stars": [1, 5] * 10, "review": [f"text {at}" for at in range(20)]})
    frame.to_parquet(tmp_path / "a.parquet")
    options = TextClassificationOptions(file=tmp_path / "a.parquet", label="stars", text="review")
    assert make(5, 4, 0, options).classes == 2


def test_splits_have_no_text_in_common_and_are_the_same_for_all_seeds(tmp_path: Path) -> None:
    options = TextClassificationOptions(file=reviews(tmp_path), vocabulary=100)
    first, second = (make(24, 10, seed, options) for seed in (0, 1))
    np.testing.assert_array_equal(first.test.y, second.test.y)
    assert len(first.validation.y) == len(first.test.y) == 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("label;review\ngood;fine\n", "no column 'text'"),
        ("label,text\n,fine\n", "row 1 has no label in the column 'label'"),
        ("label,text\ngood,fine\ngood,dull\n", "has 1 different labels, expected 2 to 1,000"),
        ("label,text\ngood,fine\nbad,dull\n", "2 texts are too few for three splits"),
        ("label,text\ngood,fine,third\nbad,dull\n", r"cannot be read \(rows have more columns than the header\)"),
        ("label,text\ngood,fine\nbad,dull,third\n", "cannot be read"),
    ],
)
def test_an_unusable_file_gets_one_message(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said):
        identity(TextClassificationOptions(file=path))


def test_too_few_texts_to_train_on_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="24 texts to train on, fewer than train_size 25"):
        examples(25, 10, TextClassificationOptions(file=reviews(tmp_path)))
