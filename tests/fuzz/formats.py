"""Data files of each format: the task that reads them gets mutated valid files."""

from __future__ import annotations

import functools
import gzip
import io
import json
import struct
import tempfile
import wave
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from harness.tasks import tasks
from harness.tasks.common.checks import check_dataset
from harness.tasks.common.task import Task
from tests.fuzz import odd_data
from tests.fuzz.mutation import NUMBERS, TEXTS, mutated_bytes, mutated_text, mutated_value, pick
from tests.fuzz.target import Target, odd_file

Files = Mapping[str, bytes]
"""Name to content."""


@dataclass(frozen=True)
class Format:
    """files: valid files, of which those in `mutated` are mutated; options: the task options that name them."""

    name: str
    task: str
    files: Callable[[], Files]
    mutated: tuple[str, ...]
    mutate: Callable[[Random, bytes], bytes]
    options: Callable[[Path], dict[str, Any]]
    size: tuple[int, int] | None = None
    """train_size and length; default: `Task.small`."""

    def attempt(self, random: Random, folder: Path) -> None:
        """Call the functions of the task, from the plan to the data, on a damaged file."""
        name = random.choice(self.mutated)
        for other, content in self.files().items():
            (folder / other).write_bytes(self.mutate(random, content) if other == name else content)
        if random.random() < 0.03:
            odd_file(random, folder / name)
        task = tasks[self.task]
        options = task.options.model_validate(self.options(folder) | _other_options(random, task))
        train_size, length = self.size or task.small
        if random.random() < 0.2:
            train_size, length = (pick(random, (1, 2, number), (1000, 100_000)) for number in (train_size, length))
        task.identity(options)
        task.examples(train_size, length, options)
        task.facts(train_size, length, options)
        if task.widths is not None:
            task.widths(options)
        if length < 100_000 and random.random() < (0.04 if self.task == "sound_events" else 0.3):
            check_dataset(task, task.make(train_size, length, random.randrange(3), options))


def _other_options(random: Random, task: Task) -> dict[str, Any]:
    """A few integer and boolean options with other valid values."""
    given: dict[str, Any] = {}
    for name, field in task.options.model_fields.items():
        if random.random() < 0.1 and isinstance(field.default, int):
            given[name] = random.choice((True, False) if isinstance(field.default, bool) else (1, 2, 7, 1000))
    return given


def _or(odd: Callable[[Random], bytes], mutate: Callable[[Random, bytes], bytes]) -> Callable[[Random, bytes], bytes]:
    """A mutated file or one with odd values, with equal probability."""
    return lambda random, content: mutate(random, content) if random.random() < 0.5 else odd(random)


def _as_text(random: Random, content: bytes) -> bytes:
    return mutated_text(random, content.decode())


def _as_json(random: Random, content: bytes) -> bytes:
    if random.random() < 0.4:
        return mutated_text(random, content.decode())
    value = mutated_value(random, json.loads(content))
    try:
        text = json.dumps(value, ensure_ascii=random.random() < 0.5)
    except RecursionError:
        text = "[" * 5000 + "]" * 5000
    if random.random() < 0.1:
        text = text[:-1] + ', "train": [[[60]]]}'  # a key that comes twice
    return text.encode(errors="surrogatepass")


