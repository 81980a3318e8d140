# Calls of lwIP from a wrong thread stop the board. With Bluetooth and all assertions the image would not fit.
list(APPEND SDKCONFIG_DEFAULTS ${ZT_BOARDS}/sdkconfig.debug)
include(${ZT_BOARDS}/no_bluetooth.cmake)
