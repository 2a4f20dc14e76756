"""The experiments that come with the program, available by name in every installation."""

from __future__ import annotations

from pathlib import Path

from harness.files import is_file, user_path


def bundled_experiments() -> dict[str, Path]:
    """The experiment files by name: inside the installed package, or next to the package in a checkout."""
    package = Path(__file__).resolve().parents[1]
    folder = package / "experiments"
    if not folder.is_dir():
        folder = package.parent / "experiments"
    files = [*sorted(folder.glob("[!.]*.toml")), *sorted(folder.glob("published/[!.]*.toml"))]
    return {path.stem: path for path in files}


def locate(file: str | Path) -> Path:
    """The file if it exists, else the bundled experiment of that name (compare, compare.toml), else the path.

    Raises UserError if the home folder of `~` is unknown.
    """
    path = user_path(file)
    if is_file(path) or path.name != str(path) or path.suffix not in ("", ".toml"):
        return path
    return bundled_experiments().get(path.stem, path)