def _as_zip(random: Random, content: bytes) -> bytes:
    """Mutate the archive, or a member with a valid checksum."""
    if random.random() < 0.4:
        return mutated_bytes(random, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = random.choice(list(members))
    members[name] = _odd_array(random) if random.random() < 0.3 else mutated_bytes(random, members[name])
    if random.random() < 0.1:
        members[random.choice((*TEXTS, "train_\0", "train.npy", "a/b.npy"))] = members.pop(name)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, member in members.items():
            archive.writestr(name.partition("\0")[0] or "empty", member)  # zipfile cuts names there
    return written.getvalue()


def _odd_array(random: Random) -> bytes:
    shape = random.choice(((), (0,), (0, 88), (5, 88), (5, 88, 1), (1, 87), (88,)))
    dtype = random.choice(("f2", "f4", "f8", "c16", "U3", "S3", "?", "i1", "u8", "M8[s]", "f4,i4"))
    array = np.zeros(shape, dtype=dtype)
    if array.dtype.kind == "f" and array.size:
        array.flat[0] = random.choice([n for n in NUMBERS if abs(n) != 10**400])
    written = io.BytesIO()
    np.lib.format.write_array(written, array, allow_pickle=False)
    return written.getvalue()


def _as_gzip(random: Random, content: bytes) -> bytes:
    if random.random() < 0.5:
        return mutated_bytes(random, content)
    return gzip.compress(mutated_bytes(random, gzip.decompress(content)), mtime=0)


def _as_matlab(random: Random, content: bytes) -> bytes:
    """Mutate the file, or the decompressed content of one variable."""
    if random.random() < 0.4:
        return mutated_bytes(random, content)
    head, at, variables = content[:128], 128, []
    while at + 8 <= len(content):
        kind, size = struct.unpack("<II", content[at : at + 8])
        variables.append((kind, content[at + 8 : at + 8 + size]))
        at += 8 + size
    chosen = random.randrange(len(variables))
    written = head
    for place, (kind, data) in enumerate(variables):
        if place == chosen:
            data = zlib.compress(mutated_bytes(random, zlib.decompress(data)))
        written += struct.pack("<II", kind, len(data)) + data
    return written


@functools.cache
def _sample(task: str) -> Files:
    with tempfile.TemporaryDirectory() as name:
        sample = tasks[task].sample
        assert sample is not None
        sample(Path(name))
        return {path.name: path.read_bytes() for path in sorted(Path(name).iterdir())}


@functools.cache
def _prose() -> Files:
    random = Random(0)
    words = ("the", "cell", "keeps", "a", "state", "über", "naïve", "42", "网络", "gate")
    lines = [" ".join(random.choice(words) for _ in range(12)) + random.choice(".!?,") for _ in range(40)]
    return {"text.txt": "\n".join(lines).encode()}


@functools.cache
def _rolls() -> Files:
    """The sample of the task 'music' as arrays and as a MATLAB file."""
    import scipy.io

    pieces = json.loads(_sample("music")["music.json"])
    arrays, cells = {}, {}
    for split, name in (("train", "traindata"), ("valid", "validdata"), ("test", "testdata")):
        rolls = []
        for piece in pieces[split]:
            roll = np.zeros((len(piece), 88), dtype=np.uint8)
            for step, notes in enumerate(piece):
                roll[step, np.array(notes) - 21] = 1
            rolls.append(roll)
        arrays |= {f"{split}_{at}": roll for at, roll in enumerate(rolls)}
        cell = np.empty(len(rolls), dtype=object)
        cell[:] = rolls
        cells[name] = cell
    npz, mat = io.BytesIO(), io.BytesIO()
    np.savez_compressed(npz, **arrays)
    scipy.io.savemat(mat, cells, do_compression=True)
    return {"music.npz": npz.getvalue(), "music.mat": mat.getvalue()}


@functools.cache
def _series() -> Files:
    lines = _sample("signals")["waves.csv"].decode().splitlines()
    rows = [line.split(",", 1) for line in lines]
    header = ["# noisy waves", "@problemName waves", "@timeStamps false", "@missing false", "@univariate true"]
    header += ["@dimensions 1", "@equalLength true", "@seriesLength 20", "@classLabel true saw sine", "@data"]
    return {"waves.ts": "\n".join([*header, *(f"{values}:{label}" for label, values in rows)]).encode()}


@functools.cache
def _zipped() -> Files:
    return {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in _sample("digits").items()}


@functools.cache
def _recordings() -> Files:
    files, random = {}, np.random.default_rng(0)
    for at in range(4):
        written = io.BytesIO()
        with wave.open(written, "wb") as file:
            file.setnchannels(1 + at % 2)
            file.setsampwidth(1 + at % 3)
            file.setframerate((8000, 4000)[at // 2])
            file.writeframes(random.bytes(2 * 6 * 500))
        files[f"{at}.wav"] = written.getvalue()
        files[f"{at}.csv"] = b"onset,offset,label\n0.1,0.2,dog\n0.05,0.3,car\n"
    return files


def _one(
    task: str, key: str, name: str, files: Callable[[], Files], mutate: Callable[[Random, bytes], bytes]
) -> Format:
    """A format of one file."""
    return Format(
        Path(name).suffix.removeprefix(".") if task != "words" else "words",
        task,
        lambda: {name: files()[name]},
        (name,),
        mutate,
        lambda folder: {key: str(folder / name)},
        {"language": (200, 8), "words": (200, 8), "music": (2, 8)}.get(task),
    )


_IDX = tuple(
    f"{part}-ubyte" for part in ("t10k-images-idx3", "t10k-labels-idx1", "train-images-idx3", "train-labels-idx1")
)

FORMATS = (
    _one("language", "text", "text.txt", _prose, _or(odd_data.prose, _as_text)),
    _one("words", "text", "text.txt", _prose, _or(odd_data.prose, _as_text)),
    _one("signals", "file", "waves.csv", lambda: _sample("signals"), _as_text),
    _one("signals", "file", "waves.ts", _series, _as_text),
    _one("music", "file", "music.json", lambda: _sample("music"), _or(odd_data.notes, _as_json)),
    _one("music", "file", "music.npz", _rolls, _or(odd_data.npz, _as_zip)),
    _one("music", "file", "music.mat", _rolls, _or(odd_data.mat, _as_matlab)),
    Format("idx", "digits", lambda: _sample("digits"), _IDX, mutated_bytes, lambda folder: {"folder": str(folder)}),
    Format(
        "idx.gz", "digits", _zipped, tuple(f"{name}.gz" for name in _IDX), _as_gzip,
        lambda folder: {"folder": str(folder)},
    ),
    Format(
        "wav", "sound_events", _recordings, tuple(f"{at}.wav" for at in range(4)), _or(odd_data.sound, mutated_bytes),
        lambda folder: {"folder": str(folder), "validation_size": 2, "test_size": 2}, (2, 64),
    ),
    Format(
        "events", "sound_events", _recordings, tuple(f"{at}.csv" for at in range(4)), _or(odd_data.events, _as_text),
        lambda folder: {"folder": str(folder), "validation_size": 2, "test_size": 2}, (2, 64),
    ),
)  # fmt: skip

TARGETS = tuple(Target(f"data {of.name}", of.attempt) for of in FORMATS)
