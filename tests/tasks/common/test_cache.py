"""The cache: entries are computed once and written completely, and errors of the cache are harmless."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import numpy as np
import pytest

from harness.tasks.common.cache import VARIABLE, cached

Arrays = dict[str, np.ndarray]


class Maker:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Arrays:
        self.calls += 1
        return {"x": np.arange(6).reshape(2, 3), "name": np.array(["chirp", "hum"])}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_a_cached_entry_is_not_recomputed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "deep" / "cache"))
    make = Maker()
    first, second = (cached("key", make) for _ in range(2))
    assert make.calls == 1
    np.testing.assert_array_equal(first["x"], second["x"])
    assert second["name"].tolist() == ["chirp", "hum"]
    cached("other key", make)
    assert make.calls == 2


def test_without_a_folder_nothing_is_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = Maker()
    for folder, calls in (("", 2), (str(tmp_path), 3)):
        monkeypatch.setenv(VARIABLE, folder)
        cached("key", make)
        cached("key", make)
        assert make.calls == calls
    assert len(entries(tmp_path)) == 1


@pytest.mark.parametrize("damage", ["torn", "empty", "flipped", "deleted"])
def test_a_damaged_entry_is_recomputed(tmp_path: Path, damage: str) -> None:
    make = Maker()
    good = cached("key", make)
    (path,) = entries(tmp_path)
    content = path.read_bytes()
    if damage == "deleted":
        path.unlink()
    else:
        middle = content.index(np.arange(6).tobytes()) + 9
        flipped = content[:middle] + b"\xff" + content[middle + 1 :]
        path.write_bytes({"torn": content[: len(content) // 2], "empty": b"", "flipped": flipped}[damage])
    np.testing.assert_array_equal(cached("key", make)["x"], good["x"])
    assert make.calls == 2
    cached("key", make)
    assert make.calls == 2


def test_an_entry_that_is_a_pickle_is_not_opened(tmp_path: Path) -> None:
    make = Maker()
    cached("key", make)
    (path,) = entries(tmp_path)
    np.savez(path, x=np.array([{"a": 1}], dtype=object))
    assert cached("key", make)["x"].shape == (2, 3)
    assert make.calls == 2


def test_an_unwritable_cache_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "cache"))
    assert cached("key", Maker())["x"].shape == (2, 3)


def test_no_partial_entry_remains_after_an_error(tmp_path: Path) -> None:
    def fail() -> Arrays:
        raise RuntimeError("no data")

    with pytest.raises(RuntimeError, match="no data"):
        cached("key", fail)
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        cached("key", lambda: {"x": np.array([{}], dtype=object)})
    assert entries(tmp_path) == []


def slow_arrays() -> Arrays:
    time.sleep(0.05)
    return {"x": np.full((300, 300), 7.0)}


def reader(_: int) -> bool:
    return all((cached("key", slow_arrays)["x"] == 7).all() for _ in range(20))


def test_processes_that_make_the_same_entry_all_read_it_complete(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map(reader, range(3)) == [True] * 3
    assert len(entries(tmp_path)) == 1
