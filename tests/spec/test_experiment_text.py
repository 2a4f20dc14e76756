"""An experiment as text: it is read alike wherever its copy lies, whoever made it, and with the modules beside it."""

from __future__ import annotations

import codecs
import sys
from pathlib import Path

import pytest

from harness.cells import cells
from harness.cli.diff import diff_results
from harness.errors import UserError
from harness.files import write_atomically
from harness.spec.bundled import bundled_experiments
from harness.spec.experiment import Experiment
from harness.spec.load import checked, load_claims, load_experiment, parse_experiment
from harness.spec.sweep import Sweep
from harness.store.folder import EXPERIMENT_NAME, load_stored_experiment
from harness.store.sqlite import open_store
from tests.factories import EXPERIMENT, experiment, plan, record

CLAIM = """
[[claim]]
id = "lower"
claim = "GRUs reach a lower loss: much lower."
kind = "paired"
better = "gru"
than = "lstm"
on = "test_loss"
margin = 0.02
"""
TEXT = "# What is compared\n" + EXPERIMENT.replace('"recall"', '"language"') + 'options.text = "data/corpus.txt"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An experiment with a text of its own beside it."""
    (tmp_path / "mine" / "data").mkdir(parents=True)
    (tmp_path / "mine" / "data" / "corpus.txt").write_text("the quick brown fox. " * 200, encoding="utf-8")
    (tmp_path / "mine" / "tiny.toml").write_text(TEXT, encoding="utf-8")
    return tmp_path / "mine" / "tiny.toml"


def stored(given: Experiment, folder: Path) -> Path:
    """The copy of an experiment that a run leaves in its results folder."""
    folder.mkdir()
    write_atomically(folder / EXPERIMENT_NAME, given.text())
    return folder / EXPERIMENT_NAME


@pytest.mark.parametrize("content", [EXPERIMENT + CLAIM, CLAIM])
def test_a_byte_order_mark_is_ignored(content: str, tmp_path: Path) -> None:
    (tmp_path / "marked.toml").write_bytes(codecs.BOM_UTF8 + content.encode())
    assert [claim.id for claim in load_claims(tmp_path / "marked.toml")] == ["lower"]
    if content != CLAIM:
        assert plan(load_experiment(tmp_path / "marked.toml")) == plan(experiment())
        (tmp_path / "marked.toml").rename(tmp_path / EXPERIMENT_NAME)
        assert plan(load_stored_experiment(tmp_path)) == plan(experiment())


def test_an_experiment_without_paths_is_kept_as_it_is_written() -> None:
    text = f"# a remark\n{EXPERIMENT}{CLAIM}"
    assert experiment(text).text() == text


def test_a_copy_asks_for_the_same_trials_wherever_it_lies(file: Path, tmp_path: Path) -> None:
    given = load_experiment(file)
    copy = stored(given, tmp_path / "results")
    first, second, *_ = copy.read_text(encoding="utf-8").splitlines()
    assert (first, second) == ("# What is compared", ""), "comments stay above"
    assert f'folder = "{file.parent}"' in copy.read_text(encoding="utf-8")
    assert plan(load_experiment(copy)) == plan(given)
    again = stored(load_experiment(copy), tmp_path / "again")
    assert again.read_text(encoding="utf-8") == copy.read_text(encoding="utf-8")


def test_a_copy_whose_folder_is_gone_is_judged_and_is_not_run(file: Path, tmp_path: Path) -> None:
    copy = stored(load_experiment(file), tmp_path / "results")
    file.parent.rename(tmp_path / "moved")
    assert load_stored_experiment(copy.parent).name == "tiny"
    with pytest.raises(UserError, match=r"experiment\.toml: folder: .*/mine: no such folder\. .* change 'folder' to"):
        load_experiment(copy)
    copy.write_text(copy.read_text(encoding="utf-8").replace("/mine", "/moved"), encoding="utf-8")
    assert plan(load_experiment(copy))


def test_a_folder_has_to_be_absolute() -> None:
    with pytest.raises(UserError, match=r"tiny\.toml: folder: expected an absolute path; found 'data'"):
        experiment(EXPERIMENT, ("seeds = 2", 'seeds = 2\nfolder = "data"'))


