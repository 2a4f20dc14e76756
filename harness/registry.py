"""Names to lazily imported targets: how cells and tasks are found without importing what is not used.

Three uses:

    cells = Registry[Cell]("cell", Cell, {"gru": "harness.cells.gru:cell"}, entry_points="harness.cells")
    cells["gru"]                      # a bundled name: imported now, not before
    cells["my_package.my_cell:cell"]  # anybody's object, by module:attribute
    cells["theirs"]                   # a name that an installed package declares as an entry point

A module is found as Python finds it (installed, or in PYTHONPATH), or beside the experiment file: see `find_beside`.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import entry_points as installed_entry_points
from pathlib import Path
from typing import Generic, TypeVar

from harness.errors import UserError, check_name

T = TypeVar("T")


class Registry(Generic[T]):
    """A read-only mapping from names to objects of one kind.

    `kind` is the word for error messages, `expected` the class every target must be an instance of,
    `entry_points` the group in which installed packages declare more.
    """

    def __init__(self, kind: str, expected: type[T], bundled: Mapping[str, str], *, entry_points: str) -> None:
        self.kind = kind
        self._expected = expected
        self._bundled = dict(bundled)
        self._group = entry_points
        self._declared: dict[str, str] | None = None

    def targets(self) -> dict[str, str]:
        """Every known name with its `module:attribute`; bundled names win over entry points."""
        if self._declared is None:  # looking through all installed packages takes milliseconds
            self._declared = {point.name: point.value for point in installed_entry_points(group=self._group)}
        return self._declared | self._bundled

    def __iter__(self) -> Iterator[str]:
        return iter(self.targets())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (":" in name or name in self.targets())

    def __getitem__(self, name: str) -> T:
        """The object of that name, or of that `module:attribute`. Raises UserError for a name that leads nowhere."""
        if isinstance(name, str) and ":" in name:
            target = name
        else:
            targets = self.targets()
            check_name(self.kind, name, targets)
            target = targets[name]
        module_name, _, attribute = target.partition(":")
        try:
            value = getattr(importlib.import_module(module_name), attribute)
        except (Exception, SystemExit) as error:  # the module is a user's, and may raise anything
            raise UserError(
                f"{self.kind} {name!r}: cannot load {target!r} ({type(error).__name__}: {error});"
                " expected 'module:attribute' of an installed module, or of one beside the experiment file"
            ) from error
        if not isinstance(value, self._expected):
            raise UserError(
                f"{self.kind} {name!r}: {target!r} is a {type(value).__name__}, expected a {self._expected.__name__}"
            )
        return value


def find_beside(folder: Path, names: Iterable[str]) -> None:
    """Let the modules of these `module:attribute` names be found in `folder` too, here and in processes started later.

    Raises UserError where Python finds another module of that name: the experiment's would be passed over.
    """
    for name in names:
        module = name.partition(":")[0].partition(".")[0]
        importlib.invalidate_caches()  # the file may be newer than what Python knows of the folder
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
    except ValueError:  # `__main__`, and what programs make up
        return None


def _places(spec: ModuleSpec) -> list[Path]:
    """The module's file, or the folders of a package without one."""
    places = [spec.origin] if spec.has_location and spec.origin else spec.submodule_search_locations or ()
    return [Path(place).resolve() for place in places]
