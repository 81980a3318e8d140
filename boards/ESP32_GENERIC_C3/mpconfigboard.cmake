# ESP32-C3, 4 MB of flash.
include(${CMAKE_SOURCE_DIR}/boards/ESP32_GENERIC_C3/mpconfigboard.cmake)
include(${MICROPY_BOARD_DIR}/../esp32/board.cmake)
