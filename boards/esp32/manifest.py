# What is frozen into the ESP32 images: what MicroPython's port needs, asyncio, the node, and its start.
freeze("$(PORT_DIR)/modules")
include("$(MPY_DIR)/extmod/asyncio")
# The prompt over the network, by a browser.
require("webrepl")
include("../../manifest.py", bundle=True, sockets=True)
module("boot.py", base_path="../common")
