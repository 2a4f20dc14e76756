"""The names of the package `harness`: what its docstring shows is there, before and after it is used."""

from __future__ import annotations

import re
import subprocess
import sys

import harness
from tests.documents.reading import ROOT


def test_the_public_names_are_listed_before_they_are_used() -> None:
    code = "import harness; assert {*harness.__all__} <= {*dir(harness)}, dir(harness)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_command_imports_next_to_nothing_before_it_can_catch_ctrl_c() -> None:
    code = (
        "import sys; import harness.__main__; sys.exit(bool({'typing', 'typer', 'harness.cli.main'} & {*sys.modules}))"
    )
    subprocess.run([sys.executable, "-S", "-c", code], check=True, timeout=60, cwd=ROOT)


def test_the_docstring_calls_every_public_function() -> None:
    called = {*re.findall(r"(\w+)\(\"", harness.__doc__ or ""), *re.findall(r"(\w+)\(exp", harness.__doc__ or "")}
    functions = {name for name in harness.__all__ if name != "UserError"}
    assert functions <= called | {"run"}
    assert called <= {*dir(harness)}
