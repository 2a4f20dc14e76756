"""Lists in README, CONTRIBUTING and docs/ match the code: keys, columns, files, links, and commands of CI."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from typing import Any, get_args

import pytest

from harness.spec.claims import Where
from harness.spec.experiment import Experiment
from harness.spec.factors import SETTINGS, Factor
from harness.spec.sweep import Sweep
from harness.store.frame import to_frame
from harness.store.record import PHASES, Memory, Phase, Record
from harness.verdicts.verdict import Verdict
from tests.benchmarks.compare import OTHER_MACHINE, THRESHOLD
from tests.benchmarks.quality import LOSS_TOLERANCE, MEMORY_TOLERANCE
from tests.documents.reading import DOCUMENTS, ROOT, code_spans, tables
from tests.factories import record
from tests.test_imports import FLOW


def table(document: str, heading: str) -> dict[str, str]:
    """The first table under a heading: each code span of the first column, and the last column of its row."""
    listed = next(one for one in tables(ROOT / "docs" / document) if heading in one.headings)
    return {name: row[-1] for row in listed.rows[1:] for name in re.findall(r"`([^`]+)`", row[0])}


@pytest.mark.parametrize(
    ("heading", "model", "elsewhere"),
    [("At the top", Experiment, {"sweep", "claim"}), ("`[[sweep]]`", Sweep, {"options"})],
)
def test_every_key_of_an_experiment_is_explained(heading: str, model: Any, elsewhere: set[str]) -> None:
    listed = {name for name in table("experiments.md", heading) if not name.startswith("[")}
    assert listed == model.model_fields.keys() - elsewhere


def test_the_defaults_are_those_of_the_code() -> None:
    documented = {**table("experiments.md", "`[[sweep]]`"), **table("experiments.md", "At the top")}
    for name, model in (("backend", Experiment), ("lane", Experiment), ("optimizer", Sweep), ("match", Sweep)):
        default = model.model_fields[name].default
        assert documented[name].strip('`"') == (default if isinstance(default, str) else default[0]), name
    for name in ("learning_rate", "batch_size", "dropout", "recurrent_dropout", "clip_norm"):
        default = Sweep.model_fields[name].default
        assert float(documented[name]) == (default[0] if isinstance(default, tuple) else default), name


@pytest.mark.parametrize("factor", SETTINGS, ids=lambda factor: factor.name)
def test_a_setting_is_documented_as_the_table_of_factors_has_it(factor: Factor) -> None:
    listed = next(one for one in tables(ROOT / "docs" / "experiments.md") if "`[[sweep]]`" in one.headings)
    (row,) = (row for row in listed.rows if row[0] == f"`{factor.name}`")
    about = factor.about.removesuffix(".")
    assert row[1].lower().startswith(about.lower())
    names = [f"`{name}`" for name in get_args(factor.type) if isinstance(name, str)]
    assert [name for name in names if name not in row[1]] == []
    assert ("; one value" in row[1]) is not factor.several
    default = "the cell's own" if factor.default is None else str(factor.default).removesuffix(".0").lower()
    assert row[2].strip("`") == default


def test_the_settings_are_listed_where_claims_and_frames_have_them() -> None:
    claims = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^`where` takes (.*?);", claims, flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"`(\w+)`", listed) == [*Where.model_fields]
    columns = next(one for one in tables(ROOT / "docs" / "results.md") if "The frame" in one.headings)
    (row,) = (row for row in columns.rows if "`dropout`" in row[0])
    assert re.findall(r"`(\w+)`", row[0])[: len(SETTINGS)] == [factor.column for factor in SETTINGS]


def test_every_column_of_the_frame_is_explained() -> None:
    phases = dict.fromkeys(PHASES, Phase(wall_seconds=1, cpu_seconds=1, memory_peak_bytes=1))
    memory = Memory(baseline_bytes=1, peak_bytes=2, method="")
    full = record(phases=phases, memory=memory, baselines={"chance": {"loss": 1.0}}, test={"loss": 1.0, "f1": 0.5})
    columns = set(to_frame([full.model_dump(mode="json")]).columns)
    listed = table("results.md", "The frame").keys()
    patterns = [re.sub(r"<\w+>", ".+", name) for name in listed]
    assert [name for name in columns if not any(re.fullmatch(pattern, name) for pattern in patterns)] == []
    assert [name for name in listed if "<" not in name and name not in columns] == []


def test_every_key_of_a_verdict_is_explained() -> None:
    assert table("results.md", "verdicts.json").keys() == {
        "schema",
        *(field.name for field in dataclasses.fields(Verdict)),
    }


def test_every_key_of_a_record_is_explained() -> None:
    assert table("results.md", "A record").keys() == Record.model_fields.keys()


def test_the_table_of_the_architecture_is_the_order_of_imports() -> None:
    """In the order of the list that tests/test_imports.py holds; what all packages use is in one row."""
    listed = tables(ROOT / "docs" / "architecture.md")[0]
    names = [name for row in listed.rows[1:] for name in re.findall(r"`([^`]+)`", row[0])]
    assert [name.rstrip("/").removesuffix(".py") for name in names] == [name for name in FLOW if name != "__main__"]


def test_every_file_that_is_named_is_there() -> None:
    for document in DOCUMENTS:
        for span in code_spans(document):
            if re.fullmatch(r"(harness|tests|docs|experiments)/[\w/.-]+", span) and "<" not in span:
                assert (ROOT / span).exists(), f"{document.name}: {span}"


def test_what_ci_runs_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for file in (".ci/run", ".github/workflows/ci.yml"):
        used = re.findall(r"\bmake ([a-z-]+)", (ROOT / file).read_text(encoding="utf-8"))
        assert used
        assert set(used) <= targets, file


def test_ci_runs_every_python_that_is_supported() -> None:
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    versions = re.findall(r'"(3\.\d+)"', re.search(r"python: \[(.*)\]", workflow)[1])  # type: ignore[index]
    assert metadata["project"]["requires-python"] == f">={versions[0]}"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^SUPPORTED := (.*)$", makefile, flags=re.MULTILINE)[1].split() == versions  # type: ignore[index]
    assert "make pythons" in (ROOT / ".ci/run").read_text(encoding="utf-8")


def test_the_thresholds_of_the_regression_gate_are_those_of_the_code() -> None:
    text = (ROOT / "docs/regression.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([\d.]+) times the baseline's", text, flags=re.MULTILINE)
    documented = {reference: float(threshold) for references, threshold in rows for reference in references.split(", ")}
    assert documented == THRESHOLD
    assert f"thresholds are {OTHER_MACHINE} times wider" in text
    assert f"{LOSS_TOLERANCE:.0%} on others".replace("%", " %") in text
    assert f"| peak memory | {MEMORY_TOLERANCE:.0%} |".replace("%", " %") in text


def test_every_file_that_mutation_testing_names_is_there() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mutmut"]
    for key in ("only_mutate", "also_copy", "pytest_add_cli_args_test_selection"):
        for name in settings[key]:
            assert list(ROOT.glob(name)), f"{key}: {name}"
