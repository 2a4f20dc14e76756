"""Who imports whom: the rules of docs/architecture.md, read off the source; imports inside of functions count too."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import NEED_TENSORFLOW, TAKE_LONG, TESTS, lives_in

PACKAGE = TESTS.parent / "harness"
MAY_IMPORT_TENSORFLOW = ("harness.cells", "harness.trial")
FLOW = (
    "__main__", "cli", "runner", "results_index", "results", "stored", "report", "verdicts", "trial", "store", "plan",
    "spec", "cells", "tasks", "figures", "words", "saved_models", "stopping", "cgroup", "locks", "registry", "files",
    "errors",
)  # fmt: skip
"""From the command down: what stands here may import what stands after it, and nothing before it."""
REPORT_FLOW = ("index", "writing", "markdown", "page", "draw", "summary", "figures", "data")
"""The same within `harness.report`: from the files down to what they show."""


def named(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {named(path): path for path in PACKAGE.rglob("*.py")}


@cache
def imported(path: Path, *, at_the_top: bool = False) -> frozenset[str]:
    """What a file imports, as names of modules; of `from x import y` both x and x.y, whichever is a module.

    at_the_top: only what importing the file imports, and not what its functions do.
    """
    names: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body if at_the_top else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


IMPORTS = {module: imported(path) for module, path in FILES.items()}


def in_package(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_tensorflow_is_imported_in_its_places_only() -> None:
    importers = {
        module for module, names in IMPORTS.items() if any(in_package(n, "tensorflow", "keras") for n in names)
    }
    assert importers, "nothing is found: this test sees nothing"
    assert {module for module in importers if not in_package(module, *MAY_IMPORT_TENSORFLOW)} == set()


def part_of(module: str, package: str = "harness") -> str:
    """The package or module directly in `package` that a module of it belongs to; '' for `package` itself."""
    return module.removeprefix(package).removeprefix(".").partition(".")[0]


def test_imports_point_down_the_flow() -> None:
    """So there is no cycle between packages either. What `harness` itself imports is its public interface."""
    parts = {part_of(module) for module in FILES} - {""}
    assert parts == set(FLOW), "a package or module of harness/ has no place in the flow"
    assert upwards("harness", FLOW) == []


def test_imports_within_the_report_point_down_its_flow() -> None:
    parts = {part_of(module, "harness.report") for module in FILES if in_package(module, "harness.report")} - {""}
    assert parts == set(REPORT_FLOW), "a package or module of harness/report/ has no place in the flow"
    assert upwards("harness.report", REPORT_FLOW) == []


def upwards(package: str, flow: tuple[str, ...]) -> list[str]:
    """The imports within the package that point from one of its parts to one before it, or to the package itself."""
    place = {name: index for index, name in enumerate(flow)}
    return [
        f"{module} -> {target}"
        for module, names in IMPORTS.items()
        if in_package(module, package) and part_of(module, package)
        for target in sorted(names & FILES.keys())
        if in_package(target, package) and part_of(target, package) != part_of(module, package)
        if not part_of(target, package) or place[part_of(target, package)] < place[part_of(module, package)]
    ]


def test_no_modules_import_each_other_in_a_circle() -> None:
    circles = [f"{module}: {chain}" for module in FILES for chain in [circle_from(module)] if chain]
    assert circles == []


def circle_from(module: str) -> str:
    """A chain of imports that leads from the module back to it; packages' own files, which only name things, aside."""
    waiting, seen = [(module, module)], {module}
    while waiting:
        here, chain = waiting.pop()
        for target in sorted(IMPORTS[here] & FILES.keys()):
            if FILES[target].name == "__init__.py":
                continue
            if target == module:
                return f"{chain} -> {target}"
            if target not in seen:
                seen.add(target)
                waiting.append((target, f"{chain} -> {target}"))
    return ""


def test_the_package_imports_neither_the_tools_of_contributors_nor_the_tests() -> None:
    outside = {
        module: sorted(name for name in names if in_package(name, "tools", "tests"))
        for module, names in IMPORTS.items()
    }
    assert {module: names for module, names in outside.items() if names} == {}


def needs_tensorflow(modules: frozenset[str]) -> bool:
    """Whether importing these modules imports TensorFlow, directly or through modules of the package."""
    waiting, seen = list(modules), set(modules)
    while waiting:
        module = waiting.pop()
        if in_package(module, "tensorflow", "keras"):
            return True
        if module in FILES:
            further = imported(FILES[module], at_the_top=True) - seen
            seen |= further
            waiting += further
    return False


def test_tests_that_import_tensorflow_are_known_to_need_it() -> None:
    importers = [
        path
        for path in TESTS.rglob("*.py")
        if needs_tensorflow(imported(path, at_the_top=True))
        or any(in_package(name, "tensorflow", "keras") for name in imported(path))
    ]
    assert importers, "nothing is found: this test sees nothing"
    trouble = TESTS / "runner" / "trouble.py"  # imports it where its process is asked to
    assert [path for path in importers if not lives_in(path, NEED_TENSORFLOW)] == [trouble]


@pytest.mark.parametrize("name", [*NEED_TENSORFLOW, *TAKE_LONG])
def test_what_is_left_out_of_the_fast_tests_is_there(name: str) -> None:
    assert (TESTS / name).exists()
