"""The command in this process: what needs no training. Bad input is one message, exit status 2, no traceback."""

from __future__ import annotations

import ast
import contextlib
import errno
import io
import json
import os
import re
import shlex
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main

from harness.cli.main import app, main
from harness.store.folder import EXPERIMENT_NAME
from harness.store.sqlite import open_store
from tests.factories import EXPERIMENT, experiment, record

pytestmark = pytest.mark.usefixtures("without_figures")

ROOT = Path(__file__).parents[2]


@dataclass
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


def harness(*arguments: object, cwd: Path = ROOT) -> Done:
    """The command in this process, through its entry point: what it imports is imported once for all tests."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(cwd), redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["harness", *map(str, arguments)])
        patch.setattr("os.nice", lambda by: by)  # the other tests come no later for it
        with pytest.raises(SystemExit) as end:
            main()
    return Done(int(end.value.code or 0), out.getvalue(), err.getvalue())


def test_list_prints_every_kind_of_name() -> None:
    done = harness("list")
    assert done.returncode == 0
    for name in (
        "simple_rnn",
        "gru",
        "lstm",
        "article",
        "keras",
        "language",
        "recall",
        "learning-curves",
        "smoke",
        "compare",
    ):
        assert f"\n  {name} " in done.stdout


def test_list_prints_the_experiments_of_this_folder_and_marks_invalid_ones(tmp_path: Path) -> None:
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "good.toml").write_text(EXPERIMENT, encoding="utf-8")
    (tmp_path / "experiments" / "bad.toml").write_text("name = 1", encoding="utf-8")
    done = harness("list", "experiments", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "  experiments/good.toml  Tiny\n" in done.stdout
    assert "  experiments/bad.toml  (not valid: experiments/bad.toml: " in done.stdout
    assert "  smoke " in done.stdout


def test_a_bundled_experiment_is_found_by_its_name_wherever_one_is(tmp_path: Path) -> None:
    done = harness("run", "smoke", "--dry-run", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == harness("run", "smoke.toml", "--dry-run", cwd=tmp_path).stdout, "as reports name it"
    assert done.stdout == harness("run", "experiments/smoke.toml", "--dry-run").stdout
    (tmp_path / "smoke").write_text(EXPERIMENT, encoding="utf-8")
    assert len(harness("run", "smoke", "--dry-run", cwd=tmp_path).stdout.splitlines()) == 8, "a file comes first"


def test_a_mistyped_name_is_answered_with_the_bundled_one(tmp_path: Path) -> None:
    done = harness("check", "compar", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "harness: compar: no such experiment file. Did you mean 'compare'?\n"


def test_check_prints_the_plan_and_an_estimate(file: Path) -> None:
    done = harness("check", file)
    assert done.returncode == 0
    assert "8 trials" in done.stdout
    assert "about" in done.stdout


def test_a_title_and_a_file_are_printed_as_they_are_written(tmp_path: Path) -> None:
    title, file = "Does [/b] matter to a :cat: [why]?", tmp_path / "a [b] :cat:.toml"
    file.write_text(EXPERIMENT.replace("Tiny", title), encoding="utf-8")
    done = harness("check", file)
    assert done.returncode == 0, done.stderr
    assert title in done.stdout
    assert f"{file} is valid" in done.stdout


def test_dry_run_prints_every_trial_and_makes_nothing(file: Path, tmp_path: Path) -> None:
    done = harness("run", file, "--dry-run", "--results", tmp_path / "out")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 8
    assert not (tmp_path / "out").exists()


def test_seeds_on_the_command_line_add_to_the_files(file: Path) -> None:
    def planned(*arguments: object) -> list[str]:
        return sorted(harness("run", file, "--dry-run", *arguments).stdout.splitlines())

    text = EXPERIMENT.replace("seeds = 2", "seeds = [7, 4]") + EXPERIMENT[EXPERIMENT.index("[[sweep]]") :].replace(
        "[[sweep]]", "[[sweep]]\nseeds = 1"
    ).replace("[20, 40]", "80")
    file.write_text(text, encoding="utf-8")
    first, more, fewer = planned(), planned("--seeds", 4), planned("--seeds", 1)
    assert set(fewer) < set(first) < set(more), "what is stored counts"
    assert Counter(int(line.split()[-1]) for line in more) == {7: 4, 4: 4, 8: 4, 9: 4, 0: 2, 1: 2, 2: 2, 3: 2}


def test_status_counts_what_is_done_and_what_is_missing(results: Path) -> None:
    done = harness("status", results)
    assert done.returncode == 0
    (totals,) = (line.split() for line in done.stdout.splitlines() if line.split()[:1] == ["all"])
    assert totals[:3] == ["all", "4", "4"]
    assert "4 trials left to run: about" in done.stdout


def test_a_report_of_an_unfinished_run_is_written(results: Path) -> None:
    done = harness("report", results)
    assert done.returncode == 0, done.stderr
    assert (results / "report.html").is_file()
    assert json.loads((results / "verdicts.json").read_text(encoding="utf-8")) == []


LATER = """
[[claim]]
id = "fewer-parameters"
claim = "A GRU has fewer parameters than an LSTM"
kind = "exact"
fact = "fewer-parameters"
"""


def test_stored_records_are_judged_by_claims_written_later(results: Path, tmp_path: Path) -> None:
    (tmp_path / "later.toml").write_text(EXPERIMENT + LATER, encoding="utf-8")
    done = harness("judge", results, "--claims", tmp_path / "later.toml")
    assert done.returncode == 0, done.stderr
    assert "supported" in done.stdout
    assert not (results / "verdicts.json").exists(), "the folder's own verdicts are those of its own claims"
    done = harness("judge", results, "--claims", tmp_path / "later.toml", "--output", tmp_path / "later.json")
    assert done.returncode == 0, done.stderr
    (verdict,) = json.loads((tmp_path / "later.json").read_text(encoding="utf-8"))
    assert (verdict["id"], verdict["verdict"]) == ("fewer-parameters", "supported")


def read_only(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file can be made in the folder, as on a file system that is mounted read-only."""

    def refused(make: Callable[..., object]) -> Callable[..., object]:
        def refuse(*arguments: object, dir: Path, **options: object) -> object:
            if Path(dir) == directory:
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
            return make(*arguments, dir=dir, **options)

        return refuse

    for name in ("mkstemp", "TemporaryFile"):
        monkeypatch.setattr(tempfile, name, refused(getattr(tempfile, name)))


