"""The command `harness`. It imports what a command needs only when that command runs."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable

import typer

from harness.cli import backends, lists, results, running, trials
from harness.errors import UserError

app = typer.Typer(
    help="Compare simple RNN, GRU and LSTM: train them, measure them, and judge claims about them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
_COMMANDS: dict[str, Callable[..., None]] = {
    "run": running.run,
    "check": running.check,
    "list": lists.list_,
    "schema": lists.schema,
    "status": results.status,
    "report": results.report,
    "merge": results.merge,
    "serve": results.serve,
    "judge": results.judge,
    "show": trials.show,
    "trial": trials.trial_,
    "diff": results.diff,
    "export": results.export,
    "summary": lists.summary,
    "backends": backends.backends,
}
"""In the order in which the help names them."""
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)


def main() -> None:
    """Entry point: a user's mistake is one message on stderr and exit status 2; Ctrl-C is exit status 130.

    A file that the operating system refuses is reported in the same way.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names of files are bytes, which need not be text
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except UserError as error:
        print(f"harness: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        print(f"harness: {where}{error.strerror or error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
