"""The files of a report: what is in the page, whatever the records are like."""

from __future__ import annotations

import errno
import math
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import UserError
from harness.report import render
from harness.report.data import FailedTrial
from harness.store.hosts import Host
from harness.verdicts.verdict import Verdict
from tests.report.samples import CELLS, HOSTILE, comparison, frame, report_data, trial, verdicts

ARTICLE = "https://towardsdatascience.com/implementation-of-rnn-lstm-and-gru-a4250bf6c090"


class Text(HTMLParser):
    """Visible text, and the elements seen."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "xlink:href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(html: str) -> Text:
    parsed = Text()
    parsed.feed(html)
    return parsed


def rendered(tmp_path: Path, **given: object) -> str:
    return render(report_data(**given), tmp_path).read_text(encoding="utf-8")  # type: ignore[arg-type]


def small(seeds: int = 2, cells: tuple[str, ...] = CELLS) -> pd.DataFrame:
    """Language alone, on two sizes: what takes little time to draw."""
    rows = comparison(seeds, cells)
    return rows[(rows["task"] == "language") & (rows["train_size"] <= 8_000)].reset_index(drop=True)


def test_the_answer_comes_before_the_evidence_and_says_every_verdict(complete: Path) -> None:
    html = complete.read_text(encoding="utf-8")
    sections = re.findall(r'<section id="([\w-]+)"', html)
    assert sections == ["answer", "claims", "evidence", "failures", "architectures", "method", "report", "trials"]
    text = " ".join(read(html).words)
    unspaced = "".join(text.split())  # links to terms divide the words of a sentence
    for verdict in verdicts():
        assert verdict.claim in text
        assert "".join(verdict.reason.split()) in unspaced
    assert "+0.108\u00a0nats" in text
    assert "[0.061, 0.155]" in text


def test_the_model_summaries_stand_side_by_side_with_their_parameters(complete: Path) -> None:
    html = complete.read_text(encoding="utf-8")
    columns = html.split('<div class="columns">')[1].split("</section>")[0]
    assert columns.count("<article") == len(CELLS)
    for total in ("12,714", "35,562", "46,698"):
        assert f"Total params: {total}" in columns


def test_every_figure_is_inline_as_text_and_beside_the_page_as_a_file(complete: Path) -> None:
    html = complete.read_text(encoding="utf-8")
    for name in ("loss-by-size", "accuracy-by-length", "parameters", "seconds-per-update", "memory"):
        assert (complete.parent / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (complete.parent / "figures" / f"{name}.svg").read_text(encoding="utf-8").count("<text") > 5
        figure = html.split(f'<figure class="question figures" id="{name}"')[1].split("</figure>")[0]
        assert "GRU</text>" in figure


def test_the_page_loads_nothing_from_outside_its_folder_and_links_to_the_article_alone(complete: Path) -> None:
    html = complete.read_text(encoding="utf-8")
    elsewhere = [link for link in read(html).links if not link.startswith(("#", "figures/", "data:,"))]
    assert elsewhere == [ARTICLE]
    assert re.findall(rf"<(\w+)[^>]*{ARTICLE}", html) == ["a"]
    assert "url(http" not in html
    assert "default-src 'none'" in html


def test_the_same_data_give_the_same_bytes(tmp_path: Path) -> None:
    shuffled = small().sample(frac=1, random_state=3)
    first, again = (
        render(report_data(rows, curves=None), tmp_path / name) for name, rows in (("a", small()), ("b", shuffled))
    )
    assert again.read_bytes() == first.read_bytes()
    files = sorted((first.parent / "figures").iterdir())
    assert len(files) >= 10
    for file in files:
        assert (again.parent / "figures" / file.name).read_bytes() == file.read_bytes(), file.name


def test_no_id_occurs_twice(complete: Path) -> None:
    ids = re.findall(r'\sid="([^"]+)"', complete.read_text(encoding="utf-8"))
    assert len(ids) == len(set(ids))


def test_a_report_without_records_states_it(tmp_path: Path) -> None:
    html = rendered(tmp_path, rows=frame(), planned=40, done=0, verdicts=(), failures=(), machines=())
    assert "No trial has a record yet; 40 trials are planned." in html
    assert list((tmp_path / "figures").iterdir()) == []


def test_a_report_of_many_machines_says_which_block_ran_where(tmp_path: Path, without_figures: None) -> None:
    hosts = [
        Host("node-1", "abc", 12, ("recall size 20 length 5, seeds 0 to 3",), ()),
        Host("<b>node</b>", "def", 0, (), ("keras 3.9 there, 3.13 here",)),
    ]
    html = rendered(tmp_path, rows=small(), hosts=hosts)
    words = " ".join(" ".join(read(html).words).split())
    assert "node-1 abc 12 recall size 20 length 5, seeds 0 to 3 the coordinator's" in words
    assert "<b>node</b> def 0 none keras 3.9 there, 3.13 here" in words
    assert "Where trials ran" not in rendered(tmp_path, rows=small(), hosts=())


def test_a_report_of_failures_alone_shows_them(tmp_path: Path, undrawn_files: None) -> None:
    rows = frame(*(trial(seed=seed, status="crashed", test_loss=math.nan, test_accuracy=math.nan) for seed in range(3)))
    html = rendered(tmp_path, rows=rows)
    assert "All 3 trials failed" in html
    assert "the loss is not finite after 118 updates" in html
    assert "step 118: loss nan" in html


def test_an_unfinished_report_says_how_much_is_missing(tmp_path: Path, without_figures: None) -> None:
    rows = small(seeds=1)
    html = rendered(tmp_path, rows=rows, planned=len(rows) + 7, done=len(rows), curves=None)
    assert f"Not finished: {len(rows)} of {len(rows) + 7} trials are done, 7 are missing." in html


def test_one_cell_and_one_seed_are_enough(tmp_path: Path) -> None:
    html = rendered(tmp_path, rows=small(seeds=1, cells=("gru",)), curves=None)
    assert "GRU" in html
    assert (tmp_path / "figures" / "loss-by-size.png").exists()


def test_metrics_without_a_value_are_no_reason_to_stop(tmp_path: Path, undrawn_files: None) -> None:
    rows = small()
    rows[["test_loss", "test_accuracy", "seconds_per_update", "memory_peak_bytes", "parameters"]] = math.nan
    rows.loc[0, "test_loss"] = math.inf
    html = rendered(tmp_path, rows=rows)
    assert "without a value" in html


def test_a_frame_with_few_columns_is_enough(tmp_path: Path, undrawn_files: None) -> None:
    rows = small()[["trial_id", "task", "cell", "train_size", "seed", "status", "test_loss"]]
    assert "loss-by-size" in rendered(tmp_path, rows=rows)


def test_hostile_names_are_shown_as_text(tmp_path: Path, undrawn_files: None) -> None:
    rows = pd.concat([small(1, ("gru",)).assign(cell=name, backend=name, task=name) for name in HOSTILE])
    rows["trial_id"] = [f"{name}{place}" for place, name in enumerate(rows["cell"])]
    said = [Verdict(n, n, "supported", 1.0, 0.5, 1.5, n, 5, {n: [n, 3]}, n, better=n, than=n) for n in HOSTILE]
    name = "".join(HOSTILE)
    given = {"commit": name, "name": name, "title": name, "description": name, "experiment_toml": name, "command": name}
    failed = [FailedTrial(name, name, name, 0, "crashed", message=name, stderr=name)]
    data = report_data(
        rows,
        **given,
        verdicts=said,
        summaries={name: name},
        tasks={},
        machines=[{"cpu": name}],
        failures=failed,
    )
    html = render(data, tmp_path).read_text(encoding="utf-8")
    ordinary = render(report_data(frame(trial())), tmp_path / "ordinary").read_text(encoding="utf-8")
    assert read(html).elements.count("script") == read(ordinary).elements.count("script")
    assert read(html).elements.count("style") == 1
    assert "<script>alert" not in html
    assert "7*7" in html
    assert len(html) < 3_000_000


def test_a_failing_render_leaves_the_old_page_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = render(report_data(frame()), tmp_path)
    before = path.read_bytes()

    def broken(source: Path, target: object) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(UserError, match="disk full"):
        render(report_data(frame(), title="new"), tmp_path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_the_report_imports_neither_tensorflow_nor_the_runner() -> None:
    unwanted = ("tensorflow", "keras", "harness.runner")
    code = f"import sys, harness.report.writing; print([m for m in sys.modules if m.startswith({unwanted})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_report_does_not_import_matplotlib() -> None:
    code = "import sys, harness.report; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
