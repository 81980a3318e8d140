"""MicroPython's mpy-tool, which reads compiled modules, as a library.

Owns its settings: those of boards of 32 bits. Never changes it.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

HASH_BYTES = 2  # MICROPY_QSTR_BYTES_IN_HASH; firmware/cmodule/bind/frozen.h checks it

# What it counts for a report, and makes only for that.
COUNTERS: tuple[str, ...] = (
    "bc_content",
    "const_str_content",
    "const_int_content",
    "const_obj_content",
    "raw_code_count",
)
COUNTERS += ("const_table_qstr_content", "const_table_ptr_content", "raw_code_content")


def load_tool(micropython: Path) -> Any:
    """MicroPython's mpy-tool as a module."""
    sys.path[:0] = [str(micropython / "py"), str(micropython / "tools")]
    spec = importlib.util.spec_from_file_location(
        "mpy_tool", micropython / "tools" / "mpy-tool.py"
    )
    if spec is None or spec.loader is None:
        raise SystemExit(f"freeze: {micropython} is no checkout of MicroPython")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    for counter in COUNTERS:
        setattr(tool, counter, 0)
    tool.config.MICROPY_QSTR_BYTES_IN_HASH = HASH_BYTES
    tool.config.MICROPY_LONGINT_IMPL = tool.config.MICROPY_LONGINT_IMPL_MPZ
    tool.config.MPZ_DIG_SIZE = 16
    tool.config.native_arch = tool.MP_NATIVE_ARCH_NONE
    return tool


def is_name(tool: Any, text: str) -> bool:
    """Whether C can say it: letters, digits and `_`, or what MicroPython interns anyway."""
    return tool.qstrutil.qstr_escape(text) == text or text in tool.qstrutil.static_qstr_list
