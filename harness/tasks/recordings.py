"""A folder of WAV files, each with a CSV file of the same name: onset, offset and label of every event in it."""

from __future__ import annotations

import csv
import hashlib
import importlib
import io
import math
import wave
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from harness.errors import UserError
from harness.tasks.cache import cached
from harness.tasks.files import Stamp, files_in, named, stamp
from harness.tasks.soundscape import RATE, SECONDS, Event, Soundscape
from harness.tasks.task import Array

_COLUMNS = ("onset", "offset", "label")
_SOUND = "a WAV file of integer samples"
_EVENTS = "a CSV file with the columns onset, offset, label"
_LARGEST = 1 << 30
"""Bytes of one file."""
_LONGEST = 3600
"""Seconds of one file."""
_MOST_LABELS = 1000


@dataclass(frozen=True)
class Recordings:
    """Excerpts of 10 seconds a file, in the order of the files' names; the labels; the SHA-256 of all files.

    Of recordings that are the same in every sample only the first is there.
    """

    source: str
    """The folder, for messages."""

    files: tuple[tuple[Soundscape, ...], ...]
    labels: tuple[str, ...]
    sha256: str


def load_recordings(folder: Path) -> Recordings:
    """Every WAV file of a folder with its events, as mono at 8 kHz, in excerpts of 10 seconds; what is short is padded.

    Raises UserError for a folder without WAV files, and for any file that is missing, not readable, or not right.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder, expected one of WAV files with a CSV file each")
    sounds = files_in(folder, ".wav")
    if not sounds:
        raise UserError(f"{folder}: no WAV files, expected some, with a CSV file of the same name each")
    return _load(
        str(folder),
        tuple(
            (stamp(sound, _SOUND, _LARGEST), stamp(sound.with_suffix(".csv"), _EVENTS, _LARGEST)) for sound in sounds
        ),
    )


@lru_cache(maxsize=1)
def _load(folder: str, pairs: tuple[tuple[Stamp, Stamp], ...]) -> Recordings:
    digest = hashlib.sha256()
    files: dict[bytes, tuple[Soundscape, ...]] = {}
    for sound, listed in pairs:
        samples, events = read_wav(sound.path), read_events(listed.path)
        seconds = len(samples) / RATE
        late = next((event for event in events if event.onset >= seconds), None)
        if late:
            raise UserError(
                f"{listed.path}: {late.label!r} begins at {late.onset:g} seconds, but {sound.path.name} has only "
                f"{seconds:.3g}; expected onsets in seconds, before the end"
            )
        files.setdefault(hashlib.sha256(samples.tobytes()).digest(), _excerpts(samples, events))
        for file in (sound, listed):
            digest.update(hashlib.sha256(file.path.read_bytes()).digest())
    labels = tuple(sorted({event.label for file in files.values() for excerpt in file for event in excerpt.events}))
    if not 1 <= len(labels) <= _MOST_LABELS:
        raise UserError(f"{folder}: {len(labels):,} different labels, expected 1 to {_MOST_LABELS:,}")
    return Recordings(folder, tuple(files.values()), labels, digest.hexdigest())


def read_wav(path: Path) -> Array:
    """The samples of a WAV file of 8, 16, 24 or 32 bit integers, averaged over channels, from -1 to 1, at 8 kHz.

    Raises UserError for a file that is missing, of another format, longer than an hour, or shorter than it says.
    """
    stamp(path, _SOUND, _LARGEST)
    with named(path, _SOUND):
        content = path.read_bytes()
    made_from = ("wav 1", hashlib.sha256(content).hexdigest())
    return cached(made_from, lambda: {"samples": _decoded(content, path)})["samples"]


def _decoded(content: bytes, path: Path) -> Array:
    try:
        with wave.open(io.BytesIO(content), "rb") as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            announced, sound = file.getnframes(), file.readframes(len(content))
    except (wave.Error, EOFError, RuntimeError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: expected {_SOUND}, found none ({error or 'it ends too soon'})") from error
    if not 100 <= rate <= 1_000_000 or not 1 <= channels <= 64 or width not in (1, 2, 3, 4):
        raise UserError(f"{path}: {channels} channels of {8 * width} bits at {rate} Hz, expected {_SOUND}")
    frames = len(sound) // (channels * width)
    if frames < announced:
        raise UserError(f"{path}: announces {announced:,} samples a channel, {frames:,} were found: it is truncated")
    if not 0 < frames <= _LONGEST * rate:
        raise UserError(f"{path}: {frames / rate:,g} seconds of sound, expected more than 0 and at most {_LONGEST:,}")
    raw = np.frombuffer(sound[: frames * channels * width], dtype=np.uint8).reshape(frames * channels, width)
    samples = _integers(raw).reshape(frames, channels).mean(axis=1) / 2 ** (8 * width - 1)
    if rate == RATE:
        return np.asarray(samples, dtype=np.float32)
    common = math.gcd(RATE, rate)
    resampled = importlib.import_module("scipy.signal").resample_poly(samples, RATE // common, rate // common)
    return np.asarray(resampled, dtype=np.float32)


def read_events(path: Path) -> tuple[Event, ...]:
    """The rows of a CSV file with the columns onset, offset (seconds) and label, in the order of their onsets."""
    stamp(path, _EVENTS, _LARGEST)
    try:
        with named(path, _EVENTS), path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, skipinitialspace=True, strict=True)
            missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise UserError(f"{path}: no column {missing[0]!r}, expected a first line {','.join(_COLUMNS)}")
            events = [_event(row, path, rows.line_num) for row in rows]
    except csv.Error as error:
        raise UserError(f"{path}: not a CSV file ({error})") from error
    return tuple(sorted(events, key=lambda event: event.onset))


def _event(row: dict[str, str], path: Path, line: int) -> Event:
    try:
        onset, offset = float(row["onset"]), float(row["offset"])
    except (TypeError, ValueError):
        raise UserError(f"{path}: line {line}: onset and offset are not numbers of seconds") from None
    if not 0 <= onset < offset < math.inf:
        raise UserError(f"{path}: line {line}: onset {onset:g} and offset {offset:g}, expected 0 <= onset < offset")
    label = (row["label"] or "").strip()
    if not label:
        raise UserError(f"{path}: line {line}: no label")
    return Event(label, onset, offset)


def _excerpts(samples: Array, events: tuple[Event, ...]) -> tuple[Soundscape, ...]:
    length = int(RATE * SECONDS)
    count = max(1, round(len(samples) / length))
    padded = np.pad(samples, (0, max(0, count * length - len(samples))))
    return tuple(
        Soundscape(
            padded[at * length : (at + 1) * length],
            tuple(
                Event(event.label, max(0.0, event.onset - at * SECONDS), min(SECONDS, event.offset - at * SECONDS))
                for event in events
                if event.onset < (at + 1) * SECONDS and event.offset > at * SECONDS
            ),
        )
        for at in range(count)
    )


def _integers(raw: Array) -> Array:
    """Little-endian bytes (samples, width) as numbers; a single byte is unsigned, with 128 for silence."""
    width = raw.shape[1]
    if width == 1:
        return raw[:, 0].astype(np.float64) - 128
    values = sum(raw[:, k].astype(np.int64) << (8 * k) for k in range(width))
    return np.asarray(np.where(values >= 1 << (8 * width - 1), values - (1 << (8 * width)), values), dtype=np.float64)
