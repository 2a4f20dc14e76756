"""Statistical terms of the page: each has a meaning, and the texts link to it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from harness.report.page.terms import TERMS, explained
from harness.report.writing import page_files
from tests.report.samples import report_data, verdicts


def test_a_verdict_links_its_terms_to_meanings_on_the_page() -> None:
    reason = (
        "95 % interval [0, 1]. Interim analyses after 5 and 10 seeds. 80 % power requires 40 seeds. "
        "p = 0.01 after Holm's correction."
    )
    html = page_files(report_data(verdicts=[replace(verdicts()[0], reason=reason)]))["report.html"].decode()
    for key in TERMS:
        assert f'<a class="term" href="#term-{key}" title="' in html, key
        assert html.count(f'id="term-{key}"') == 1


@pytest.mark.parametrize("key", TERMS)
def test_a_meaning_has_two_sentences(key: str) -> None:
    assert len(re.findall(r"[.](?= [A-Z]|$)", TERMS[key].meaning)) == 2


def test_only_the_first_use_of_a_term_in_a_text_is_a_link_and_the_text_is_escaped() -> None:
    html = explained("<b> 95 % interval, and the 95 % interval")
    assert html.startswith("&lt;b&gt; <a ")
    assert html.count("<a ") == 1


def test_the_method_names_and_links_the_article() -> None:
    html = page_files(report_data())["report.html"].decode()
    assert "<cite>Implementation of RNN, LSTM and GRU</cite></a> (Towards Data Science)" in html
    assert 'href="https://towardsdatascience.com/implementation-of-rnn-lstm-and-gru-a4250bf6c090"' in html
