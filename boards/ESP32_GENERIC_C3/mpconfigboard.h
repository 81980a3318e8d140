// ESP32-C3: MicroPython's board of the same name.
// It owns nothing.
#include "boards/ESP32_GENERIC_C3/mpconfigboard.h"
