"""The tables of names and objects to which the bytecode of functions refers by numbers.

Owns which are in them, in which order. Never what a function does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from .tool import is_name
from .values import Values


class Numbering:
    """Gives the names and objects of all functions new numbers: the more often one is said, the smaller, since numbers
    below 128 take one byte. What only the statements of the module and of classes said is left out.
    """

    def __init__(self, tool: Any, module: Any) -> None:
        self._tool = tool
        self._module = module
        self._names: Counter[str] = Counter()
        self._objects: Counter[str] = Counter()
        self._values: Values = {}
        self.globals: set[str] = set()  # that functions say

    def renumber(self, functions: list[Any]) -> None:
        codes = [code for function in functions for code in self._with_children(function.code)]
        steps = [self._steps(code) for code in codes]
        for code, operations in zip(codes, steps, strict=True):
            self._names.update(code.qstr_table[index].str for index in code.names)
            for operation in operations:
                self._count(operation)
        names = [name for name, _ in self._names.most_common()]
        objects = [key for key, _ in self._objects.most_common()]
        table = [self._tool.QStrType(name) for name in names]
        number_of = {name: number for number, name in enumerate(names)}
        number_of_object = {key: number for number, key in enumerate(objects)}
        for code, operations in zip(codes, steps, strict=True):
            for operation in operations:
                if operation.fmt == self._tool.MP_BC_FORMAT_QSTR:
                    operation.arg = number_of[operation.arg]
                elif operation.opcode_byte == self._tool.Opcode.MP_BC_LOAD_CONST_OBJ:
                    operation.arg = number_of_object[repr(operation.arg)]
            self._rewrite(
                code, [number_of[code.qstr_table[i].str] for i in code.names], operations
            )
        for code in codes:
            code.qstr_table = table
        self._module.qstr_table = table
        self._module.obj_table = [self._values[key] for key in objects]

    def _with_children(self, code: Any) -> Iterator[Any]:
        yield code
        for child in code.children:
            yield from self._with_children(child)

    def _steps(self, code: Any) -> list[Any]:
        """The operations of a function; names, objects and targets of jumps in the place of numbers."""
        tool = self._tool
        found: list[Any] = []
        at_offset = {}
        at = code.offset_opcodes
        while at < len(code.fun_data):
            form, size, argument, extra = tool.mp_opcode_decode(code.fun_data, at)
            operation = tool.Opcode(
                at - code.offset_opcodes, form, code.fun_data[at], argument, extra
            )
            at_offset[at] = operation
            found.append(operation)
            at += size
            if form == tool.MP_BC_FORMAT_OFFSET:
                # Counted from behind the distance; one kind of jump has another byte there.
                operation.arg += at - (extra is not None)
            elif form == tool.MP_BC_FORMAT_QSTR:
                operation.arg = code.qstr_table[argument].str
                if operation.opcode_byte == tool.Opcode.MP_BC_LOAD_CONST_STRING and not is_name(
                    tool, operation.arg
                ):
                    operation.opcode_byte = tool.Opcode.MP_BC_LOAD_CONST_OBJ
                    operation.fmt = tool.MP_BC_FORMAT_VAR_UINT
            elif operation.opcode_byte == tool.Opcode.MP_BC_LOAD_CONST_OBJ:
                operation.arg = self._module.obj_table[argument]
        for operation in found:
            if operation.fmt == tool.MP_BC_FORMAT_OFFSET:
                operation.target = at_offset[operation.arg]
        return found

    def _count(self, operation: Any) -> None:
        if operation.fmt == self._tool.MP_BC_FORMAT_QSTR:
            self._names[operation.arg] += 1
            if operation.opcode_byte == self._tool.Opcode.MP_BC_LOAD_GLOBAL:
                self.globals.add(operation.arg)
        elif operation.opcode_byte == self._tool.Opcode.MP_BC_LOAD_CONST_OBJ:
            self._objects[repr(operation.arg)] += 1
            self._values[repr(operation.arg)] = operation.arg

    def _rewrite(self, code: Any, names: list[int], operations: list[Any]) -> None:
        """Encode a function again: numbers of another length move what jumps lead to."""
        tool = self._tool
        body = b""
        is_moving = True
        while is_moving:
            is_moving = False
            body = b""
            for operation in operations:
                is_moving |= operation.offset != len(body)
                operation.offset = len(body)
                body += tool.mp_opcode_encode(operation)[1]
        named = b"".join(bytes(tool.mp_encode_uint(number)) for number in names)
        cells = code.fun_data[code.offset_closure_info : code.offset_opcodes]
        head = code.fun_data[: code.offset_prelude_size] + bytes(
            tool.encode_prelude_size(len(named), len(cells))
        )
        code.fun_data = head + named + cells + body
        (
            code.offset_prelude_size,
            code.offset_source_info,
            code.offset_line_info,
            code.offset_closure_info,
            code.offset_opcodes,
            code.prelude_signature,
            code.prelude_size,
            code.names,
        ) = tool.extract_prelude(code.fun_data, 0)
