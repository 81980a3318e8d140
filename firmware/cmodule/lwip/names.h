// lwIP 2.2's names on lwIP 2.1, which ESP-IDF has.
// It owns nothing but the names.
#ifndef ZT_NAMES_H
#define ZT_NAMES_H

#include "lwip/init.h"

#if LWIP_VERSION_MAJOR == 2 && LWIP_VERSION_MINOR < 2
#define ip4_addr_eq(one, other) ip4_addr_cmp((one), (other))
#define ip4_addr_net_eq(one, other, mask) ip4_addr_netcmp((one), (other), (mask))
#define ip6_addr_zoneless_eq(one, other) ip6_addr_cmp_zoneless((one), (other))
#define ip6_addr_zone_eq(one, other) ip6_addr_cmp_zone((one), (other))
#endif

#endif // ZT_NAMES_H
