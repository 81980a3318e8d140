# What all ESP32 boards have in common, included by their mpconfigboard.cmake. Everything else is MicroPython's board of the
# same name, so that a newer MicroPython brings its own settings.
set(ZT_BOARDS ${CMAKE_CURRENT_LIST_DIR})
list(APPEND SDKCONFIG_DEFAULTS ${ZT_BOARDS}/sdkconfig.zerotier)
set(MICROPY_FROZEN_MANIFEST ${ZT_BOARDS}/manifest.py)
