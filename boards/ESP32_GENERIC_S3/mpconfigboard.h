// ESP32-S3, with PSRAM if there is one: MicroPython's board of the same name.
// It owns nothing. The path begins at MicroPython's root: from the port on, it would be that of this file.
#include "ports/esp32/boards/ESP32_GENERIC_S3/mpconfigboard.h"
