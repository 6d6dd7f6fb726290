"""Calls between the tests and the program under test, which live in processes of their own.

Only plain data crosses over, each message a line of JSON; anything else stays where it is and is
spoken of by a number. So a program can answer its tests but not touch them: no object with an
``__eq__`` of its own, no look at the tests' frames, no way to the verdict. Part of the child.
"""

import builtins
import contextlib
import json
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from types import ModuleType
from typing import Any, NamedTuple

CONTAINERS: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
PLAIN: tuple[Any, ...] = (bool, int, float, str)
ON_OBJECTS: dict[str, Any] = {"len": len, "str": str, "list": list}


class Form(NamedTuple):
    """How a kind of value is written as JSON and read again."""

    name: str
    kind: Any
    write: Callable[[Any], object]
    read: Callable[[Any], object]


FORMS = (
    Form("bytes", (bytes, bytearray), lambda value: value.hex(), bytes.fromhex),
    Form("range", range, lambda value: [value.start, value.stop, value.step], lambda r: range(*r)),
    Form("decimal", Decimal, str, Decimal),
    Form("fraction", Fraction, str, Fraction),
    Form("complex", complex, str, complex),
)
READERS = {form.name: form.read for form in FORMS}


class GoneError(Exception):
    """The other process has ended."""


def error_named(name: str) -> type[Exception]:
    kind = getattr(builtins, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, Exception) else RuntimeError


class Remote:
    """Something of the program's that is no plain data; equal to nothing but itself."""

    _peer: "Peer"
    _number: int

    def __init__(self, peer: "Peer", number: int) -> None:
        self.__dict__.update(_peer=peer, _number=number)

    def __call__(self, *args: object, **named: object) -> object:
        return self._peer.call(self._number, args, named)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._peer.ask(get=self._number, name=name)

    def __setattr__(self, name: str, value: object) -> None:
        self._peer.ask(set=self._number, name=name, to=self._peer.encode(value))

    def __getitem__(self, key: object) -> object:
        return self._peer.ask(item=self._number, key=self._peer.encode(key))

    def __setitem__(self, key: object, value: object) -> None:
        code = self._peer.encode
        self._peer.ask(put=self._number, key=code(key), to=code(value))

    def __iter__(self) -> Any:
        return iter(self._peer.ask(apply="list", to=self._number))

    def __len__(self) -> Any:
        return self._peer.ask(apply="len", to=self._number)

    def __bool__(self) -> bool:
        return True

    def __str__(self) -> str:
        return str(self._peer.ask(apply="str", to=self._number))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remote) and other._number == self._number

    def __hash__(self) -> int:
        return self._number


