// The sentences of the exceptions that `_zerotier` raises, one for each mistake: the same on CPython and on MicroPython.
// Both bindings take them from here; neither has a text of its own. _zerotier.pyi says which function raises which.
#ifndef ZT_MESSAGES_H
#define ZT_MESSAGES_H

// ValueError
#define ZT_MESSAGE_PUBLIC "public key must be 64 bytes"
#define ZT_MESSAGE_SECRET "secret key must be 64 bytes"
#define ZT_MESSAGE_ARMOR_KEY "key must be at least 32 bytes"
#define ZT_MESSAGE_KEY "key must be 32 bytes"
#define ZT_MESSAGE_NONCE "nonce must be 8 bytes"
#define ZT_MESSAGE_COUNTER "counter must be 0 to 0x3fffffff"
#define ZT_MESSAGE_COUNTER_BLOCK "counter block must be 16 bytes"
#define ZT_MESSAGE_ROUNDS "rounds must be 12 or 20"
#define ZT_MESSAGE_PACKET "packet must be at least 28 bytes"
#define ZT_MESSAGE_CIPHER "cipher must be 0 or 1"
#define ZT_MESSAGE_OFFSET "offset must be 28 to the length of the packet"
#define ZT_MESSAGE_LZ4 "malformed LZ4 block"
#define ZT_MESSAGE_RULES "malformed rules"
#define ZT_MESSAGE_HOLDINGS "malformed holdings"
#define ZT_MESSAGE_PREFIXES "prefixes must be at most 2, each a length of 1 to 11 and that many bytes"
#define ZT_MESSAGE_SHORT_FRAME "frame must be at least 14 bytes"
#define ZT_MESSAGE_ADDRESS "address must be 5 bytes"
#define ZT_MESSAGE_NWID "network id must be 8 bytes"
#define ZT_MESSAGE_HARDWARE "mac must be 6 bytes"
#define ZT_MESSAGE_MTU "mtu must be 1 to 10000"
#define ZT_MESSAGE_PREFIX "prefix must be 5 bytes"
#define ZT_MESSAGE_ENDPOINT "endpoint must be 1, 7 or 19 bytes"
#define ZT_MESSAGE_MEMBER_FLAGS "flags must be 0 to 3"
#define ZT_MESSAGE_NOW "now must not be negative"
#define ZT_MESSAGE_FRAME "frame is too long"
#define ZT_MESSAGE_BOUNDS "no datapath has these bounds"

// MemoryError
#define ZT_MESSAGE_MEMORY "the identity hash needs 2 MiB of memory"

// TypeError
#define ZT_MESSAGE_NOT_HOLDINGS "must be Holdings or None"
#define ZT_MESSAGE_NOT_RULE_SET "must be RuleSet"

#endif // ZT_MESSAGES_H
