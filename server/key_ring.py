"""The API keys as a server process knows them, looked up anew every second."""

import math
import time
from collections.abc import Callable, Mapping

from core.store.api_keys import ApiKey, ApiKeys, matching
from server.threads import Threads

FRESH_S = 1.0
"""A key that was revoked is good for so long at most, and so long a first key closes nothing."""


class KeyRing:
    """Spares polling clients a question to Redis each. For one event loop.

    Args:
        keys: where they are kept.
        clock: monotonic seconds.
    """

    def __init__(self, keys: ApiKeys, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._clock = clock
        self._known: Mapping[str, ApiKey] = {}
        self._asked_at = -math.inf

    async def is_empty(self, threads: Threads) -> bool:
        """Whether there never was a key.

        Raises:
            StoreUnavailable: it cannot be known.
        """
        if self._clock() - self._asked_at > FRESH_S:
            await self._ask(threads)
        return not self._known

    async def find(self, text: str, threads: Threads) -> ApiKey | None:
        """The valid key that a client's text is; one that is unknown may just have been made.

        Raises:
            StoreUnavailable: it cannot be known.
        """
        if self._clock() - self._asked_at <= FRESH_S:
            found = matching(self._known, text)
            if found is not None:
                return found
        await self._ask(threads)
        return matching(self._known, text)

    async def _ask(self, threads: Threads) -> None:
        asked_at = self._clock()
        self._known, self._asked_at = await threads.run(self._keys.all), asked_at
