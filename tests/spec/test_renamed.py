"""Names of earlier versions in experiment files and stored specs."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from harness.spec.load import load_claims, parse_experiment
from harness.spec.renamed import with_new_names
from harness.spec.trial import TrialSpec
from tests.factories import spec

OLD = """
name = "old"
title = "Old"
seeds = 5
cells = ["gru", "lstm"]
kernel = "document"

[[sweep]]
task = "recall"
kernel = ["keras", "fused"]
train_size = 100
sequence_length = 8
updates = 10

[[claim]]
id = "faster"
claim = "GRUs train faster"
kind = "paired"
better = "gru"
than = "lstm"
on = "seconds_per_update"
where = { kernel = "fused" }
margin = "10%"
"""


def test_an_old_file_is_read_and_its_former_names_are_stated() -> None:
    new = OLD.replace("kernel", "backend").replace('"document"', '"article"')
    old, now = (parse_experiment(text, source="old.toml", folder=Path("/")) for text in (OLD, new))
    assert dict(old) == dict(now)
    assert old.renamed == ("'kernel' is called 'backend' now", "the backend 'document' is called 'article' now")
    assert now.renamed == ()


def test_a_key_by_both_names_is_refused() -> None:
    both = OLD.replace('kernel = "document"', 'kernel = "keras"\nbackend = "keras"')
    with pytest.raises(UserError, match=r"old\.toml: 'kernel' is the old name of 'backend': give 'backend' alone"):
        parse_experiment(both, source="old.toml", folder=Path("/"))


def test_a_file_of_claims_alone_may_have_old_names(tmp_path: Path) -> None:
    file = tmp_path / "claims.toml"
    file.write_text(OLD[OLD.index("[[claim]]") :], encoding="utf-8")
    (claim,) = load_claims(file)
    assert claim.where.backend == ("fused",)


def test_what_is_not_a_table_is_left_to_the_check_of_types() -> None:
    text = 'sweep = 3\nclaim = ["x"]\nkernel = 4'
    with pytest.raises(UserError, match=r"backend\[0\]: expected a valid string; found 4"):
        parse_experiment(text, source="wrong.toml", folder=Path("/"))


def test_a_stored_spec_with_old_names_is_the_same_trial() -> None:
    now = spec(backend="article")
    stored = now.model_dump(mode="json")
    stored["kernel"] = "document"
    del stored["backend"]
    assert TrialSpec.model_validate(stored) == now
    assert with_new_names(stored) == now.model_dump(mode="json")
