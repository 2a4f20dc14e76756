"""Experiment files: mutated bundled and documented ones are read, planned and estimated."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random

from harness.errors import UserError
from harness.files import write_atomically
from harness.plan.estimate import load_of
from harness.spec import claims
from harness.spec.bundled import bundled_experiments
from harness.spec.experiment import Experiment
from harness.spec.load import load_claims, load_experiment, parse_experiment
from harness.spec.sweep import Sweep
from harness.spec.trial import TrialLimits
from harness.spec.tuning import Search, Tune
from harness.store.folder import stored_experiment
from harness.tasks import tasks
from tests.documents.reading import blocks
from tests.factories import EXPERIMENT, plan
from tests.fuzz.mutation import NUMBERS, TEXTS, mutated_text, some
from tests.fuzz.target import Target, odd_file

_VALUES = (
    "true", "false", "0", "1", "-1", "2", "5", "40", "100000", "100001", "4294967296", "1e-3", "0.5", "1.5", "1e308",
    "1e400", "inf", "-inf", "nan", "9" * 40, "9" * 5000, "0x7fffffffffffffff", "1979-05-27", "07:32:00", "[]", "[[]]",
    "{}", "[1, 1]", "[1, 2, 3]", "[5, 10]", "[0.1, 0.2]", "['gru', 'lstm']", "['a', 1]", "'5%'", "'25%'", "'gru'",
    "'lstm'", "'nowhere:cell'", "'os:path'", "'recall'", "'language'", "'test_loss'", "'test_accuracy'", "'chrono'",
    "'smallest'", "'largest'", "'paired'", "'proportion'", "'horizon'", "'trend'", "'time-to-target'", "'exact'",
    "'data-to-target'", "'crossing'", "'options.length'",
    "'not-testable'", "'speed'", "'fused'", "'article'", "'parameters'", "{ tune = [1e-3, 1e-2] }",
    "{ tune = [1e-3, 1e-2], seeds = 2, at = 'all' }", "{ task = 'recall' }",
    "{ search = 'log-uniform', low = 1e-4, high = 1e-2, trials = 10 }", "{ task = ['recall', 'adding'] }",
    "{ folder = '.' }", "{ text = 'a.txt' }", "{ file = 'a.csv' }", "{ text = ['a', 'a'] }", "{ text = '\\u0000' }",
    "{ folder = '" + "a" * 300 + "' }", "{ file = '~nobody/a' }", "{ vocabulary = 5 }", "[" * 1000 + "]" * 1000,
)  # fmt: skip
_TABLES = ("[[sweep]]", "[[claim]]", "[limits]", "[sweep.options]", "[sweep]", "[claim.where]", "[[sweep.x]]", "[a.b]")


@functools.cache
def _keys() -> tuple[str, ...]:
    models = [Experiment, Sweep, TrialLimits, Tune, Search, claims.Where, *_models_of_claims()]
    models += [tasks[name].options for name in tasks]
    return tuple(sorted({name for model in models for name in model.model_fields}))


def _models_of_claims() -> list[type[claims._Claim]]:
    classes = [claims._Claim]
    for model in classes:
        classes += model.__subclasses__()
    return classes


@functools.cache
def texts() -> tuple[str, ...]:
    """The bundled experiment files, the documents' examples, and the tests' small file, also with each example."""
    whole = [path.read_text(encoding="utf-8") for path in bundled_experiments().values()]
    parts = [block.text for block in blocks() if block.language == "toml" and "project.entry-points" not in block.text]
    small = [f"{EXPERIMENT}\n{part}" if "[[" in part else f"{part}\n{EXPERIMENT}" for part in ("", *parts)]
    return (*whole, *parts, *small)


@functools.cache
def valid_texts() -> tuple[str, ...]:
    """The valid experiments of `texts`."""
    classes = []
    for text in texts():
        with suppress(UserError):
            parse_experiment(text, source="", folder=Path())
            classes.append(text)
    return tuple(classes)


@functools.cache
def _usual() -> Mapping[str, tuple[str, ...]]:
    """The values of each key in all of the files."""
    classes: dict[str, list[str]] = {}
    for line in "\n".join(texts()).split("\n"):
        key, _, value = line.partition(" = ")
        if value and key.isidentifier():
            classes.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in classes.items()}


def mutated(random: Random, text: str) -> bytes:
    """The file with other keys and values; sometimes also mutated as a text."""
    for _ in some(random, 6):
        text = _changed(random, text)
    return mutated_text(random, text) if random.random() < 0.15 else text.encode(errors="replace")


def _changed(random: Random, text: str) -> str:
    lines = text.split("\n")
    settings = [at for at, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    if not settings:
        return text
    at = random.choice(settings)
    key, _, value = lines[at].partition(" = ")
    match random.randrange(8):
        case 0:
            del lines[at]
        case 1:
            lines[at] = f"{random.choice(_keys())} = {value}"
        case 2:
            key = random.choice(_keys())
            lines.insert(at, f"{key} = {_value(random, key)}")
        case 3:
            lines.insert(at, lines[random.choice(settings)] if random.random() < 0.3 else random.choice(_TABLES))
        case _:
            lines[at] = f"{key} = {_value(random, key)}"
    return "\n".join(lines)


def _value(random: Random, key: str) -> str:
    """A value for a key: in half of the cases one that it has in a file."""
    if random.random() < 0.5 and key in _usual():
        return random.choice(_usual()[key])
    if random.random() < 0.7:
        return random.choice(_VALUES)
    if random.random() < 0.5:
        return str(random.choice([n for n in NUMBERS if abs(n) != 10**400]))
    text = random.choice(TEXTS).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return '"' + text.replace("\0", "\\u0000").replace("\x1b", "\\u001b") + '"'


def _attempt(random: Random, folder: Path) -> None:
    path = folder / "experiment.toml"
    content = mutated(random, random.choice(valid_texts() if random.random() < 0.8 else texts()))
    path.write_bytes(content)
    if random.random() < 0.02:
        odd_file(random, path)
    try:
        load_claims(path)
    finally:
        experiment = load_experiment(path)
    if _is_small(experiment):
        for spec in plan(experiment).values():
            load_of(spec)
    write_atomically(folder / "copy.toml", content.decode("utf-8-sig"))
    stored_experiment(folder)


def _is_small(experiment: Experiment) -> bool:
    trials = 0
    for sweep in experiment.sweep:
        factors = (getattr(sweep, name) for name in type(sweep).model_fields)
        count = math.prod(len(values) for values in factors if isinstance(values, tuple) and values)
        trials += count * len(sweep.seeds or experiment.seeds) * len(sweep.cells or experiment.cells)
    costly = any(sweep.task == "sound_events" and "parameters" in sweep.match for sweep in experiment.sweep)
    return trials < 300 and not costly


TARGETS = (Target("experiment", _attempt),)
