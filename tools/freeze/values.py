"""What the statements of a module make: the values of its names.

Owns their shapes. Never how they come about (follower.py), nor how C writes them (writer.py).
"""

from __future__ import annotations

from typing import Any

Values = dict[str, Any]


class Constant:
    """A number, text, bytes, None or a bool, or a tuple of these."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Errno:
    """A number of `errno`, which depends on the port."""

    def __init__(self, name: str) -> None:
        self.name = name


class Outside:
    """A module of the firmware, or something built into Python."""

    def __init__(self, name: str, is_module: bool) -> None:
        self.name = name
        self.is_module = is_module


class Function:
    """`code` is mpy-tool's; `defaults` are the values of the last parameters."""

    def __init__(self, code: Any, defaults: list[Any], keywords: Values) -> None:
        self.code = code
        self.defaults = defaults
        self.keywords = keywords


class Wrapped:
    """A property, a classmethod or a staticmethod."""

    def __init__(self, kind: str, function: Any) -> None:
        self.kind = kind
        self.function = function


class Class:
    """`bases` are other classes, or Outside."""

    def __init__(self, name: str, bases: list[Any], members: Values) -> None:
        self.name = name
        self.bases = bases
        self.members = members

    def member(self, name: str) -> Any:
        """What the class, or a base of ours, has under this name. SystemExit if there is nothing."""
        if name in self.members:
            return self.members[name]
        for base in self.bases:
            if isinstance(base, Class):
                return base.member(name)
        raise SystemExit(
            f"freeze: class {self.name} has no {name}, so no object of it can be made"
        )

    def all_members(self) -> set[str]:
        names = set(self.members)
        for base in self.bases:
            if isinstance(base, Class):
                names |= base.all_members()
        return names


class Instance:
    """An object of a class whose __init__ only stores."""

    def __init__(self, of: Class) -> None:
        self.of = of
        self.members: Values = {}


class Sequence:
    """A tuple that holds more than constants."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items


class Dict:
    """A dict with any keys."""

    def __init__(self) -> None:
        self.items: list[tuple[Any, Any]] = []


def tuple_of(items: list[Any]) -> Constant | Sequence:
    """A tuple of values."""
    if all(isinstance(item, Constant) for item in items):
        return Constant(tuple(item.value for item in items))
    return Sequence(items)
