// Where the fields of packets, fragments and frames are (protocol/02 §2.1, §2.2, protocol/03 §3.9, §3.10): numbers only.
// Never a function; what the fields mean is known where they are used.
#ifndef ZT_PACKET_H
#define ZT_PACKET_H

// A packet's header.
#define ZT_ID_SIZE (8)
#define ZT_DESTINATION_OFFSET (8)
#define ZT_SOURCE_OFFSET (13)
#define ZT_FLAGS_OFFSET (18)
#define ZT_MAC_OFFSET (19)
#define ZT_VERB_OFFSET (27)

// Byte 18: E F C C C H H H.
#define ZT_FLAG_EXTENDED (0x80) // with cipher 0: an encrypted HELLO (protocol/14 §14.2)
#define ZT_FLAG_FRAGMENTED (0x40)
#define ZT_CIPHER_MASK (0x38)
#define ZT_CIPHER_SHIFT (3)
#define ZT_HOPS_MASK (0x07)

// Byte 27.
#define ZT_FLAG_COMPRESSED (0x80)
#define ZT_VERB_MASK (0x1f)

#define ZT_VERB_HELLO (0x01)
#define ZT_VERB_FRAME (0x06)
#define ZT_VERB_EXT_FRAME (0x07)
#define ZT_VERB_MULTICAST_FRAME (0x0e)

// A fragment's header. The mark sits where a packet's source begins; no address begins with it.
#define ZT_FRAGMENT_MARK_OFFSET (13)
#define ZT_FRAGMENT_COUNTS_OFFSET (14)
#define ZT_FRAGMENT_HOPS_OFFSET (15)
#define ZT_FRAGMENT_HEADER_SIZE (16)
#define ZT_FRAGMENT_MARK (0xff)
#define ZT_FRAGMENTS_MAX (7)

// A datagram of our own that a root has sent back: a fragment that is too short for one that is not the last.
#define ZT_DETOUR_SIZE (20)
#define ZT_DETOUR_COUNTS (0x71)

// Up to this length a datagram is junk that opens a NAT.
#define ZT_BEACON_SIZE (13)
#define ZT_JUNK_SIZE (16)

// FRAME: network, ethertype, payload. The ethertype is where it is in an Ethernet frame that begins at FRAME_START.
#define ZT_FRAME_NWID_OFFSET (28)
#define ZT_FRAME_START_OFFSET (24)
#define ZT_FRAME_ETHERTYPE_OFFSET (36)
#define ZT_FRAME_PAYLOAD_OFFSET (38)

// EXT_FRAME without a certificate: network, flags, a whole Ethernet frame.
#define ZT_EXT_FRAME_FLAGS_OFFSET (36)
#define ZT_EXT_FRAME_START_OFFSET (37)
#define ZT_EXT_FRAME_PAYLOAD_OFFSET (51)
#define ZT_EXT_FRAME_NORMAL (0) // flags: no certificate, no answer wanted, no copy made by a rule

#endif // ZT_PACKET_H
