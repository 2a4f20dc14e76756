"""The way to the workers over Dask. What happens there becomes calls of the engine in the coordinator's thread."""

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
"""Between two looks at which workers there are."""
_ANSWER_SECONDS = 10.0
"""How long the scheduler may take for an answer."""
_SILENT_SECONDS = 600.0
"""How long a scheduler that is connected may answer nothing before it counts as gone."""
_DESCRIBE_SECONDS = 60.0
"""How long a worker may take to describe itself: it imports the harness for that."""

Event = Callable[[Any], None]
"""What has happened, as a call of `joined`, `refuse`, `left`, `returned`, `failed` or `ends` of the engine."""


class DaskLink:
    """To the scheduler at an address, by what Dask's configuration says of TLS. Raises UserError where there is none.

    None of its methods waits, but for `next_event` and `close`.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._futures: dict[str, Future] = {}
        self._known: dict[str, str] = {}
        """Address of each worker, by id."""
        try:
            self._client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
            self.workers_at_start = len(self._start(self._workers()).result())
        except (OSError, ValueError, TypeError, RuntimeError, TimeoutError) as error:  # TypeError: no certificates
            raise UserError(f"the scheduler {address} cannot be reached: {error}") from error
        self._watching = self._start(self._watch())

    def send(self, key: str, address: str, order: str) -> None:
        """Have an order done by that worker; it is `returned` or `failed`, unless it is dropped."""
        self._start(self._order(key, address, order))

    def drop(self, key: str) -> None:
        """Want an order's records no longer."""
        self._start(self._drop(key))

    def stop(self, keys: Collection[str], addresses: Collection[str]) -> None:
        """Have these orders stopped; their records come as 'interrupted'."""
        self._start(self._stop(list(keys), list(addresses)))

    def next_event(self, seconds: float) -> Event | None:
        """The next event; None where none comes in so many seconds."""
        with suppress(queue.Empty):
            return self._events.get(timeout=seconds) if seconds > 0 else self._events.get_nowait()
        return None

    def close(self) -> None:
        """Give up all orders, and the connection."""
        self._watching.cancel()
        with suppress(OSError, TimeoutError):
            self._client.close(timeout=_ANSWER_SECONDS)

    def _start(self, coroutine: Coroutine[Any, Any, Any]) -> concurrent.futures.Future[Any]:
        """Have it run by the client's thread."""
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
        """Address of each worker that the scheduler knows, by id. Its name alone may be that of the one before."""
        identity = await asyncio.wait_for(self._client.scheduler.identity(n_workers=-1), _ANSWER_SECONDS)
        return {f"{worker['id']} at {address}": address for address, worker in identity["workers"].items()}

    async def _watch(self) -> None:
        """Tell of workers that come and go, as long as there is a scheduler."""
        loop = asyncio.get_running_loop()
        heard = loop.time()
        greetings = set()
        while True:
            try:
                workers = await self._workers()
                heard = loop.time()
            except (OSError, TimeoutError, AttributeError):  # the client has no scheduler while it connects anew
                workers = self._known if self._client.status == "running" else {}  # a busy scheduler has lost nobody
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
        except Exception as error:  # whatever comes of a worker that has no harness, or another one
            why = f"it does not describe itself ({type(error).__name__}: {error})"
            self._events.put(methodcaller("refuse", address, why))
            return
        if id in self._known:
            self._events.put(methodcaller("joined", worker))
