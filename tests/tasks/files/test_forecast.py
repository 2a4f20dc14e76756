"""forecast: windows in the order of time, scaled by the training rows, from valid and invalid files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import UserError
from harness.tasks.files.forecast import ForecastOptions, examples, facts, make, score
from harness.tasks.files.tables import load_table


def written(folder: Path, text: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def series(folder: Path, rows: int = 100, **columns: Any) -> Path:
    named = columns or {"value": np.arange(rows) + 0.5 * np.sin(np.arange(rows))}
    path = folder / "series.csv"
    pd.DataFrame(named).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_is_read_with_any_separator_and_columns_without_numbers_are_left_out(
    tmp_path: Path, separator: str
) -> None:
    rows = [["day", "north", "south"], ["2024-01-01", "1.5", "-2"], ["2024-01-02", "2.5", "1e3"]]
    table = load_table(written(tmp_path, "\n".join(separator.join(row) for row in rows)))
    assert {name: values.tolist() for name, values in table.columns.items()} == {
        "north": [1.5, 2.5],
        "south": [-2, 1000],
    }
    assert table.others == ("day",)


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    frame = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=3), "value": [1, 2, 4]})
    frame.to_parquet(tmp_path / "a.parquet")
    table = load_table(tmp_path / "a.parquet")
    assert table.columns["value"].tolist() == [1, 2, 4]
    assert table.others == ("day",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("day,value\n1,2\n2,\n3,4\n", r"column 'value', row 2: expected a finite number, found 'nan'"),
        ("value\n1\n2\nn. a.\n", r"column 'value', row 3: expected a finite number, found 'n. a.'"),
        ("value\n1\ninf\n-inf\n", r"row 2: expected a finite number, found 'inf' \(2 such rows\)"),
        ("day\nMonday\nTuesday\n", "no column has numbers"),
        ("PAR1 is not all of it", "cannot be read"),
        ("a,b\n1,2\n1,2,3,4\n", "cannot be read"),
    ],
)
def test_an_unusable_file_gets_one_message(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        load_table(written(tmp_path, text))


def test_a_missing_file_and_unknown_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.csv: no such file, expected a CSV or Parquet file"):
        load_table(tmp_path / "none.csv")
    path = written(tmp_path, "day,value\nMonday,1\n")
    with pytest.raises(UserError, match=r"no column 'valu'\. Did you mean 'value'\?"):
        load_table(path, ["valu"])
    with pytest.raises(UserError, match="the column 'day' has no numbers"):
        load_table(path, ["day"])


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(window=st.integers(1, 12), horizon=st.integers(1, 6), seed=st.integers(0, 1000))
def test_every_window_is_followed_by_its_values_and_splits_do_not_mix(
    tmp_path: Path, window: int, horizon: int, seed: int
) -> None:
    path = series(tmp_path, value=np.arange(100.0) ** 2)
    data = make(20, window, seed, ForecastOptions(file=path, horizon=horizon))
    known = np.arange(100.0) ** 2
    changes = np.abs(np.diff(known[:70])).mean()
    ranges = {"train": (0, 70), "validation": (70, 80), "test": (80, 100)}
    for name, (start, end) in ranges.items():
        split = getattr(data, name)
        values = np.concatenate([split.x[..., 0], split.y], axis=1) * changes
        last = ((values[:, window] - 1) / 2).round().astype(int)  # its square and the next one differ by 2 last + 1
        places = last[:, None] + np.arange(1 - window, horizon + 1)
        np.testing.assert_allclose(values, known[places] - known[last][:, None], rtol=1e-4, atol=1e-2)
        predicted = places[:, window:]
        assert start <= predicted.min()
        assert predicted.max() < end


def test_scaling_uses_training_rows_alone(tmp_path: Path) -> None:
    quiet = np.sin(np.arange(100.0))
    loud = quiet.copy()
    loud[75:] *= 1000
    data = [make(20, 5, 0, ForecastOptions(file=series(tmp_path, value=values))) for values in (quiet, loud)]
    np.testing.assert_array_equal(data[0].train.x, data[1].train.x)
    assert np.abs(data[1].test.y).max() > 100 * np.abs(data[0].test.y).max()


def test_the_mean_absolute_error_of_the_naive_forecast_is_one_in_training(tmp_path: Path) -> None:
    path = series(tmp_path, value=np.cumsum(np.random.default_rng(0).standard_normal(400)))
    data = make(279, 1, 0, ForecastOptions(file=path))
    assert score(data.train.y, np.zeros(data.train.y.shape))["mase"] == pytest.approx(1)


def test_a_series_that_rises_out_of_its_range_looks_alike_everywhere(tmp_path: Path) -> None:
    data = make(50, 5, 0, ForecastOptions(file=series(tmp_path, value=np.arange(100.0)), horizon=3))
    for split in (data.train, data.validation, data.test):
        np.testing.assert_allclose(split.x[..., 0], np.tile(np.arange(-4.0, 1), (len(split.x), 1)), atol=1e-5)
        np.testing.assert_allclose(split.y, np.tile(np.arange(1.0, 4), (len(split.y), 1)), atol=1e-5)
    assert data.baselines["chance"]["mase"] == pytest.approx(0, abs=1e-5)
    assert data.baselines["last_value"]["mase"] == pytest.approx(2)


def test_baselines_repeat_the_last_value_and_the_last_season(tmp_path: Path) -> None:
    season = np.tile([0.0, 5.0, 1.0, 7.0], 50) + np.arange(200) / 1000
    data = make(50, 8, 0, ForecastOptions(file=series(tmp_path, value=season), horizon=4, season=4))
    assert data.baselines["seasonal_naive"]["mase"] == pytest.approx(1, rel=0.01), "it is the unit"
    assert data.baselines["last_value"]["mase"] > 100
    assert data.baselines["linear"]["mase"] < 0.2, "a linear function knows the trend too"
    without = make(50, 8, 0, ForecastOptions(file=series(tmp_path, value=season), horizon=4))
    assert "seasonal_naive" not in without.baselines


def test_several_series_are_scaled_separately(tmp_path: Path) -> None:
    walk = np.cumsum(np.random.default_rng(0).standard_normal(200))
    path = series(tmp_path, small=walk, large=1e6 * walk)
    data = make(200, 5, 0, ForecastOptions(file=path))
    assert np.abs(data.train.x).max() < 100
    assert facts(200, 5, ForecastOptions(file=path)).source == "series.csv, 2 series of 200 steps"


def test_series_that_are_too_short_or_constant_are_refused(tmp_path: Path) -> None:
    path = series(tmp_path, rows=20)
    with pytest.raises(UserError, match=r"20 rows leave no window of 6 steps .* for the validation split"):
        examples(1, 3, ForecastOptions(file=path, horizon=3))
    with pytest.raises(UserError, match="11 windows to train on, fewer than train_size 12"):
        examples(12, 3, ForecastOptions(file=path))
    constant = ForecastOptions(file=series(tmp_path, value=[3.0] * 50))
    with pytest.raises(UserError, match="the column 'value' does not change over 1 step in its 35 training rows"):
        make(5, 3, 0, constant)
    with pytest.raises(UserError, match="50 rows are too few"):
        examples(1, 3, ForecastOptions(file=path, test_size=49))
