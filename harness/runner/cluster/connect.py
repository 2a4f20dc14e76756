"""Connect to a Dask cluster: a running scheduler, or a cluster on this machine for a trial of the set-up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.cgroup import usable_cores
from harness.errors import UserError
from harness.files import read_text
from harness.runner.cluster.engine import ClusterEngine
from harness.runner.cluster.versions import own_versions
from harness.runner.limits import Limits
from harness.runner.local.child import without_main
from harness.runner.precision import Precision

ANSWER_SECONDS = 60.0
"""Maximum time for the workers to answer at the start of a run."""


@dataclass(frozen=True)
class Cluster:
    """A Dask cluster, by its scheduler's address or a scheduler file; without both: a cluster on this machine."""

    scheduler: str | None = None
    scheduler_file: Path | None = None
    any_versions: bool = False
    """Accept workers whose code or package versions differ; each record lists the differences."""


@contextmanager
def cluster_engine(
    cluster: Cluster, jobs: int | None, limits: Limits, precision: Precision, say: Callable[[str], None]
) -> Iterator[ClusterEngine]:
    """An engine for the cluster. `jobs`: number of slots of a cluster on this machine. Raises UserError."""
    address = _address(cluster, jobs)
    from harness.runner.cluster.link import DaskLink

    with ExitStack() as stack:
        if address is None:
            address = stack.enter_context(_on_this_machine(jobs or usable_cores()))
        link = stack.enter_context(closing(DaskLink(address)))
        engine = ClusterEngine(link, limits, own_versions(), precision, any_versions=cluster.any_versions, say=say)
        engine.start(ANSWER_SECONDS, link.workers_at_start)
        yield engine


def _address(cluster: Cluster, jobs: int | None) -> str | None:
    """The address of the scheduler; None for a cluster on this machine."""
    if find_spec("distributed") is None:
        raise UserError("--engine dask requires the package distributed. Install it: pip install 'distributed>=2026.8'")
    if cluster.scheduler is None and cluster.scheduler_file is None:
        return None
    if cluster.scheduler is not None and cluster.scheduler_file is not None:
        raise UserError("--scheduler and --scheduler-file exclude each other. Use one of them")
    if jobs is not None:
        raise UserError("--jobs is for one machine; on a cluster, `dask worker --nthreads N` sets the number of slots")
    if cluster.scheduler_file is not None:
        return _address_in(cluster.scheduler_file)
    if not cluster.scheduler:
        raise UserError("--scheduler '': expected an address, such as tls://HOST:8786")
    return cluster.scheduler


def _address_in(file: Path) -> str:
    """The address in a scheduler file."""
    expected = 'JSON with an "address", as `dask scheduler --scheduler-file FILE` writes it'
    text = read_text(file, expected)
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        address = json.loads(text)["address"]
        if isinstance(address, str) and address:
            return address
    raise UserError(f"{file}: not a scheduler file, expected {expected}")


@contextmanager
def _on_this_machine(slots: int) -> Iterator[str]:
    """Start a scheduler and one worker, without dashboards, on the loopback interface only; yields the address."""
    import dask
    from distributed import LocalCluster

    with (
        TemporaryDirectory(prefix="harness-dask-", ignore_cleanup_errors=True) as folder,
        dask.config.set({"temporary-directory": folder}),
    ):
        with without_main():
            here = LocalCluster(
                n_workers=1, threads_per_worker=slots, host="127.0.0.1", dashboard_address=None, memory_limit=0
            )
        with here:
            yield here.scheduler_address
