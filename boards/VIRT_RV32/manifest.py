# What is frozen into the emulated board's firmware.
include("$(MPY_DIR)/extmod/asyncio")
include("../../manifest.py", bundle=True)
freeze("modules")
module("boot.py", base_path="../common")
module("socket.py", base_path="../desktop/modules")
