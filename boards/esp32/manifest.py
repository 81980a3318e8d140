# What is frozen into the ESP32 images: what MicroPython's port needs, asyncio, and the start of the node,
# which itself is constants in C (tools/freeze).
freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
# The prompt over the network, by a browser.
require("webrepl")
module("boot.py", base_path="../common")
