"""Serve the report over HTTP on this machine. It is built in memory, and rebuilt when new records are stored."""

from __future__ import annotations

import errno
import re
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from harness.errors import UserError
from harness.results import live_report
from harness.stopping import stop_on_signals
from harness.store.folder import EXPERIMENT_NAME
from harness.store.sqlite import FILE_NAME

HOST = "127.0.0.1"
STATE = "/state"
"""The address at which an open page asks for the state of the results that the current report shows."""
_LOOPBACK = {HOST, "localhost", "[::1]"}
_HOST = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]*)?")
_TYPES = {".html": "text/html; charset=utf-8", ".png": "image/png", ".svg": "image/svg+xml"}
SHARE = 10
"""Builds take at most one part in SHARE of the time, because running trials need the processor."""


@dataclass(frozen=True)
class Built:
    """A report, and the state of the results folder that it shows."""

    state: str
    files: Mapping[str, bytes]


class LiveReport:
    """The current report of a results folder. A request rebuilds it in the background if new records are stored."""

    def __init__(self, directory: Path, every: float, say: Callable[[str], None]) -> None:
        self.directory, self.say, self._every = directory, say, every
        self._building = threading.Lock()
        self._not_before = 0.0
        self._tried = ""
        self._built = self._build()

    def newest(self) -> Built:
        """The last report. Starts a rebuild if there are newer records and the last build is long enough ago."""
        due = time.monotonic() >= self._not_before
        if due and state_of(self.directory) not in (self._built.state, self._tried) and self._building.acquire(False):
            threading.Thread(target=self._renew, daemon=True).start()
        return self._built

    def wait(self) -> None:
        """Wait until no build is running."""
        with self._building:
            return

    def _renew(self) -> None:
        try:
            self._built = self._build()
        except (UserError, OSError) as error:
            self.say(f"The page still shows the previous report: {error}")
        finally:
            self._building.release()

    def _build(self) -> Built:
        started = time.monotonic()
        self._tried = state = state_of(self.directory)
        try:
            return Built(state, live_report(self.directory, state))
        finally:
            now = time.monotonic()
            self._not_before = now + max(self._every, SHARE * (now - started))


def state_of(directory: Path) -> str:
    """Changes whenever a record, a plan or an experiment is stored."""
    parts = []
    for name in (FILE_NAME, EXPERIMENT_NAME):
        try:
            stat = (directory / name).stat()
        except OSError:
            continue
        parts.append(f"{stat.st_mtime_ns:x}-{stat.st_size:x}")
    return ".".join(parts)


def serve(
    directory: Path, *, port: int, every: float, say: Callable[[str], None], ready: Callable[[str], None]
) -> None:
    """Serve the folder's report on this machine until Ctrl-C or SIGTERM; `ready` is given its address.

    `port` 0 chooses a free port. `every` is the minimum number of seconds between two builds of the report. Raises
    UserError if there are no results or the port cannot be used.
    """
    with ReportServer(port) as server:
        server.report = LiveReport(directory, every, say)
        ready(f"http://{HOST}:{server.server_port}/")
        with suppress(KeyboardInterrupt), stop_on_signals() as stopped:
            while not stopped():
                server.handle_request()
    say("Stopped.")


def is_loopback(host: str) -> bool:
    """Whether a request's `Host` is a loopback name or address, with any port.

    Through a tunnel such as `ssh -L 9000:localhost:8000`, the port in `Host` differs from the port of the server.
    """
    parts = _HOST.fullmatch(host.lower())
    return parts is not None and parts[1] in _LOOPBACK


class ReportServer(ThreadingHTTPServer):
    """Listens on this machine only, and serves its report. Raises UserError if the port cannot be used."""

    report: LiveReport
    timeout = 0.2  # seconds between two checks for Ctrl-C and SIGTERM
    allow_reuse_port = False  # otherwise two servers could share a port

    def __init__(self, port: int) -> None:
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            whys = {errno.EADDRINUSE: "another program uses it", errno.EACCES: "you may not use it"}
            why = whys.get(error.errno or 0, f"cannot be used ({error.strerror})")
            raise UserError(f"port {port}: {why}. Choose another with --port, or 0 for any that is free") from error

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a browser that closes the connection early."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD with the files of the report from memory; it cannot reach any other file."""

    server: ReportServer
    server_version = "harness"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        if not is_loopback(self.headers.get("Host", "")):
            # Protects from DNS rebinding, with which a web page could read the report.
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return
        path = self.path.partition("?")[0]
        built = self.server.report.newest()
        if path == STATE:
            self._send(built.state.encode(), "text/plain; charset=utf-8", body=body)
            return
        name = "report.html" if path == "/" else path.removeprefix("/")
        if name not in built.files:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self._send(built.files[name], _TYPES[Path(name).suffix], body=body)

    def _send(self, content: bytes, type: str, *, body: bool) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Do not log requests."""
