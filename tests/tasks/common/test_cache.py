"""The cache: made once, whole or not at all, and never in the way."""

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


def test_what_was_made_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "deep" / "cache"))
    make = Maker()
    first, second = (cached("key", make) for _ in range(2))
    assert make.calls == 1
    np.testing.assert_array_equal(first["x"], second["x"])
    assert second["name"].tolist() == ["chirp", "hum"]
    cached("other key", make)
    assert make.calls == 2


def test_without_a_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = Maker()
    for folder, calls in (("", 2), (str(tmp_path), 3)):
        monkeypatch.setenv(VARIABLE, folder)
        cached("key", make)
        cached("key", make)
        assert make.calls == calls
    assert len(entries(tmp_path)) == 1


@pytest.mark.parametrize("damage", ["torn", "empty", "flipped", "deleted"])
def test_a_damaged_entry_is_made_again_and_never_served(tmp_path: Path, damage: str) -> None:
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


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "cache"))
    assert cached("key", Maker())["x"].shape == (2, 3)


def test_nothing_half_written_stays_where_making_or_writing_fails(tmp_path: Path) -> None:
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


def test_processes_that_make_the_same_entry_all_get_it_whole(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map(reader, range(3)) == [True] * 3
    assert len(entries(tmp_path)) == 1
