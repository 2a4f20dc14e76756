"""docs/claims.md: its examples are claims, and every kind and key has one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

from pydantic import TypeAdapter

from harness.analysis.claims import Claim, Comparison, Exact, NotTestable, Where
from harness.analysis.exact import facts

TEXT = (Path(__file__).parents[2] / "docs" / "claims.md").read_text(encoding="utf-8")
EXAMPLES = tomllib.loads("\n".join(re.findall(r"```toml\n(.*?)```", TEXT, flags=re.DOTALL)))["claim"]


def test_every_example_is_a_claim_and_every_kind_has_one() -> None:
    claims: list[Claim] = TypeAdapter(list[Claim]).validate_python(EXAMPLES)
    kinds = {kind.model_fields["kind"].annotation for kind in (*get_args(Comparison), Exact, NotTestable)}
    assert {claim.kind for claim in claims} == {get_args(kind)[0] for kind in kinds}


def test_every_condition_and_fact_is_named() -> None:
    for name in (*Where.model_fields, *facts.targets()):
        assert f"`{name}`" in TEXT, name
