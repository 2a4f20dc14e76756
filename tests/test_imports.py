"""Who imports whom: the rules of docs/architecture.md, read off the source; imports inside of functions count too."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import NEED_TENSORFLOW, TAKE_LONG, TESTS, lives_in

PACKAGE = TESTS.parent / "harness"
MAY_IMPORT_TENSORFLOW = ("harness.cells", "harness.cells.network", "harness.trial")


def named(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {named(path): path for path in PACKAGE.rglob("*.py")}


def imported(path: Path) -> set[str]:
    """What a file imports, as names of modules; of `from x import y` both x and x.y, whichever is a module."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


IMPORTS = {module: imported(path) for module, path in FILES.items()}


def in_room(module: str, *rooms: str) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def reached_from(room: str) -> dict[str, str]:
    """Every module that importing a room may import in the end, with the chain that leads there."""
    chains = {module: module for module in FILES if in_room(module, room)}
    waiting = list(chains)
    while waiting:
        module = waiting.pop()
        for target in sorted(IMPORTS[module] & FILES.keys() - chains.keys()):
            chains[target] = f"{chains[module]} -> {target}"
            waiting.append(target)
    return chains


def test_tensorflow_is_imported_in_its_places_only() -> None:
    importers = {module for module, names in IMPORTS.items() if any(in_room(n, "tensorflow", "keras") for n in names)}
    assert importers, "nothing is found: this test sees nothing"
    assert {module for module in importers if not in_room(module, *MAY_IMPORT_TENSORFLOW)} == set()


@pytest.mark.parametrize("room", ["verdicts", "report"])
@pytest.mark.parametrize("forbidden", ["runner", "flow", "cli"])
def test_what_reads_records_never_imports_what_makes_them(room: str, forbidden: str) -> None:
    chains = reached_from(f"harness.{room}")
    assert len(chains) > 10, "nothing is found: this test sees nothing"
    assert [chain for module, chain in chains.items() if in_room(module, f"harness.{forbidden}")] == []


@pytest.mark.parametrize("room", ["cells", "tasks"])
def test_what_is_trained_knows_nothing_of_how(room: str) -> None:
    above = (
        "harness.spec.experiment",
        "harness.plan.expand",
        "harness.trial",
        "harness.runner",
        "harness.store.sqlite",
        "harness.report",
    )
    assert [chain for module, chain in reached_from(f"harness.{room}").items() if in_room(module, *above)] == []


def test_a_trial_knows_nothing_of_its_runner() -> None:
    above = ("harness.runner", "harness.store.sqlite", "harness.report", "harness.runner.flow")
    assert [chain for module, chain in reached_from("harness.trial").items() if in_room(module, *above)] == []


def test_nothing_imports_the_command() -> None:
    assert [
        module
        for module, names in IMPORTS.items()
        if any(in_room(name, "harness.cli") for name in names) and not in_room(module, "harness.cli")
    ] == ["harness.__main__"]


def test_tests_that_import_tensorflow_are_known_to_need_it() -> None:
    importers = [path for path in TESTS.rglob("*.py") if any(in_room(n, "tensorflow", "keras") for n in imported(path))]
    assert importers, "nothing is found: this test sees nothing"
    trouble = TESTS / "runner" / "trouble.py"  # imports it where its process is asked to
    assert [path for path in importers if not lives_in(path, NEED_TENSORFLOW)] == [trouble]


@pytest.mark.parametrize("name", [*NEED_TENSORFLOW, *TAKE_LONG])
def test_what_is_left_out_of_the_fast_tests_is_there(name: str) -> None:
    assert (TESTS / name).exists()
