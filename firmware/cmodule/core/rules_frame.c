// Reading of IP headers for rules. It owns the bounds: a read is made only after its last byte was seen to be in the payload.
// Never a judgement on what was read.
#include "rules_frame.h"
#include "rules_form.h"

#define IPV4_HEADER (20)
#define IPV4_LENGTH_MASK (15)
#define IPV4_PROTOCOL (9)
#define IPV4_SOURCE (12)
#define IPV6_HEADER (40)
#define IPV6_NEXT (6)
#define IPV6_SOURCE (8)

#define ARP_SIZE (28)
#define ARP_SENDER (14)

#define PROTOCOL_ICMP (1)
#define PROTOCOL_TCP (6)
#define PROTOCOL_UDP (17)
#define PROTOCOL_ICMPV6 (58)
#define PROTOCOL_SCTP (132)
#define PROTOCOL_UDPLITE (136)

// IPv6 headers that lie between the fixed one and the transport (protocol/07 §7.8); a fragment header is none of them.
#define NEXT_HOP_BY_HOP (0)
#define NEXT_ROUTING (43)
#define NEXT_DESTINATION (60)
#define NEXT_MOBILITY (135)
#define EXTENSION_UNIT (8)

#define PORTS_SIZE (4)
#define TCP_OFFSET (12)
#define TCP_FLAGS (13)

#define NEIGHBOUR_SIZE (64)
#define NEIGHBOUR_TYPE (40)
#define NEIGHBOUR_TARGET (48)
#define NEIGHBOUR_SOLICITATION (0x87)
#define NEIGHBOUR_ADVERTISEMENT (0x88)

static bool is_extension(uint8_t next) {
    return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_DESTINATION || next == NEXT_MOBILITY;
}

// Every round moves on by at least 8 bytes, so that the longest payload bounds the walk.
static void walk_ipv6(zt_ip_view_t *self) {
    size_t at = IPV6_HEADER;
    uint8_t next = self->payload[IPV6_NEXT];
    while (is_extension(next)) {
        if (self->length - at < EXTENSION_UNIT) {
            return;
        }
        next = self->payload[at];
        size_t size = EXTENSION_UNIT * ((size_t)self->payload[at + 1] + 1);
        if (self->length - at < size) {
            return;
        }
        at += size;
    }
    self->transport = at;
    self->protocol = next;
    self->has_transport = true;
}

void zt_ip_view(zt_ip_view_t *self, uint32_t ethertype, const uint8_t *payload, size_t length) {
    self->payload = payload;
    self->length = length;
    self->transport = 0;
    self->version = 0;
    self->protocol = 0;
    self->has_header = false;
    self->has_transport = false;
    if (ethertype == ZT_ETHERTYPE_IPV4 && length >= IPV4_HEADER) {
        self->version = 4;
        self->has_header = true;
        self->has_transport = true;
        self->protocol = payload[IPV4_PROTOCOL];
        self->transport = 4 * (size_t)(payload[0] & IPV4_LENGTH_MASK);
    } else if (ethertype == ZT_ETHERTYPE_IPV6 && length >= IPV6_HEADER) {
        self->version = 6;
        self->has_header = true;
        walk_ipv6(self);
    }
}

uint8_t zt_ip_tos(const zt_ip_view_t *self) {
    const uint8_t *payload = self->payload;
    return self->version == 4 ? payload[1] : (uint8_t)(payload[0] << 4 | payload[1] >> 4);
}

// True if the transport header has more than `count` bytes.
static bool has_more_than(const zt_ip_view_t *self, size_t count) {
    return self->length > self->transport + count;
}

int32_t zt_ip_port(const zt_ip_view_t *self, size_t offset) {
    switch (self->protocol) {
        case PROTOCOL_TCP:
        case PROTOCOL_UDP:
        case PROTOCOL_SCTP:
        case PROTOCOL_UDPLITE:
            break;
        default:
            return -1;
    }
    // One byte behind the ports must be there too (protocol/07 §7.8).
    if (!has_more_than(self, PORTS_SIZE)) {
        return -1;
    }
    int32_t port = (int32_t)zt_get16(self->payload + self->transport + offset);
    return port == 0 && self->version == 6 ? -1 : port;
}

const uint8_t *zt_ip_icmp(const zt_ip_view_t *self) {
    if (!self->has_transport || self->protocol != (self->version == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6)
        || !has_more_than(self, 1)) {
        return NULL;
    }
    return self->payload + self->transport;
}

uint32_t zt_ip_tcp_flags(const zt_ip_view_t *self) {
    if (!self->has_transport || self->protocol != PROTOCOL_TCP) {
        return 0;
    }
    const uint8_t *header = self->payload + (self->transport < self->length ? self->transport : 0);
    if (self->version == 6) {
        return has_more_than(self, TCP_FLAGS + 1) ? zt_get16(header + TCP_OFFSET) & 0xfff : 0;
    }
    // In a frame that ends before its flags, the reference takes what follows in memory; here these bits are 0.
    uint32_t flags = has_more_than(self, TCP_FLAGS) ? header[TCP_FLAGS] : 0;
    return has_more_than(self, TCP_OFFSET) ? flags | (uint32_t)(header[TCP_OFFSET] & 0x0f) << 8 : flags;
}

zt_sender_t zt_ip_sender(const zt_ip_view_t *self, uint32_t ethertype, const uint8_t **ip) {
    const uint8_t *payload = self->payload;
    *ip = NULL;
    if (self->version == 4) {
        *ip = payload + IPV4_SOURCE;
        return ZT_SENDER_IPV4;
    }
    if (self->version == 6) {
        *ip = payload + IPV6_SOURCE;
        if (self->length >= NEIGHBOUR_SIZE && payload[IPV6_NEXT] == PROTOCOL_ICMPV6) {
            if (payload[NEIGHBOUR_TYPE] == NEIGHBOUR_SOLICITATION) {
                *ip = NULL;
                return ZT_SENDER_ANY;
            }
            if (payload[NEIGHBOUR_TYPE] == NEIGHBOUR_ADVERTISEMENT) {
                *ip = payload + NEIGHBOUR_TARGET;
            }
        }
        return ZT_SENDER_IPV6;
    }
    if (ethertype == ZT_ETHERTYPE_ARP && self->length >= ARP_SIZE) {
        *ip = payload + ARP_SENDER;
        return ZT_SENDER_IPV4;
    }
    return ZT_SENDER_NONE;
}
