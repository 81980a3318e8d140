"""Writes values as constants of C.

Owns the layout of MicroPython's objects; firmware/cmodule/bind/frozen.h brings what they need.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

from .tool import HASH_BYTES, is_name
from .values import Class, Constant, Dict, Errno, Function, Instance, Outside, Sequence, Wrapped

SMALL_INT = range(-(1 << 30), 1 << 30)
MODULES = {"_zerotier": "zerotier_module"}  # others are called mp_module_<name>
# Which functions of a class need which slot; make_new and attr every class needs.
SLOTS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "make_new": ("zt_frozen_make_new", None),
    "print": ("zt_frozen_print", ("__repr__", "__str__")),
    "call": ("mp_obj_instance_call", ("__call__",)),
    "unary_op": ("zt_frozen_unary_op", ("__hash__", "__len__", "__bool__", "__eq__")),
    "binary_op": ("zt_frozen_binary_op", ("__eq__", "__lt__", "__contains__")),
    "attr": ("zt_frozen_attr", None),
    "subscr": ("zt_frozen_subscr", ("__getitem__", "__setitem__", "__delitem__")),
    "iter": ("mp_obj_instance_getiter", ("__iter__", "__next__")),
}
OPERATORS: tuple[str, ...] = (
    "__init__",
    "__new__",
    "__repr__",
    "__str__",
    "__call__",
    "__hash__",
    "__len__",
    "__bool__",
)
OPERATORS += ("__eq__", "__lt__", "__contains__", "__getitem__", "__setitem__", "__delitem__")
OPERATORS += (
    "__iter__",
    "__next__",
    "__getattr__",
    "__aenter__",
    "__aexit__",
    "__enter__",
    "__exit__",
)


class Writer:
    """Writes values as constants of C. Each gets its place behind what it refers to."""

    def __init__(self, tool: Any, module: Any, writable: set[str]) -> None:
        self._tool = tool
        self._module = module
        self._writable = (
            writable  # classes that a program may derive from, which MicroPython notes in them
        )
        self._written: dict[Any, str] = {}
        self._count = 0
        self._code = bytearray()  # of all functions, in one piece: each alone would be aligned
        self._made: dict[int, str] = {}
        self._kept: list[Any] = []  # what `_made` knows by its id
        self.lines: list[str] = []

    def _print(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call something of mpy-tool, which prints."""
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            result = function(*arguments)
        self.lines.append(output.getvalue())
        return result

    def tables(self) -> None:
        """What the bytecode refers to by numbers."""
        names = "".join(f"    {q.qstr_id},\n" for q in self._module.qstr_table)
        self.lines.append(f"static const qstr_short_t qstr_table[] = {{\n{names}}};")
        objects = "".join(f"    {self.constant(value)},\n" for value in self._module.obj_table)
        self.lines.append(
            f"static const mp_rom_obj_t object_table[] = {{\n{objects}    MP_ROM_NONE,\n}};"
        )
        self.lines.append("static const mp_module_context_t context;")
        self._declared_at = len(self.lines)

    def constant(self, value: Any) -> str:
        """A constant, written once."""
        key = repr(value)
        if key not in self._written:
            self._count += 1
            self._written[key] = self._constant(value, f"constant_{self._count}")
        return self._written[key]

    def _constant(self, value: Any, name: str) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and value in SMALL_INT:
            return f"MP_ROM_INT({value})"
        if isinstance(value, str) and is_name(self._tool, value):
            return self._key(value)
        if isinstance(value, tuple) and value:
            items = ", ".join([self.constant(item) for item in value])
            self.lines.append(
                f"static const mp_rom_obj_tuple_t {name} = {{ {{ &mp_type_tuple }}, {len(value)}, {{ {items} }} }};"
            )
            return f"MP_ROM_PTR(&{name})"
        if isinstance(value, (str, bytes)) and value:
            content = value.encode() if isinstance(value, str) else value
            kind = "mp_type_str" if isinstance(value, str) else "mp_type_bytes"
            text = "".join(f"\\x{byte:02x}" for byte in content)
            digest = self._tool.qstrutil.compute_hash(content, HASH_BYTES)
            self.lines.append(
                f"static const mp_obj_str_t {name} = {{ {{ &{kind} }}, {digest}, {len(content)},"
                f' (const byte *)"{text}" }};'
            )
            return f"MP_ROM_PTR(&{name})"
        return str(self._print(self._module.freeze_constant_obj, name, value))

    def value(self, value: Any, name: str) -> str:
        """Write a value once; what C calls it."""
        if isinstance(value, Constant):
            return self.constant(value.value)
        if isinstance(value, Errno):
            return f"MP_ROM_INT(MP_{value.name})"
        if isinstance(value, Outside):
            return f"MP_ROM_PTR(&{self._outside(value)})"
        if id(value) not in self._made:
            self._kept.append(value)
            write = getattr(self, f"_write_{type(value).__name__.lower()}")
            self._made[id(value)] = write(value, f"{name}_{len(self._kept)}")
        return f"MP_ROM_PTR(&{self._made[id(value)]})"

    def _outside(self, value: Outside) -> str:
        if value.is_module:
            symbol = MODULES.get(value.name, f"mp_module_{value.name}")
            self.lines.append(f"extern const mp_obj_module_t {symbol};")
            return symbol
        return f"mp_type_{value.name}"

    def qstr(self, text: str) -> str:
        symbol: str = self._tool.QStrType(text).qstr_id
        return symbol

    def _write_function(self, function: Function, name: str) -> str:
        code = function.code
        start = len(self._code)
        self._code += code.fun_data
        self._print(code.freeze_children)
        children = f"(void *)children_{code.escaped_name}" if code.children else "NULL"
        extra = [self.value(value, f"{name}_default") for value in function.defaults]
        if function.keywords:
            table = Dict()
            table.items = [(Constant(key), value) for key, value in function.keywords.items()]
            extra.append(self.value(table, f"{name}_keywords"))
        is_generator = code.scope_flags & self._tool.MP_SCOPE_FLAG_GENERATOR
        kind = "mp_type_gen_wrap" if is_generator else "mp_type_fun_bc"
        values = "".join(f"(mp_obj_t){value}, " for value in extra)
        self.lines.append(
            f"static const mp_obj_fun_bc_t function_{name} = {{ {{ &{kind} }}, &context, {children}, code + {start},"
            f" {{ {values}}} }};"
        )
        return f"function_{name}"

    def _write_wrapped(self, wrapped: Wrapped, name: str) -> str:
        function = self.value(wrapped.function, name)
        if wrapped.kind == "property":
            self.lines.append(
                f"static const zt_frozen_property_t wrapped_{name} = {{ {{ &mp_type_property }},"
                f" {{ {function}, MP_ROM_NONE, MP_ROM_NONE }} }};"
            )
        else:
            self.lines.append(
                f"static const mp_rom_obj_static_class_method_t wrapped_{name} = {{ {{ &mp_type_{wrapped.kind} }},"
                f" {function} }};"
            )
        return f"wrapped_{name}"

    def _write_class(self, made: Class, name: str) -> str:
        members = {key: self.value(value, f"{name}_{key}") for key, value in made.members.items()}
        self._dict(f"members_{name}", [(self._key(k), v) for k, v in members.items()])
        said = made.all_members()
        unknown = [
            n for n in said if n.startswith("__") and n.endswith("__") and n not in OPERATORS
        ]
        if unknown or len(made.bases) > 1:
            raise SystemExit(
                f"freeze: class {made.name}: {unknown or 'more than one base'} is not supported"
            )
        has_base_outside = any(isinstance(base, Outside) for base in made.bases)
        slots = {
            slot: function
            for slot, (function, needed_by) in SLOTS.items()
            if needed_by is None or has_base_outside or said.intersection(needed_by)
        }
        slots["locals_dict"] = f"&members_{name}"
        if made.bases:
            slots["parent"] = self.value(made.bases[0], name).removeprefix("MP_ROM_PTR(")[:-1]
        indices = "".join(f" .slot_index_{slot} = {n}," for n, slot in enumerate(slots, 1))
        pointers = ", ".join(f"(const void *){pointer}" for pointer in slots.values())
        flags = "ZT_CLASS_FLAGS"
        if any(
            isinstance(value, Wrapped) and value.kind == "property"
            for value in self._inherited(made)
        ):
            flags += " | MP_TYPE_FLAG_HAS_SPECIAL_ACCESSORS"
        storage = "static" if made.name in self._writable else "static const"
        self.lines.append(
            f"{storage} mp_obj_type_t class_{name} = {{ .base = {{ &mp_type_type }}, .flags = {flags},"
            f" .name = {self.qstr(made.name)},{indices} .slots = {{ {pointers} }} }};"
        )
        return f"class_{name}"

    def _inherited(self, made: Class) -> list[Any]:
        values = list(made.members.values())
        for base in made.bases:
            values += self._inherited(base) if isinstance(base, Class) else []
        return values

    def _write_instance(self, instance: Instance, name: str) -> str:
        members = [(self._key(k), self.value(v, name)) for k, v in instance.members.items()]
        of = self.value(instance.of, instance.of.name).removeprefix("MP_ROM_PTR(")[:-1]
        body = self._map(True, len(members), self._table(name, members))
        self.lines.append(
            f"static const mp_obj_instance_t instance_{name} = {{ {{ {of} }}, {body} }};"
        )
        return f"instance_{name}"

    def _write_sequence(self, sequence: Sequence, name: str) -> str:
        items = ", ".join([self.value(item, name) for item in sequence.items])
        self.lines.append(
            f"static const mp_rom_obj_tuple_t tuple_{name} = {{ {{ &mp_type_tuple }}, {len(sequence.items)},"
            f" {{ {items} }} }};"
        )
        return f"tuple_{name}"

    def _table(self, name: str, items: list[tuple[str, str]]) -> str:
        pairs = "".join(f"    {{ {key}, {value} }},\n" for key, value in items)
        self.lines.append(f"static const mp_rom_map_elem_t table_{name}[] = {{\n{pairs}}};")
        return f"table_{name}"

    def _dict(self, name: str, items: list[tuple[str, str]]) -> None:
        """A dict that is searched from its begin: for few items."""
        are_names = all(key.startswith("MP_ROM_QSTR") for key, _ in items)
        table = self._table(name, items) if items else "NULL"
        body = self._map(are_names, len(items), table)
        self.lines.append(
            f"static const mp_obj_dict_t {name} = {{ {{ &mp_type_dict }}, {body} }};"
        )

    def write_globals(self, name: str, items: list[tuple[str, str]]) -> None:
        """A dict with the hash table that MicroPython expects: for many items with names as keys."""
        size = len(items) * 4 // 3 | 1
        slots: list[tuple[str, str] | None] = [None] * size
        for text, value in items:
            at = self._tool.qstrutil.compute_hash(text.encode(), HASH_BYTES) % size
            while slots[at] is not None:
                at = (at + 1) % size
            slots[at] = (self._key(text), value)
        table = self._table(
            name, [slot or ("MP_ROM_PTR(NULL)", "MP_ROM_PTR(NULL)") for slot in slots]
        )
        self.lines.append(
            f"static const mp_obj_dict_t {name} = {{ {{ &mp_type_dict }}, {{ .all_keys_are_qstrs = 1, .is_fixed = 1,"
            f" .used = {len(items)}, .alloc = {size}, .table = (mp_map_elem_t *){table} }} }};"
        )

    def write_code(self) -> None:
        """The bytecode of all functions that were written."""
        code = ",".join(str(byte) for byte in self._code)
        self.lines.append(f"static const byte code[] = {{{code}}};")
        self.lines.insert(self._declared_at, f"static const byte code[{len(self._code)}];")

    def write_few(self, name: str, items: list[tuple[str, str]]) -> None:
        """A dict with few names as keys."""
        self._dict(name, [(self._key(text), value) for text, value in items])

    def _key(self, text: str) -> str:
        return f"MP_ROM_QSTR({self.qstr(text)})"

    def _write_dict(self, table: Dict, name: str) -> str:
        items = [(self._dict_key(k), self.value(v, name)) for k, v in table.items]
        self._dict(f"dict_{name}", items)
        return f"dict_{name}"

    def _dict_key(self, key: Any) -> str:
        if isinstance(key.value, str):
            return self._key(key.value)
        return self.constant(key.value)

    @staticmethod
    def _map(are_names: bool, used: int, table: str) -> str:
        return (
            f"{{ .all_keys_are_qstrs = {int(are_names)}, .is_fixed = 1, .is_ordered = 1,"
            f" .used = {used}, .alloc = {used}, .table = (mp_map_elem_t *){table} }}"
        )
