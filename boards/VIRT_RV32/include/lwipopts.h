// lwIP on the emulated board: one stack for Ethernet and the virtual networks, as small as on an ESP32 and all of it static,
// so that a test can see whether anything is lost.
// It owns lwIP's options. Every one that differs from lwIP's default for a reason says the reason.
#ifndef ZT_LWIPOPTS_H
#define ZT_LWIPOPTS_H

#include <stdint.h>

// No threads; nothing of lwIP runs in an interrupt.
#define NO_SYS (1)
#define SYS_LIGHTWEIGHT_PROT (0)
#define LWIP_NETCONN (0)
#define LWIP_SOCKET (0)
typedef uint32_t sys_prot_t;

#define MEM_ALIGNMENT (4)
#define MEM_SIZE (48 * 1024)
#define PBUF_POOL_SIZE (32)
#define PBUF_POOL_BUFSIZE (1600) // the unit in which a received frame is stored: one for TCP, two for an MTU of 2800

#define LWIP_IPV4 (1)
#define LWIP_IPV6 (1)
#define LWIP_RAW (1)
#define LWIP_UDP (1)
#define LWIP_TCP (1)
#define LWIP_ICMP (1)
#define LWIP_IGMP (1)
#define LWIP_IPV6_MLD (1)
#define LWIP_DNS (1)
#define DNS_MAX_SERVERS (4) // as many as a network may have
#define LWIP_DNS_SUPPORT_MDNS_QUERIES (1) // names that end in .local
#define SO_REUSE (1)

// Tests compare these before and after.
#define LWIP_STATS (1)
#define MEM_STATS (1)
#define MEMP_STATS (1)
#define LWIP_STATS_DISPLAY (1) // the pools have names only with it
#define LINK_STATS (0)
#define ETHARP_STATS (0)
#define IP_STATS (0)
#define IPFRAG_STATS (0)
#define ICMP_STATS (0)
#define IGMP_STATS (0)
#define UDP_STATS (0)
#define TCP_STATS (0)
#define SYS_STATS (0)
#define IP6_STATS (0)
#define ICMP6_STATS (0)
#define IP6_FRAG_STATS (0)
#define MLD6_STATS (0)
#define ND6_STATS (0)

// The controller assigns addresses, the emulator's command line the physical IPv4 one; nobody is asked for one. A router on the
// Ethernet may announce an IPv6 subnet, as on Wi-Fi.
#define LWIP_DHCP (0)
#define LWIP_ACD (0)
#define LWIP_AUTOIP (0)
#define LWIP_IPV6_DHCP6 (0)
#define LWIP_IPV6_AUTOCONFIG (1)
#define LWIP_IPV6_SEND_ROUTER_SOLICIT (0)
#define LWIP_IPV6_NUM_ADDRESSES (5)

// Datagrams larger than the MTU, and frames as large as it: both directions.
#define IP_REASSEMBLY (1)
#define IP_FRAG (1)
#define LWIP_IPV6_REASS (1)
#define LWIP_IPV6_FRAG (1)
#define IP_REASS_MAX_PBUFS (12)

#define ARP_TABLE_SIZE (16)
#define ARP_QUEUEING (1)
#define LWIP_ND6_NUM_NEIGHBORS (16)
#define LWIP_ND6_NUM_DESTINATIONS (16)
#define LWIP_ND6_QUEUEING (1)
#define MEMP_NUM_SYS_TIMEOUT (16)

#define MEMP_NUM_RAW_PCB (4)
#define MEMP_NUM_UDP_PCB (16)
#define MEMP_NUM_TCP_PCB (16)
#define MEMP_NUM_TCP_PCB_LISTEN (8)
#define MEMP_NUM_IGMP_GROUP (16)
#define MEMP_NUM_MLD6_GROUP (16)

// A TCP segment in one datagram: 1432 bytes of a packet's first fragment, less 38 of packet and frame headers, less 40 + 20
// of IPv6 and TCP (protocol/02 §2.3, protocol/07 §7.1).
#define TCP_MSS (1334)
#define TCP_WND (8 * TCP_MSS)
#define TCP_SND_BUF (8 * TCP_MSS)
#define TCP_SND_QUEUELEN (32)
#define MEMP_NUM_TCP_SEG (96)
#define TCP_QUEUE_OOSEQ (1)
#define TCP_OOSEQ_MAX_BYTES (TCP_WND)
#define LWIP_TCP_SACK_OUT (1)
#define TCP_LISTEN_BACKLOG (1)
#define LWIP_TCP_RTO_TIME (1000) // RFC 6298 §2.1

// A node can talk to itself, and programs to each other on 127.0.0.1.
#define LWIP_NETIF_LOOPBACK (1)
#define LWIP_HAVE_LOOPIF (1)
#define LWIP_NETIF_LOOPBACK_MULTITHREADING (0)
#define LWIP_MULTICAST_TX_OPTIONS (1)

// Ports, sequence numbers and DNS ids that nobody can guess.
uint32_t zt_stack_random(void);
#define LWIP_RAND() zt_stack_random()
#define LWIP_HOOK_TCP_ISN(local_ip, local_port, remote_ip, remote_port) zt_stack_random()

// The virtual interfaces (firmware/cmodule/lwip/netif.h).
#define ZT_NETIF_COUNT (2)
#define ZT_NETIF_GROUPS (12)
#define ZT_NETIF_ALIASES (2)
#include "firmware/cmodule/lwip/hooks.h"

#endif // ZT_LWIPOPTS_H
