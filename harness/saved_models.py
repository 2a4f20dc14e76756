"""After `import harness`, Keras can load saved models that contain this package's layers; Keras is not imported.

`keras.saving.load_model` finds only registered classes, and a class registers itself when its module is imported. This
module therefore registers placeholders under the classes' names: immediately if Keras is imported already, else as soon
as it is. A placeholder imports its class when a saved model contains it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
"""Type checkers treat it as true. At run time nothing else is imported, so that the command starts quickly."""
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

_CLASSES = {
    "Recurrent": "harness.cells.layer",
    "Dropout": "harness.cells.dropout",
    "ShardedModel": "harness.cells.sharded_model",
}
"""The classes that a saved model can contain, with their modules."""


def register() -> None:
    """Register the names with Keras: now if it is imported already, else as soon as it is."""
    if "keras" in sys.modules:
        _register_names()
    elif not any(isinstance(finder, _AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterKeras())


class _AfterKeras:
    """Delegates to the other finders, and registers the names after the import of Keras."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "keras":
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(fullname, path, target) for finder in others)), None)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_and_register(module: ModuleType) -> None:
                execute(module)
                _register_names()

            spec.loader.exec_module = execute_and_register  # type: ignore[method-assign]
        return spec


class _Later:
    """A placeholder for a class, until Keras makes an object of the class."""

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def from_config(self, config: dict[str, Any]) -> Any:
        import importlib

        return getattr(importlib.import_module(self._module), self._name).from_config(config)


def _register_names() -> None:
    import importlib

    known = importlib.import_module("keras.saving").get_custom_objects()
    for name, module in _CLASSES.items():
        known.setdefault(f"harness>{name}", _Later(module, name))
