"""The exception for errors that a user can correct: commands print its text, without a traceback, and exit with 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can correct. Its text states what is wrong, where, and what would be right."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """The end of a message on an unknown name: ' Did you mean X?', or the valid names if none is similar."""
    names = sorted(valid)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f" Did you mean {near[0]!r}?"
    return f" Valid: {', '.join(names)}." if names else ""


def check_name(kind: str, name: str, valid: Iterable[str]) -> None:
    """Raises UserError, with the nearest valid name, if `name` is not in `valid`. kind: such as "cell"."""
    names = set(valid)
    if not isinstance(name, str):
        raise UserError(f"unknown {kind} {name!r}; expected a name.{nearest('', names)}")
    if name not in names:
        raise UserError(f"unknown {kind} {name!r}.{nearest(name, names)}")
