// lwIP on the desktop board: generous, since memory comes from malloc only while it is used.
// It owns lwIP's options. Every one that differs from lwIP's default for a reason says the reason.
#ifndef ZT_LWIPOPTS_H
#define ZT_LWIPOPTS_H

#include <stddef.h>
#include <stdint.h>

// No threads; nothing of lwIP runs in a signal handler.
#define NO_SYS (1)
#define SYS_LIGHTWEIGHT_PROT (0)
#define LWIP_NETCONN (0)
#define LWIP_SOCKET (0)
typedef uint32_t sys_prot_t;

// All memory from malloc, as in ESP-IDF, and bounded in sum (memory.c). What is bounded first is each queue: a full pool would let
// one connection starve the rest.
#define MEM_CUSTOM_ALLOCATOR (1)
void *zt_stack_malloc(size_t size);
void zt_stack_free(void *memory);
#define MEM_CUSTOM_MALLOC(size) zt_stack_malloc(size)
#define MEM_CUSTOM_CALLOC(count, size) NULL // nobody calls it
#define MEM_CUSTOM_FREE(memory) zt_stack_free(memory)
#define MEMP_MEM_MALLOC (1)
#define MEM_ALIGNMENT (8)

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
#define LWIP_STATS (0)
#define SO_REUSE (1)

// The controller assigns addresses; nobody is asked for one, nobody may hand one out.
#define LWIP_DHCP (0)
#define LWIP_ACD (0)
#define LWIP_AUTOIP (0)
#define LWIP_IPV6_DHCP6 (0)
#define LWIP_IPV6_AUTOCONFIG (0)
#define LWIP_IPV6_SEND_ROUTER_SOLICIT (0)
#define LWIP_IPV6_NUM_ADDRESSES (8)

// Datagrams larger than the MTU, and frames as large as it: both directions.
#define IP_REASSEMBLY (1)
#define IP_FRAG (1)
#define LWIP_IPV6_REASS (1)
#define LWIP_IPV6_FRAG (1)
#define IPV6_FRAG_COPYHEADER (1) // pointers of 64 bits do not fit into the header
#define IP_REASS_MAX_PBUFS (96)
#define PBUF_POOL_BUFSIZE (1600) // the unit in which a received frame is stored: one for TCP, two for an MTU of 2800

// Neighbours: a network may have many members.
#define ARP_TABLE_SIZE (64)
#define ARP_QUEUEING (1)
#define LWIP_ND6_NUM_NEIGHBORS (64)
#define LWIP_ND6_NUM_DESTINATIONS (64)
#define MEMP_NUM_ARP_QUEUE (64)
#define MEMP_NUM_ND6_QUEUE (64)
#define LWIP_ND6_QUEUEING (1)

// A TCP segment in one datagram: 1432 bytes of a packet's first fragment, less 38 of packet and frame headers, less 40 + 20
// of IPv6 and TCP (protocol/02 §2.3, protocol/07 §7.1).
#define TCP_MSS (1334)
#define TCP_WND (44 * TCP_MSS) // modlwip counts in 16 bits
#define TCP_SND_BUF (44 * TCP_MSS)
#define TCP_SND_QUEUELEN (200)
#define MEMP_NUM_TCP_SEG (1024)
#define TCP_QUEUE_OOSEQ (1)
#define TCP_OOSEQ_MAX_BYTES (TCP_WND)
#define LWIP_TCP_SACK_OUT (1)
#define TCP_LISTEN_BACKLOG (1)
#define LWIP_TCP_RTO_TIME (1000) // RFC 6298 §2.1

#define LWIP_CHKSUM_ALGORITHM (3) // by words of 32 bits

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
#define ZT_NETIF_GROUPS (32)
#include "firmware/cmodule/lwip/hooks.h"

#endif // ZT_LWIPOPTS_H
