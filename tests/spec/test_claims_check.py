"""Claims and sweeps of one experiment fit together, or the file is refused."""

from __future__ import annotations

import pytest

from harness.errors import UserError
from tests.factories import EXPERIMENT, experiment

SWEEP = """
[[sweep]]
task = "adding"
cells = ["lstm", "simple_rnn"]
backend = "fused"
lane = "speed"
match = ["units", "parameters"]
reset_after = false
forget_bias = [1, "chrono"]
train_size = 50
sequence_length = [5, 7]
learning_rate = { tune = [0.001, 0.01], seeds = 1 }
epochs = 3
"""


def claim(where: str = "", **fields: str) -> str:
    given = {"kind": "paired", "better": "gru", "than": "lstm", "on": "test_loss", "margin": "1%"} | fields
    lines = [f'{key} = "{value}"' for key, value in given.items() if value]
    return "\n".join(["", "[[claim]]", 'id = "c"', 'claim = "C."', *lines, f"where = {{ {where} }}" if where else ""])


@pytest.mark.parametrize(
    "text",
    [
        claim(),
        claim('train_size = [20, 30], backend = "keras", lane = "accuracy", matched = "units", forget_bias = ""'),
        claim('train_size = "smallest", updates = 7, batch_size = 9, patience = 3, clip_norm = 2, reset_after = true'),
        claim('task = "adding", forget_bias = 1, matched = "parameters"', better="simple_rnn"),
        claim("options = { symbols = [4, 8], validation_size = 1000 }"),
        claim('lane = "speed", learning_rate = 0.5, forget_bias = "chrono"', better="simple_rnn"),
        claim(kind="horizon", on="", along="train_size"),
        claim(kind="data-to-target", on=""),
        claim(kind="trend", along="learning_rate", advantage="grows", better="simple_rnn"),
        claim(kind="crossing", along="train_size"),
    ],
)
def test_a_claim_that_some_sweep_feeds_is_accepted(text: str) -> None:
    assert len(experiment(EXPERIMENT + SWEEP + text).claim) == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (claim(better="simple_rnn", where='task = "recall"'), "has the cells 'gru', 'lstm', not 'simple_rnn'"),
        (claim('train_size = [30, 60], task = "recall"'), "sweep[0] (recall), has train_size 20, 40, not 30, 60"),
        (claim('backend = "article"'), "has backend 'keras', not 'article'"),
        (claim('lane = "speed"'), "has lane 'accuracy', not 'speed'"),
        (claim('matched = "parameters"'), "has matched 'units', not 'parameters'"),
        (claim("forget_bias = 1"), "has forget_bias '', not '1.0'"),
        (claim("reset_after = false"), "has reset_after true, not false"),
        (claim("dropout = 0.5"), "has dropout 0, not 0.5"),
        (claim("options = { symbols = [4, 16] }"), "has options.symbols 8, not 4, 16"),
        (claim('options = { symbols = "8" }'), "has options.symbols 8, not '8'"),
        (claim("options = { symbol = 8 }"), "has no option 'symbol'. Did you mean 'symbols'?"),
        (claim('task = "copying", units = 5'), "has task 'recall', not 'copying'; units 32, not 5"),
        (
            claim('task = "adding", sequence_length = 6', better="simple_rnn"),
            "no sweep has trials for it; the nearest, sweep[1] (adding), has sequence_length 5, 7, not 6",
        ),
        (
            claim(kind="trend", along="train_size", advantage="grows"),
            "a trend along 'train_size' needs at least 3 values of it; its sweeps have 20, 40",
        ),
        (
            claim("sequence_length = [5, 7]", kind="data-to-target", on="", better="simple_rnn"),
            "a data-to-target along 'train_size' needs at least 2 values of it; its sweeps have 50",
        ),
        (
            claim(kind="crossing", along="options.symbols"),
            "a crossing along 'options.symbols' needs at least 2 values of it; its sweeps have 8",
        ),
        (
            claim(kind="crossing", along="options.symbol"),
            "'along' is 'options.symbol', which has to be a number in each sweep; found none",
        ),
        (claim(kind="horizon", on=""), "a horizon along 'sequence_length' needs at least 2 values of it"),
    ],
)
def test_a_claim_that_no_sweep_feeds_is_refused_with_what_is_missing(text: str, words: str) -> None:
    with pytest.raises(UserError, match=r"tiny\.toml: claim\[0\] \(c\): ") as caught:
        experiment(EXPERIMENT.replace("units = 4\n", "") + SWEEP + text)
    assert words in str(caught.value)


def test_an_option_that_is_not_one_value_is_no_condition() -> None:
    sweep = (
        SWEEP[: SWEEP.index("reset_after")].replace('"adding"', '"language"') + "train_size = 50\nsequence_length = 5"
    )
    for options, words in (
        ("", "has options.text none, not 'a.txt'"),
        (
            '\nupdates = 1\noptions = { text = ["a.txt", "b.txt"] }',
            "has several values in options.text, by which no claim",
        ),
    ):
        text = claim('task = "language", options = { text = "a.txt" }', better="simple_rnn")
        with pytest.raises(UserError, match=words):
            experiment(EXPERIMENT + sweep + (options or "\nupdates = 1") + text)


def test_levels_may_come_from_several_sweeps() -> None:
    other = EXPERIMENT[EXPERIMENT.index("[[sweep]]") :].replace("[20, 40]", "80")
    text = claim(kind="trend", along="train_size", advantage="grows")
    assert len(experiment(EXPERIMENT + other + text).claim) == 1
