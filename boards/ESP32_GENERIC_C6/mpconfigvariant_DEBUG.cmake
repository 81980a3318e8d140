# Calls of lwIP from a wrong thread stop the board.
list(APPEND SDKCONFIG_DEFAULTS ${ZT_BOARDS}/sdkconfig.debug)
