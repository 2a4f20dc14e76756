"""Experiment files: strict reading, deterministic plans, ids that depend on what matters and on nothing else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UserError
from harness.plan.expand import make_plan
from harness.spec.load import load_claims, load_experiment
from harness.spec.trial import TrialSpec, options_of
from harness.tasks.synthetic.recall import RecallOptions
from tests.factories import EXPERIMENT, experiment, plan, spec


def test_the_plan_holds_every_combination_once() -> None:
    trials = plan(experiment())
    assert len(trials) == 2 * 2 * 2  # cells, seeds, sizes
    assert {(s.cell, s.seed, s.train_size) for s in trials.values()} == {
        (cell, seed, size) for cell in ("gru", "lstm") for seed in (0, 1) for size in (20, 40)
    }


def test_the_plan_goes_seed_by_seed() -> None:
    seeds = [s.seed for s in plan(experiment()).values()]
    assert seeds == sorted(seeds)


def test_two_sweeps_that_ask_for_the_same_trial_get_it_once() -> None:
    again = EXPERIMENT + EXPERIMENT[EXPERIMENT.index("[[sweep]]") :]
    assert list(plan(experiment(again))) == list(plan(experiment()))


@given(st.randoms(use_true_random=False))
def test_ids_do_not_depend_on_order_names_or_comments(shuffler: random.Random) -> None:
    head, _, sweep = EXPERIMENT.partition("[[sweep]]")
    head_lines = [line for line in head.splitlines() if line and not line.startswith(("name", "title"))]
    sweep_lines = [line for line in sweep.splitlines() if line]
    shuffler.shuffle(head_lines)
    shuffler.shuffle(sweep_lines)
    text = "\n".join(['name = "other"  # a remark', 'title = "Else"', *head_lines, "[[sweep]]", *sweep_lines])
    text = text.replace('["gru", "lstm"]', '["lstm", "gru"]').replace("[20, 40]", "[40, 20]")
    assert set(plan(experiment(text))) == set(plan(experiment()))


@pytest.mark.parametrize(
    "change",
    [
        {"cell": "lstm"},
        {"backend": "fused"},
        {"lane": "speed"},
        {"units": 5},
        {"layers": 2},
        {"dense_units": (3,)},
        {"train_size": 21},
        {"sequence_length": 6},
        {"learning_rate": 3.1e-3},
        {"batch_size": 5},
        {"updates": 7},
        {"evaluate_every": 3},
        {"patience": 1},
        {"dropout": 0.1},
        {"recurrent_dropout": 0.1},
        {"clip_norm": None},
        {"weight_decay": 0.1},
        {"schedule": "cosine"},
        {"bidirectional": True},
        {"seed": 1},
        {"data": {"made": "2"}},
        {"code": "1" * 12},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_that_can_change_the_result_changes_the_id(change: dict[str, object]) -> None:
    assert spec(**change).id() != spec().id()


def test_where_a_file_lies_does_not_change_the_id() -> None:
    assert spec(options={"text": "/a/b.txt"}).id() == spec(options={"text": "/c/d.txt"}).id()


def test_an_id_is_the_same_in_every_process_and_stays_so() -> None:
    assert spec().id() == "e10eb38db49e7705"


def test_paths_in_options_are_relative_to_the_file_one_or_several(tmp_path: Path) -> None:
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text("some text, long enough for three portions " * 20)
    for written, names in (('"one.txt"', ["one.txt"]), ('["two.txt", "one.txt"]', ["two.txt", "one.txt"])):
        text = EXPERIMENT.replace('"recall"', '"language"') + f"options.text = {written}\n"
        (paths,) = {tuple(s.options["text"]) for s in plan(experiment(text, folder=tmp_path)).values()}
        assert paths == tuple(str(tmp_path / name) for name in names)


def test_epochs_are_counted_in_updates() -> None:
    specs = plan(experiment(EXPERIMENT, ("updates = 6", "epochs = 3\nbatch_size = 16"))).values()
    assert {(s.train_size, s.updates) for s in specs} == {(20, 6), (40, 9)}  # 2 and 3 batches an epoch


def test_a_batch_is_never_larger_than_the_training_set() -> None:
    specs = plan(experiment(EXPERIMENT, ("updates = 6", "updates = 6\nbatch_size = 30"))).values()
    assert {(s.train_size, s.batch_size) for s in specs} == {(20, 20), (40, 30)}


def test_a_list_of_seeds_is_taken_as_it_is() -> None:
    assert {s.seed for s in plan(experiment(EXPERIMENT, ("seeds = 2", "seeds = [5, 9]"))).values()} == {5, 9}


def test_a_sweep_may_have_cells_backends_lane_and_seeds_of_its_own() -> None:
    sweep_keys = 'updates = 6\ncells = "gru"\nkernel = "article"\nlane = "speed"\nseeds = [3]'
    specs = plan(experiment(EXPERIMENT, ("updates = 6", sweep_keys))).values()
    assert {(s.cell, s.backend, s.lane, s.seed) for s in specs} == {("gru", "article", "speed", 3)}


MISTAKES = [
    (
        "train_size = [20, 40]",
        "trian_size = [20]",
        r"sweep\[0\]\.trian_size: unknown key\. Did you mean 'train_size'\?",
    ),
    ("seeds = 2", "sseds = 2\nseeds = 2", r"sseds: unknown key\. Did you mean 'seeds'\?"),
    ('"lstm"', '"lstn"', r"cells\[1\]: unknown cell 'lstn'\. Did you mean 'lstm'\?"),
    ('"recall"', '"recal"', r"sweep\[0\]\.task: unknown task 'recal'\. Did you mean 'recall'\?"),
    ('"keras"', '"kers"', r"backend\[0\]: unknown backend 'kers'\. Did you mean 'keras'\?"),
    ("train_size = [20, 40]", "train_size = []", r"sweep\[0\]\.train_size: .*at least 1 item"),
    (
        "train_size = [20, 40]",
        "train_size = [20, -1]",
        r"sweep\[0\]\.train_size\[1\]: .*greater than or equal to 1; found -1",
    ),
    ("units = 4", 'units = "4"', r"sweep\[0\]\.units\[0\]: .*valid integer; found '4'"),
    ("units = 4", "units = 4.0", r"sweep\[0\]\.units\[0\]: .*valid integer"),
    ("units = 4", "units = true", r"sweep\[0\]\.units\[0\]: .*valid integer"),
    ("seeds = 2", "seeds = 0", r"seeds: .*number of seeds from 1"),
    ("seeds = 2", "seeds = [1, 1]", r"seeds: the same value is listed twice"),
    ("updates = 6", "", r"sweep\[0\]: give exactly one of 'updates' and 'epochs'"),
    ("updates = 6", "updates = 6\nepochs = 2", r"sweep\[0\]: give exactly one of 'updates' and 'epochs'"),
    ("updates = 6", "updates = 6\nlearning_rate = nan", r"sweep\[0\]\.learning_rate\[0\]"),
    ("updates = 6", "updates = 6\nforget_bias = nan", r"sweep\[0\]\.forget_bias\[0\]"),
    ("updates = 6", "updates = 6\ndropout = 1.0", r"sweep\[0\]\.dropout: .*less than 1; found 1.0"),
    ("updates = 6", "updates = 6\n[sweep.options]\ntextt = 1", r"sweep\[0\]\.options\.textt: unknown key"),
    ('name = "tiny"', 'name = "../tiny"', r"name: .*found '\.\./tiny'"),
    ('title = "Tiny"', "", r"title: this key is missing"),
    ("[[sweep]]", "[[sweeep]]", r"sweeep: unknown key\. Did you mean 'sweep'\?"),
]


@pytest.mark.parametrize(("old", "new", "words"), MISTAKES)
def test_a_mistake_is_named_with_its_place(old: str, new: str, words: str) -> None:
    with pytest.raises(UserError, match=r"tiny\.toml: " + words):
        experiment(EXPERIMENT, (old, new))


def test_broken_toml_is_named_with_its_line() -> None:
    with pytest.raises(UserError, match=r"tiny\.toml: not valid TOML: .*line 3"):
        experiment(EXPERIMENT, ('title = "Tiny"', "title = Tiny"))


def test_all_mistakes_of_a_file_are_reported_together() -> None:
    with pytest.raises(UserError) as caught:
        experiment(EXPERIMENT, ("units = 4", "units = 0"), ('"keras"', '"kers"'))
    assert len(str(caught.value).splitlines()) == 2


def test_the_first_of_very_many_mistakes_are_reported_and_the_others_counted() -> None:
    unknown = "\n".join(f"key{number} = 1" for number in range(8))
    with pytest.raises(UserError) as caught:
        experiment(EXPERIMENT, ("seeds = 2", f"seeds = 2\n{unknown}"))
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[1] for line in lines[:5]] == [f"key{number}" for number in range(5)]
    assert lines[5:] == ["tiny.toml: and 3 more mistakes"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_a_clear_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"x\.toml: (no such experiment file|not UTF-8)"):
        load_experiment(path)


def test_a_folder_is_not_an_experiment(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load_experiment(tmp_path)


def test_a_missing_file_is_answered_with_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "compare.toml").write_text(EXPERIMENT, encoding="utf-8")
    with pytest.raises(UserError, match=r"Did you mean .*compare\.toml"):
        load_experiment(tmp_path / "compar.toml")


def test_the_bundled_experiments_are_valid() -> None:
    folder = Path(__file__).parents[2] / "experiments"
    files = sorted(folder.glob("*.toml"))
    assert {path.stem for path in files} >= {"smoke", "compare", "full"}
    for path in files:
        assert plan(load_experiment(path))


def test_one_hundred_thousand_trials_are_planned_one_by_one() -> None:
    many = EXPERIMENT.replace("seeds = 2", "seeds = 500").replace("[20, 40]", "[20, 21, 22, 23]")
    assert len(plan(experiment(many))) == 500 * 2 * 4


CLAIMS = """
[[claim]]
id = "lower"
claim = "GRUs reach a lower loss."
kind = "paired"
better = "gru"
than = "lstm"
on = "test_loss"
margin = 0.02
"""


def test_claims_are_read_from_a_file_of_claims_or_from_an_experiment(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    for text in (CLAIMS, EXPERIMENT + CLAIMS):
        path.write_text(text, encoding="utf-8")
        assert [claim.id for claim in load_claims(path)] == ["lower"]
    path.write_text(EXPERIMENT, encoding="utf-8")
    assert load_claims(path) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CLAIMS.replace("margin", "marginn"), "claims.toml: claim[0].margin"),
        (CLAIMS + CLAIMS, "two claims have the id 'lower'"),
        ("", "claims.toml: claim: this key is missing"),
        ("claim = 1 2", "claims.toml: not valid TOML: "),
        (EXPERIMENT.replace("tiny", "not a name") + CLAIMS, "claims.toml: name: "),
    ],
)
def test_invalid_claims_are_reported_with_their_file(text: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load_claims(path)
    assert expected in str(caught.value)
    assert all(line.startswith(f"{path}: ") for line in str(caught.value).splitlines())


def test_an_unreadable_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"name = \xff")
    with pytest.raises(UserError, match=r"mine\.toml: not UTF-8 text \(invalid start byte at byte 7\)"):
        load_experiment(tmp_path / "mine.toml")
    with pytest.raises(UserError, match=r"min\.toml: no such experiment file\. Did you mean '.*mine\.toml'\?"):
        load_experiment(tmp_path / "min.toml")
    (tmp_path / "folder.toml").mkdir()
    with pytest.raises(UserError, match=r"folder\.toml: cannot be read: Is a directory"):
        load_experiment(tmp_path / "folder.toml")


def test_the_options_of_a_sweep_are_validated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = EXPERIMENT.replace("updates = 6", "updates = 6\nevaluate_lengths = [7]\noptions.validation_size = 30")
    validated = []
    check = RecallOptions.model_validate
    monkeypatch.setattr(RecallOptions, "model_validate", lambda options: validated.append(options) or check(options))
    once = experiment(text)
    make_plan(once)
    make_plan(once, {}, most_seeds=5)
    assert len(validated) == 1
    (sweep,) = once.sweep
    assert sweep.task_options() == check(sweep.options)
    changed = sweep.model_copy(update={"options": {"validation_size": 31}})
    assert changed.task_options() == RecallOptions(validation_size=31), "those of a changed copy are other ones"


def test_the_options_of_all_trials_of_a_sweep_are_validated_once_in_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = list(plan(experiment(EXPERIMENT.replace("updates = 6", "updates = 6\noptions.test_size = 31"))).values())
    assert len(planned) > 1
    validated = []
    check = RecallOptions.model_validate_json
    monkeypatch.setattr(RecallOptions, "model_validate_json", lambda text: validated.append(text) or check(text))
    options_of.cache_clear()
    for trial in planned:
        read = TrialSpec.model_validate_json(trial.model_dump_json())
        assert trial.task_options() == read.task_options() == RecallOptions(test_size=31)
    assert len(validated) == 1
