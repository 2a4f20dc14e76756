"""The one exception for mistakes that a user can mend: the command shows its text alone and exits with status 2."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """What was wrong, where, and what would be right, in words for the person who can mend it."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """' Did you mean X?', or the valid names where none is near; for the end of a message."""
    names = sorted(valid)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f" Did you mean {near[0]!r}?"
    return f" Valid: {', '.join(names)}." if names else ""
