// ESP32 without PSRAM: MicroPython's board of the same name.
// It owns nothing.
#include "boards/ESP32_GENERIC/mpconfigboard.h"
