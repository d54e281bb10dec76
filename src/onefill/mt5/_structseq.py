"""What MetaTrader5's rows are: CPython's struct sequences, built here on plain tuples.

They behave as those do: indexed, iterated and compared as tuples, read by field, immutable, made of
a sequence of the right length. They cannot be pickled: their type is in no module. One method is
MetaTrader5's own: `_asdict`.
"""

from __future__ import annotations

from collections import namedtuple
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:

    class StructSequence(tuple[Any, ...]):
        """A row; at run time nothing stands between its type and `tuple`."""

        __slots__ = ()

        n_fields: ClassVar[int]
        n_sequence_fields: ClassVar[int]
        n_unnamed_fields: ClassVar[int]
        __match_args__: ClassVar[tuple[str, ...]]

        def _asdict(self) -> dict[str, Any]: ...

else:
    StructSequence = tuple

T = TypeVar("T", bound=StructSequence)


def struct(cls: type[T]) -> type[T]:
    """Make a class whose annotations name its fields, in order, into a struct sequence."""
    names = tuple(cls.__annotations__)
    # Held while they are read: the collector may take the class, and its readers with it.
    held = (namedtuple(cls.__name__, names),)
    readers = vars(held[0])
    behaviour: dict[str, Any] = {
        **{name: readers[name] for name in names},
        **_behaviour(cls, names),
        "n_fields": len(names),
        "n_sequence_fields": len(names),
        "n_unnamed_fields": 0,
        "__match_args__": names,
        "__module__": "builtins",
        "__qualname__": cls.__name__,
    }
    for name, value in behaviour.items():
        setattr(cls, name, value)
    return cls


def _behaviour(cls: type[Any], names: tuple[str, ...]) -> dict[str, Any]:
    count, called = len(names), cls.__name__

    def new(_: type[Any], sequence: Any, dict: Any = None) -> Any:
        try:
            values = tuple(sequence)
        except TypeError:
            raise TypeError("constructor requires a sequence") from None
        if dict is not None and not isinstance(dict, _DICT):
            raise TypeError(f"{called}() takes a dict as second arg, if any")
        if len(values) != count:
            raise TypeError(f"{called}() takes a {count}-sequence ({len(values)}-sequence given)")
        return tuple.__new__(cls, values)

    def told(self: tuple[Any, ...]) -> str:
        fields = [f"{name}={value!r}" for name, value in zip(names, self, strict=True)]
        return f"{called}({', '.join(fields)})"

    def as_dict(self: tuple[Any, ...]) -> dict[str, Any]:
        return dict(zip(names, self, strict=True))

    def reduced(self: tuple[Any, ...]) -> tuple[Any, ...]:
        return cls, (tuple(self), {})

    def no_subclass(**_: Any) -> None:
        raise TypeError(f"type {called!r} is not an acceptable base type")

    return {
        "__new__": staticmethod(new),
        "__repr__": told,
        "__reduce__": reduced,
        "__init_subclass__": staticmethod(no_subclass),
        "_asdict": as_dict,
    }


_DICT = dict
