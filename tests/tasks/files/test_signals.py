"""signals: labelled series from valid and invalid .ts and CSV files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import UserError
from harness.tasks.files.series_files import load_series
from harness.tasks.files.signals import SignalsOptions, examples, facts, identity, make, sample

TS = """# a comment: with a colon
@problemName Toy
@timeStamps false
@univariate false
@dimensions 2
@equalLength true
@seriesLength 3
@classLabel true up down
@data
1,2,3:-1,-2,-3:up
3,2,1:0.5,1e2,-3:down
"""


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content)
    return path


def test_ts_files_are_read_with_all_their_channels(tmp_path: Path) -> None:
    loaded = load_series(write(tmp_path, "a.ts", TS))
    assert loaded.labels == ("up", "down")
    assert loaded.values.shape == (2, 3, 2)
    np.testing.assert_array_equal(loaded.values[1], [[3, 0.5], [2, 100], [1, -3]])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("header", ["", "label{0}a{0}b\n"])
def test_csv_files_are_read_with_any_separator_and_header(tmp_path: Path, separator: str, header: str) -> None:
    text = header.format(separator) + f"1{separator}0.5{separator}-2\n\n2{separator}3{separator}4\n"
    loaded = load_series(write(tmp_path, "a.csv", text))
    assert loaded.labels == ("1", "2")
    np.testing.assert_array_equal(loaded.values[..., 0], [[0.5, -2], [3, 4]])


@pytest.mark.parametrize(
    "text",
    [
        "label,0,1,2\nlow,1,2,3\nhigh,4,5,6\n",  # pandas
        "state,1,2,3\nlow,1,2,3\nhigh,4,5,6\nlow,1,2,3\nhigh,4,5,6\n",
        "class,0.0,0.1,0.2\nlow,1,2,3\nhigh,4,5,6\n",  # names of columns that are times
        '"label","V1","V2","V3"\n"low",1,2,3\n"high",4,5,6\n',  # R
        "\ufeffsep=;\r\nlabel;a;b;c\r\nlow;1;2;3\r\nhigh;4;5;6\r\n",  # Excel
        "low 1.0e+00   2 3\n  high 4 5 6\n",  # numpy.savetxt, and the archives' older files
        "low,1,2,3\nhigh,4,5,6\n",
    ],
)
def test_files_of_other_programs_are_read_with_or_without_a_header(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    loaded = load_series(path)
    assert loaded.labels[:2] == ("low", "high")
    np.testing.assert_array_equal(loaded.values[:2, :, 0], [[1, 2, 3], [4, 5, 6]])


def test_a_first_series_that_counts_up_is_no_header_where_its_label_occurs_again(tmp_path: Path) -> None:
    assert len(load_series(write(tmp_path, "a.csv", "a,1,2,3\nb,5,5,5\na,4,4,4\n")).labels) == 3
    assert len(load_series(write(tmp_path, "b.csv", "1,1,2,3\n2,5,5,5\n")).labels) == 2


def test_omitted_series_and_values_are_counted(tmp_path: Path) -> None:
    lines = [f"{at % 2},{at},1,2" for at in range(20)]
    loaded = facts(5, 2, SignalsOptions(file=write(tmp_path, "a.csv", "\n".join([*lines, *lines[:3]]))))
    assert loaded.source.endswith("a.csv, 23 series")
    assert list(loaded.left_out.values()) == [3, 20]


def test_labels_stay_with_their_series(tmp_path: Path) -> None:
    lines = [f"{'even' if at % 2 == 0 else 'odd'},{at},{-at},{at * at}" for at in range(50)]
    data = make(30, 3, 0, SignalsOptions(file=write(tmp_path, "a.csv", "\n".join(lines))))
    parts = [np.concatenate([split.x[:, 1, 0], split.y]) for split in (data.train, data.validation, data.test)]
    assert [len(part) // 2 for part in parts] == [30, 10, 10]
    order = np.argsort(np.concatenate([split.x[:, 1, 0] for split in (data.train, data.validation, data.test)]))
    labels = np.concatenate([split.y for split in (data.train, data.validation, data.test)])[order[::-1]]
    np.testing.assert_array_equal(labels, np.arange(50) % 2)
    np.testing.assert_allclose([data.train.x.mean(), data.train.x.std()], [0, 1], atol=1e-5)


def test_a_test_file_is_the_whole_test_split_and_its_series_are_not_trained_on(tmp_path: Path) -> None:
    train = write(tmp_path, "train.csv", "\n".join(f"{at % 2},{at},1" for at in range(20)))
    test = write(tmp_path, "test.csv", "\n".join(f"{at % 2},{at},1" for at in range(18, 25)))
    options = SignalsOptions(file=train, test_file=test)
    data = make(10, 2, 0, options)
    assert len(data.test.x) == 7
    with pytest.raises(UserError, match="15 series to train on, fewer than train_size 16"):
        examples(16, 2, options)
    assert set(identity(options)) == {"procedure", "file_sha256", "test_file_sha256"}


def test_the_nearest_neighbour_separates_waves(tmp_path: Path) -> None:
    data = make(70, 20, 0, SignalsOptions.model_validate(sample(tmp_path)))
    assert data.baselines["nearest_neighbour"]["accuracy"] > 0.8 > data.baselines["chance"]["accuracy"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "", "is empty, expected labelled series as .ts or CSV"),
        ("a.csv", "label,x\n", "line 1: no series found"),
        (
            "a.csv",
            "a,1,2\nb,3\n",
            "line 2: 1 values in 1 channels, but the first series has 2 values in 1 channels; expected equal",
        ),
        ("a.csv", "a,1,2\nb,3,x\n", "line 2: 'x' is not a number"),
        ("a.csv", "a,1,2\nb,3,nan\n", "line 2: a value is nan, expected finite"),
        ("a.csv", "a,1,2\nb,3,\n", "line 2: a missing value .'' is not a number"),
        ("a.csv", "a;1,5;2\nb;3;4\n", "line 1: numbers with a decimal comma, expected a decimal point"),
        ("a.csv", "1,2,a\n3,4,b\n", "line 1: 'a' is not a number, expected the label first and then the values"),
        ("a.csv", ",label,0,1\n0,a,1,2\n1,b,3,4\n", r"line 2: the first column is the number of the row \(0, 1, ...\)"),
        ("a.csv", "1,a,1,2\n2,b,3,4\n3,b,3,4\n", r"the first column is the number of the row .* row.names=FALSE"),
        ("a.csv", '"label" "V1"\n"1" "a" 1\n"2" "b" 3\n"3" "b" 4\n', "the first column is the number of the row"),
        ("a.csv", '"a,1,2\n', "line 1: no series found|line 1: expected a label"),
        ("a.csv", "@relation x\n@attribute a numeric\n@data\n1,2,a\n", "line 1: ARFF files are not supported"),
        ("a.ts", "@targetlabel true\n@data\n1,2:0.5\n", "line 1: the header has @targetlabel true.* regression sets"),
        ("a.ts", TS.replace("false\n@dim", "true\n@dim"), "line 4: the header has @univariate true, found 2 channels"),
        ("a.csv", "a,1,1e99\n", "too large for single precision"),
        ("a.csv", "a,1,2\n,3,4\n", "line 2: no label"),
        ("a.csv", "a,1\nlonely\n", "line 2: expected a label and values"),
        ("a.ts", "1,2:a\n", "no '@data' found"),
        ("a.ts", TS.replace("@equalLength true", "@equalLength false"), "line 6: .*@equallength false, expected true"),
        ("a.ts", TS.replace("@timeStamps false", "@timeStamps true"), "line 3: .*@timestamps true, expected false"),
        (
            "a.ts",
            TS.replace("@classLabel true up down", "@classLabel false"),
            "line 8: .*@classlabel false, expected true",
        ),
        (
            "a.ts",
            TS.replace("@seriesLength 3", "@seriesLength 999999999"),
            "line 7: .*@serieslength 999999999, found 3",
        ),
        ("a.ts", TS.replace("@dimensions 2", "@dimensions 1000000"), "line 5: .*@dimensions 1000000, found 2"),
        ("a.ts", TS + "1,2,3:1,2,3:sideways\n", "line 12: the label 'sideways' is not in the header: up down"),
        ("a.ts", TS + "1,2,3:1,2,3\n", "line 12: 1,2,3|line 12: 3 values in 1 channels"),
        ("a.ts", TS + "1,2:1,2,3:up\n", "line 12: its channels have different lengths"),
        ("a.ts", TS + "1,?,2:1,2,3:up\n", r"line 12: a missing value \('\?' is not a number"),
        ("a.ts", TS + "nonsense\n", "line 12: expected 'values:label'"),
    ],
)
def test_a_bad_file_is_named_with_line_and_fault(tmp_path: Path, name: str, content: str, said: str) -> None:
    with pytest.raises(UserError, match=said) as caught:
        load_series(write(tmp_path, name, content))
    assert name in str(caught.value)


def test_series_that_cannot_be_split_or_do_not_fit_are_refused(tmp_path: Path) -> None:
    good = write(tmp_path, "good.csv", "\n".join(f"{at % 2},{at},1" for at in range(20)))
    with pytest.raises(UserError, match="its series have 2 values, fewer than sequence_length 3"):
        examples(1, 3, SignalsOptions(file=good))
    with pytest.raises(UserError, match="all series have the label 'a', expected at least two"):
        examples(1, 1, SignalsOptions(file=write(tmp_path, "one.csv", "a,1\na,2\n")))
    with pytest.raises(UserError, match="2 series are too few"):
        examples(1, 1, SignalsOptions(file=write(tmp_path, "few.csv", "a,1\nb,2\n")))
    with pytest.raises(UserError, match="label '7' does not occur"):
        examples(1, 1, SignalsOptions(file=good, test_file=write(tmp_path, "other.csv", "7,1,2\n")))
    with pytest.raises(
        UserError, match=r"series of 1 values in 1 channels, but .* has series of 2 values in 1 channels"
    ):
        examples(1, 1, SignalsOptions(file=good, test_file=write(tmp_path, "short.csv", "0,1\n1,2\n")))
    with pytest.raises(UserError, match="no such file"):
        identity(SignalsOptions(file=tmp_path / "none.ts"))
    (tmp_path / "bytes.csv").write_bytes(b"a,\xff")
    with pytest.raises(UserError, match="not UTF-8 text"):
        identity(SignalsOptions(file=tmp_path / "bytes.csv"))
