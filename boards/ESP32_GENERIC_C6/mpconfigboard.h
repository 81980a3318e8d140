// ESP32-C6: MicroPython's board of the same name.
// It owns nothing.
#include "boards/ESP32_GENERIC_C6/mpconfigboard.h"
