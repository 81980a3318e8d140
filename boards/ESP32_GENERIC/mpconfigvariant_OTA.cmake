# Two applications, of which one runs while the other is replaced.
include(${ZT_BOARDS}/ota.cmake)
