"""What a publication found on a claim, in words and figures: the key `published` of a claim."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator

from harness.spec.types import STRICT

Figure = Annotated[float, Field(allow_inf_nan=False)]


class Published(BaseModel):
    """The table `published = { source = "arXiv 1412.3555, table 2", gru = 8.54, lstm = 8.67 }` of a claim.

    The report shows the finding and the figures beside those measured. They do not change the verdict.
    """

    model_config = STRICT | {"extra": "allow"}
    __pydantic_extra__: dict[str, Figure]

    source: Annotated[str, Field(min_length=1)]
    """Where the figures are published: the text and its table or figure."""
    finding: str = ""
    """What was found, in words, such as the order of the cells where the figures themselves are not comparable."""
    unit: str = ""
    """Their unit, for the reader. The figures themselves are in the unit of the claim's outcome."""
    setup: str = ""
    """How the published experiment differs from this one."""

    @model_validator(mode="before")
    @classmethod
    def _figures_are_numbers(cls, given: Any) -> Any:
        for name, value in given.items() if isinstance(given, dict) else ():
            if name not in cls.model_fields and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise ValueError(
                    f"{name!r} is {value!r}; expected source, finding, unit, setup, or a cell with a number"
                )
        return given

    @property
    def figures(self) -> dict[str, float]:
        """The published figures by the name of the cell."""
        return dict(self.__pydantic_extra__)


def check_cells(published: Published | None, cells: tuple[str, ...]) -> None:
    """Raises ValueError unless there is a figure or a finding, and the figures are of these cells."""
    if published is None:
        return
    listed = " and ".join(map(repr, cells))
    for name in published.figures:
        if name not in cells:
            raise ValueError(f"'published' has the figure of {name!r}; the cells of the claim are {listed}")
    if not published.figures and not published.finding:
        raise ValueError(f"'published' has no figure and no 'finding'; give one, such as {cells[0]} = 0.87")
