"""Data files of the right form with odd values, which mutations of bytes and text seldom leave behind."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from harness.tasks.common.task import Array
from tests.fuzz.mutation import NUMBERS, TEXTS, pick

_SPLITS = (("train", "traindata"), ("valid", "validation", "validdata"), ("test", "testdata"))
_NOTES = (20, 109, -1, None, math.nan, math.inf, 60.5, True, "60", [60], 10**30)
_CELLS: tuple[float, ...] = (2, -1, 0.5, math.nan, math.inf)
_DTYPES = ("f2", "c16", "U3", "S3", ">f4", ">i8", "M8[s]", "O", "f4,i4", "u8", "g")
_UNSAFE = ("MPEG", "VORBIS", "OPUS", "ALAC")
"""Encoders of libsndfile that end the process at some samples, rates and lengths."""
_ONSETS = ("0", "-0.0", "1e-320", "nan", "+.1", "1_0", "0,1", "-1")
_OFFSETS = ("0", "1e308", "inf", "1e400", "٣", " 0.4 ")
_SCRIPTS = (
    "the cell keeps a state ", "über naïve Größe ", "网络学习状态", "क्षत्रिय किताब ", "الشبكة العصبية ", "신경망 ",
    "👩\u200d👩\u200d👧 🦀 ", "e\u0301a\u0308 ", "\u200c\u200d\ufeff", "\u0301\u0301", "İSTANBUL ẞ ŉ ", "12 345.6e7 ",
    "\t\n \u2028\u00a0", "\x1b\x07\x7f", "x" * 40,
)  # fmt: skip


def _names(random: Random) -> list[str]:
    """A name for each split; sometimes an invalid or repeated one."""
    return [pick(random, names, ("", "train", "test", "Train", *TEXTS), 0.04) for names in _SPLITS]


def _pieces(random: Random, note: int) -> list[list[list[int]]]:
    """A few pieces of notes from `note` on; sometimes without steps, with one step, or a piece twice."""
    pieces = [
        [
            [note + random.randrange(88) for _ in range(random.randrange(5))]
            for _ in range(pick(random, (8, 17, 30), (0, 1, 2), 0.15))
        ]
        for _ in range(pick(random, (2, 3, 5), (0, 1), 0.1))
    ]
    return [*pieces, pieces[0]] if pieces and random.random() < 0.1 else pieces


def notes(random: Random) -> bytes:
    """Piano rolls as JSON."""
    content: dict[str, Any] = {name: _pieces(random, 21) for name in _names(random)}
    if random.random() < 0.5:
        steps = [step for pieces in content.values() for piece in pieces for step in piece if step]
        for step in random.sample(steps, min(len(steps), random.choice((1, 1, 5)))):
            step[0] = random.choice((random.choice(_NOTES), float(step[0])))
    if random.random() < 0.05:
        content[random.choice(TEXTS)] = random.choice(([], [[]], None, {}))
    return json.dumps(content, indent=random.choice((None, 1)), ensure_ascii=False).encode()


def _rolls(random: Random) -> list[Array]:
    """Pieces (steps, 88), few of them of odd types, shapes or values."""
    rolls = []
    for piece in _pieces(random, 0):
        roll = np.zeros((len(piece), 88), dtype=random.choice(("u1", "?", "f4", "f8", "i8")))
        for at, step in enumerate(piece):
            roll[at, step] = 1
        if random.random() < 0.05 and roll.dtype.kind == "f" and len(roll):
            roll[0, 0] = random.choice(_CELLS)
        if random.random() < 0.04:
            roll = np.zeros(roll.shape, dtype=random.choice(_DTYPES))
        if random.random() < 0.04:
            roll = random.choice((roll.T, roll[None], roll.ravel(), roll[:, :87], roll[:0], roll[:, :0]))
        rolls.append(np.asfortranarray(roll) if random.random() < 0.2 else roll)
    return rolls


def npz(random: Random) -> bytes:
    """Piano rolls as NPZ."""
    arrays = {}
    for name in _names(random):
        for at, roll in enumerate(_rolls(random)):
            arrays[f"{name}{random.choice(('_', '_', '_x', '')) if at else '_'}{at}".replace("/", "\\")] = roll
    written = io.BytesIO()
    random.choice((np.savez, np.savez_compressed))(written, **arrays)
    return written.getvalue()


def mat(random: Random) -> bytes:
    """Piano rolls as MATLAB cell arrays."""
    import scipy.io
    import scipy.sparse

    odd: Sequence[Any] = ("text", 1.5, {"a": 1}, np.empty((2, 2), dtype=object), np.zeros((0, 0)), np.zeros((2, 88, 2)))
    variables: dict[str, Any] = {}
    for name in _names(random):
        rolls: list[Any] = [roll for roll in _rolls(random) if roll.dtype.kind in "buifcU"]
        if rolls and random.random() < 0.08:
            rolls[0] = random.choice((*odd, scipy.sparse.csc_matrix(np.eye(3, 88))))
        cells = np.empty(len(rolls), dtype=object)
        cells[:] = rolls
        if len(rolls) == 4 and random.random() < 0.3:
            cells = cells.reshape(2, 2)
        variables[name if name.isidentifier() else "a"] = cells if random.random() < 0.96 else random.choice(odd)
    written = io.BytesIO()
    try:
        scipy.io.savemat(written, variables, do_compression=random.random() < 0.5, oned_as="row", long_field_names=True)
    except (TypeError, ValueError, NotImplementedError):  # which SciPy cannot write
        return mat(random)
    return written.getvalue()


def sound(random: Random) -> bytes:
    """A recording of any format, sample format, rate, length and number of channels."""
    import soundfile

    form = pick(random, ("WAV", "FLAC"), ("AIFF", "AU", "RF64", "W64", "CAF", "WAVEX", "VOC"), 0.2)
    subtype = random.choice([name for name in soundfile.available_subtypes(form) if not name.startswith(_UNSAFE)])
    rate = pick(random, (8000, 4000, 16_000, 11_025), (1, 99, 100, 7919, 44_100, 192_000, 2**31 - 1), 0.2)
    channels = pick(random, (1, 2), (3, 8, 64, 65), 0.1)
    length = pick(random, (rate // 2, rate), (0, 1, 2, 40, 11 * 8000), 0.3) % 200_000
    samples = np.random.default_rng(random.randrange(100)).uniform(-1, 1, (length, channels))
    if length and subtype in ("FLOAT", "DOUBLE", "PCM_16") and random.random() < 0.4:
        samples[random.randrange(length)] = random.choice([n for n in NUMBERS if abs(n) != 10**400])
    if random.random() < 0.1:
        samples[:] = 0
    written = io.BytesIO()
    try:
        soundfile.write(written, samples, rate, subtype=subtype, format=form)
    except (soundfile.SoundFileError, ValueError, TypeError, AssertionError):  # which libsndfile cannot write
        return sound(random)
    return written.getvalue()


def events(random: Random) -> bytes:
    """Events of a recording of half a second."""
    separator = random.choice((",", ",", ";", "\t", ", "))
    columns = ["onset", "offset", random.choice(("label", "label", "event_label", "Label "))]
    columns += pick(random, ((), ("filename",)), (("onset",), ("",)), 0.1)
    random.shuffle(columns)
    lines = [separator.join(columns)]
    for _ in range(pick(random, (1, 2, 5), (0, 50), 0.15)):
        onset = random.uniform(0, 0.4)
        row: dict[str, str] = {
            "onset": pick(random, (f"{onset:.3f}", f"{onset:e}"), _ONSETS, 0.05),
            "offset": pick(random, (f"{onset + 0.1:.2f}", "9"), _OFFSETS, 0.05),
            "label": pick(random, ("dog", "car", "dog bark"), ('"a,b"', '"', '""', *TEXTS), 0.1),
        }
        lines.append(separator.join(row.get(column, row["label"]) for column in columns))
    return (random.choice(("\n", "\r\n")).join(lines) + random.choice(("", "\n", "\n\n"))).encode(errors="replace")


def prose(random: Random) -> bytes:
    """A text of one or several scripts, sometimes with no or few characters."""
    scripts = random.sample(_SCRIPTS, random.choice((1, 2, 5)))
    size = pick(random, (500, 2000), (0, 1, 2, 9, 10, 11, 100), 0.2)
    return "".join(random.choice(random.choice(scripts).split(" ")) + " " for _ in range(size))[: size * 2].encode()
