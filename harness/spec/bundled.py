"""The experiments that come with the program, found by their names wherever it is installed."""

from __future__ import annotations

from pathlib import Path

from harness.files import is_file, user_path


def bundled_experiments() -> dict[str, Path]:
    """Name to file: inside of the package where it was installed, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    folder = package / "experiments"
    if not folder.is_dir():
        folder = package.parent / "experiments"
    return {path.stem: path for path in sorted(folder.glob("[!.]*.toml"))}


def locate(file: str | Path) -> Path:
    """The file where there is one, else the bundled experiment of that name (compare, compare.toml), else the path.

    Raises UserError for a home folder that is not known.
    """
    path = user_path(file)
    if is_file(path) or path.name != str(path) or path.suffix not in ("", ".toml"):
        return path
    return bundled_experiments().get(path.stem, path)
