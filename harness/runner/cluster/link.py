"""The connection to the workers over Dask. Their events become calls of the engine in the coordinator's thread."""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from operator import methodcaller
from typing import Any

from distributed import Client, Future

from harness.errors import UserError
from harness.runner.cluster.host import Records, Worker, describe, run_order, stop_orders

CONNECT_SECONDS = 10.0
_LOOK_SECONDS = 0.5
"""Interval between queries of the list of workers."""
_ANSWER_SECONDS = 10.0
"""Maximum time for an answer of the scheduler."""
_SILENT_SECONDS = 600.0
"""A connected scheduler that does not answer for this time counts as gone."""
_DESCRIBE_SECONDS = 60.0
"""Maximum time for a worker to describe itself, which includes the import of the harness."""

Event = Callable[[Any], None]
"""An event, as a call of `joined`, `refuse`, `left`, `returned`, `failed` or `ends` of the engine."""


class DaskLink:
    """A connection to a scheduler, with the TLS settings of Dask's configuration. Raises UserError if it fails.

    Only `next_event` and `close` wait; the other methods return at once.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._futures: dict[str, Future] = {}
        self._known: dict[str, str] = {}
        """The address of each worker, by id."""
        try:
            self._client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
            self.workers_at_start = len(self._start(self._workers()).result())
        except (OSError, ValueError, TypeError, RuntimeError, TimeoutError) as error:  # TypeError: no certificates
            raise UserError(f"cannot connect to the scheduler {address}: {error}") from error
        self._watching = self._start(self._watch())

    def send(self, key: str, address: str, order: str) -> None:
        """Send an order to a worker. The event `returned` or `failed` follows, unless the order is dropped."""
        self._start(self._order(key, address, order))

    def drop(self, key: str) -> None:
        """Cancel an order and discard its records."""
        self._start(self._drop(key))

    def stop(self, keys: Collection[str], addresses: Collection[str]) -> None:
        """Stop these orders on these workers; their records have status 'interrupted'."""
        self._start(self._stop(list(keys), list(addresses)))

    def next_event(self, seconds: float) -> Event | None:
        """The next event; None if there is none within this number of seconds."""
        with suppress(queue.Empty):
            return self._events.get(timeout=seconds) if seconds > 0 else self._events.get_nowait()
        return None

    def close(self) -> None:
        """Cancel all orders and close the connection."""
        self._watching.cancel()
        with suppress(OSError, TimeoutError):
            self._client.close(timeout=_ANSWER_SECONDS)

    def _start(self, coroutine: Coroutine[Any, Any, Any]) -> concurrent.futures.Future[Any]:
        """Run a coroutine in the client's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._client.loop.asyncio_loop)

    async def _order(self, key: str, address: str, order: str) -> None:
        try:
            self._futures[key] = self._client.submit(run_order, order, key=key, workers=[address], pure=False)
            (text,) = await self._client.gather([self._futures[key]])
            records = Records.validate_json(text)
            self._events.put(methodcaller("returned", key, records))
        except (asyncio.CancelledError, concurrent.futures.CancelledError):
            self._events.put(methodcaller("failed", key, "cancelled", lost=True))
        except Exception as error:
            lost = type(error).__module__.startswith("distributed")
            why = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
            self._events.put(methodcaller("failed", key, why, lost=lost))
        finally:
            self._futures.pop(key, None)

    async def _drop(self, key: str) -> None:
        if key in self._futures:
            await self._client.cancel([self._futures[key]], force=True)

    async def _stop(self, keys: list[str], addresses: list[str]) -> None:
        await self._client.run(stop_orders, keys, workers=addresses, on_error="ignore")

    async def _workers(self) -> dict[str, str]:
        """The address of each worker of the scheduler, by id. The id includes the address, because names may repeat."""
        identity = await asyncio.wait_for(self._client.scheduler.identity(n_workers=-1), _ANSWER_SECONDS)
        return {f"{worker['id']} at {address}": address for address, worker in identity["workers"].items()}

    async def _watch(self) -> None:
        """Emit an event for each worker that joins or leaves, until the scheduler is gone."""
        loop = asyncio.get_running_loop()
        heard = loop.time()
        greetings = set()
        while True:
            try:
                workers = await self._workers()
                heard = loop.time()
            except (OSError, TimeoutError, AttributeError):  # the client has no scheduler while it reconnects
                workers = self._known if self._client.status == "running" else {}  # a busy scheduler has lost no worker
            for id in self._known.keys() - workers.keys():
                self._events.put(methodcaller("left", id))
            for id in workers.keys() - self._known.keys():
                greetings.add(task := loop.create_task(self._greet(id, workers[id])))
                task.add_done_callback(greetings.discard)
            self._known = workers
            silent = loop.time() - heard > _SILENT_SECONDS
            if silent or self._client.status in ("closed", "closing"):
                why = f"the scheduler {self._address} {'does not answer' if silent else 'is gone'}"
                self._events.put(methodcaller("ends", why))
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _greet(self, id: str, address: str) -> None:
        call = self._client.run(describe, workers=[address], on_error="return")
        try:
            facts = (await asyncio.wait_for(call, _DESCRIBE_SECONDS))[address]
            if isinstance(facts, Exception):
                raise facts
            worker = Worker.model_validate({**facts, "id": id, "address": address})
        except Exception as error:  # a worker without the harness, or with another version, may raise anything
            why = f"its description failed ({type(error).__name__}: {error})"
            self._events.put(methodcaller("refuse", address, why))
            return
        if id in self._known:
            self._events.put(methodcaller("joined", worker))
