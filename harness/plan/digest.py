"""A digest of the code that trains a trial, so that records of other code are not reused.

As in airspeed velocity, the version of a measurement is a hash of its source: here of the syntax trees of all modules
that training imports. Comments, docstrings and layout do not change it, and neither does the version of Python.
"""

from __future__ import annotations

import hashlib
import importlib.util
import site
import sysconfig
from functools import cache
from pathlib import Path

from harness.cells import cells
from harness.errors import UserError
from harness.plan.syntax_trees import read_source
from harness.tasks import tasks

_STARTS = ("harness.trial.settings", "harness.trial.train")
"""The modules that a trial's process runs, in addition to those of its task and cell: Keras's settings and training."""
NOT_COUNTED = frozenset(
    {
        "harness", "harness.saved_models",  # the public names, imported when they are used; what Keras loads
        "harness.cells", "harness.tasks", "harness.registry",  # names; the modules they lead to are counted
        "harness.spec", "harness.store",  # packages; their modules that count are not left out
        "harness.spec.trial", "harness.spec.factors", "harness.spec.types", "harness.spec.renamed",  # values are in ids
        "harness.errors", "harness.spec.explain",  # messages
        "harness.store.record", "harness.store.machine", "harness.cgroup",  # what is recorded of trial and machine
    }
)  # fmt: skip
"""Modules that training imports and that cannot change a result. A module that they import counts only if a counted
module imports it too. A new field of the record or a new factor therefore changes no id."""


@cache
def code_version(task: str, cell: str) -> str:
    """12 hexadecimal digits for the code behind trials of this task and this cell (names, or `module:attribute`).

    Raises UserError if the module of the task or the cell is not a file.
    """
    digest = hashlib.sha256()
    # Sorted by content, so that moving a file does not change the digest.
    for text in sorted(read_source(*module).text for module in sources(task, cell).items()):
        digest.update(text.encode())
    return digest.hexdigest()[:12]


def sources(task: str, cell: str) -> dict[str, Path]:
    """The modules that count for trials of this task and this cell, by name.

    These are training, the modules of task and cell, and all modules that they import, also inside functions, except
    NOT_COUNTED. A user's module counts if it lies in the same folder tree as the module of the task or the cell; if
    that module belongs to an installed package, only modules of this package count. Nothing is imported.
    """
    counted: dict[str, Path] = {}
    for start in (*_STARTS, _module(cells.targets(), cell), _module(tasks.targets(), task)):
        root, top = _place(start)
        waiting = [start]
        while waiting:
            for name, path in _modules(waiting.pop(), root, top):
                if name not in counted and name not in NOT_COUNTED:
                    counted[name] = path
                    waiting += read_source(name, path).imports
    return counted


def _module(targets: dict[str, str], name: str) -> str:
    return targets.get(name, name).partition(":")[0]


_HARNESS = Path(__file__).resolve().parents[2]
"""The folder that the package `harness` is in."""


@cache
def _place(module: str) -> tuple[Path, str]:
    """The folder from which a module is imported, and the only top-level name that counts there; '' for all names."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    path = Path(spec.origin) if spec and spec.has_location and spec.origin else None
    if path is None or path.suffix != ".py" or not path.is_file():
        raise UserError(f"module {module!r}: its source file is not found; expected a module in a .py file")
    root = path.resolve().parents[module.count(".") + (path.name == "__init__.py")]
    libraries = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}
    libraries |= {*site.getsitepackages(), site.getusersitepackages()}
    installed = any(root == Path(library).resolve() for library in libraries)
    return root, module.partition(".")[0] if installed else ""


@cache
def _modules(name: str, root: Path, top: str) -> tuple[tuple[str, Path], ...]:
    """A module and its packages, with their files; none if neither the harness nor the folder `root` has them."""
    parts = name.split(".")
    if parts[0] == "harness":
        root = _HARNESS
    elif top not in ("", parts[0]):
        return ()
    files = []
    for count in range(1, len(parts) + 1):
        folder = root.joinpath(*parts[:count])
        candidates = (folder / "__init__.py", folder.with_name(f"{folder.name}.py"))
        files += [(".".join(parts[:count]), path) for path in candidates if path.is_file()][:1]
    return tuple(files)
