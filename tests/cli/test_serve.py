"""The report over HTTP: this machine only, the report's files only, and the page follows the records."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from harness.cli import serve
from harness.cli.serve import LiveReport, ReportServer, is_loopback
from harness.errors import UserError
from harness.store.folder import EXPERIMENT_NAME
from harness.store.sqlite import FILE_NAME, open_store
from tests.factories import EXPERIMENT, experiment, plan, record
from tests.report.browser import Browser, press, shown, visit

SPECS = list(plan(experiment()).values())


def store_trials(directory: Path, *places: int, status: str = "ok") -> None:
    with open_store(directory, create=True) as store:
        for place in places:
            score = {"loss": 1.0 + place / 10, "accuracy": 0.5}
            store.add(record(SPECS[place], status=status, parameters=100, test=score))


def begun(directory: Path) -> Path:
    """A sweep that has just begun: four of its eight trials have a record."""
    with open_store(directory, create=True) as store:
        store.set_plan(plan(experiment()))
    (directory / EXPERIMENT_NAME).write_text(EXPERIMENT, encoding="utf-8")
    store_trials(directory, 0, 1, 2, 3)
    return directory


@contextmanager
def serving(directory: Path) -> Iterator[ReportServer]:
    with ReportServer(0) as running:
        running.report = LiveReport(directory, every=0.0, say=print)
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield running
        running.shutdown()
        thread.join()
        running.report.wait()


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return begun(tmp_path / "results" / "tiny")


@pytest.fixture
def server(results: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReportServer]:
    monkeypatch.setattr(serve, "SHARE", 0)  # a test waits for no processor
    with serving(results) as running:
        yield running


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReportServer]:
    """A server whose results stay as they are."""
    with serving(begun(tmp_path_factory.mktemp("still") / "tiny")) as running:
        yield running


def ask(server: ReportServer, path: str, *, method: str = "GET", host: str = "") -> tuple[int, bytes, str]:
    return ask_at(server.server_port, path, method=method, host=host)


def ask_at(port: int, path: str, *, method: str = "GET", host: str = "") -> tuple[int, bytes, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, answer.headers.get("Content-Type", "")


def wait_until(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not reached():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.1)


def test_the_page_and_its_figures_are_served_and_nothing_is_written(still: ReportServer) -> None:
    status, page, kind = ask(still, "/")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    figures = set(re.findall(r'href="(figures/[\w.-]+)"', page.decode()))
    assert figures
    for figure in figures:
        status, content, kind = ask(still, f"/{figure}")
        assert (status, kind) == (200, "image/png" if figure.endswith("png") else "image/svg+xml")
        assert content
    assert ask(still, "/", method="HEAD")[:2] == (200, b"")
    assert {path.name for path in still.report.directory.iterdir()} == {FILE_NAME, EXPERIMENT_NAME}


OTHERS = (
    "/trials.sqlite", "/experiment.toml", "/figures/", "/figures/../trials.sqlite", "/../tiny/experiment.toml", "/..",
    "/%2e%2e/experiment.toml", "//etc/passwd", "/etc/passwd", "/figures/..%2f..%2fexperiment.toml", "/report.html/..",
    "file:///etc/passwd", "*", "/figures/loss-by-size.png/../../trials.sqlite",
)  # fmt: skip


def test_no_other_file_is_served(still: ReportServer) -> None:
    for path in OTHERS:
        status, content, _ = ask(still, path)
        assert status == 404, path
        assert b"tiny" not in content
        assert b"root:" not in content


def test_only_reading_is_allowed_and_only_by_this_machines_name(still: ReportServer) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert ask(still, "/", method=method)[0] == 501
    assert ask(still, "/", host=f"elsewhere.example:{still.server_port}")[0] == 421
    assert ask(still, "/", host=f"localhost:{still.server_port}")[0] == 200
    listening = [one.laddr for one in psutil.Process().net_connections("inet") if one.status == psutil.CONN_LISTEN]
    assert [address.ip for address in listening if address.port == still.server_port] == ["127.0.0.1"]


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:9000", "127.0.0.1:8000", "127.0.0.1", "[::1]:8000", "[::1]", "LOCALHOST:"]
)
def test_a_loopback_name_with_any_port_is_answered(still: ReportServer, host: str) -> None:
    assert ask(still, "/state", host=host)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["elsewhere.example", "elsewhere.example:8000", "localhost.elsewhere.example", "localhost:8000.elsewhere.example",
     "evil@localhost", "localhost:80:80", "127.0.0.1.example", "[::2]", "::1", "localhost localhost", " ", "0.0.0.0"],
)  # fmt: skip
def test_every_other_name_is_refused(still: ReportServer, host: str) -> None:
    assert not is_loopback(host)
    assert ask(still, "/state", host=host)[0] == 421


def test_an_open_page_follows_the_records_and_keeps_the_readers_place(
    server: ReportServer, results: Path, browser: Browser
) -> None:
    browser.get_log("browser")
    visit(browser, f"http://127.0.0.1:{server.server_port}/#without=1")
    trials = "return document.querySelector('.facts dd').textContent"
    assert browser.execute_script(trials) == "4 of 8"
    browser.execute_script("document.querySelector('.question details').open = true")
    browser.execute_script("scrollTo(0, 600)")
    press(browser, ".question summary")  # closes it again
    press(browser, ".question summary")
    store_trials(results, 4, 5)
    wait_until(lambda: browser.execute_script(trials) == "6 of 8")
    assert shown(browser, ".question details[open]") == 1
    assert shown(browser, '#evidence [data-cell="1"]') == 0
    assert browser.execute_script("return scrollY") == 600
    store_trials(results, 6, 7)
    wait_until(lambda: browser.execute_script(trials) == "8")
    assert [one for one in browser.get_log("browser") if one["level"] == "SEVERE"] == []


def test_a_page_states_that_its_server_is_gone(results: Path, browser: Browser) -> None:
    with ReportServer(0) as running:
        running.report = LiveReport(results, every=0.0, say=print)
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        visit(browser, f"http://127.0.0.1:{running.server_port}/")
        assert shown(browser, ".notice") == 1
        running.shutdown()
        thread.join()
    wait_until(lambda: shown(browser, ".notice") == 2)
    assert "does not answer" in browser.execute_script(
        "return [...document.querySelectorAll('.notice')].at(-1).textContent"
    )


def test_what_cannot_be_built_leaves_the_page_as_it_was(server: ReportServer, results: Path) -> None:
    said: list[str] = []
    server.report.say = said.append
    before = ask(server, "/")[1]
    (results / EXPERIMENT_NAME).write_text("not = [toml", encoding="utf-8")
    ask(server, "/state")
    wait_until(lambda: bool(said))
    server.report.wait()
    assert "experiment.toml" in said[0]
    assert ask(server, "/")[1] == before
    (results / EXPERIMENT_NAME).write_text(EXPERIMENT.replace("Tiny", "Mended"), encoding="utf-8")
    wait_until(lambda: b"Mended" in ask(server, "/")[1])


def test_nothing_is_built_while_nobody_looks_or_nothing_is_new(
    server: ReportServer, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    monkeypatch.setattr(serve, "live_report", lambda directory, state: built.append(state) or {})
    ask(server, "/state")
    ask(server, "/state")
    assert built == []
    store_trials(results, 4)
    time.sleep(0.3)
    assert built == []
    ask(server, "/state")
    wait_until(lambda: len(built) == 1)


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no results here"):
        serve.serve(tmp_path, port=0, every=1.0, say=print, ready=print)


def test_a_port_that_is_taken_is_named_at_once(results: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "harness", "serve", str(results), "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_it_cleanly_even_with_an_answer_under_way(results: Path, stop: signal.Signals) -> None:
    command = [sys.executable, "-m", "harness", "serve", str(results), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
            assert match is not None, line
            with closing(http.client.HTTPConnection("127.0.0.1", int(match[1]), timeout=60)) as connection:
                connection.request("GET", "/")
                assert connection.getresponse().status == 200  # the page itself is not read
                process.send_signal(stop)
                output, errors = process.communicate(timeout=60)
            assert (process.returncode, output, errors) == (0, "Stopped.\n", "")
        finally:
            process.kill()