def test_a_tilde_in_a_path_is_the_home_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(file.parent))
    expected = plan(load_experiment(file)).keys()
    for path in ('"~/data/corpus.txt"', '["~/data/corpus.txt"]'):
        planned = plan(experiment(TEXT, ('"data/corpus.txt"', path), folder=Path("/")))
        assert planned.keys() == expected
        assert {tuple(one.options["text"]) for one in planned.values()} == {(str(file.parent / "data/corpus.txt"),)}
    with pytest.raises(UserError, match=r"tiny\.toml: sweep\[0\]\.options: ~nobody-here/a.txt: the home folder"):
        experiment(TEXT, ("data/corpus.txt", "~nobody-here/a.txt"))
    assert load_experiment("~/tiny.toml").name == "tiny"


@pytest.mark.parametrize("name", bundled_experiments())
def test_an_experiment_with_a_change_is_written_as_it_is(name: str) -> None:
    given = load_experiment(name)
    changed = given.model_copy(update={"title": 'Another "title"', "seeds": (3, 1)})
    assert changed.text() != given.text()
    again = parse_experiment(changed.text(), source=name, folder=Path("/"))
    assert dict(again) == dict(changed)
    if not any(
        {"file", "text"} & sweep.options.keys() for sweep in given.sweep
    ):  # a file that the user has to get first
        assert plan(again) == plan(changed)


@pytest.mark.parametrize(
    "rates",
    ["{ tune = [0.1, 0.01], seeds = 1 }", '{ search = "uniform", low = 0.01, high = 0.1, trials = 3, at = "all" }'],
)
def test_every_kind_of_value_is_written_as_it_is_read(rates: str) -> None:
    keys = f"""dense_units = [3]
learning_rate = {rates}
forget_bias = [1.0, "chrono"]
clip_norm = 0
options = {{ symbols = 4 }}"""
    claim = CLAIM.replace(
        "margin = 0.02", 'margin = "2%"\nwhere = { forget_bias = [1, "chrono"], train_size = "smallest" }'
    )
    given = experiment(EXPERIMENT + keys + claim)
    changed = given.model_copy(update={"title": "Another"})
    assert dict(parse_experiment(changed.text(), source="", folder=Path())) == dict(changed)


def test_a_changed_copy_of_an_experiment_finds_its_files(file: Path, tmp_path: Path) -> None:
    given = load_experiment(file)
    changed = checked(given.model_copy(update={"seeds": (0,)}))
    assert plan(changed).keys() < plan(given).keys()
    assert plan(load_experiment(stored(changed, tmp_path / "results"))) == plan(changed)


