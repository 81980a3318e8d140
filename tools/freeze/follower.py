"""Follows the statements of a compiled module, which define and do nothing else, and tells what they make.

Owns the few operations of MicroPython's bytecode that definitions consist of. Any other one is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .values import (
    Class,
    Constant,
    Dict,
    Errno,
    Function,
    Instance,
    Outside,
    Sequence,
    Values,
    Wrapped,
    tuple_of,
)

# Left out of classes: nobody asks, and each costs 8 bytes.
NEVER_ASKED = ("__module__", "__qualname__")

BUILD_CLASS = object()
NULL = object()


class Follower:
    """Does at build time what the statements of a module do when it is imported."""

    def __init__(self, tool: Any, module: Any) -> None:
        self._tool = tool
        self._module = module
        self.names: Values = {}
        self.functions: list[Function] = []  # that live on, which bodies of classes do not

    def follow(self) -> Values:
        self.run(self._module.raw_code, self.names, {})
        return self.names

    def _refuse(self, code: Any, what: str) -> SystemExit:
        return SystemExit(f"freeze: {code.simple_name.str} does more than define: {what}")

    def steps(self, code: Any) -> Iterator[tuple[str, Any, int | None]]:
        """(operation, its argument, its extra byte) of a function's bytecode."""
        at = code.offset_opcodes
        while at < len(code.fun_data):
            form, size, argument, extra = self._tool.mp_opcode_decode(code.fun_data, at)
            if form == self._tool.MP_BC_FORMAT_QSTR:
                argument = code.qstr_table[argument].str
            yield self._tool.Opcode.mapping[code.fun_data[at]], argument, extra
            at += size

    def run(self, code: Any, names: Values, variables: dict[int, Any]) -> None:
        """Follow one body; what it defines goes into `names`, or into the object that it stores to."""
        stack: list[Any] = []

        def take(count: int) -> list[Any]:
            taken = stack[len(stack) - count :]
            del stack[len(stack) - count :]
            return taken

        for said, argument, _ in self.steps(code):
            operation, _, rest = said.partition(" ")
            if operation == "LOAD_CONST_SMALL_INT":
                stack.append(Constant(argument if argument is not None else int(rest)))
            elif operation == "LOAD_CONST_STRING":
                stack.append(Constant(argument))
            elif operation == "LOAD_CONST_OBJ":
                stack.append(Constant(self._module.obj_table[argument]))
            elif operation == "LOAD_CONST_NONE":
                stack.append(Constant(None))
            elif operation in ("LOAD_CONST_TRUE", "LOAD_CONST_FALSE"):
                stack.append(Constant(operation == "LOAD_CONST_TRUE"))
            elif operation == "LOAD_NULL":
                stack.append(NULL)
            elif operation == "LOAD_BUILD_CLASS":
                stack.append(BUILD_CLASS)
            elif operation in ("LOAD_NAME", "LOAD_GLOBAL"):
                stack.append(self._find(argument, names))
            elif operation == "LOAD_FAST":
                stack.append(variables[int(rest)])
            elif operation == "LOAD_FAST_N":
                stack.append(variables[argument])
            elif operation == "STORE_NAME":
                names[argument] = stack.pop()
            elif operation == "STORE_ATTR":
                value, target = take(2)
                target.members[argument] = value
            elif operation == "IMPORT_NAME":
                take(2)
                stack.append(Outside(argument, True))
            elif operation == "IMPORT_FROM":
                stack.append(self._from(code, stack[-1], argument))
            elif operation == "MAKE_FUNCTION":
                stack.append(self._function(code.children[argument], NULL, NULL))
            elif operation == "MAKE_FUNCTION_DEFARGS":
                defaults, keywords = take(2)
                stack.append(self._function(code.children[argument], defaults, keywords))
            elif operation == "BUILD_TUPLE":
                stack.append(tuple_of(take(argument)))
            elif operation == "BUILD_MAP":
                stack.append(Dict())
            elif operation == "STORE_MAP":
                value, key = take(2)
                stack[-1].items.append((key, value))
            elif operation == "BINARY_OP":
                left, right = take(2)
                stack.append(self._operate(code, rest, left, right))
            elif operation == "CALL_FUNCTION":
                keywords = take(2 * (argument >> 8))
                positional = take(argument & 0xFF)
                called = stack.pop()
                pairs = {k.value: v for k, v in zip(keywords[::2], keywords[1::2], strict=True)}
                stack.append(self._call(code, called, positional, pairs))
            elif operation == "POP_TOP":
                stack.pop()
            elif operation == "RETURN_VALUE":
                return
            else:
                raise self._refuse(code, said)

    def _find(self, name: str, names: Values) -> Any:
        if name in names:
            return names[name]
        return self.names.get(name) or Outside(name, False)

    def _from(self, code: Any, module: Outside, name: str) -> Any:
        if module.name == "errno":
            return Errno(name)
        raise self._refuse(code, f"from {module.name} import {name}")

    def _function(self, code: Any, defaults: Any, keywords: Any) -> Function:
        values: list[Any] = []
        if isinstance(defaults, Sequence):
            values = defaults.items
        elif defaults is not NULL:
            values = [Constant(value) for value in defaults.value]
        named = {} if keywords is NULL else {k.value: v for k, v in keywords.items}
        self.functions.append(Function(code, values, named))
        return self.functions[-1]

    def _operate(self, code: Any, rest: str, left: Any, right: Any) -> Constant:
        name = rest.split(" ")[1]
        if (
            isinstance(left, Constant)
            and isinstance(right, Constant)
            and name in ("__add__", "__mul__")
        ):
            return Constant(getattr(left.value, name)(right.value))
        raise self._refuse(code, name)

    def _call(self, code: Any, called: Any, arguments: list[Any], keywords: Values) -> Any:
        if called is BUILD_CLASS:
            body, name = arguments[0], arguments[1].value
            self.functions.remove(body)
            members: Values = {}
            self.run(body.code, members, {})
            for never in NEVER_ASKED:
                members.pop(never, None)
            return Class(name, arguments[2:], members)
        if isinstance(called, Class):
            return self._instance(called, arguments, keywords)
        if isinstance(called, Outside) and called.name in (
            "property",
            "classmethod",
            "staticmethod",
        ):
            return Wrapped(called.name, arguments[0])
        if isinstance(called, Outside) and called.name == "bytes":
            return Constant(bytes(arguments[0].value))
        raise self._refuse(code, f"a call of {getattr(called, 'name', called)}")

    def _instance(self, of: Class, arguments: list[Any], keywords: Values) -> Instance:
        made = Instance(of)
        function = of.member("__init__")
        code = function.code
        names = [code.qstr_table[index].str for index in code.names[1:]]
        variables: dict[int, Any] = dict(
            enumerate(function.defaults, len(names) - len(function.defaults))
        )
        variables[0] = made
        variables.update(enumerate(arguments, 1))
        variables.update({names.index(name): value for name, value in keywords.items()})
        self.run(code, {}, variables)
        return made
