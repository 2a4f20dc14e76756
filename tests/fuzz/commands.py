"""The command line: `harness.cli.main` in this process, with simulated trials; TensorFlow is never imported."""

from __future__ import annotations

import functools
import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from unittest import mock

import typer

import harness.report.figures.evidence
import harness.report.writing
import harness.trial.foreground  # before any input: an import that a time limit stops leaves a broken module
from harness.errors import UserError
from harness.store.sqlite import naming_damage
from harness.stored import read_results
from tests.factories import EXPERIMENT
from tests.fuzz import folders
from tests.fuzz.mutation import NUMBERS, TEXTS, pick
from tests.fuzz.target import Target, odd_file
from tests.runner.simulated import Simulated

EXIT_CODES = {0, 1, 2, 130, 141}


class WrongExit(Exception):
    """The command ended with an unexpected exit code or message."""


_command = functools.cache(typer.main.get_command)
"""Cached, because Typer makes the command from signatures at each call, which takes longer than most inputs."""


def harness(*words: str) -> str:
    """The output of the command on stdout. Raises the exceptions that do not become a message and an exit code."""
    from harness.cli.main import main

    out, err = (
        io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors=errors) for errors in ("strict", "backslashreplace")
    )
    typed = mock.patch.object(sys, "argv", ["harness", *words])
    with typed, mock.patch("typer.main.get_command", _command), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
            code: Any = 0
        except SystemExit as exit:
            code = exit.code or 0
        out.flush()
        err.flush()
    printed, complaint = (stream.buffer.getvalue().decode(errors="replace") for stream in (out, err))  # type: ignore[attr-defined]
    if code not in EXIT_CODES or "Traceback" in complaint or (code == 2 and not complaint.strip()):
        raise WrongExit(f"exit status {code!r} with the message {complaint!r}")
    return printed


@contextmanager
def pretended(folder: Path) -> Iterator[None]:
    """In the folder, with engines and figures that cost nothing, and without servers and TensorFlow."""

    def simulated(jobs: int | None = None, *_: object, **__: object) -> Simulated:
        return Simulated(jobs=jobs or 2)

    def nothing(*_: object, **__: object) -> None:
        pass

    def unmeasured(*_: object, **__: object) -> None:
        raise UserError("nothing is measured")

    with ExitStack() as stack:
        stack.enter_context(chdir(folder))
        for name, replacement in {
            "harness.runner.flow.LocalEngine": simulated,
            "harness.runner.backends.measure_backends": unmeasured,
            "harness.report.writing.plot_files": lambda *_, **__: {},
            **dict.fromkeys(_LEFT_OUT, nothing),
        }.items():
            stack.enter_context(mock.patch(name, replacement))
        # Not mock.patch.dict, which would also remove the modules that the block imports.
        before = sys.modules.get(_NETWORK)
        sys.modules[_NETWORK] = _NO_NETWORK
        stack.callback(sys.modules.__setitem__ if before else sys.modules.pop, _NETWORK, before)
        yield


