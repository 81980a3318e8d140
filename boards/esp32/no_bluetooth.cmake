# Leaves Bluetooth out: 220 KB, without which some variants would not fit. Included by their mpconfigvariant_*.cmake.
list(APPEND SDKCONFIG_DEFAULTS ${ZT_BOARDS}/sdkconfig.no_bluetooth)
list(APPEND MICROPY_DEF_BOARD MICROPY_PY_BLUETOOTH=0)
