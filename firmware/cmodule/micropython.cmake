# The C user module `_zerotier` for CMake-based ports (ESP32): USER_C_MODULES is this file.
#
# SODIUM_DIR  libsodium/src/libsodium (tools/sources.py), as a CMake variable or in the environment
# MICROPY_MPYCROSS  MicroPython's compiler, likewise: the node's Python becomes constants in C (tools/freeze)
# ZT_FREEZE_WITH  likewise; --roles for the root and the controller too, --mapping for port mapping
#
# ESP-IDF brings its own lwIP, which runs in a thread of its own (ZT_THREADS); the physical network is on it, too.
if(NOT SODIUM_DIR)
    set(SODIUM_DIR $ENV{SODIUM_DIR})
endif()
if(NOT EXISTS ${SODIUM_DIR}/include/sodium.h)
    message(FATAL_ERROR "SODIUM_DIR must name the folder src/libsodium of libsodium's sources")
endif()

set(ZT_DIR ${CMAKE_CURRENT_LIST_DIR})

file(GLOB ZT_CORE ${ZT_DIR}/core/*.c)
# Not the files that core/libsodium.txt lists: code that is read from a flash chip through a small cache must be small.
file(GLOB ZT_SODIUM ${ZT_DIR}/core/sodium/small/*.c ${ZT_DIR}/core/sodium/glue.c)

# A library of its own, so that its relaxed flags touch nobody else. ESP-IDF's flags are for it, too: with PSRAM, early chips need
# code that works around their cache.
add_library(zerotier_sodium STATIC ${ZT_SODIUM})
target_include_directories(zerotier_sodium PRIVATE ${SODIUM_DIR} ${SODIUM_DIR}/include/sodium)
idf_build_get_property(ZT_IDF_OPTIONS COMPILE_OPTIONS)
target_compile_options(zerotier_sodium PRIVATE ${ZT_IDF_OPTIONS} -Os -ffunction-sections -fdata-sections -w
    -include ${ZT_DIR}/core/sodium/config.h)

# The node's Python. Here and not in the build, because names of the C are collected before it; again when one changes.
if(NOT MICROPY_MPYCROSS)
    set(MICROPY_MPYCROSS $ENV{MICROPY_MPYCROSS})
endif()
if(NOT ZT_FREEZE_WITH)
    set(ZT_FREEZE_WITH $ENV{ZT_FREEZE_WITH})
endif()
separate_arguments(ZT_FREEZE_WITH)
get_filename_component(ZT_TOP ${ZT_DIR}/../.. ABSOLUTE)
set(ZT_FROZEN ${CMAKE_BINARY_DIR}/zerotier.c)
file(GLOB_RECURSE ZT_PYTHON ${ZT_TOP}/firmware/zerotier/*.py ${ZT_TOP}/tools/freeze/*.py)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${ZT_PYTHON})
execute_process(
    COMMAND ${CMAKE_COMMAND} -E env PYTHONPATH=${ZT_TOP}/tools python3 -m freeze ${ZT_FROZEN}
        --micropython ${MICROPY_DIR} --mpy-cross ${MICROPY_MPYCROSS} ${ZT_FREEZE_WITH}
    RESULT_VARIABLE ZT_FAILED)
if(ZT_FAILED)
    message(FATAL_ERROR "tools/freeze could not make C of the node's Python")
endif()
# MicroPython's own frozen code lists the names that no C has. It does not look at that again when ours has others.
if(${ZT_FROZEN} IS_NEWER_THAN ${CMAKE_BINARY_DIR}/frozen_content.c)
    file(REMOVE ${CMAKE_BINARY_DIR}/frozen_content.c)
endif()

set(ZT_BIND micropython.c micropython_rules.c micropython_datapath.c netif.c underlay.c name_servers.c background_task.c
    frozen.c)
list(TRANSFORM ZT_BIND PREPEND ${ZT_DIR}/bind/)
set(ZT_LWIP netif.c aliases.c routes.c glue.c underlay.c thread.c task.c)
list(TRANSFORM ZT_LWIP PREPEND ${ZT_DIR}/lwip/)
list(APPEND ZT_LWIP ${ZT_DIR}/esp-idf/hooks.c)

add_library(usermod_zerotier INTERFACE)
target_sources(usermod_zerotier INTERFACE ${ZT_CORE} ${ZT_BIND} ${ZT_LWIP} ${ZT_FROZEN})
target_include_directories(usermod_zerotier INTERFACE ${ZT_TOP} ${SODIUM_DIR}/include/sodium)
set(ZT_DEFINITIONS
    ZT_LWIP=1
    ZT_THREADS=1
    ZT_LWIP_UNDERLAY=1
    ZT_SMALL=1 # less memory, large packets one at a time
    ESP_PLATFORM=1 # MicroPython gives user modules ESP-IDF's options, but not its definitions
)
target_compile_definitions(usermod_zerotier INTERFACE ${ZT_DEFINITIONS})
list(APPEND MICROPY_CPP_DEF_EXTRA ${ZT_DEFINITIONS}) # where MicroPython looks for names
target_link_libraries(usermod_zerotier INTERFACE zerotier_sodium)

# Compiled twice: for the component `main`, and for the program, which is what is linked. Each has files' options of its own.
set(ZT_PLACES DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_SOURCE_DIR})
set_source_files_properties(${ZT_CORE} ${ZT_PLACES} PROPERTIES COMPILE_OPTIONS "-Os;-Wall;-Wextra;-Werror")
set_source_files_properties(${ZT_BIND} ${ZT_LWIP} ${ZT_PLACES} PROPERTIES COMPILE_OPTIONS "-Wall;-Wextra;-Werror;-Wno-unused-parameter")
file(STRINGS ${ZT_DIR}/core/fast.txt ZT_FAST REGEX "\\.c$")
list(TRANSFORM ZT_FAST PREPEND ${ZT_DIR}/core/)
set_source_files_properties(${ZT_FAST} ${ZT_PLACES} PROPERTIES COMPILE_OPTIONS "-O2;-Wall;-Wextra;-Werror")

# lwIP asks us for routes, gateways and prefix lengths. It is compiled by ESP-IDF, from outside of this module.
idf_component_get_property(ZT_LWIP_LIBRARY lwip COMPONENT_LIB)
idf_component_get_property(ZT_LWIP_DIR lwip COMPONENT_DIR)
target_compile_definitions(${ZT_LWIP_LIBRARY} PRIVATE ESP_IDF_LWIP_HOOK_FILENAME="${ZT_DIR}/esp-idf/hooks.h")
set_source_files_properties(${ZT_LWIP_DIR}/lwip/src/core/ipv6/nd6.c TARGET_DIRECTORY ${ZT_LWIP_LIBRARY}
    PROPERTIES COMPILE_OPTIONS "-include;${ZT_DIR}/esp-idf/nd6.h")

target_link_libraries(usermod INTERFACE usermod_zerotier)
