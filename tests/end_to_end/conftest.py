"""End-to-end tests run as users do: without the quick compiling of the other tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conftest import QUICK_XLA


@pytest.fixture(autouse=True, scope="package")
def settings_of_a_user() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        if os.environ.get("XLA_FLAGS") == QUICK_XLA:
            patch.delenv("XLA_FLAGS")
        yield
