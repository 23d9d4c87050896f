"""Blocking work beside the event loop: short looks at Redis never wait behind long file writes."""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from typing import ParamSpec, TypeVar

from anyio import CancelScope, CapacityLimiter, WouldBlock, fail_after
from anyio.to_thread import run_sync

from core.errors import ServerBusy

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")
Entered = TypeVar("Entered")


class Threads:
    """A bounded number of threads for one kind of work; calls beyond it queue up.

    Args:
        count: how many.
        patience_s: who has waited this long for a thread is sent away. Where what we ask hangs,
            a queue would only grow.
    """

    def __init__(self, count: int, *, patience_s: float = math.inf) -> None:
        self._turns = CapacityLimiter(count)
        self._unlimited = CapacityLimiter(math.inf)
        self._patience_s = patience_s

    async def run(
        self,
        function: Callable[Parameters, Answer],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Answer:
        """Call it in a thread.

        Raises:
            ServerBusy: none was free for too long; it was not called.
        """
        return await self._call(lambda: function(*args, **kwargs), self._patience_s)

    async def start(
        self,
        function: Callable[Parameters, Answer],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> asyncio.Task[Answer]:
        """Wait until there is a thread for it, and go on while it is called there.

        Returns:
            What will have the answer. Not to be canceled: the thread would go on without a turn.

        Raises:
            ServerBusy: as for ``run``.
        """
        turn = await self._turn(self._patience_s)
        return asyncio.create_task(self._in_turn(turn, lambda: function(*args, **kwargs)))

    @asynccontextmanager
    async def entered(self, manager: AbstractContextManager[Entered]) -> AsyncIterator[Entered]:
        """Enter and leave a blocking context manager in threads, leaving it even if canceled."""
        value = await self.run(manager.__enter__)
        try:
            yield value
        except BaseException as error:
            kind, failure, trace = type(error), error, error.__traceback__
            with CancelScope(shield=True):
                await self._call(lambda: manager.__exit__(kind, failure, trace), math.inf)
            raise
        else:
            await self._call(lambda: manager.__exit__(None, None, None), math.inf)

    async def _call(self, function: Callable[[], Answer], patience_s: float) -> Answer:
        return await self._in_turn(await self._turn(patience_s), function)

    async def _turn(self, patience_s: float) -> object:
        turn = object()
        with suppress(WouldBlock):  # the usual case, for a third of the price
            self._turns.acquire_on_behalf_of_nowait(turn)
            return turn
        try:
            with fail_after(patience_s):
                await self._turns.acquire_on_behalf_of(turn)
        except TimeoutError:
            raise ServerBusy(
                "Too many requests wait for the same thing. Try again in a few seconds."
            ) from None
        return turn

    async def _in_turn(self, turn: object, function: Callable[[], Answer]) -> Answer:
        try:
            return await run_sync(function, limiter=self._unlimited)
        finally:
            self._turns.release_on_behalf_of(turn)