def test_an_experiment_made_in_python_is_checked_like_a_file(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    sweep = Sweep(
        task="language",
        options={"text": Path("data") / "corpus.txt"},
        train_size=(20, 40),
        sequence_length=5,
        units=4,
        updates=6,
    )
    built = Experiment(name="tiny", title="Tiny", seeds=2, cells=("gru", "lstm"), backend="keras", sweep=(sweep,))
    assert plan(checked(built)) == plan(load_experiment(file))
    assert plan(load_experiment(stored(checked(built), tmp_path / "results"))) == plan(load_experiment(file))
    wrong = built.model_copy(update={"sweep": (sweep.model_copy(update={"options": {"txt": "a"}}),)})
    with pytest.raises(UserError, match=r"tiny: sweep\[0\]\.options\.txt: unknown key\. Did you mean 'text'"):
        checked(wrong)
    odd = built.model_copy(update={"sweep": (sweep.model_copy(update={"options": {"text": object()}}),)})
    with pytest.raises(UserError, match="tiny: cannot be written as TOML"):
        checked(odd)


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module of cells and tasks that Python does not find by itself."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "cells_beside", raising=False)
    folder = tmp_path / "beside"
    folder.mkdir()
    text = "from harness.cells.gru import cell as cell\nfrom harness.tasks.synthetic.recall import task as task\n"
    (folder / "cells_beside.py").write_text(text, encoding="utf-8")
    return folder


OWN = EXPERIMENT.replace('"gru", "lstm"', '"cells_beside:cell", "lstm"').replace('"recall"', '"cells_beside:task"')
OWN_CLAIM = CLAIM.replace('"gru"', '"cells_beside:cell"') + 'where = { task = "cells_beside:task" }\n'


def test_a_module_is_found_beside_the_experiment_file_and_from_its_copy(module: Path, tmp_path: Path) -> None:
    (module / "tiny.toml").write_text(OWN + OWN_CLAIM, encoding="utf-8")
    copy = stored(load_experiment(module / "tiny.toml"), tmp_path / "results")
    for load in (lambda: load_experiment(copy), lambda: load_stored_experiment(copy.parent)):
        sys.path.remove(str(module))
        del sys.modules["cells_beside"]
        assert load().cells == ("cells_beside:cell", "lstm")
    assert cells["cells_beside:cell"].name == "gru"


def test_a_claim_may_be_about_a_task_by_its_module(module: Path) -> None:
    (module / "claims.toml").write_text(OWN_CLAIM, encoding="utf-8")
    (claim,) = load_claims(module / "claims.toml")
    assert claim.where.task == ("cells_beside:task",)  # type: ignore[union-attr]
    with pytest.raises(UserError, match=r"claim\[0\].*cannot load 'cells_beside:tusk'"):
        experiment(EXPERIMENT + CLAIM + 'where = { task = "cells_beside:tusk" }\n', folder=module)


def test_a_module_that_python_finds_elsewhere_is_refused(module: Path, tmp_path: Path) -> None:
    (module / "tiny.toml").write_text(OWN, encoding="utf-8")
    load_experiment(module / "tiny.toml")
    other = tmp_path / "other"
    other.mkdir()
    for name in ("tiny.toml", "cells_beside.py"):
        (other / name).write_bytes((module / name).read_bytes())
    with pytest.raises(UserError, match=r"tiny\.toml: 'cells_beside:cell': .*/other/cells_beside.py has the same name"):
        load_experiment(other / "tiny.toml")


@pytest.mark.parametrize("content", ["cell = ", "raise ZeroDivisionError", "import sys\nsys.exit(3)", "cell = 1"])
def test_a_module_that_fails_is_one_message(module: Path, content: str) -> None:
    (module / "cells_beside.py").write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"tiny\.toml: cells\[0\]: cell 'cells_beside:cell'"):
        experiment(OWN.replace("cells_beside:task", "recall"), folder=module)


def test_a_copy_whose_module_is_gone_says_where_it_was(module: Path, tmp_path: Path) -> None:
    (module / "tiny.toml").write_text(OWN, encoding="utf-8")
    copy = stored(load_experiment(module / "tiny.toml"), tmp_path / "results")
    sys.path.remove(str(module))
    del sys.modules["cells_beside"]
    module.rename(tmp_path / "moved")
    with pytest.raises(UserError, match=r"cannot load 'cells_beside:cell'[\s\S]*folder: .*/beside: no such folder"):
        load_stored_experiment(copy.parent)


def test_a_results_folder_is_compared_by_the_metrics_of_a_module_beside_its_experiment(
    module: Path, tmp_path: Path
) -> None:
    (module / "tiny.toml").write_text(OWN, encoding="utf-8")
    given = load_experiment(module / "tiny.toml")
    directory = stored(given, tmp_path / "results").parent
    with open_store(directory, create=True) as store:
        store.set_plan(plan(given))
        store.add(*(record(spec, test={"loss": 1.0, "accuracy": 0.5}) for spec in plan(given).values()))
    sys.path.remove(str(module))
    del sys.modules["cells_beside"]
    changes = diff_results(directory, directory)[2].changes
    assert {change.finding for change in changes if change.quantity.column == "test_accuracy"} == {"same"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"a = {'[' * 100_000}", "nested too deeply"),
        (f"seeds = {'9' * 5000}", "not valid TOML"),
        ('folder = "/a\\u0000b"', "folder: '/a\\\\x00b' is not a path"),
        ("folder = 1", "folder: expected a valid string; found 1"),
        ('cells = [":", "a:", ":b", "..:c", "__main__:d", "a b:c"]', "cells"),
        ("cells = 1979-05-27\nsweep = 1\nclaim = 'a:b'", "cells"),
    ],
)
def test_odd_content_is_a_message(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        parse_experiment(text, source="odd.toml", folder=Path())
