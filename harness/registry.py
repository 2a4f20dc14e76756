"""Registries of cells and tasks: names with targets that are imported on first use.

Three uses:

    cells = Registry[Cell]("cell", Cell, {"gru": "harness.cells.gru:cell"}, entry_points="harness.cells")
    cells["gru"]                      # a bundled name; its module is imported now
    cells["my_package.my_cell:cell"]  # any object, as module:attribute
    cells["theirs"]                   # an entry point of an installed package

Modules are imported from Python's search path (installed, or in PYTHONPATH) or from the folder of the experiment file:
see `find_beside`.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import entry_points as installed_entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from harness.errors import UserError, check_name

T = TypeVar("T")


class Registry(Generic[T]):
    """A read-only mapping from names to objects of one kind.

    kind: the word for error messages, such as "cell". expected: the class of all targets. bundled: names with
    `module:attribute` targets. entry_points: the group in which installed packages declare further names.
    """

    def __init__(self, kind: str, expected: type[T], bundled: Mapping[str, str], *, entry_points: str) -> None:
        self.kind = kind
        self._expected = expected
        self._bundled = dict(bundled)
        self._group = entry_points
        self._declared: dict[str, str] | None = None

    def targets(self) -> dict[str, str]:
        """Every known name with its `module:attribute`; bundled names win over entry points."""
        if self._declared is None:
            self._declared = {point.name: point.value for point in _installed().select(group=self._group)}
        return self._declared | self._bundled

    def __iter__(self) -> Iterator[str]:
        return iter(self.targets())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (":" in name or name in self.targets())

    def __getitem__(self, name: str) -> T:
        """The object with this name or `module:attribute`. Raises UserError for an unknown or invalid name."""
        if isinstance(name, str) and ":" in name:
            target = name
        else:
            targets = self.targets()
            check_name(self.kind, name, targets)
            target = targets[name]
        module_name, _, attribute = target.partition(":")
        try:
            value = getattr(importlib.import_module(module_name), attribute)
        except (Exception, SystemExit) as error:  # a user's module may raise anything
            raise UserError(
                f"{self.kind} {name!r}: cannot load {target!r} ({type(error).__name__}: {error});"
                " expected 'module:attribute' of an installed module or of a file in the folder of the experiment file"
            ) from error
        if not isinstance(value, self._expected):
            raise UserError(
                f"{self.kind} {name!r}: {target!r} is a {type(value).__name__}, expected a {self._expected.__name__}"
            )
        return value


@cache  # a search of all installed packages takes milliseconds
def _installed() -> Any:
    return installed_entry_points()


def find_beside(folder: Path, names: Iterable[str]) -> None:
    """Add `folder` to the search path if it has modules of these `module:attribute` names; child processes inherit it.

    Raises UserError if Python finds another module with the same name first.
    """
    for name in names:
        module = name.partition(":")[0].partition(".")[0]
        importlib.invalidate_caches()  # the file may be newer than Python's cache of the folder
        beside = PathFinder.find_spec(module, [str(folder)]) if module else None
        if beside is None:
            continue
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
        first = _find(module)
        if beside.has_location and first is not None and _places(first) != _places(beside):
            where = ", ".join(map(str, _places(first))) or "Python itself"
            raise UserError(
                f"{name!r}: {_places(beside)[0]} has the same name as a module that Python finds first ({where})."
                " Give it another name, or use another Python process"
            )


def _find(module: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(module)
    except ValueError:  # modules without a spec, such as `__main__`
        return None


def _places(spec: ModuleSpec) -> list[Path]:
    """The file of a module, or the folders of a namespace package."""
    places = [spec.origin] if spec.has_location and spec.origin else spec.submodule_search_locations or ()
    return [Path(place).resolve() for place in places]
