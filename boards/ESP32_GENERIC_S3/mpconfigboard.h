// ESP32-S3, with PSRAM if there is one: MicroPython's board of the same name.
// It owns nothing.
#include "boards/ESP32_GENERIC_S3/mpconfigboard.h"
