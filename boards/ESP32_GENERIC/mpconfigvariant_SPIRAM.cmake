# With PSRAM: such a board can make its own identity.
include(${CMAKE_SOURCE_DIR}/boards/ESP32_GENERIC/mpconfigvariant_SPIRAM.cmake)