_LEFT_OUT = (
    "harness.runner.flow._summarise_models", "harness.trial.foreground.run_in_foreground",
    "harness.trial.settings.settle", "harness.cli.serve.serve", "webbrowser.open", "os.nice",
)  # fmt: skip
_NETWORK = "harness.cells.network"
_NO_NETWORK: Any = SimpleNamespace(summary_text=lambda *_, **__: "")
"""Replaces the module, which imports TensorFlow."""
_FILES = ("tiny.toml", "mutated.toml", "smoke", "smoke.toml", "results/tiny/experiment.toml")
_ODD_PATHS = (
    "nowhere", "nowhere/x", "results", "pipe", "tiny.toml/x", "a" * 300, "a/" * 3000, "", ".", "..", "/proc",
    "/proc/self/mem", "/dev/pts/ptmx", "\udcff", "results/\udcff", "loop", "~", "~nouser/x", "~/x", "é\n", "-",
    "[bold]",
)  # fmt: skip
_FOLDERS = ("results/tiny", "results/other")
_NUMBERS = ("1", "2", "3", "10")
_ODD_NUMBERS = tuple(str(number) for number in NUMBERS if abs(number) != 10**400)
_OPTIONS: dict[str, dict[str, tuple[Sequence[str], Sequence[str]]]] = {
    "run": {
        "--results": (("results", "out"), _ODD_PATHS),
        "--jobs": (_NUMBERS, _ODD_NUMBERS),
        "--seeds": (_NUMBERS, _ODD_NUMBERS),
        "--budget": (("1h", "10m", "90s", "1h30m"), ("0", "1e400h", "9" * 400 + "h", "inf", "5", *TEXTS)),
        "--retry": (("timeout", "crashed"), TEXTS),
        "--most-seeds": (("5", "40"), _ODD_NUMBERS),
        "--engine": (("local",), ("spark", "dask", "")),
        "--scheduler-file": (("nowhere",), ("tiny.toml", "results", "pipe", "\udcff")),
        "--scheduler": (("tls://",), ("", "a b", "tcp://", ":", "tls://127.0.0.1:999999")),
        "--dry-run": ((), ()), "--until-decided": ((), ()), "--any-versions": ((), ()),
    },
    "check": {"--results": (("results",), _ODD_PATHS), "--seeds": (_NUMBERS, _ODD_NUMBERS)},
    "list": {},
    "schema": {},
    "status": {},
    "report": {
        "--format": (("html", "md"), TEXTS), "--output": (("out",), _ODD_PATHS), "--open": ((), ()),
    },
    "merge": {"--into": (("merged",), (*_FOLDERS, *_ODD_PATHS))},
    "serve": {"--port": (("0", "8000"), _ODD_NUMBERS), "--every": (("1",), _ODD_NUMBERS), "--open": ((), ())},
    "judge": {"--claims": (_FILES, _ODD_PATHS), "--output": (("verdicts.json", "out.json"), _ODD_PATHS)},
    "show": {},
    "trial": {},
    "summary": {"--backend": (("article", "keras", "fused"), TEXTS), "--units": (_NUMBERS, _ODD_NUMBERS)},
    "backends": {
        "--shape": (("2,4,3,5",), ("1,2,3", "1,2,3,0", "a,b,c,d", "1e3,1,1,1", f"1,{'9' * 5000},1,1", *TEXTS)),
        "--cell": (("gru", "lstm"), TEXTS), "--backend": (("keras", "fused"), TEXTS),
        "--dropout": (("0", "0.5"), _ODD_NUMBERS), "--rounds": (_NUMBERS, _ODD_NUMBERS), "--predict": ((), ()),
    },
    "diff": {"--format": (("table", "json"), TEXTS)},
    "export": {"--format": (("csv", "jsonl", "parquet"), TEXTS), "--output": (("out.csv",), _ODD_PATHS)},
}  # fmt: skip
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "run": ("file",), "check": ("file",), "list": ("kind",), "schema": (), "status": ("folder",),
    "report": ("folder",), "merge": ("folder", "folder"), "serve": ("folder",), "judge": ("folder",),
    "show": ("folder", "trial"), "trial": ("folder", "trial"), "summary": ("cell",), "backends": (),
    "diff": ("folder", "folder"), "export": ("folder",),
}  # fmt: skip
_SELDOM = ("report", "diff", "judge", "run", "schema", "backends")
"""Commands that take long or have few options."""


def _argument(random: Random, kind: str) -> str:
    match kind:
        case "file":
            return pick(random, _FILES[:2], (*_FILES, *_ODD_PATHS), 0.4)
        case "folder":
            return pick(random, _FOLDERS, (*_ODD_PATHS, "results/tiny/"), 0.3)
        case "trial":
            return pick(random, (folders.some_trial(), folders.some_trial()[:5]), ("", "%", "_", "zz", *TEXTS), 0.4)
        case "cell":
            return pick(random, ("gru", "simple_rnn", "harness.cells.gru:cell"), TEXTS)
        case _:
            return pick(random, ("cells", "tasks", "backends"), TEXTS)


