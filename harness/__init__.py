"""Compare recurrent networks and judge claims about them: the public API.

experiment = load_experiment("experiments/smoke.toml")  # or "smoke": a bundled experiment
run(experiment)                        # results/smoke/: records, verdicts, report
frame = load_records("results/smoke")  # a pandas DataFrame, one row per trial
verdicts = judge("results/smoke")      # a list of Verdict, written to verdicts.json too
report = render("results/smoke")       # the path of report.html
model = get_model("gru")               # the article's Keras model; the only function here that imports TensorFlow

The article is *Implementation of RNN, LSTM and GRU* (Towards Data Science). Each name is imported when it is first
used. Errors that the user can correct are UserErrors. After `import harness`, `keras.saving.load_model` loads saved
models.
"""

from __future__ import annotations

from harness.saved_models import register

TYPE_CHECKING = False
"""Type checkers treat it as true. At run time nothing is imported here, so that the command starts quickly."""
if TYPE_CHECKING:
    from harness.cells.network import get_model as get_model
    from harness.errors import UserError as UserError
    from harness.results import judge_results as judge
    from harness.results import render_results as render
    from harness.runner.flow import run_experiment as run
    from harness.spec.load import load_experiment as load_experiment
    from harness.store.frame import load_records as load_records

__all__ = ["UserError", "get_model", "judge", "load_experiment", "load_records", "render", "run"]
__version__ = "0.1.0"

_HOMES = {
    "UserError": "harness.errors:UserError",
    "get_model": "harness.cells.network:get_model",
    "judge": "harness.results:judge_results",
    "load_experiment": "harness.spec.load:load_experiment",
    "load_records": "harness.store.frame:load_records",
    "render": "harness.results:render_results",
    "run": "harness.runner.flow:run_experiment",
}

register()


def __getattr__(name: str) -> object:
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
