# What is frozen into the desktop interpreter.
include("$(MPY_DIR)/extmod/asyncio")
include("../../manifest.py")
freeze("modules")
