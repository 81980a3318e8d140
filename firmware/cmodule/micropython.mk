# The C user module `_zerotier` for make-based ports: USER_C_MODULES is the folder above this one.
#
# SODIUM_DIR  libsodium/src/libsodium (tools/sources.py)
# LWIP_DIR    lwIP's source tree, for boards whose lwIP we bring (NO_SYS) and that supply lwipopts.h and arch/cc.h;
#             without it the module has neither Netif nor background()
# ZT_LWIP_FLAGS  how that lwIP is compiled, where not as everything else
# ZT_SMALL=1  60 KB less flash, slower signatures (core/sodium/small/); 30 KB less RAM, large packets one at a time
# ZT_SIZE_FLAGS  for what does not run once per packet
# ZT_FREEZE=1  with the node's Python in flash (tools/freeze), for small boards; ZT_FREEZE_WITH: --roles for the root and
#             the controller too, --mapping for port mapping
# ZT_LWIP_UNDERLAY=1  for boards where that lwIP carries the physical network too: the node talks by _zerotier.Underlay
ZT_DIR := $(USERMOD_DIR)

ZT_CORE := $(wildcard $(ZT_DIR)/core/*.c) $(ZT_DIR)/core/sodium/glue.c
ZT_BIND := $(ZT_DIR)/bind/micropython.c $(ZT_DIR)/bind/micropython_rules.c $(ZT_DIR)/bind/micropython_datapath.c
ifeq ($(ZT_SMALL),1)
CFLAGS_USERMOD += -DZT_SMALL=1
ZT_SODIUM := $(wildcard $(ZT_DIR)/core/sodium/small/*.c)
else
ZT_SODIUM := $(addprefix $(SODIUM_DIR)/,$(shell grep '\.c$$' $(ZT_DIR)/core/libsodium.txt))
endif

ifneq ($(LWIP_DIR),)
ZT_BIND += $(ZT_DIR)/bind/netif.c $(ZT_DIR)/bind/name_servers.c $(ZT_DIR)/bind/tap.c $(ZT_DIR)/bind/background.c
ZT_NETIF := $(addprefix $(ZT_DIR)/lwip/,netif.c aliases.c routes.c tap.c glue.c)
ifeq ($(ZT_LWIP_UNDERLAY),1)
ZT_BIND += $(ZT_DIR)/bind/underlay.c
ZT_NETIF += $(ZT_DIR)/lwip/underlay.c
CFLAGS_USERMOD += -DZT_LWIP_UNDERLAY=1
endif
ZT_ND6 := $(ZT_DIR)/lwip/nd6.c
ZT_LWIP := $(addprefix $(LWIP_DIR)/src/, \
	core/def.c core/dns.c core/inet_chksum.c core/init.c core/ip.c core/mem.c core/memp.c core/netif.c core/pbuf.c \
	core/raw.c core/stats.c core/sys.c core/tcp.c core/tcp_in.c core/tcp_out.c core/timeouts.c core/udp.c \
	core/ipv4/etharp.c core/ipv4/icmp.c core/ipv4/igmp.c core/ipv4/ip4.c core/ipv4/ip4_addr.c core/ipv4/ip4_frag.c \
	core/ipv6/ethip6.c core/ipv6/icmp6.c core/ipv6/inet6.c core/ipv6/ip6.c core/ipv6/ip6_addr.c core/ipv6/ip6_frag.c \
	core/ipv6/mld6.c \
	netif/ethernet.c)
CFLAGS_USERMOD += -DZT_LWIP=1 -I$(LWIP_DIR)/src/include
endif

ifeq ($(ZT_FREEZE),1)
ZT_TOP := $(abspath $(ZT_DIR)/../..)
ZT_FROZEN := $(abspath $(BUILD))/zerotier.c
ZT_BIND += $(ZT_DIR)/bind/frozen.c $(ZT_FROZEN)
$(ZT_FROZEN): $(wildcard $(ZT_TOP)/tools/freeze/*.py) $(shell find $(ZT_TOP)/firmware/zerotier -name '*.py')
	$(ECHO) "FREEZE $@"
	$(Q)PYTHONPATH=$(ZT_TOP)/tools $(PYTHON) -m freeze $@ --micropython $(abspath $(TOP)) --mpy-cross $(MICROPY_MPYCROSS) $(ZT_FREEZE_WITH)
	$(Q)touch $@
	$(Q)$(RM) -f $(BUILD)/frozen_content.c # it says which names it need not bring
endif

SRC_USERMOD_C += $(ZT_BIND)
SRC_USERMOD_LIB_C += $(ZT_CORE) $(ZT_NETIF) $(ZT_ND6) $(ZT_SODIUM) $(ZT_LWIP)

# The objects of some sources, with the path that the port's make gives them.
zt_objects = $(addprefix $(BUILD)/,$(patsubst $(USER_C_MODULES)/%,%,$(1:.c=.o)))

# Flags that change make new objects: make itself only looks at sources.
$(call zt_objects,$(ZT_CORE) $(ZT_NETIF) $(ZT_ND6) $(ZT_SODIUM) $(ZT_LWIP) $(ZT_BIND)): $(ZT_DIR)/micropython.mk \
	$(ZT_DIR)/core/fast.txt $(wildcard $(BOARD_DIR)/mpconfigboard.mk $(VARIANT_DIR)/mpconfigvariant.mk)

$(call zt_objects,$(ZT_CORE)): CFLAGS += -I$(SODIUM_DIR)/include/sodium
# All else is as the port says: for size on a board, where curves and hashes are as fast so.
ZT_FAST := $(if $(filter 1,$(ZT_SMALL)),$(addprefix $(ZT_DIR)/core/,$(shell grep '\.c$$' $(ZT_DIR)/core/fast.txt)),$(ZT_CORE))
$(call zt_objects,$(ZT_FAST)): CFLAGS += -O2
$(call zt_objects,$(filter-out $(ZT_FAST),$(ZT_CORE) $(ZT_SODIUM) $(ZT_BIND))): CFLAGS += $(ZT_SIZE_FLAGS)
# Not our code: warnings that the port makes errors stay off there, and on everywhere else.
$(call zt_objects,$(ZT_SODIUM)): CFLAGS += -w -I$(SODIUM_DIR) -I$(SODIUM_DIR)/include/sodium -include $(ZT_DIR)/core/sodium/config.h
$(call zt_objects,$(ZT_LWIP)): CFLAGS += -w $(ZT_LWIP_FLAGS)
$(call zt_objects,$(ZT_NETIF)): CFLAGS += $(ZT_LWIP_FLAGS)
$(call zt_objects,$(ZT_ND6)): CFLAGS += -w -I$(LWIP_DIR)/src
