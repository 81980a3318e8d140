# Two applications, of which one runs while the other is replaced.
list(APPEND SDKCONFIG_DEFAULTS ${ZT_BOARDS}/sdkconfig.ota)
