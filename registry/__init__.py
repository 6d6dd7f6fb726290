"""A named set of interchangeable parts: judges, suites, rating methods, providers, dialects.

Adding a part is one new module in the registry's package; a decorator registers it, and menus,
command options and contract tests iterate the registry. Parts are found by importing every
module of the package once, on first use, so a part needs no central list.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from pkgutil import iter_modules
from threading import RLock
from typing import Generic, TypeVar

Part = TypeVar("Part")


class UnknownPartError(LookupError):
    """A name that no part is registered under."""


class DuplicatePartError(ValueError):
    """Two parts claim the same name."""


class Registry(Generic[Part]):
    """Parts by name, discovered in the modules of one package.

    ``kind`` is the word shown in errors ("judge"); ``package`` is the dotted name of the package
    whose modules register parts when imported.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._parts: dict[str, Part] = {}
        self._is_loaded = False
        self._lock = RLock()

    def register(self, name: str) -> Callable[[Part], Part]:
        """Decorate a class, function or instance so that it can be chosen as ``name``."""

        def remember(part: Part) -> Part:
            if name in self._parts and self._parts[name] is not part:
                raise DuplicatePartError(f"{self.kind} {name!r} is registered twice")
            self._parts[name] = part
            return part

        return remember

    def get(self, name: str) -> Part:
        """The part called ``name``; raises UnknownPartError that lists the valid names."""
        self._load()
        try:
            return self._parts[name]
        except KeyError:
            known = ", ".join(sorted(self._parts))
            raise UnknownPartError(
                f"there is no {self.kind} named {name!r}; choose one of: {known}"
            ) from None

    def names(self) -> list[str]:
        """Registered names in alphabetical order."""
        self._load()
        return sorted(self._parts)

    def items(self) -> list[tuple[str, Part]]:
        """``(name, part)`` in alphabetical order of name."""
        self._load()
        return sorted(self._parts.items(), key=lambda item: item[0])

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._parts

    def __len__(self) -> int:
        self._load()
        return len(self._parts)

    def _load(self) -> None:
        if self._is_loaded:
            return
        with self._lock:
            if self._is_loaded:
                return
            package = import_module(self.package)
            for module in iter_modules(package.__path__):
                import_module(f"{self.package}.{module.name}")
            self._is_loaded = True
