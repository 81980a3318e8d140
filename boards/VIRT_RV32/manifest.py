# What is frozen into the emulated board's firmware. The node itself is constants in C (tools/freeze).
include("$(MPY_DIR)/extmod/asyncio")
freeze("modules")
module("boot.py", base_path="../common")
module("socket.py", base_path="../desktop/modules")
