# ESP32-S3, with PSRAM if there is one, 4 MB of flash.
include(${CMAKE_SOURCE_DIR}/boards/ESP32_GENERIC_S3/mpconfigboard.cmake)
include(${MICROPY_BOARD_DIR}/../esp32/board.cmake)
