"""The layer that encodes symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.cells.keras_backend import keras


@keras.saving.register_keras_serializable("harness")
class OneHot(keras.layers.Layer):  # type: ignore[misc]
    """Symbols to indicators: integer ids (batch, time) -> float32 (batch, time, symbols)."""

    def __init__(self, symbols: int, **options: Any) -> None:
        super().__init__(**options)
        self.symbols = symbols

    def call(self, ids: Any) -> Any:
        """An id outside 0 to symbols - 1 gives a row of zeros."""
        return keras.ops.one_hot(ids, self.symbols, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """(batch, time) -> (batch, time, symbols)."""
        return (*input_shape, self.symbols)

    def get_config(self) -> dict[str, Any]:
        """What a saved model needs to make this layer again."""
        return {**super().get_config(), "symbols": self.symbols}
