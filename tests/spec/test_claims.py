"""The language of claims: what an experiment file may declare, and what it is told where it declares something else."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from harness.spec.claims import Claim, Exact, NotTestable, Paired, TimeToTarget, Trend
from harness.spec.explain import explain

CLAIM: TypeAdapter[Claim] = TypeAdapter(Claim)
PAIRED = {"kind": "paired", "better": "gru", "than": "lstm", "on": "test_loss", "margin": 0.02}
COMPARED = {"better": "gru", "than": "lstm", "margin": "5%"}


class File(BaseModel):
    """Stands for an experiment file: claims are read as parts of one."""

    claim: tuple[Claim, ...]


def read(**fields: object) -> Claim:
    return CLAIM.validate_python({"id": "c", "claim": "A sentence.", **fields})


def message(**fields: object) -> str:
    """What the author of this claim is told."""
    with pytest.raises(ValidationError) as caught:
        File.model_validate({"claim": ({"id": "c", "claim": "A sentence.", **fields},)})
    return explain(caught.value, source="x.toml", model=File)


def test_every_kind_can_be_declared() -> None:
    assert isinstance(read(kind="exact", fact="fewer-parameters"), Exact)
    assert isinstance(read(kind="not-testable", reason="No finite experiment decides it."), NotTestable)
    assert isinstance(read(**PAIRED), Paired)
    assert read(kind="proportion", better="gru", than="lstm", margin=0.2).kind == "proportion"
    assert read(kind="horizon", **COMPARED).kind == "horizon"
    assert read(kind="data-to-target", **COMPARED).kind == "data-to-target"
    assert isinstance(read(kind="time-to-target", target=2.5, **COMPARED), TimeToTarget)
    trend = read(kind="trend", on="test_loss", along="train_size", advantage="shrinks", **COMPARED)
    assert isinstance(trend, Trend)
    crossing = read(kind="crossing", on="test_loss", along="options.complexity", **COMPARED)
    assert crossing.kind == "crossing"


def test_a_condition_is_a_value_a_list_or_a_word() -> None:
    claim = read(
        **PAIRED, where={"train_size": 500, "sequence_length": [10, 20], "units": "smallest", "backend": "keras"}
    )
    assert isinstance(claim, Paired)
    assert claim.where.train_size == (500,)
    assert claim.where.sequence_length == (10, 20)
    assert claim.where.units == "smallest"
    assert claim.where.backend == ("keras",)


def test_a_margin_is_a_number_or_a_percentage() -> None:
    assert read(**PAIRED | {"margin": "5%"}).margin == "5%"
    assert read(**PAIRED | {"margin": 1}).margin == 1.0


@pytest.mark.parametrize("margin", [0, -1, "5", "x%", "-5%", True, float("nan"), float("inf")])
def test_a_margin_that_is_none_is_refused(margin: object) -> None:
    assert message(**PAIRED | {"margin": margin}).startswith("x.toml: claim[0].margin: expected a positive number")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({**PAIRED, "marginn": 1}, "claim[0].marginn: unknown key. Did you mean 'margin'?"),
        ({**PAIRED, "kind": "pared"}, "claim[0]: unknown kind 'pared'. Did you mean 'paired'?"),
        ({"better": "gru"}, "claim[0]: the key 'kind' is missing"),
        ({"kind": "paired", **COMPARED}, "claim[0].on: this key is missing"),
        ({**PAIRED, "than": "lstn"}, "claim[0].than: unknown cell 'lstn'. Did you mean 'lstm'?"),
        ({**PAIRED, "than": "gru"}, "claim[0]: 'better' and 'than' are the same cell, 'gru'"),
        ({**PAIRED, "on": "tets_loss"}, "claim[0]: unknown metric 'tets_loss'. Did you mean 'test_loss'?"),
        ({**PAIRED, "where": {"tassk": "x"}}, "claim[0].where.tassk: unknown key. Did you mean 'task'?"),
        ({**PAIRED, "where": {"task": "langage"}}, "where.task[0]: unknown task 'langage'. Did you mean 'language'?"),
        ({**PAIRED, "where": {"backend": "kera"}}, "where.backend[0]: unknown backend 'kera'. Did you mean 'keras'?"),
        ({**PAIRED, "where": {"train_size": "tiny"}}, "where.train_size: expected 'smallest' or 'largest'"),
        ({**PAIRED, "where": {"train_size": []}}, "where.train_size: expected at least 1 item"),
        ({**PAIRED, "where": {"train_size": [5, 5.0]}}, "where.train_size: the same value is listed twice"),
        ({**PAIRED, "where": {"options": {"symbols": []}}}, "where.options.symbols: expected at least 1 item"),
        ({**PAIRED, "where": {"options": 5}}, "where.options: expected"),
        ({**PAIRED, "where": {"lane": "sped"}}, "where.lane[0]: unknown lane 'sped'. Did you mean 'speed'?"),
        ({**PAIRED, "where": {"matched": "unit"}}, "where.matched[0]: unknown match 'unit'. Did you mean 'units'?"),
        ({**PAIRED, "where": {"optimizer": ["adam", "sdg"]}}, "unknown optimizer 'sdg'. Did you mean 'sgd'?"),
        ({**PAIRED, "where": {"initialiser": "orthogonl"}}, "Did you mean 'orthogonal'?"),
        ({**PAIRED, "where": {"forget_bias": "chronos"}}, "forget_bias[0]: expected 'chrono' or ''; found 'chronos'"),
        (
            {**PAIRED, "on": "test_bits_per_character", "where": {"task": ["language", "recall"]}},
            "unknown metric 'test_bits_per_character' of the task 'recall'",
        ),
        (
            {"kind": "proportion", **COMPARED, "margin": 0.2, "where": {"task": "language"}},
            "claim[0]: the task 'language' has no threshold from which it is solved; give 'on' and 'threshold'",
        ),
        (
            {"kind": "horizon", **COMPARED, "on": "test_loss", "threshold": float("nan")},
            "claim[0].threshold: expected a finite number",
        ),
        ({"kind": "exact", "fact": "fewer-gates"}, "claim[0].fact: unknown fact 'fewer-gates'. Did you mean"),
        ({"kind": "exact", "fact": "no-gates", "margin": 1}, "claim[0].margin: unknown key"),
        ({"kind": "not-testable"}, "claim[0].reason: this key is missing"),
        ({"kind": "proportion", **COMPARED}, "claim[0]: the margin of a proportion is a share below 1"),
        (
            {"kind": "proportion", **COMPARED, "margin": 0.2, "threshold": 0.9},
            "claim[0]: give both 'on' and 'threshold'",
        ),
        ({"kind": "horizon", **COMPARED, "margin": 2}, "claim[0]: a horizon claim compares ratios; expected"),
        ({"kind": "data-to-target", **COMPARED, "margin": 2}, "a data-to-target claim compares ratios; expected"),
        (
            {"kind": "data-to-target", **COMPARED, "where": {"task": "language"}},
            "claim[0]: the task 'language' has no threshold from which it is solved; give 'on' and 'threshold'",
        ),
        ({"kind": "data-to-target", **COMPARED, "on": "test_loss"}, "claim[0]: give both 'on' and 'threshold'"),
        ({"kind": "time-to-target", "target": 1.0, **COMPARED, "margin": 2}, "a time-to-target claim compares ratios"),
        (
            {
                "kind": "trend", "on": "test_loss", "along": "train_size", "advantage": "shrinks", **COMPARED,
                "where": {"train_size": "smallest"},
            },
            "claim[0]: 'along' is 'train_size', which 'where' holds fixed",
        ),
        ({"kind": "exact", "fact": "no-gates", "id": "a b"}, "claim[0].id: "),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_its_place_and_its_remedy(fields: dict[str, object], expected: str) -> None:
    assert expected in message(**fields)


def test_a_bias_is_compared_as_records_have_it() -> None:
    claim = read(**PAIRED, where={"forget_bias": [1, "chrono", ""], "reset_after": False})
    assert isinstance(claim, Paired)
    assert claim.where.forget_bias == ("1.0", "chrono", "")
    assert claim.where.reset_after == (False,)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"reset_after": 1}, "where.reset_after[0]: expected a valid boolean; found 1"),
        ({"train_size": True}, "where.train_size[0]: expected a valid number; found True"),
        ({"train_size": [5, float("nan")]}, "where.train_size[1]: expected a finite number"),
        ({"train_size": ["smallest"]}, "where.train_size[0]: expected a valid number"),
        ({"backend": 3}, "where.backend[0]: expected a valid string; found 3"),
        ({"task": 3}, "where.task[0]: expected a valid string; found 3"),
        ({"forget_bias": True}, "where.forget_bias[0].float: expected a valid number; found True"),
        ({"units": [32, 32]}, "where.units: the same value is listed twice"),
    ],
)
def test_a_condition_that_is_none_is_refused(where: dict[str, object], expected: str) -> None:
    assert expected in message(**PAIRED, where=where)


def test_what_a_claim_follows_may_not_be_held_fixed() -> None:
    trend = {"kind": "trend", "on": "test_loss", "along": "train_size", "advantage": "shrinks", **COMPARED}
    expected = "'along' is 'train_size', which 'where' holds fixed; leave it out, or list at least 3 values"
    assert expected in message(**trend, where={"train_size": [1, 2]})
    assert expected in message(**trend, where={"train_size": "largest"})
    assert isinstance(read(**trend, where={"train_size": [1, 2, 3]}), Trend)
    horizon = {"kind": "horizon", **COMPARED}
    assert "or list at least 2 values" in message(**horizon, where={"sequence_length": 5})
    assert read(**horizon, where={"sequence_length": [5, 6]}).along == "sequence_length"
    data = {"kind": "data-to-target", **COMPARED}
    expected = (
        "a data-to-target claim compares values of 'train_size', which 'where' holds fixed; leave it out, or list"
    )
    assert f"{expected} at least 2 values" in message(**data, where={"train_size": "smallest"})
    assert "unknown key" in message(**data, along="train_size")


def test_a_margin_must_be_absolute_for_shares_and_relative_for_ratios() -> None:
    shares = "the margin of a proportion is a share below 1, such as 0.2; found"
    assert f"{shares} '5%'" in message(kind="proportion", **COMPARED)
    assert f"{shares} 1.0" in message(kind="proportion", **COMPARED | {"margin": 1})
    expected = "a horizon claim compares ratios; expected a relative margin such as '10%', found 2.0"
    assert expected in message(kind="horizon", **COMPARED | {"margin": 2})
    together = "give both 'on' and 'threshold', or neither to use the task's threshold"
    assert together in message(kind="proportion", **COMPARED | {"margin": 0.2, "on": "test_loss"})
    assert "unknown metric 'tets_loss'" in message(kind="horizon", **COMPARED, on="tets_loss", threshold=1.0)


PUBLISHED = {"source": "arXiv 1412.3555, table 2", "gru": 8.54, "lstm": 8.67, "unit": "nats per step"}


def test_a_claim_may_quote_published_figures_of_its_cells() -> None:
    claim = read(**PAIRED, published={**PUBLISHED, "setup": "peephole LSTM"})
    assert isinstance(claim, Paired)
    assert claim.published is not None
    assert claim.published.figures == {"gru": 8.54, "lstm": 8.67}
    in_words = read(**PAIRED, published={"source": "A book", "finding": "The GRU was better."})
    assert isinstance(in_words, Paired)
    assert in_words.published is not None
    assert in_words.published.figures == {}


@pytest.mark.parametrize(
    ("published", "words"),
    [
        ({"gru": 8.5}, "published.source: this key is missing"),
        ({"source": "A book"}, "'published' has no figure and no 'finding'; give one, such as gru = 0.87"),
        (
            {**PUBLISHED, "simple_rnn": 9.1},
            "'published' has the figure of 'simple_rnn'; the cells of the claim are 'gru' and 'lstm'",
        ),
        (
            {**PUBLISHED, "set_up": "none"},
            "published: 'set_up' is 'none'; expected source, finding, unit, setup, or a cell with a number",
        ),
        ({**PUBLISHED, "gru": "8.54"}, "published: 'gru' is '8.54'"),
    ],
)
def test_published_figures_that_cannot_be_shown_are_refused(published: dict[str, object], words: str) -> None:
    assert words in message(**PAIRED, published=published)


def test_a_crossing_quotes_findings_and_no_figures() -> None:
    crossing = {"kind": "crossing", "on": "test_loss", "along": "units", **COMPARED}
    assert "give a 'finding' in 'published'" in message(**crossing, published=PUBLISHED)
    found = {"source": "arXiv 1", "finding": "GRUs at few units, LSTMs at many."}
    assert read(**crossing, published=found).kind == "crossing"


@pytest.mark.parametrize(
    ("along", "words"),
    [
        ("train_sizes", "unknown factor 'train_sizes'. Did you mean 'train_size'?"),
        ("complexity", "unknown factor 'complexity'."),
        ("options.", "unknown factor 'options.'. Did you mean 'options.NAME'?"),
    ],
)
def test_a_factor_along_which_nothing_varies_is_refused(along: str, words: str) -> None:
    assert words in message(kind="crossing", on="test_loss", along=along, **COMPARED)


def test_a_trend_has_no_published_figure() -> None:
    words = message(
        kind="trend", on="test_loss", along="train_size", advantage="shrinks", published=PUBLISHED, **COMPARED
    )
    assert "leave out 'published'" in words