class Peer:
    """One end of the pipe pair: asks the other end, and answers what is asked meanwhile.

    ``is_open`` lets the other end look into this end's objects. The tests' end is not: of what it
    hands over (a function to be called back, say) a program may call the object and no more, for
    an attribute of a function leads to everything there is.
    """

    def __init__(self, incoming: int, outgoing: int, *, is_open: bool) -> None:
        self.is_open = is_open
        self.incoming = os.fdopen(incoming, "rb")
        self.outgoing = outgoing
        self.objects: list[object] = []
        self.numbers: dict[int, int] = {}

    def send(self, **message: object) -> None:
        data = json.dumps(message).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self.outgoing, data) :]
        except BrokenPipeError:
            raise GoneError from None

    def receive(self) -> dict[str, Any]:
        line = self.incoming.readline()
        if not line.endswith(b"\n"):
            raise GoneError
        message: dict[str, Any] = json.loads(line)
        return message

    def ask(self, **message: object) -> Any:
        """The other end's value; raises here what was raised there."""
        self.send(**message)
        return self.wait()

    def wait(self) -> Any:
        while "value" not in (message := self.receive()):
            if "raised" in message:
                raise error_named(message["raised"])(message["told"])
            self.answer(message)
        return self.decode(message["value"])

    def call(self, number: int, args: tuple[object, ...], named: dict[str, object]) -> object:
        """Call the other end's object; what it changed in lists, dicts and sets is changed here."""
        found, after = self.ask(call=number, args=self.encode(args), named=self.encode(named))
        for mine, changed in zip(args, after or (), strict=False):
            if isinstance(mine, list):
                mine[:] = changed
            elif isinstance(mine, dict | set):
                mine.clear()
                mine.update(changed)
        return found

    def answer(self, message: dict[str, Any]) -> None:
        try:
            value = self.encode(self.carry_out(message))
        except GoneError:
            raise
        except BaseException as error:  # noqa: BLE001  # whatever the program raises is its answer
            self.send(raised=type(error).__name__, told=str(error)[:2000])
        else:
            self.send(value=value)

    def carry_out(self, message: dict[str, Any]) -> object:
        if "call" in message:
            args, named = self.decode(message["args"]), self.decode(message["named"])
            function: Any = self.objects[message["call"]]
            found = function(*args, **named)
            is_changed = self.encode(args) != message["args"]
            return found, (args if is_changed else None)
        if not self.is_open:
            raise PermissionError("what the tests hand over can only be called")
        if "get" in message:
            return getattr(self.objects[message["get"]], message["name"])
        if "set" in message:
            setattr(self.objects[message["set"]], message["name"], self.decode(message["to"]))
            return None
        if "item" in message:
            holder: Any = self.objects[message["item"]]
            return holder[self.decode(message["key"])]
        if "put" in message:
            changed: Any = self.objects[message["put"]]
            changed[self.decode(message["key"])] = self.decode(message["to"])
            return None
        return ON_OBJECTS[message["apply"]](self.objects[message["to"]])

    def encode(self, value: object) -> object:
        """As JSON: plain values as they are, everything else as an object of one name."""
        if value is None or isinstance(value, PLAIN):
            return next((kind(value) for kind in PLAIN if isinstance(value, kind)), None)
        if isinstance(value, dict):
            return {"dict": [[self.encode(k), self.encode(v)] for k, v in value.items()]}
        for name, kind in CONTAINERS.items():
            if isinstance(value, kind):
                return {name: [self.encode(part) for part in value]}
        for form in FORMS:
            if isinstance(value, form.kind):
                return {form.name: form.write(value)}
        return self._number_of(value)

    def _number_of(self, value: object) -> dict[str, object]:
        if isinstance(value, ModuleType) and value.__name__ in sys.stdlib_module_names:
            return {"module": value.__name__}
        if isinstance(value, Remote):
            return {"yours": value._number}
        number = self.numbers.setdefault(id(value), len(self.objects))
        if number == len(self.objects):
            self.objects.append(value)
        return {"mine": number}

    def decode(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        ((name, inner),) = value.items()
        if name == "dict":
            return {self.decode(k): self.decode(v) for k, v in inner}
        if name in CONTAINERS:
            return CONTAINERS[name](self.decode(part) for part in inner)
        return READERS[name](inner) if name in READERS else self._object_of(name, inner)

    def _object_of(self, name: str, inner: Any) -> object:
        if name == "module" and inner in sys.stdlib_module_names:
            return __import__(inner)
        return self.objects[inner] if name == "yours" else Remote(self, inner)


def serve(source: str, peer: Peer) -> None:
    """The program's process: run it, tell its names, then answer calls until nobody asks."""
    namespace: dict[str, object] = {"__name__": "__main__", "__builtins__": __builtins__}
    try:
        exec(compile(source, "<program>", "exec"), namespace)
    except BaseException as error:  # noqa: BLE001  # the border around the program: told as its end
        flush()
        peer.send(raised=type(error).__name__, told=str(error)[:2000])
        return
    names = {k: v for k, v in namespace.items() if not k.startswith("__")}
    flush()
    peer.send(value=peer.encode(names))
    with contextlib.suppress(GoneError):
        while True:
            peer.answer(peer.receive())
            flush()


def flush() -> None:
    with contextlib.suppress(Exception):  # a program may have closed or replaced it
        sys.stdout.flush()