@pytest.mark.parametrize("command", ["judge", "report"])
def test_verdicts_of_a_read_only_folder_are_printed_and_the_option_is_named(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (results / EXPERIMENT_NAME).write_text(EXPERIMENT + LATER, encoding="utf-8")
    read_only(results, monkeypatch)
    done = harness(command, results)
    assert done.returncode == 2
    assert "A GRU has fewer parameters than an LSTM" in done.stdout
    assert re.search(
        r"(cannot be written|written here) \(Read-only file system\)\. Choose .* with --output", done.stderr
    )
    done = harness(command, results, "--output", tmp_path / "elsewhere")
    assert done.returncode == 0, done.stderr


def test_an_export_of_a_read_only_folder_names_the_option(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_only(results, monkeypatch)
    done = harness("export", results)
    assert done.returncode == 2
    assert done.stderr.endswith("(Read-only file system). Choose another file with --output FILE\n")


def test_a_tilde_in_an_argument_is_the_home_folder(
    results: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "4 trials to do" in harness("check", "~/tiny.toml", "--results=~/results").stdout
    for arguments in (["report", "~/results/tiny", "--output=~/out"], ["judge", "~/results/tiny", "--output=~/v.json"]):
        assert harness(*arguments).returncode == 0
    assert (tmp_path / "out" / "report.html").is_file()
    assert (tmp_path / "v.json").is_file()
    done = harness("status", "~no-such-user/x")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the home folder of ~no-such-user is not known" in done.stderr


OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
OF_DASK = {"--scheduler-file", "--nthreads"}
"""Options of `dask` that messages name."""


def test_every_option_that_a_message_names_exists() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    options = {name: {word for one in command.params for word in one.opts} for name, command in commands.items()}
    known = set().union(*options.values())
    messages = [message for path in (ROOT / "harness").rglob("*.py") for message in errors_raised(path)]
    assert len(messages) > 100, "nothing is found: this test sees nothing"
    assert any(OPTION.search(message) for message in messages)
    for message in messages:
        assert set(OPTION.findall(message)) <= known | OF_DASK, message
        for command, rest in re.findall(r"harness (\w+)([^`;.]*)", message):
            assert command not in commands or set(OPTION.findall(rest)) <= options[command], message


def errors_raised(path: Path) -> list[str]:
    """The texts of the errors that a file raises, without the values that are put into them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    raised = [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    parts = [[one.value for one in ast.walk(node) if isinstance(one, ast.Constant)] for node in raised]
    return [" ".join(part for part in some if isinstance(part, str)) for some in parts]


def test_one_record_is_shown_whole_with_the_command_that_repeats_it(results: Path) -> None:
    with open_store(results) as store:
        trial = next(iter(store.records()))["trial_id"]
    done = harness("show", results, trial[:8])
    assert done.returncode == 0, done.stderr
    text, _, command = done.stdout.rpartition("# To repeat this trial in the foreground: ")
    assert json.loads(text)["trial_id"] == trial
    assert command.strip() == f"harness trial {results} {trial}"


def test_the_command_that_repeats_a_trial_quotes_the_name_of_the_folder(results: Path, tmp_path: Path) -> None:
    results.rename(tmp_path / "my results; rm x")
    with open_store(tmp_path / "my results; rm x") as store:
        trial = next(iter(store.records()))["trial_id"]
    done = harness("show", tmp_path / "my results; rm x", trial)
    command = done.stdout.rpartition("# To repeat this trial in the foreground: ")[2]
    assert shlex.split(command) == ["harness", "trial", str(tmp_path / "my results; rm x"), trial]


def test_a_record_that_this_version_does_not_understand_is_not_repeated(results: Path) -> None:
    with open_store(results, create=True) as store:
        old = next(iter(store.records()))
        spec = {**old["spec"], "peephole": True}
        store._connection.execute(
            "UPDATE trial SET record = ? WHERE trial_id = ?", (json.dumps({**old, "spec": spec}), old["trial_id"])
        )
    done = harness("trial", results, old["trial_id"])
    assert done.returncode == 2
    assert "this version of the harness cannot repeat it" in done.stderr
    assert "spec: peephole: unknown key" in done.stderr


@pytest.mark.parametrize(
    ("trial", "words"), [("ffffffffffffffff", "there is no record of this trial"), ("", "4 trials have ids")]
)
def test_a_trial_that_is_not_there_is_not_shown(results: Path, trial: str, words: str) -> None:
    done = harness("show", results, trial)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize("format", ["csv", "parquet", "jsonl"])
def test_export_writes_a_row_a_trial(results: Path, tmp_path: Path, format: str) -> None:
    import pandas as pd

    output = tmp_path / f"out.{format}"
    done = harness("export", results, "--format", format, "--output", output)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(output)
    frame = {"csv": pd.read_csv, "parquet": pd.read_parquet}.get(format, lambda path: pd.read_json(path, lines=True))(
        output
    )
    assert len(frame) == 4
    assert set(frame["trial_id"].astype(str).str.len()) == {16}


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """The same trials as in `results`, of another version of the code, which needs more parameters."""
    from tests.factories import plan

    directory = tmp_path / "other"
    trials = {s.id(): s for s in (s.model_copy(update={"code": "newer"}) for s in plan(experiment()).values())}
    with open_store(directory, create=True) as store:
        store.set_plan(trials)
        for spec in trials.values():
            store.add(record(spec, parameters=120, test={"loss": 1.0, "accuracy": 0.5}))
    return directory


@pytest.mark.parametrize("columns", ["60", "120"])
def test_two_results_folders_are_compared_and_only_what_changed_is_listed(
    results: Path, other: Path, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    done = harness("diff", results, other)
    assert done.returncode == 0, done.stderr
    assert "4 trials in both; only in A: 0, only in B: 4." in done.stdout
    assert "100 to 120" in done.stdout
    assert "parameters: 4 same, 4 changed" in done.stdout
    assert "test loss" not in done.stdout
    assert "accuracy: 8 same" in done.stdout
    tables = [line for line in done.stdout.splitlines() if "+20" in line or "gru" in line]
    assert tables
    assert all(len(line) <= int(columns) for line in tables)


def test_the_comparison_can_be_had_whole_as_json(results: Path, other: Path) -> None:
    difference = json.loads(harness("diff", results, other, "--format", "json").stdout)
    assert (difference["common"], difference["only_second"], difference["first"]["trials"]) == (4, 4, 4)
    parameters = [row for row in difference["changes"] if row["column"] == "parameters"]
    assert {(row["first"], row["second"], row["finding"]) for row in parameters} == {(100, 120, "changed")}
    assert {row["finding"] for row in difference["changes"] if row["column"] == "test_loss"} == {"same"}


def test_folders_without_a_common_trial_are_reported(results: Path, tmp_path: Path) -> None:
    with open_store(tmp_path / "empty", create=True):
        pass
    done = harness("diff", results, tmp_path / "empty")
    assert done.returncode == 0
    assert "no trial in common" in done.stdout


def test_an_export_that_cannot_be_written_leaves_nothing_behind(results: Path, tmp_path: Path) -> None:
    target = tmp_path / "a folder"
    target.mkdir()
    done = harness("export", results, "--output", target)
    assert done.returncode == 2
    assert done.stderr.startswith(f"harness: {target}: cannot be written")
    assert [path.name for path in tmp_path.glob(".*")] == []


BAD = {
    "no such file": (["check", "nowhere.toml"], "no such experiment file"),
    "unknown backend": (["summary", "gru", "--backend", "fusd"], "Did you mean 'fused'?"),
    "unknown cell": (["summary", "gruu"], "Did you mean 'gru'?"),
    "bad shape": (["backends", "--shape", "32,256"], "expected four whole numbers from 1 to 1,000,000"),
    "unknown backend to measure": (["backends", "--backend", "fusd"], "Did you mean 'fused'?"),
    "no results": (["status", "nowhere"], "no results here"),
    "no results to compare": (["diff", "nowhere", "elsewhere"], "nowhere: no results here"),
    "no duration": (["run", "experiments/smoke.toml", "--budget", "soon"], "such as 90s, 10m or 1h30m"),
    "unknown status": (["run", "experiments/smoke.toml", "--retry", "timout"], "Did you mean 'timeout'?"),
    "no results to report": (["report", "nowhere"], "no results here"),
    "no results to list": (["report", "docs"], "nor in the folders below it"),
    "no results to serve": (["serve", "nowhere", "--port", "0"], "no results here"),
    "no results to export": (["export", "nowhere"], "no results here"),
    "unwritable results": (["run", "experiments/smoke.toml", "--results", "pyproject.toml"], "cannot be written here"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_message_and_exit_status_2(case: str) -> None:
    arguments, words = BAD[case]
    done = harness(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "empty"),
        (b"\xff\xfe\x00", "UTF-8"),
        (b"abc", "characters"),
    ],
)
def test_a_bad_text_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    text = EXPERIMENT.replace('"recall"', '"language"') + '[sweep.options]\ntext = "corpus.txt"\n'
    (tmp_path / "tiny.toml").write_text(text, encoding="utf-8")
    if content is not None:
        (tmp_path / "corpus.txt").write_bytes(content)
    done = harness("check", tmp_path / "tiny.toml")
    assert done.returncode == 2
    assert "tiny.toml: sweep[0]" in done.stderr
    assert "corpus.txt" in done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_text_is_found_from_the_folder_of_its_experiment(tmp_path: Path) -> None:
    text = EXPERIMENT.replace('"recall"', '"language"') + '[sweep.options]\ntext = "corpus.txt"\n'
    (tmp_path / "tiny.toml").write_text(text, encoding="utf-8")
    (tmp_path / "corpus.txt").write_text("the quick brown fox. " * 200, encoding="utf-8")
    assert harness("check", tmp_path / "tiny.toml").returncode == 0


def test_a_folder_with_results_folders_below_it_gets_an_index(results: Path) -> None:
    done = harness("report", results.parent)
    assert done.stdout == f"Report: {results.parent / 'index.html'}\n"
    assert (results.parent / "index.html").is_file()
    assert not (results / "report.html").exists(), "an index judges nothing"
    done = harness("report", results.parent, "--format", "md")
    assert done.returncode == 2
    assert done.stderr.endswith("an index of results is HTML. Leave out --format md\n")


def test_two_results_folders_are_reported_side_by_side(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "results" / "other"
    shutil.copytree(results, other)
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    done = harness("report", results, other, "--open")
    assert done.returncode == 0, done.stderr
    path = tmp_path / "results" / "tiny+other" / "report.html"
    assert done.stdout == f"Report: {path}\n"
    assert path.is_file()
    assert done.stderr == f"harness: no browser could be started; open {path.as_uri()}\n"