def command_line(random: Random) -> list[str]:
    """A command, mostly with valid names of arguments and options."""
    names = [name for name in ARGUMENTS if name not in _SELDOM or random.random() < 0.1]
    name = random.choice(names)
    words = [_argument(random, kind) for kind in ARGUMENTS[name]]
    for option, (usual, odd) in _OPTIONS[name].items():
        if random.random() < (0.9 if name == "merge" else 0.25):
            words += [option, pick(random, usual, odd, 0.35)] if usual else [option]
    if random.random() < 0.1:
        other = random.choice(list(_OPTIONS))
        words += [random.choice((*_OPTIONS[other], *TEXTS, "--help", "--version", "-o", "--results"))]
    if random.random() < 0.05:
        random.shuffle(words)
    if random.random() < 0.05:
        words = words[:-1]
    if random.random() < 0.03:
        name = random.choice((*TEXTS, *_ODD_PATHS))
    return [_safe(word) for word in (name, *words)]


def _safe(word: str) -> str:
    """Without null characters, which arguments cannot have, and without absolute paths, where root could write."""
    word = word.replace("\0", "0").replace("~nobody", "~nouser")
    return f".{word}" if word.startswith("/") and word not in _ODD_PATHS else word


def _attempt(random: Random, folder: Path) -> None:
    folders.write(folder / "results" / "tiny")
    folders.write(folder / "results" / "other")
    (folder / "tiny.toml").write_text(EXPERIMENT, encoding="utf-8")
    (folder / "mutated.toml").write_bytes(folders.small_experiment(random))
    (folder / "loop").symlink_to("loop")
    if random.random() < 0.5:
        os.mkfifo(folder / "pipe")
    if random.random() < 0.05:
        odd_file(random, folder / "results" / "tiny" / "experiment.toml")
    words = command_line(random)
    environment = {"HOME": str(folder / "home"), "COLUMNS": random.choice(("20", "80", "200"))}
    with pretended(folder), mock.patch.dict(os.environ, environment):
        harness(*words)


def _damaged(random: Random, folder: Path) -> None:
    results = folder / "results"
    folders.write(results / "tiny")
    folders.write(results / "other")
    folders.damage(random, results / "tiny")
    (folder / "tiny.toml").write_text(EXPERIMENT, encoding="utf-8")
    trial = random.choice((folders.some_trial(), folders.some_trial()[:4], "", "f"))
    tiny, other = "results/tiny", "results/other"
    commands: list[tuple[str, ...]] = [
        ("status", tiny), ("export", tiny), ("export", tiny, "--format", "jsonl"), ("show", tiny, trial),
        ("trial", tiny, trial),
        ("merge", tiny, other, "--into", "merged"), ("merge", other, tiny, "--into", "merged"), ("check", "tiny.toml"),
        ("check", f"{tiny}/experiment.toml"),
    ]  # fmt: skip
    if random.random() < 0.05:
        commands = [
            ("report", tiny), ("report", tiny, "--format", "md"), ("judge", tiny), ("diff", tiny, other),
            ("diff", other, tiny), ("run", "tiny.toml"), ("report", tiny, other),
            ("run", "tiny.toml", "--until-decided", "--most-seeds", "3"),
            ("export", tiny, "--format", "parquet"), ("diff", tiny, other, "--format", "json"),
            ("run", "tiny.toml", "--budget", "10m", "--retry", "crashed"),
        ]  # fmt: skip
    with pretended(folder):
        if random.random() < 0.3:
            with naming_damage(tiny):  # as judge and report do, in a tenth of their time
                read_results(tiny)
        else:
            harness(*random.choice(commands))


TARGETS = (Target("command line", _attempt), Target("results folder", _damaged))
