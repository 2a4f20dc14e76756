"""Equations as MathML, from the source of a cell's step."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from functools import partial
from typing import Any
from xml.etree import ElementTree

import pytest

from harness.cells import cells
from harness.report.page.architectures import counts_of, source
from harness.report.page.equations import equations
from tests.cells.example import PAGE

REPEATED = """
def step(x, states, recur):
    (h,) = states
    for _ in range(2):
        h = tanh(h)
    return (h,), ()
"""
ATTRIBUTE = """
def step(x, states, recur):
    (h,) = states
    return (h.swapped(),), ()
"""
HOSTILE = """
def step(x, states, recur):
    (h,) = states
    x_ö, = x
    (u_ö,) = recur(h)
    k = sigmoid(x_ö - (u_ö - 2))
    return (-k * h,), ()
"""


def written(source: str, *, recurrent_bias: bool = False) -> list[str]:
    """The equations as plain text; each is well-formed."""
    lines = equations(source, recurrent_bias=recurrent_bias)
    return ["".join(ElementTree.fromstring(str(one)).itertext()) for one in lines]


def of(name: str) -> list[str]:
    cell = cells[name]
    return written(inspect.getsource(cell.step), recurrent_bias=cell.recurrent_bias)  # type: ignore[arg-type]


def test_the_bundled_cells_look_as_in_a_textbook() -> None:
    assert of("simple_rnn") == ["ht=tanh(Whxt+bh+Uhht−1)"]
    assert of("gru") == [
        "z=σ(Wzxt+bz+Uzht−1+bz′)",
        "r=σ(Wrxt+br+Urht−1+br′)",
        "c=tanh(Wcxt+bc+r⊙(Ucht−1+bc′))",
        "ht=z⊙ht−1+(1−z)⊙c",
    ]
    assert of("lstm") == [
        "i=σ(Wixt+bi+Uiht−1)",
        "f=σ(Wfxt+bf+Ufht−1)",
        "g=tanh(Wgxt+bg+Ught−1)",
        "o=σ(Woxt+bo+Uoht−1)",
        "ct=f⊙ct−1+i⊙g",
        "ht=o⊙tanh(ct)",
    ]


@pytest.mark.parametrize("name", sorted(cells))
def test_every_registered_cell_has_an_equation_for_each_state(name: str) -> None:
    cell = cells[name]
    if cell.step is not None:
        renewed = [text for text in of(name) if re.match(r"\wt=", text)]
        assert len(renewed) == len(cell.states)


def test_the_form_with_the_reset_before_the_product_multiplies_first() -> None:
    cell = cells["gru"].variant(reset_after=False)
    assert written(inspect.getsource(cell.step))[2] == "c=tanh(Wcxt+bc+Uc(r⊙ht−1))"  # type: ignore[arg-type]


def test_the_documents_own_example_can_be_written() -> None:
    (step,) = re.findall(r"^def step.*?(?=\n\n\n)", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert "k=σ(Wkxt+bk+Ukht−1)" in written(step)


def test_brackets_stand_where_they_are_needed() -> None:
    assert written(HOSTILE) == ["k=σ(Wöxt+bö−(Uöht−1−2))", "ht=(−k)⊙ht−1"]


@pytest.mark.parametrize("source", [REPEATED, ATTRIBUTE, "x = 1", "def step(x): return x", "def step(", ""])
def test_what_has_no_textbook_notation_has_no_equations(source: str) -> None:
    assert equations(source) == []


@pytest.mark.parametrize("step", [lambda *given: ((), ()), partial(min), len])
def test_a_cell_whose_step_cannot_be_read_has_neither_counts_nor_equations(step: Any) -> None:
    cell = replace(cells["gru"], name="odd", step=step)
    assert counts_of(cell) == {}
    assert equations(source(cell)) == []
