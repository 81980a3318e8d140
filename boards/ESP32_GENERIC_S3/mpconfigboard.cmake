# ESP32-S3, with PSRAM if there is one, 4 MB of flash.
include(${CMAKE_SOURCE_DIR}/boards/ESP32_GENERIC_S3/mpconfigboard.cmake)
# MicroPython's board of this name has 8 MB.
list(APPEND SDKCONFIG_DEFAULTS boards/ESP32_GENERIC_S3/sdkconfig.flash_4m)
include(${MICROPY_BOARD_DIR}/../esp32/board.cmake)
