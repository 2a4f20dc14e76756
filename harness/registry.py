"""Names to lazily imported targets: how cells and tasks are found without importing what is not used.

Three uses:

    cells = Registry[Cell]("cell", Cell, {"gru": "harness.cells.gru:cell"}, entry_points="harness.cells")
    cells["gru"]                      # a bundled name: imported now, not before
    cells["my_package.my_cell:cell"]  # anybody's object, by module:attribute
    cells["theirs"]                   # a name that an installed package declares as an entry point
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points as installed_entry_points
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
        if ":" in name:
            target = name
        else:
            targets = self.targets()
            check_name(self.kind, name, targets)
            target = targets[name]
        module_name, _, attribute = target.partition(":")
        try:
            found = getattr(importlib.import_module(module_name), attribute)
        except (ImportError, AttributeError, ValueError) as error:
            raise UserError(
                f"{self.kind} {name!r}: cannot load {target!r} ({error}); expected 'module:attribute'"
            ) from error
        if not isinstance(found, self._expected):
            raise UserError(
                f"{self.kind} {name!r}: {target!r} is a {type(found).__name__}, expected a {self._expected.__name__}"
            )
        return found
