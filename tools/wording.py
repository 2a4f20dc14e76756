"""Find words and phrases that the project's texts avoid, and print what to write instead; part of `make lint`.

python -m tools.wording            # check the places in CHECKED
python -m tools.wording help ...   # check these places: names in PLACES

The list has only what a program can detect. CONTRIBUTING.md has the rules.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

AVOIDED = {
    r"so (?:many|often|few)|ended so": "a number, or the noun",
    r"besides": "'in addition', 'other'",
    r"the other way round": "'the reverse', or what it is",
    r"likewise": "the noun it stands for",
    r"whatever|whichever": "'any', 'every', 'for any value of'",
    r"anew": "'again'",
    r"for want of": "'because there is no'",
    r"of (?:one's|a user's|the user's) own": "'your ...', 'custom'",
    r"the how-manieth": "'number'",
    r"told|tells?(?! apart)": "'reports', 'states', 'lists', 'shows'",
    r"the document(?:'s)?": "'the article', or the name of the page",
    r"kernels?": "'backend'; Keras's weight matrix is a 'recurrent kernel'",
    r"looks? at (?:the|their|its|a) claims?|the looks": "'interim analysis'",
    r"gets? a direction": "'is supported or contradicted', 'type I error'",
    r"(?:at most|at least) [^|()]* promised": "'nominal'",
    r"yardsticks?": "'baseline'",
    r"rooms?|houses?": "'package', 'module', 'memory', 'space'",
    r"do (?:\w+ ){0,2}again|done again": "'re-run', 'repeat'",
    r"teach(?:es)? your shell": "'tab completion'",
    r"has (?:anything|something) become": "'regression gate'",
    r"do the tests notice": "'mutation testing'",
    r"how far back": "'gradient reach'",
    r"(?:feels?|hears?)(?: back| of)?": "what it computes; cells do not feel or hear",
    r"in vain|hence|thereof|therein|whence|thereby": "a plain word",
}
"""From a pattern (whole words, any case) to what to write instead."""

QUOTED = re.compile(
    r"`[^`]*`|recurrent kernels?|\]\([^)]*\)|compute whatever a Turing machine can|<!--.*?-->", re.DOTALL
)
"""Not checked: code, a Keras term, link targets, a claim of the article, comments."""

_PATTERNS = {
    re.compile(rf"\b(?:{pattern})\b".replace(" ", r"\s+"), re.IGNORECASE): use for pattern, use in AVOIDED.items()
}


@dataclass(frozen=True)
class Text:
    """A text, the name of its place (a file or a command), and the number of its first line."""

    place: str
    text: str
    line: int = 1


def documents() -> Iterator[Text]:
    """Markdown files, without their code blocks."""
    names = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "results/README.md")
    for path in (*(ROOT / name for name in names), *sorted((ROOT / "docs").glob("*.md"))):
        text = re.sub(r"^```.*?^```$", _blank, path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        yield Text(str(path.relative_to(ROOT)), text)


def experiments() -> Iterator[Text]:
    """Experiment files, comments and claims."""
    for path in sorted((ROOT / "experiments").glob("*.toml")):
        yield Text(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))


def makefile() -> Iterator[Text]:
    """Makefile and CI files: the help of the targets, and comments."""
    for name in ("Makefile", ".github/workflows/ci.yml", ".ci/run"):
        yield Text(name, (ROOT / name).read_text(encoding="utf-8"))


def command_help() -> Iterator[Text]:
    """The output of `harness --help` and of each command's `--help`."""
    from tools.commands import help_of, names

    for words in ((), *((name,) for name in names())):
        yield Text(f"harness {' '.join((*words, '--help'))}", help_of(*words))


def templates() -> Iterator[Text]:
    """The templates of the report."""
    for path in sorted((ROOT / "harness/report/page/template").glob("*.j2")):
        yield Text(str(path.relative_to(ROOT)), re.sub(r"\{[%{#].*?[%}#]\}", _blank, path.read_text(encoding="utf-8")))


PLACES: dict[str, Callable[[], Iterable[Text]]] = {
    "documents": documents,
    "experiments": experiments,
    "makefile": makefile,
    "help": command_help,
    "templates": templates,
}
CHECKED = ("documents", "experiments", "makefile", "help", "templates")
"""The places that `make lint` checks. Add a place here once its texts pass."""


def _blank(match: re.Match[str]) -> str:
    """The line breaks of the match, so that line numbers stay correct."""
    return "\n" * match[0].count("\n")


def findings(text: Text) -> Iterator[str]:
    """A message for each avoided word or phrase in the text."""
    shown = QUOTED.sub(_blank, text.text)
    for pattern, use in _PATTERNS.items():
        for match in pattern.finditer(shown):
            line = text.line + shown.count("\n", 0, match.start())
            yield f"{text.place}:{line}: {' '.join(match[0].split())!r}: write {use}"


def main(arguments: list[str]) -> int:
    """Print the findings; returns 1 if there are any."""
    found = [message for name in arguments or CHECKED for text in PLACES[name]() for message in findings(text)]
    for message in found:
        print(message)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
