"""The questions of the report in their order, and the figure that answers each."""

from __future__ import annotations

from harness.report.figures.cost import memory, memory_by_units, parameters, seconds_per_update
from harness.report.figures.generalisation import other_lengths
from harness.report.figures.heard import heard
from harness.report.figures.panels import Results
from harness.report.figures.plot import Plot
from harness.report.figures.quality import horizon, loss_by_size, pareto, quality_by_length, solved
from harness.report.figures.rates import learning_rates
from harness.report.figures.reach import gradient_reach
from harness.report.figures.scores import scores
from harness.report.figures.training import learning_curves, time_to_target

FIGURES = {
    "loss-by-size": loss_by_size,
    "accuracy-by-length": quality_by_length,
    "solved": solved,
    "horizon": horizon,
    "seconds-per-update": seconds_per_update,
    "time-to-target": time_to_target,
    "learning-curves": learning_curves,
    "parameters": parameters,
    "pareto": pareto,
    "memory": memory,
    "memory-by-units": memory_by_units,
    "learning-rates": learning_rates,
    "gradient-reach": gradient_reach,
    "other-lengths": other_lengths,
    "scores": scores,
    "heard": heard,
}
"""Id of a figure to the function that describes it."""


def evidence(results: Results) -> list[Plot]:
    """Every figure for which the trials have something to show, in the report's order."""
    makers = [learning_rates] if results.frame.empty else FIGURES.values()  # tuning comes before all else
    return [plot for make in makers if (plot := make(results)).panels]
