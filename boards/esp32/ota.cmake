# What the variant OTA of every board is, included by their mpconfigvariant_OTA.cmake. The path of the partition table is absolute:
# MicroPython's own tables lie elsewhere.
file(WRITE ${CMAKE_BINARY_DIR}/sdkconfig.ota.path "CONFIG_PARTITION_TABLE_CUSTOM_FILENAME=\"${ZT_BOARDS}/partitions-4MiB-ota.csv\"\n")
list(APPEND SDKCONFIG_DEFAULTS ${ZT_BOARDS}/sdkconfig.ota ${CMAKE_BINARY_DIR}/sdkconfig.ota.path)
