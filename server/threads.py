"""Blocking work beside the event loop: short looks at Redis never wait behind long file writes."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import ParamSpec, TypeVar

from anyio import CancelScope, CapacityLimiter
from anyio.to_thread import run_sync

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")
Entered = TypeVar("Entered")


class Threads:
    """A bounded number of threads for one kind of work; calls beyond it queue up."""

    def __init__(self, count: int) -> None:
        self._limiter = CapacityLimiter(count)

    async def run(
        self,
        function: Callable[Parameters, Answer],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Answer:
        """Call it in a thread."""
        return await run_sync(lambda: function(*args, **kwargs), limiter=self._limiter)

    @asynccontextmanager
    async def entered(self, manager: AbstractContextManager[Entered]) -> AsyncIterator[Entered]:
        """Enter and leave a blocking context manager in threads, leaving it even if canceled."""
        value = await self.run(manager.__enter__)
        try:
            yield value
        except BaseException as error:
            with CancelScope(shield=True):
                await self.run(manager.__exit__, type(error), error, error.__traceback__)
            raise
        else:
            await self.run(manager.__exit__, None, None, None)
