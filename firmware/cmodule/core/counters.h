// What the datapath counts: one name for each kind of event, every drop by its reason. The names are what users see in
// stats(); where Python counts the same, it has the same name.
// Never the counting itself.
#ifndef ZT_COUNTERS_H
#define ZT_COUNTERS_H

// X(name): what it means
#define ZT_COUNTERS(X) \
    /* datagrams and packets that come in */ \
    X(junk) /* 16 bytes or less: opens a NAT, nothing else */ \
    X(truncated) /* no room for a packet's header */ \
    X(own_packet) /* our own address as the source */ \
    X(bad_mac) /* not authentic, or in a cipher that we do not speak */ \
    X(malformed_fragment) /* counts that cannot be */ \
    X(duplicate_fragment) \
    X(oversized_packet) /* the whole would be longer than a packet may be */ \
    X(reassembly_incomplete) /* given up after 5 s, or for a newer packet */ \
    X(reassembly_no_slot) /* every slot is held by the stack */ \
    /* frames that come in */ \
    X(frames_in) /* taken by the port */ \
    X(frame_not_taken) /* refused by the port: no memory, interface down */ \
    X(frame_empty) \
    X(frame_size_in) /* longer than the network's MTU */ \
    X(frame_own_source) /* our own MAC as the source */ \
    X(rules_drop_in) /* a rule of the network drops it */ \
    X(rules_no_match_in) /* no rule and no capability lets it through */ \
    /* frames that go out */ \
    X(frames_out) /* sent without Python */ \
    X(frame_size_out) /* empty, or longer than the network's MTU */ \
    X(frame_unknown_network) /* its network was removed */ \
    X(rules_drop_out) /* a rule of the network drops it */ \
    X(rules_no_match_out) /* no rule and no capability lets it through */ \
    /* the ring to Python is full */ \
    X(ring_full_frame_out) /* a frame for Python to send */ \
    X(ring_full_frame_in) /* an authenticated packet that carries a frame */ \
    X(ring_full_raw) /* from a stranger, or to be relayed */ \
    X(ring_full_hello) \
    X(ring_full_control) /* an authenticated packet of any other kind */ \
    X(ring_full_path)

#define ZT_COUNTER_INDEX(name) ZT_COUNT_##name,
enum {
    ZT_COUNTERS(ZT_COUNTER_INDEX)
    ZT_COUNTER_COUNT
};

#endif // ZT_COUNTERS_H
