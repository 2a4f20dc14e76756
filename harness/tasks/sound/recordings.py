"""Reads a folder of WAV or FLAC files, each with a CSV file of the same name: onset, offset and label of events."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.files import read_text
from harness.tasks.common.cache import cached
from harness.tasks.common.user_files import Stamp, entries, files_in, read_bytes, stamp
from harness.tasks.sound.soundscape import RATE, SECONDS, Event, Samples, Soundscape
from harness.tasks.sound.spectrogram import frames_within

_COLUMNS = ("onset", "offset", "label")
_SOUND = "a WAV or FLAC file"
_FORMATS = ("WAV", "WAVEX", "RF64", "FLAC")
"""Names of formats in libsndfile."""
_CUT = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)
"""Matches libsndfile's log of a file: bytes of samples according to the header, and actual bytes."""
_UNKNOWN_SIZE = 0x7F000000
"""Programs that write a WAV file to a pipe put this size or a larger one into the header."""
_AT_A_TIME = 1 << 20
"""Samples per channel that are read at once."""
_EVENTS = "a CSV file with the columns onset, offset, label"
_LARGEST = 1 << 30
"""Maximum bytes per file."""
_LONGEST = 3600
"""Maximum seconds per file."""
_MOST_LABELS = 1000


@dataclass(frozen=True)
class Recordings:
    """The 10-second excerpts of each file, sorted by file name; the labels; the SHA-256 of all files.

    The last excerpt of a file is padded. If recordings are equal in every sample, only the first one is used.
    """

    source: str
    """The folder, for messages."""

    files: tuple[tuple[Soundscape, ...], ...]
    labels: tuple[str, ...]
    sha256: str
    repeated: int
    """Number of files that are left out because they equal another one."""


def load_recordings(folder: Path) -> Recordings:
    """All WAV and FLAC files of a folder with their events, as mono at 8 kHz, in excerpts of 10 seconds.

    Raises UserError for a folder without such files, and for a missing, unreadable or invalid file.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder, expected a folder of WAV or FLAC files with a CSV file each")
    sounds = files_in(folder, ".wav", ".flac")
    if not sounds:
        raise UserError(
            f"{folder}: no WAV or FLAC files; expected such files, each with a CSV file of the same name; found "
            f"{entries(folder)}"
        )
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
        samples, events = read_sound(sound.path), read_events(listed.path)
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
    return Recordings(folder, tuple(files.values()), labels, digest.hexdigest(), len(pairs) - len(files))


def read_sound(path: Path) -> Samples:
    """The samples of a WAV or FLAC file of any sample format, averaged over channels, from -1 to 1, at 8 kHz.

    Raises UserError for a file that is missing, of another format, longer than an hour, or truncated.
    """
    content = read_bytes(path, _SOUND)
    made_from = ("sound 1", hashlib.sha256(content).hexdigest())
    return cached(made_from, lambda: {"samples": _decoded(content, path)})["samples"]


def _decoded(content: bytes, path: Path) -> Samples:
    from scipy.signal import resample_poly

    try:
        import soundfile  # type: ignore[import-untyped]
    except (ImportError, OSError) as error:  # soundfile or its library libsndfile is missing
        raise UserError(f"{path}: reading it needs the package soundfile, whose import fails: {error}") from error
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            rate = _checked(file, path)
            pieces = file.blocks(
                _AT_A_TIME, frames=file.frames, always_2d=True
            )  # with GSM 6.10, soundfile cannot compute the remaining frames
            samples = np.concatenate([piece.mean(axis=1) for piece in pieces])
    except soundfile.SoundFileError as error:
        reason = str(error).rpartition(">: ")[2]
        raise UserError(f"{path}: not {_SOUND} ({reason})") from error
    if len(samples) < file.frames:
        raise UserError(f"{path}: header states {file.frames:,} samples per channel, found {len(samples):,}")
    if not np.isfinite(samples).all():
        raise UserError(f"{path}: a sample is not a finite number")
    common = math.gcd(RATE, rate)
    return np.asarray(resample_poly(samples, RATE // common, rate // common), dtype=np.float32)


def _checked(file: Any, path: Path) -> int:
    """The sampling rate of an open file in Hz. Raises UserError if the file cannot be used."""
    rate, channels, frames = int(file.samplerate), int(file.channels), int(file.frames)
    if file.format not in _FORMATS:
        raise UserError(f"{path}: {file.format_info}, expected {_SOUND}")
    if not 100 <= rate <= 1_000_000 or not 1 <= channels <= 64:
        raise UserError(f"{path}: {channels} channels at {rate} Hz, expected 1 to 64 at 100 to 1,000,000 Hz")
    cut = _CUT.search(file.extra_info)
    if cut and int(cut[2]) < int(cut[1]) < _UNKNOWN_SIZE:
        raise UserError(f"{path}: truncated: header states {int(cut[1]):,} bytes of samples, found {int(cut[2]):,}")
    if not 0 < frames <= _LONGEST * rate:
        raise UserError(f"{path}: {frames / rate:,g} seconds of sound, expected more than 0 and at most {_LONGEST:,}")
    return rate


def read_events(path: Path) -> tuple[Event, ...]:
    """The rows of a CSV file with the columns onset, offset (seconds) and label, in the order of their onsets.

    Columns are separated by commas, semicolons or tabs; the label column may be named event_label.
    """
    text = read_text(path, _EVENTS)
    first = text.partition("\n")[0]
    separator = next((candidate for candidate in "\t;," if candidate in first), ",")
    try:
        rows = csv.DictReader(io.StringIO(text), delimiter=separator, skipinitialspace=True, strict=True)
        names = [name.strip().lower() for name in rows.fieldnames or ()]
        rows.fieldnames = ["label" if name == "event_label" else name for name in names]
        missing = [name for name in _COLUMNS if name not in rows.fieldnames]
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


def _excerpts(samples: Samples, events: tuple[Event, ...]) -> tuple[Soundscape, ...]:
    """The whole recording in excerpts; a remainder that is too short for a frame is left out."""
    length = int(RATE * SECONDS)
    whole, rest = divmod(len(samples), length)
    count = max(1, whole + (frames_within(rest / RATE) > 0))
    padded = np.pad(samples, (0, max(0, count * length - len(samples))))
    return tuple(
        Soundscape(
            padded[at * length : (at + 1) * length],
            tuple(
                Event(event.label, max(0.0, event.onset - at * SECONDS), min(SECONDS, event.offset - at * SECONDS))
                for event in events
                if event.onset < (at + 1) * SECONDS and event.offset > at * SECONDS
            ),
            min(SECONDS, len(samples) / RATE - at * SECONDS),
        )
        for at in range(count)
    )
