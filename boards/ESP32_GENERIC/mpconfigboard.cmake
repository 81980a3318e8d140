# ESP32 without PSRAM, 4 MB of flash.
include(${CMAKE_SOURCE_DIR}/boards/ESP32_GENERIC/mpconfigboard.cmake)
include(${MICROPY_BOARD_DIR}/../esp32/board.cmake)
