"""Keras finds this package's layers in a saved model after `import harness`, which imports no Keras.

`keras.saving.load_model` knows the classes that have been registered, and a class is registered when its module is
imported. So names are registered as soon as Keras has been imported, or with `import harness` where Keras came first;
what stands behind a name is imported when a model has it.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
"""For type checkers, which take it as true. Nothing else is imported here, so that the command starts at once."""
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
"""The classes that a saved model can name, with their modules."""


def register() -> None:
    """Register the names with Keras: now, where it has been imported; else as soon as it is."""
    if "keras" in sys.modules:
        _register_names()
    elif not any(isinstance(finder, _AfterKeras) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterKeras())


class _AfterKeras:
    """Finds Keras where the other finders do, and has the names registered after it."""

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
    """Stands for a class until Keras makes an object of it."""

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
