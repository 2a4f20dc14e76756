"""Metrics of sound event detection, from frame-wise labels and probabilities, (examples, frames, classes).

Segment-based F1 and error rate follow Mesaros, Heittola and Virtanen (2016), "Metrics for polyphonic sound event
detection", section 4; average precision is the sum over thresholds of precision times the increase in recall.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from harness.tasks.common.task import Array

Frames: TypeAlias = Array
"""One value per class and frame, or per class and segment: (examples, frames, classes)."""


def f1_by_class(y: Frames, active: Frames) -> Array:
    """(classes,): 2 TP / (2 TP + FP + FN) over all frames; 0 for a class that neither occurs nor is detected."""
    y, active = _flat(y) > 0, _flat(active) > 0
    hit, total = (y & active).sum(axis=0), y.sum(axis=0) + active.sum(axis=0)
    return np.where(total > 0, 2 * hit / np.maximum(total, 1), 0.0)


def macro_f1(y: Frames, active: Frames) -> float:
    """Mean F1 of the classes that occur in y; 0 if none does."""
    occurs = _flat(y).any(axis=0)
    return float(f1_by_class(y, active)[occurs].mean()) if occurs.any() else 0.0


def average_precision(y: Frames, probabilities: Frames) -> float:
    """Mean average precision over frames of the classes that occur in y; 0 if none does."""
    from sklearn.metrics import average_precision_score

    truths, scores = _flat(y) > 0, np.nan_to_num(_flat(probabilities), nan=-1.0)
    occurring = np.flatnonzero(truths.any(axis=0))
    precisions = [average_precision_score(truths[:, k], scores[:, k]) for k in occurring]
    return float(np.mean(precisions)) if precisions else 0.0


def segments(frames: Frames, frame_seconds: float) -> Frames:
    """(examples, segments, classes): True if any frame that overlaps the 1-second segment is active.

    A frame that overlaps two segments counts in both, as in sed_eval, the reference implementation.
    """
    borders = np.arange(frames.shape[1] + 1) * frame_seconds
    first, last = np.floor(borders[:-1] + 1e-9), np.ceil(borders[1:] - 1e-9) - 1
    active = np.asarray(frames) > 0
    within = [(first <= segment) & (segment <= last) for segment in range(int(last[-1]) + 1)]
    return np.stack([active[:, at].any(axis=1) for at in within], axis=1)


def segment_f1(y: Frames, active: Frames) -> float:
    """2 TP / (2 TP + FP + FN), counted over all segments and classes; 0 if all are inactive."""
    hit, total = int((y & active).sum()), int(y.sum() + active.sum())
    return 2 * hit / total if total else 0.0


def segment_error_rate(y: Frames, active: Frames) -> float:
    """(substitutions + deletions + insertions) / active reference labels, over all segments; 0 is best, can exceed 1.

    In a segment with FN missed and FP inserted labels, min(FN, FP) count as substitutions and the rest as deletions or
    insertions, together max(FN, FP).
    """
    missed, invented = (y & ~active).sum(axis=-1), (active & ~y).sum(axis=-1)
    return float(np.maximum(missed, invented).sum() / max(1, int(y.sum())))


def best_thresholds(y: Frames, probabilities: Frames) -> Array:
    """(classes,): for each class the threshold from 0.05 to 0.95 with the highest frame F1; 0.5 if none is better."""
    candidates = np.concatenate([[0.5], np.arange(1, 20) / 20])
    scores = np.stack([f1_by_class(y, probabilities >= threshold) for threshold in candidates])
    return np.asarray(candidates[np.argmax(scores, axis=0)])


def _flat(frames: Frames) -> Array:
    return np.asarray(frames).reshape(-1, np.shape(frames)[-1])
