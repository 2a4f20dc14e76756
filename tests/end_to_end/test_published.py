"""The experiments of experiments/published/ run to the end in a short form: little data, few updates, one seed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import savemat

from harness.spec.load import load_experiment
from harness.spec.published import Published
from tests.runner.place import Place

FOLDER = Path(__file__).parents[2] / "experiments" / "published"
SHORT = (
    (r"(?m)^name = .*$", 'name = "whole"'),
    (r"(?m)^seeds = .*$", "seeds = 1"),
    (r"(?m)^cells = .*$", 'cells = ["simple_rnn", "gru", "lstm"]'),
    (r"(?m)^train_size = .*$", "train_size = 32"),
    (r"(?m)^train_size = 32(?=\nsequence_length = 100)", "train_size = 2000"),
    (r"(?m)^learning_rate = .*$", "learning_rate = 0.01"),
    (r"(?m)^batch_size = .*$", "batch_size = 16"),
    (r"(?m)^updates = .*$", "updates = 4"),
    (r"(?m)^evaluate_every = .*$", "evaluate_every = 4"),
    (r"test_size = 500", "test_size = 20, validation_size = 20"),
    (r"validation_size = 100000, test_size = 300000", "validation_size = 400, test_size = 400"),
    (r"(?m)^(where = \{ task = \"music\"), train_size = \d+", r"\1"),
)


def short(text: str) -> str:
    """The experiment with less of everything, and a third of its sweeps if there are more than three."""
    for pattern, replacement in SHORT:
        text = re.sub(pattern, replacement, text)
    head, *sweeps = re.split(r"(?m)^(?=\[\[sweep\]\]$)", text)
    *others, last = sweeps
    last, *claims = re.split(r"(?m)^(?=\[\[claim\]\]$)", last)
    kept = [*others, last] if len(sweeps) < 4 or "crossing" in text else [*others, last][::3]
    return "".join([head, *kept, *claims])


def write_data(folder: Path) -> None:
    """Small files of the kinds that three of the experiments read."""
    generator = np.random.default_rng(0)
    prices = generator.normal(size=(700, 2)).cumsum(axis=0) + 100
    pd.DataFrame(prices, columns=["a", "b"]).to_csv(folder / "bankex.csv", index=False)
    letters = generator.choice([*"abcdefgh "], size=4000)
    (folder / "warpeace_input.txt").write_text("".join(letters), encoding="utf-8")
    for name in ("JSB_Chorales", "Nottingham"):
        pieces = {}
        for split, count in (("traindata", 40), ("validdata", 8), ("testdata", 8)):
            pieces[split] = np.empty((1, count), dtype=object)
            for place in range(count):
                pieces[split][0, place] = (generator.random((30, 88)) < 0.05).astype(np.uint8)
        savemat(folder / f"{name}.mat", pieces)


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_a_published_experiment_runs_and_quotes_what_was_published(file: Path, tmp_path: Path) -> None:
    place = Place(tmp_path, program="harness")
    write_data(tmp_path)
    code, output = place.run(short(file.read_text(encoding="utf-8")))
    assert code == 0, output
    assert {record["status"] for record in place.all_records()} == {"ok"}
    stored = json.loads((place.directory / "verdicts.json").read_text(encoding="utf-8"))
    verdicts = {verdict["id"]: verdict for verdict in stored}
    page = (place.directory / "report.html").read_text(encoding="utf-8")
    for claim in load_experiment(file).claim:
        verdict = verdicts[claim.id]
        assert verdict["n"] == 1, verdict["reason"]
        quoted = getattr(claim, "published", None)
        if isinstance(quoted, Published):
            assert quoted.source in page
            assert [figure["published"] for figure in verdict["published"]["figures"]] == [*quoted.figures.values()]
