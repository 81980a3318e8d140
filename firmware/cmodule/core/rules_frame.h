// What rules ask of the bytes of a frame: where its IP and transport headers are, and what stands in them (protocol/07 §7.8).
// It owns every read of a payload but that of MATCH_INTEGER_RANGE. Never a rule.
//
// Version, total length, checksum and fragment offset of an IP header are not looked at, as the reference does not either.
#ifndef ZT_RULES_FRAME_H
#define ZT_RULES_FRAME_H

#include "rules.h"

#define ZT_ETHERTYPE_IPV4 (0x0800)
#define ZT_ETHERTYPE_ARP (0x0806)
#define ZT_ETHERTYPE_IPV6 (0x86dd)

typedef struct _zt_ip_view_t {
    const uint8_t *payload;
    size_t length;
    size_t transport; // where the transport header would begin; may lie behind the payload
    uint8_t version; // by the ethertype: 4, 6, or 0 for a frame that is not IP or has less than 20 bytes
    uint8_t protocol;
    bool has_header; // the whole fixed header is there
    bool has_transport; // `transport` and `protocol` are known: the chain of IPv6 headers is not broken
} zt_ip_view_t;

void zt_ip_view(zt_ip_view_t *self, uint32_t ethertype, const uint8_t *payload, size_t length);

// The type of service byte of IPv4, the traffic class of IPv6. Only with has_header.
uint8_t zt_ip_tos(const zt_ip_view_t *self);

// The source (`offset` 0) or destination (2) port; -1 if there is none to read. Only with has_transport.
int32_t zt_ip_port(const zt_ip_view_t *self, size_t offset);

// Type and code of an ICMP or ICMPv6 message, 2 bytes; NULL if there is none.
const uint8_t *zt_ip_icmp(const zt_ip_view_t *self);

// The lower 12 bits of data offset and flags of TCP; 0 if there is none.
uint32_t zt_ip_tcp_flags(const zt_ip_view_t *self);

// Whose IP address a frame claims to come from.
typedef enum {
    ZT_SENDER_NONE,
    ZT_SENDER_ANY, // a neighbour solicitation: it claims nothing
    ZT_SENDER_IPV4,
    ZT_SENDER_IPV6,
} zt_sender_t;

// `ip` gets the address, 4 or 16 bytes within the payload, or NULL.
zt_sender_t zt_ip_sender(const zt_ip_view_t *self, uint32_t ethertype, const uint8_t **ip);

#endif // ZT_RULES_FRAME_H
