"""One provider per endpoint, shared by everybody in a process who calls it."""

from types import TracebackType
from typing import Self

import orjson

from providers import PROVIDERS
from providers.base import EndpointConfig, Provider, ProviderContext
from providers.limits import InProcessLimitStore, LimitStore
from providers.timing import Timing


class ProviderPool:
    """Opens providers on first use and closes them together.

    ::

        async with ProviderPool(limit_store) as pool:
            completion = await pool.get(config).complete(messages)

    A pool belongs to one event loop. Without a ``limit_store`` limits hold within this process.
    """

    def __init__(
        self, limit_store: LimitStore | None = None, *, timing: Timing | None = None
    ) -> None:
        self.context = ProviderContext(limit_store or InProcessLimitStore(), timing or Timing())
        self._providers: dict[bytes, Provider] = {}

    def get(self, config: EndpointConfig) -> Provider:
        """The provider of ``config``; raises UnknownPartError for an unknown kind."""
        identity = orjson.dumps(config, default=repr, option=orjson.OPT_SORT_KEYS)
        if identity not in self._providers:
            self._providers[identity] = PROVIDERS.get(config.provider)(config, self.context)
        return self._providers[identity]

    async def aclose(self) -> None:
        """Close every provider; the pool can be used again afterwards."""
        opened, self._providers = self._providers, {}
        for provider in opened.values():
            await provider.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()
