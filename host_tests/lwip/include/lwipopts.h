// lwIP with a thread of its own, as ESP-IDF has it, and with the check that stops the test if another thread calls it.
// It owns lwIP's options for test_threads.c; what is not here does not matter to threads.
#ifndef ZT_LWIPOPTS_H
#define ZT_LWIPOPTS_H

#define NO_SYS (0)
#define SYS_LIGHTWEIGHT_PROT (1)
#define LWIP_TCPIP_CORE_LOCKING (0) // as ESP-IDF: whoever wants something of lwIP asks its thread
#define LWIP_NETCONN_SEM_PER_THREAD (1) // as ESP-IDF: asking lwIP's thread needs no memory
#define LWIP_NETCONN (0)
#define LWIP_SOCKET (0)
#define TCPIP_MBOX_SIZE (32)

void sys_check_core_locking(void);
void sys_mark_tcpip_thread(void);
#define LWIP_ASSERT_CORE_LOCKED() sys_check_core_locking()
#define LWIP_MARK_TCPIP_THREAD() sys_mark_tcpip_thread()

#define MEM_ALIGNMENT (8)
#define MEM_LIBC_MALLOC (1) // as ESP-IDF
#define MEMP_MEM_MALLOC (1)

#define LWIP_IPV4 (1)
#define LWIP_IPV6 (1)
#define IPV6_FRAG_COPYHEADER (1)
#define LWIP_ICMP (1)
#define LWIP_IGMP (1)
#define LWIP_UDP (1)
#define LWIP_TCP (0)
#define LWIP_IPV6_NUM_ADDRESSES (6)
#define LWIP_STATS (0)
#define CHECKSUM_CHECK_IP (0) // datagrams of the test have none
#define CHECKSUM_CHECK_UDP (0)

// As MicroPython has it on an ESP32, and the other end of the line besides.
#define PPP_SUPPORT (1)
#define PPPOS_SUPPORT (1)
#define PPP_SERVER (1)
#define PPP_IPV6_SUPPORT (0)
#define VJ_SUPPORT (0)

#define ZT_NETIF_COUNT (2)
struct netif;
struct pbuf;
struct ip4_addr;
struct ip6_addr;
struct netif *zt_netif_ip4_route(const struct ip4_addr *source, const struct ip4_addr *destination);
struct netif *zt_netif_ip6_route(const struct ip6_addr *source, const struct ip6_addr *destination);
const struct ip4_addr *zt_netif_ip4_next_hop(struct netif *netif, const struct ip4_addr *destination);
const struct ip6_addr *zt_netif_ip6_next_hop(struct netif *netif, const struct ip6_addr *destination);
int zt_netif_ip4_input(struct pbuf *packet, struct netif *input);
int zt_netif_ip6_input(struct pbuf *packet, struct netif *input);
#define LWIP_HOOK_IP4_ROUTE_SRC(source, destination) zt_netif_ip4_route(source, destination)
#define LWIP_HOOK_IP6_ROUTE(source, destination) zt_netif_ip6_route(source, destination)
#define LWIP_HOOK_ETHARP_GET_GW(netif, destination) zt_netif_ip4_next_hop(netif, destination)
#define LWIP_HOOK_ND6_GET_GW(netif, destination) zt_netif_ip6_next_hop(netif, destination)
#define LWIP_HOOK_IP4_INPUT(packet, input) zt_netif_ip4_input(packet, input)
#define LWIP_HOOK_IP6_INPUT(packet, input) zt_netif_ip6_input(packet, input)

#endif // ZT_LWIPOPTS_H
