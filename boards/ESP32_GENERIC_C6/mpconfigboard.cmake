# ESP32-C6, 4 MB of flash.
include(${CMAKE_SOURCE_DIR}/boards/ESP32_GENERIC_C6/mpconfigboard.cmake)
include(${MICROPY_BOARD_DIR}/../esp32/board.cmake)
