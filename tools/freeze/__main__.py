"""Makes C of the node's Python: a module whose functions, classes and constants are in flash, for boards.

Owns the translation of MicroPython's compiled form (.mpy) into constants in C. A frozen module of MicroPython is only
bytecode in flash: importing it makes an object on the heap for each function and class, and tables of all names, 32 KB
for the node. Here the statements of the module and of its classes, which do nothing but define, are followed at build
time, and what they would make becomes constants; importing costs nothing. Functions stay the bytecode that they are.
Never changes a source, ours or MicroPython's. Whatever a module does beyond defining is an error here.

    python3 -m freeze OUTPUT --micropython DIR --mpy-cross PROGRAM [--roles] [--sockets] [--mapping]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from . import bundle
from .follower import Follower
from .numbering import Numbering
from .tool import load_tool
from .writer import Writer

HEADER = """// The node's Python, made by tools/freeze. Not a source.
#include "firmware/cmodule/bind/frozen.h"
"""

FOOTER = """
static const mp_module_context_t context = {
    .module = { { &mp_type_module }, (mp_obj_dict_t *)&all_names },
    .constants = { .qstr_table = (qstr_short_t *)qstr_table, .obj_table = (mp_obj_t *)object_table },
};

const mp_obj_module_t zerotier_frozen_module = { { &mp_type_module }, (mp_obj_dict_t *)&public_names };

// What lies in the file system comes first: a program may bring another edition.
MP_REGISTER_EXTENSIBLE_MODULE(MP_QSTR_zerotier, zerotier_frozen_module);
MP_REGISTER_MODULE_DELEGATION(zerotier_frozen_module, zt_frozen_module_attr);
"""


def compiled(tool: Any, source: str, mpy_cross: str) -> Any:
    """The module as mpy-tool reads it, without line numbers, which would be those of the bundle."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "zerotier.py"
        file.write_text(source)
        subprocess.run([mpy_cross, "-O3", "-s", file.name, str(file)], check=True)
        tool.global_qstrs = tool.GlobalQStrList()
        return tool.read_mpy(str(file.with_suffix(".mpy")))


def write(tool: Any, module: Any, public: list[str]) -> str:
    """The C file."""
    follower = Follower(tool, module)
    names = follower.follow()
    numbering = Numbering(tool, module)
    numbering.renumber(follower.functions)
    writer = Writer(tool, module, set(public))
    writer.tables()
    said = numbering.globals.union(public)
    written = [(name, writer.value(names[name], name)) for name in names if name in said]
    special = [
        ("__name__", "MP_ROM_QSTR(MP_QSTR_zerotier)"),
        ("__init__", "MP_ROM_PTR(&zt_frozen_init_obj)"),
    ]
    writer.write_globals("all_names", special[:1] + written)
    writer.write_code()
    writer.write_few("public_names", special + [item for item in written if item[0] in public])
    return "\n".join([HEADER, *writer.lines, FOOTER])


def main() -> int:
    """Writes the C, if it differs from what is there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--mpy-cross", required=True, help="its compiler")
    bundle.add_options(parser)
    options = parser.parse_args()
    source = bundle.source(options)
    tool = load_tool(options.micropython)
    text = write(
        tool, compiled(tool, source, options.mpy_cross), bundle.public_names(options.roles)
    )
    if not options.output.exists() or options.output.read_text() != text:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
