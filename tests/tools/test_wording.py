"""Words that texts avoid are found with their line, and the checked places have none."""

from __future__ import annotations

import pytest

from tools.wording import AVOIDED, CHECKED, PLACES, Text, documents, findings, main


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Run up to so many seeds.", "so many"),
        ("do trials again that ended so", "do trials again"),
        ("The kernels of a cell", "kernels"),
        ("as the document\nsays", "the document"),
        ("A figure of one's own", "of one's own"),
        ("some claim gets a direction", "gets a direction"),
        ("conflicts are kept and told", "told"),
    ],
)
def test_a_word_that_is_avoided_is_found_with_its_line(text: str, found: str) -> None:
    messages = list(findings(Text("a.md", f"One line.\n{text}")))
    assert any(message.startswith(f"a.md:2: {found!r}: write ") for message in messages), messages


@pytest.mark.parametrize(
    "text",
    [
        "The recurrent kernel is `recurrent_kernel` in Keras; `harness kernels` was a command.",
        "[Documents](the-document.md) and the documents",
        "An LSTM can compute whatever a Turing machine can",
        "to tell apart",
        "A looked-up value",
    ],
)
def test_code_links_and_other_words_pass(text: str) -> None:
    assert list(findings(Text("a.md", text))) == []


def test_code_blocks_of_documents_are_not_read_and_lines_stay() -> None:
    readme = next(text for text in documents() if text.place == "README.md")
    assert "[[sweep]]" not in readme.text
    assert readme.text.splitlines()[0] == "# harness"


def test_every_place_has_texts() -> None:
    for name, place in PLACES.items():
        assert len(list(place())) > 2, name
    assert set(CHECKED) <= set(PLACES)


def test_the_places_that_are_checked_have_no_word_that_is_avoided(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0, capsys.readouterr().out


def test_each_pattern_says_what_to_write_instead() -> None:
    assert all(AVOIDED.values())
