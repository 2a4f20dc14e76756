"""Syntax trees as text: a change that could change a result changes it, and no version of Python does."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.plan.syntax_trees import read_source

ROOT = Path(__file__).parents[2]
SOURCE = '''"""What it is."""


def f(x):
    """Doc."""
    for y in x:
        x += y
    return x + 1  # why
'''


def text_of(folder: Path, source: str) -> str:
    path = folder / f"{hashlib.sha256(source.encode()).hexdigest()}.py"  # the text is kept by path
    path.write_text(source, encoding="utf-8")
    return read_source("module", path).text


@pytest.mark.parametrize(
    "changed",
    [
        SOURCE.replace("# why", "# because"),
        SOURCE.replace("What it is.", "Something else.").replace("Doc.", "More."),
        SOURCE.replace("\n\n\n", "\n\n\n\n# a remark\n\n").replace("x + 1", "(x  +\n 1)"),
        SOURCE.replace("    ", "\t"),
    ],
)
def test_words_and_layout_do_not_count(tmp_path: Path, changed: str) -> None:
    assert changed != SOURCE
    assert text_of(tmp_path, changed) == text_of(tmp_path, SOURCE)


@pytest.mark.parametrize(
    "changed",
    [
        SOURCE.replace("+ 1", "+ 2"),
        SOURCE.replace("+ 1", "+ 1.0"),
        SOURCE.replace("f(x)", "f(x, y=0)"),
        SOURCE.replace("    return", "        return"),
        SOURCE.replace("        x += y\n", "        pass\n    x += y\n"),
    ],
)
def test_code_counts_and_so_does_the_block_a_line_is_in(tmp_path: Path, changed: str) -> None:
    assert changed != SOURCE
    assert text_of(tmp_path, changed) != text_of(tmp_path, SOURCE)


def test_a_string_that_is_used_counts(tmp_path: Path) -> None:
    assert text_of(tmp_path, "x = 'a'\n") != text_of(tmp_path, "x = 'b'\n")
    assert text_of(tmp_path, "x = f'{y}a'\n") != text_of(tmp_path, "x = f'{y}b'\n")


ODD = r"""
x = f"a{1!r:>{3}}b" "c" f"{2:}" f"" 'd' f"{3=}"
y = f'{x:{"a"}{"b"}}' + f"{{}}" + f"{x:%H:%M}" + rf"\d{x}\n" + "\N{EM DASH}"
z = u"abc" if x else b"abc" + (1j, ..., None, True, 1e-3, 10**20)
def f(a, /, b=None, *c, d=1, e, **g) -> None: ...
class A(f, metaclass=type): a: int
async def h():
    async with a as b: pass
    match x:
        case {"a": None, **r}: pass
        case [1, *_] | A(x=3): global w
try: w = {**x, "a": [*y]}
except* E: pass
"""
DIGEST_OF_ODD = "9e5eb4222a01f7508d7312cba49409c46e20d71b15870f6bbd75a2352f9486ab"


def test_every_python_reads_the_same(tmp_path: Path) -> None:
    """Versions cut f-strings differently, and add fields to classes and functions."""
    assert hashlib.sha256(text_of(tmp_path, ODD).encode()).hexdigest() == DIGEST_OF_ODD, sys.version


def test_characters_are_escaped_alike_by_every_version_of_unicode(tmp_path: Path) -> None:
    """U+1FAE8 is new in Unicode 15: repr() escapes it on Python 3.11 and not on 3.12."""
    assert "'\\xe9\\U0001fae8'" in text_of(tmp_path, "x = '\u00e9\U0001fae8'")


_DIGEST = (
    "import hashlib, pathlib, harness.plan.syntax_trees as trees; "
    "paths = sorted(pathlib.Path('harness').rglob('*.py')); "
    "print(hashlib.sha256(''.join(trees.read_source('', path).text for path in paths).encode()).hexdigest())"
)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_this_package_is_the_same_to_the_supported_pythons(version: str) -> None:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    on_the_path = shutil.which(f"python{version}")
    candidates = [*([Path(on_the_path)] if on_the_path else []), *pyenv.glob(f"{version}.*/bin/python")]
    digests = {digest for python in candidates if (digest := _digest_by(python))}
    if not digests:
        pytest.skip(f"there is no Python {version} here")
    assert digests == {_digest_by(Path(sys.executable))}


def _digest_by(python: Path) -> str:
    """Empty where that interpreter cannot be started, as a pyenv shim of a version that is not selected."""
    return subprocess.run([python, "-c", _DIGEST], cwd=ROOT, capture_output=True, text=True, check=False).stdout


def test_imports_are_found_wherever_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "b.py"
    path.write_text(
        "import os.path\nfrom . import c\nfrom ..d import e\nfrom a.f import g\n"
        "if typing.TYPE_CHECKING:\n    import never\nelse:\n    import h\n"
        "def f():\n    import i\n",
        encoding="utf-8",
    )
    assert read_source("a.x.b", path).imports == {"os.path", "a.x", "a.x.c", "a.d", "a.d.e", "a.f", "a.f.g", "h", "i"}


def test_threads_may_read_at_the_same_time(tmp_path: Path) -> None:
    """As those of a Dask worker do: Python 3.11 raises SystemError where two threads parse at once."""
    source = "\n".join(f"def f{number}(x):\n    return [x + {number} for _ in range(9) if x]" for number in range(400))
    files = [tmp_path / f"module_{number}.py" for number in range(16)]
    for file in files:
        file.write_text(source, encoding="utf-8")

    def text(file: Path) -> str:
        return read_source("module", file).text

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            assert len(set(threads.map(text, files))) == 1
    finally:
        sys.setswitchinterval(interval)
