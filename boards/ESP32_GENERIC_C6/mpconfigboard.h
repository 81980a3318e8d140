// ESP32-C6: MicroPython's board of the same name.
// It owns nothing. The path begins at MicroPython's root: from the port on, it would be that of this file.
#include "ports/esp32/boards/ESP32_GENERIC_C6/mpconfigboard.h"
