# Two applications, of which one runs while the other is replaced: with Bluetooth one would be larger than its half.
include(${ZT_BOARDS}/ota.cmake)
include(${ZT_BOARDS}/no_bluetooth.cmake)
