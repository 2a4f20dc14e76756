"""The network's input and labels: frames of log-magnitudes, and the active labels in each frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.tasks.common.task import Array
from harness.tasks.sound.soundscape import RATE, SECONDS, Event, Samples

FRAMES = 256
"""Frames in 10 seconds of sound."""
BINS = 256
_ROWS, _COLUMNS = 64, 128
"""Size of the picture of an example."""
_WINDOW = 2 * BINS
_FLOOR = 1e-3
"""Added to magnitudes before the logarithm, so that the logarithm of digital silence is finite."""


def frame_seconds() -> float:
    """Seconds from the beginning of one frame to the beginning of the next."""
    return SECONDS / FRAMES


def spectrogram(samples: Samples) -> Array:
    """log10 magnitudes (FRAMES, BINS), float32, of 10 seconds at `RATE`, without frequency 0."""
    starts = (np.arange(FRAMES) * RATE * frame_seconds()).astype(int)
    padded = np.concatenate([samples, np.zeros(_WINDOW, dtype=samples.dtype)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[starts]
    magnitudes = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW).astype(np.float32), axis=1))[:, 1:]
    return np.log10(magnitudes + _FLOOR).astype(np.float32)


def frame_labels(events: Sequence[Event], labels: Sequence[str]) -> Array:
    """(FRAMES, labels) of 0 and 1: 1 if a sound with this label is active at the middle of the frame's window."""
    middles = _middles()
    y = np.zeros((FRAMES, len(labels)), dtype=np.float32)
    for event in events:
        y[(event.onset <= middles) & (middles < event.offset), labels.index(event.label)] = 1
    return y


def frames_within(seconds: float) -> int:
    """The number of frames whose window's middle lies within the first `seconds`."""
    return int((_middles() < seconds).sum())


def _middles() -> Array:
    """(FRAMES,): the middle of each frame's window, in seconds; all are within the 10 seconds."""
    return np.arange(FRAMES) * frame_seconds() + _WINDOW / 2 / RATE


def pictured(frames: Array) -> tuple[str, ...]:
    """Frames (time, BINS) as a small image: rows from the highest frequency down, one hexadecimal digit per column.

    Each digit is the maximum of its patch; 0 and f are the 2nd and the 99.5th percentile, so that noise is dark.
    """
    columns, rows = min(len(frames), _COLUMNS), _ROWS
    in_time = np.maximum.reduceat(frames, np.arange(columns) * len(frames) // columns, axis=0)
    patches = np.maximum.reduceat(in_time, np.arange(rows) * BINS // rows, axis=1).T[::-1]
    low, high = np.percentile(patches, (2, 99.5))
    levels = np.clip((patches - low) / max(high - low, 1e-9) * 16, 0, 15).astype(int)
    return tuple("".join(f"{level:x}" for level in row) for row in levels)
