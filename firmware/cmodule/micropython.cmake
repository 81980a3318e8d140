# The C user module `_zerotier` for CMake-based ports (ESP32): USER_C_MODULES is this file.
#
# SODIUM_DIR  libsodium/src/libsodium (tools/sources.py), as a CMake variable or in the environment
#
# ESP-IDF brings its own lwIP, which runs in a thread of its own; lwip/ and the parts of bind/ that use it are for lwIP
# without threads and are not built here.
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

# A library of its own, so that its relaxed flags touch nobody else.
add_library(zerotier_sodium STATIC ${ZT_SODIUM})
target_include_directories(zerotier_sodium PRIVATE ${SODIUM_DIR} ${SODIUM_DIR}/include/sodium)
target_compile_options(zerotier_sodium PRIVATE -Os -w -include ${ZT_DIR}/core/sodium/config.h)

add_library(usermod_zerotier INTERFACE)
target_sources(usermod_zerotier INTERFACE ${ZT_CORE} ${ZT_DIR}/bind/micropython.c
    ${ZT_DIR}/bind/micropython_rules.c ${ZT_DIR}/bind/micropython_datapath.c)
target_include_directories(usermod_zerotier INTERFACE ${SODIUM_DIR}/include/sodium)
target_compile_definitions(usermod_zerotier INTERFACE ZT_SMALL=1) # less memory, large packets one at a time
target_link_libraries(usermod_zerotier INTERFACE zerotier_sodium)

set_source_files_properties(${ZT_CORE} PROPERTIES COMPILE_OPTIONS "-Os;-Wall;-Wextra;-Werror")
file(STRINGS ${ZT_DIR}/core/fast.txt ZT_FAST REGEX "\\.c$")
list(TRANSFORM ZT_FAST PREPEND ${ZT_DIR}/core/)
set_source_files_properties(${ZT_FAST} PROPERTIES COMPILE_OPTIONS "-O2;-Wall;-Wextra;-Werror")

target_link_libraries(usermod INTERFACE usermod_zerotier)
