"""The equations of a cell as MathML, translated from the source of its step.

The step is Python (harness.cells): `z = sigmoid(x_z + u_z)`. What comes of the input, `x_z`, is written out as
W_z x_t + b_z, what comes of `recur(h)` as U_z h_{t-1}; a state has the index t once it has its new value. Nothing is
typed in twice: what is shown is what runs. A step that uses more of Python than these is shown as source.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

FUNCTIONS = {"sigmoid": "σ", "tanh": "tanh"}
SUM, PRODUCT, WHOLE = 1, 2, 3
"""How tightly a term binds: what is inside a product needs brackets if it is a sum."""


class Unknown(Exception):
    """The step contains something that cannot be translated."""


@dataclass(frozen=True)
class Term:
    """A piece of MathML, and how tightly it binds."""

    markup: str
    binds: int = WHOLE

    def within(self, binds: int) -> str:
        """The markup, in brackets where the surroundings bind more tightly."""
        return self.markup if self.binds >= binds else f"<mrow><mo>(</mo>{self.markup}<mo>)</mo></mrow>"


def equations(source: str, *, recurrent_bias: bool = False) -> list[Markup]:
    """The equations of one time step as MathML elements, in order; none where they cannot be written so."""
    try:
        return [Markup(f'<math display="block">{text}</math>') for text in _Step(source, recurrent_bias).equations()]
    except (Unknown, SyntaxError):
        return []


class _Step:
    """Reads a step's statements from first to last; what each name stands for changes on the way."""

    def __init__(self, source: str, recurrent_bias: bool) -> None:
        tree = next(iter(ast.parse(textwrap.dedent(source)).body), None)
        if not isinstance(tree, ast.FunctionDef) or len(tree.args.args) != 3:
            raise Unknown
        self._body = tree.body[1:] if ast.get_docstring(tree) else tree.body
        self._inputs, self._states, self._recur = (argument.arg for argument in tree.args.args)
        self._recurrent_bias = recurrent_bias
        self._terms: dict[str, Term] = {}
        self._state_names: list[str] = []
        self._renewed: set[str] = set()
        self._written: list[str] = []

    def equations(self) -> list[str]:
        for statement in self._body:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                self._assign(_names(statement.targets[0]), statement.value)
            elif isinstance(statement, ast.Return):
                self._return(statement.value)
            else:
                raise Unknown
        return self._written

    def _assign(self, names: Sequence[str], value: ast.expr) -> None:
        if isinstance(value, ast.Name) and value.id == self._states:
            self._state_names = list(names)
            self._terms |= {name: Term(_indexed(name, "<mi>t</mi><mo>−</mo><mn>1</mn>")) for name in names}
        elif isinstance(value, ast.Name) and value.id == self._inputs:
            self._terms |= {name: self._from_input(name) for name in names}
        elif isinstance(value, ast.Call) and _called(value) == self._recur:
            operand = self._term(value.args[0]).within(WHOLE)
            self._terms |= {name: self._from_state(name, operand) for name in names}
        elif len(names) == 1:
            self._define(names[0], self._term(value))
        else:
            raise Unknown

    def _define(self, name: str, term: Term) -> None:
        if name in self._state_names:
            self._renew(name, term)
        elif len(name) > 1:  # a name for the programmer's convenience, not the textbook's
            self._terms[name] = term
        else:
            self._write(f"<mi>{escape(name)}</mi>", term)
            self._terms[name] = Term(f"<mi>{escape(name)}</mi>")

    def _renew(self, state: str, term: Term) -> None:
        after = _indexed(state, "<mi>t</mi>")
        self._write(after, term)
        self._terms[state] = Term(after)
        self._renewed.add(state)

    def _return(self, value: ast.expr | None) -> None:
        if not isinstance(value, ast.Tuple) or not value.elts or not isinstance(value.elts[0], ast.Tuple):
            raise Unknown
        for state, after in zip(self._state_names, value.elts[0].elts, strict=True):
            if not (isinstance(after, ast.Name) and after.id == state and state in self._renewed):
                self._renew(state, self._term(after))

    def _write(self, left: str, right: Term) -> None:
        self._written.append(f"<mrow>{left}<mo>=</mo>{right.markup}</mrow>")

    def _from_input(self, name: str) -> Term:
        """x_z: the gate z of the input's part, W_z x_t + b_z."""
        variable, gate = _split(name)
        return Term(
            f"{_of('W', gate)}{_indexed(variable, '<mi>t</mi>')}<mo>+</mo>{_of('b', gate)}",
            SUM,
        )

    def _from_state(self, name: str, operand: str) -> Term:
        """u_z: the gate z of the recurrent product, U_z h_{t-1}."""
        _, gate = _split(name)
        product = f"{_of('U', gate)}{operand}"
        if not self._recurrent_bias:
            return Term(product, PRODUCT)
        bias = f"<msubsup><mi>b</mi>{_text(gate)}<mo>′</mo></msubsup>" if gate else "<msup><mi>b</mi><mo>′</mo></msup>"
        return Term(f"{product}<mo>+</mo>{bias}", SUM)

    def _term(self, node: ast.expr) -> Term:
        if isinstance(node, ast.Name) and node.id in self._terms:
            return self._terms[node.id]
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return Term(f"<mn>{node.value:g}</mn>")
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return Term(f"<mo>−</mo>{self._term(node.operand).within(PRODUCT)}", SUM)
        if isinstance(node, ast.Call) and _called(node) in FUNCTIONS and len(node.args) == 1:
            inner = self._term(node.args[0]).markup
            return Term(f"<mrow><mi>{FUNCTIONS[_called(node)]}</mi><mo>(</mo>{inner}<mo>)</mo></mrow>")
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        raise Unknown

    def _binary(self, node: ast.BinOp) -> Term:
        left, right = self._term(node.left), self._term(node.right)
        if isinstance(node.op, ast.Add):
            return Term(f"{left.markup}<mo>+</mo>{right.markup}", SUM)
        if isinstance(node.op, ast.Sub):
            return Term(f"{left.markup}<mo>−</mo>{right.within(PRODUCT)}", SUM)
        if isinstance(node.op, ast.Mult):
            return Term(f"{left.within(PRODUCT)}<mo>⊙</mo>{right.within(PRODUCT)}", PRODUCT)
        raise Unknown


def _names(target: ast.expr) -> list[str]:
    """The names that a statement assigns."""
    nodes = target.elts if isinstance(target, ast.Tuple) else [target]
    if not all(isinstance(node, ast.Name) for node in nodes):
        raise Unknown
    return [node.id for node in nodes if isinstance(node, ast.Name)]


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _split(name: str) -> tuple[str, str]:
    """'x_z' is the variable x and the gate z."""
    variable, _, gate = name.partition("_")
    return variable, gate


def _of(matrix: str, gate: str) -> str:
    """A matrix or bias of a gate."""
    return f"<msub><mi>{matrix}</mi>{_text(gate)}</msub>" if gate else f"<mi>{matrix}</mi>"


def _indexed(name: str, time: str) -> str:
    return f"<msub><mi>{escape(name)}</mi><mrow>{time}</mrow></msub>"


def _text(gate: str) -> str:
    return f"<mi>{escape(gate)}</mi>"
