"""docs/claims.md: its examples are claims, every kind and key has one, and the article's claims are declared."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

from pydantic import TypeAdapter

from harness.cells.facts import facts
from harness.spec.claims import Claim, Comparison, Exact, NotTestable, Where
from harness.spec.load import load_experiment

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
EXAMPLES = tomllib.loads("\n".join(re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)))["claim"]


def test_every_example_is_a_claim_and_every_kind_has_one() -> None:
    claims: list[Claim] = TypeAdapter(list[Claim]).validate_python(EXAMPLES)
    kinds = {kind.model_fields["kind"].annotation for kind in (*get_args(Comparison), Exact, NotTestable)}
    assert {claim.kind for claim in claims} == {get_args(kind)[0] for kind in kinds}


def test_every_condition_and_fact_is_named() -> None:
    for name in (*Where.model_fields, *facts.targets()):
        assert f"`{name}`" in TEXT, name


def test_the_articles_claims_are_declared_in_the_experiments_named() -> None:
    table = re.findall(r"^\| ([^|`]+) \| ((?:`[\w-]+`(?:, )?)+) \| ([\w, ]+) \|$", TEXT, flags=re.MULTILINE)
    declared = {
        path.stem: {claim.id: claim.source for claim in load_experiment(path).claim}
        for path in (ROOT / "experiments").glob("*.toml")
    }
    judged = set()
    for sentence, ids, experiments in table:
        for id in re.findall(r"[\w-]+", ids):
            judged.add(id)
            for experiment in experiments.split(", "):
                assert declared[experiment].get(id) == sentence, (experiment, id)
    assert judged >= {
        "fewer-parameters", "simpler", "no-gates", "same-gate-equations", "reduces-to-rnn", "trains-faster",
        "better-on-less-data", "longer-memory", "short-memory", "turing",
    }  # fmt: skip
