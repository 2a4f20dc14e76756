"""Names to objects: lazily, with a helpful answer to a wrong one."""

from __future__ import annotations

import sys

import pytest

from harness.errors import UserError
from harness.registry import Registry

colours: Registry[int] = Registry(
    "colour", int, {"red": "tests.test_registry:RED", "gone": "tests.no_such_module:X"}, entry_points="harness.colours"
)
RED = 7


def test_a_bundled_name_gives_its_target() -> None:
    assert colours["red"] == RED


def test_module_and_attribute_reach_any_object() -> None:
    assert colours["tests.test_registry:RED"] == RED


def test_an_unknown_name_is_answered_with_the_nearest_valid_one() -> None:
    with pytest.raises(UserError, match=r"unknown colour 'rad'\. Did you mean 'red'\?"):
        colours["rad"]


def test_a_name_like_no_other_is_answered_with_all_valid_ones() -> None:
    with pytest.raises(UserError, match=r"Valid: gone, red\."):
        colours["zzzzz"]


@pytest.mark.parametrize("name", ["gone", "tests.test_registry:nothing", "no_such:thing", ":", "a:"])
def test_a_target_that_cannot_be_loaded_is_a_clear_error(name: str) -> None:
    with pytest.raises(UserError, match=r"cannot load .* expected 'module:attribute'"):
        colours[name]


def test_a_target_of_another_kind_is_refused() -> None:
    with pytest.raises(UserError, match="is a str, expected a int"):
        colours["sys:platform"]


def test_listing_the_names_imports_none_of_the_targets() -> None:
    sys.modules.pop("wave", None)
    lazy: Registry[type] = Registry("thing", type, {"wave": "wave:Wave_read"}, entry_points="harness.things")
    assert list(lazy) == ["wave"]
    assert "wave" not in sys.modules
    assert lazy["wave"].__name__ == "Wave_read"
