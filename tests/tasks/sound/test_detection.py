"""Metrics of sound event detection, compared with counts by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from harness.tasks.sound.detection import (
    average_precision,
    best_thresholds,
    f1_by_class,
    macro_f1,
    segment_error_rate,
    segment_f1,
    segments,
)

frames = stn.arrays(np.uint8, (2, 7, 3), elements=st.integers(0, 1))


def test_f1_counts_frames_and_leaves_out_labels_that_never_occur() -> None:
    y = np.array([[[1, 0], [1, 0], [0, 0], [0, 0]]])
    active = np.array([[[1, 0], [0, 0], [1, 1], [1, 0]]])
    np.testing.assert_allclose(f1_by_class(y, active), [2 / 5, 0])
    assert macro_f1(y, active) == pytest.approx(2 / 5)
    assert macro_f1(np.zeros_like(y), active) == 0


def test_average_precision_by_hand() -> None:
    # In the order of the outputs: hit, miss, hit, miss.
    y, outputs = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1])
    assert average_precision(y[None, :, None], outputs[None, :, None]) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_equal_outputs_have_the_prevalence_as_average_precision() -> None:
    y = np.array([1, 0, 0, 0, 1])
    assert average_precision(y[None, :, None], np.full((1, 5, 1), 0.3)) == pytest.approx(2 / 5)


def test_a_segment_is_active_if_any_of_its_frames_is() -> None:
    active = np.zeros((1, 5, 1))
    active[0, 2] = 1
    # Frames of 0.4 s begin at 0, 0.4, 0.8 | 1.2, 1.6; the third lasts until 1.2 and is in both segments.
    assert segments(active, 0.4)[0, :, 0].tolist() == [True, True]
    assert segments(np.roll(active, -1, axis=1), 0.4)[0, :, 0].tolist() == [True, False]
    active[0, 3] = 1
    assert segments(active, 0.4)[0, :, 0].tolist() == [True, True]
    assert segments(np.zeros((1, 256, 1)), 10 / 256).shape == (1, 10, 1)


@pytest.mark.parametrize(
    ("seed", "frame_seconds", "f1", "error_rate"),
    [
        (0, 10 / 256, 0.6969696969696971, 0.6296296296296295),
        (1, 0.1, 0.3142857142857143, 2.333333333333333),
        (2, 0.25, 0.21621621621621623, 1.4444444444444444),
    ],
)
def test_segment_metrics_are_those_of_sed_eval(seed: int, frame_seconds: float, f1: float, error_rate: float) -> None:
    """The figures are those of sed_eval 0.2.1 for the same events."""
    generator, count = np.random.default_rng(seed), round(10 / frame_seconds)
    y = np.repeat(generator.random((3, count // 5 + 1, 3)) < 0.15, 5, axis=1)[:, :count]
    active = np.repeat(generator.random((3, count // 4 + 1, 3)) < 0.2, 4, axis=1)[:, :count]
    there, heard = segments(y, frame_seconds), segments(active, frame_seconds)
    assert segment_f1(there, heard) == pytest.approx(f1, abs=1e-12)
    assert segment_error_rate(there, heard) == pytest.approx(error_rate, abs=1e-12)


def test_substitutions_deletions_and_insertions_by_hand() -> None:
    y = np.array([[[1, 1, 0], [1, 0, 0], [0, 0, 0]]], dtype=bool)
    active = np.array([[[1, 0, 1], [0, 0, 0], [0, 1, 1]]], dtype=bool)
    # One substitution, one deletion, two insertions, of three labels; one hit.
    assert segment_error_rate(y, active) == pytest.approx(4 / 3)
    assert segment_f1(y, active) == pytest.approx(2 / (2 + 3 + 2))


@given(y=frames)
def test_perfect_answers_are_perfect_and_silence_finds_nothing(y: np.ndarray) -> None:
    there = y > 0
    assert segment_error_rate(there, there) == 0
    assert segment_f1(there, there) == macro_f1(y, y) == average_precision(y, y) == float(there.any())
    assert segment_error_rate(there, ~there & False) == float(there.any())


@given(y=frames, outputs=stn.arrays(np.float64, (2, 7, 3), elements=st.floats(0, 1)))
def test_chosen_thresholds_are_at_least_as_good_as_one_half(y: np.ndarray, outputs: np.ndarray) -> None:
    chosen = best_thresholds(y, outputs)
    assert np.all(f1_by_class(y, outputs >= chosen) >= f1_by_class(y, outputs >= 0.5))
