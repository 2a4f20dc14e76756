"""The way to the workers over Dask: a client in a thread of its own, which turns all that happens into events."""

from __future__ import annotations

import asyncio
import concurrent.futures
import queue
import threading
from collections.abc import Collection, Coroutine
from contextlib import suppress
from typing import Any

from distributed import Client, Security

from harness.errors import UserError
from harness.runner.cluster.events import Event, Failed, Gone, Joined, Left, Returned, Unfit, Worker
from harness.runner.cluster.host import describe, run_order, stop_orders
from harness.store.record import Machine

CONNECT_SECONDS = 10.0
_LOOK_SECONDS = 0.5
"""Between two looks at which workers there are."""
_ANSWER_SECONDS = 10.0
"""How long the scheduler may take for an answer."""
_SILENT_SECONDS = 600.0
"""How long a scheduler that is connected may answer nothing before it counts as gone."""
_DESCRIBE_SECONDS = 60.0
"""How long a worker may take to describe itself: it imports the harness for that."""


class DaskLink:
    """A `Link` to the scheduler at an address. Raises UserError where there is none.

    `security` None: what Dask's configuration says.
    """

    def __init__(self, address: str, security: Security | None = None) -> None:
        self._address = address
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._futures: dict[str, Any] = {}
        self._known: dict[str, str] = {}
        """Address of each worker, by id."""
        self._background: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="harness-dask", daemon=True)
        self._thread.start()
        try:
            self.workers_at_start = self._do(self._connect(security))
        except (OSError, ValueError, TypeError, RuntimeError, TimeoutError) as error:  # TypeError: no certificates
            self._end_loop()
            raise UserError(f"the scheduler {address} cannot be reached: {error}") from error

    def send(self, key: str, address: str, order: str) -> None:
        self._start(self._order(key, address, order))

    def drop(self, key: str) -> None:
        self._start(self._cancel(key))

    def stop(self, keys: Collection[str], addresses: Collection[str]) -> None:
        self._start(self._stop(list(keys), list(addresses)))

    def next_event(self, seconds: float) -> Event | None:
        try:
            return self._events.get(timeout=seconds) if seconds > 0 else self._events.get_nowait()
        except queue.Empty:
            return None

    def close(self) -> None:
        self._do(self._disconnect())
        self._end_loop()

    def _do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        self._loop.call_soon_threadsafe(self._keep, coroutine)

    def _keep(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _run_loop(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _connect(self, security: Security | None) -> int:
        self._client = Client(
            self._address, security=security, asynchronous=True, timeout=CONNECT_SECONDS, set_as_default=False
        )
        try:
            await self._client
            workers = await self._workers()
        except BaseException:
            await self._client.close()
            raise
        self._keep(self._watch())
        return len(workers)

    async def _disconnect(self) -> None:
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._client.close(), _ANSWER_SECONDS)

    async def _order(self, key: str, address: str, order: str) -> None:
        try:
            future = self._client.submit(run_order, order, key=key, workers=[address], pure=False)
            self._futures[key] = future
            (records,) = await self._client.gather([future])
            self._events.put(Returned(key, records))
        except (asyncio.CancelledError, concurrent.futures.CancelledError) as error:
            self._events.put(Failed(key, str(error), lost=True))
        except UserError as error:
            self._events.put(Failed(key, str(error), lost=False))
        except Exception as error:
            lost = type(error).__module__.startswith("distributed")
            self._events.put(Failed(key, f"{type(error).__name__}: {error}", lost=lost))
        finally:
            self._futures.pop(key, None)

    async def _cancel(self, key: str) -> None:
        if key in self._futures:
            await self._client.cancel([self._futures[key]], force=True)

    async def _stop(self, keys: list[str], addresses: list[str]) -> None:
        await self._client.run(stop_orders, keys, workers=addresses, on_error="ignore")

    async def _workers(self) -> dict[str, str]:
        """Address of each worker that the scheduler knows, by id."""
        identity = await asyncio.wait_for(self._client.scheduler.identity(n_workers=-1), _ANSWER_SECONDS)
        return {worker["id"]: address for address, worker in identity["workers"].items()}

    async def _watch(self) -> None:
        """Tell of workers that come and go, as long as there is a scheduler."""
        heard = self._loop.time()
        while True:
            try:
                workers = await self._workers()
                heard = self._loop.time()
            except (OSError, TimeoutError, AttributeError):  # the client has no scheduler while it connects anew
                workers = self._known if self._client.status == "running" else {}  # a busy scheduler has lost nobody
            for id in self._known.keys() - workers.keys():
                self._events.put(Left(id))
            for id in workers.keys() - self._known.keys():
                self._keep(self._greet(id, workers[id]))
            self._known = workers
            silent = self._loop.time() - heard > _SILENT_SECONDS
            if silent or self._client.status in ("closed", "closing"):
                self._events.put(Gone(f"the scheduler {self._address} {'does not answer' if silent else 'is gone'}"))
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _greet(self, id: str, address: str) -> None:
        call = self._client.run(describe, workers=[address], on_error="return")
        try:
            facts = (await asyncio.wait_for(call, _DESCRIBE_SECONDS))[address]
            if isinstance(facts, Exception):
                raise facts
            machine = Machine.model_validate(facts.pop("machine"))
            joined = Joined(Worker(id=id, address=address, machine=machine, **facts))
        except Exception as error:  # whatever comes of a worker that has no harness, or another one
            self._events.put(Unfit(address, f"it does not describe itself ({type(error).__name__}: {error})"))
            return
        if id in self._known:
            self._events.put(joined)
