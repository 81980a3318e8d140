"""The C module `_zerotier`: what is done once per packet or once per key. This file is its manual.

There are two bindings over one portable core (firmware/cmodule/core), one for CPython and one for
MicroPython, in firmware/cmodule/bind. Both offer the functions below under the same names, with
the same effects and the same sentences in their exceptions. `Netif`, `background` and `wake`, at
the end, exist only in MicroPython builds that bring lwIP with them.

What holds for all functions:

* Arguments are positional, unless a default is shown; those may be given by name.
* A `Readable` is never changed. A `Writable` is worked on in place and covers exactly what it is
  about: no byte before or behind it is touched, so a memoryview of a larger buffer is the usual
  argument. Buffers are borrowed for the time of the call. Nothing has to be aligned.
* A wrong length or number raises ValueError with the sentence that is quoted. Something that is no
  buffer, or a Writable that is read-only, raises TypeError.
* Functions on secrets take the same time whatever the secret, and leave nothing of it on the
  stack. What they return is the caller's to keep safe: Python cannot wipe `bytes`.
* A secret key is 64 bytes, X25519 secret then Ed25519 seed; a public key is 64 bytes, X25519 then
  Ed25519 (protocol/01 §1.1).
* "Key" alone is the symmetric key shared with a peer: the first 32 bytes of the 48 that agree()
  returns count, so these 48 may be given whole.
"""

from collections.abc import Callable
from typing import overload

Readable = bytes | bytearray | memoryview
Writable = bytearray | memoryview

# --- Hashes ---

def sha512(message: Readable, /) -> bytes:
    """SHA-512 of the message: 64 bytes."""

def sha384(message: Readable, /) -> bytes:
    """SHA-384 of the message: 48 bytes.

    Of address and public key it is the fingerprint of an identity (protocol/01 §1.10).
    """

def identity_hash(public: Readable, /) -> bytes:
    """The memory-hard hash of a public key (protocol/01 §1.5): 64 bytes.

    An identity is good if byte 0 is below 17 and bytes 59 to 63 are its address; this function
    does not judge.

    Takes 2 MiB from malloc for the time of the call, beside the heap of MicroPython. Takes about
    10 ms on a PC, seconds on a board. On CPython other threads run meanwhile.

    Raises ValueError "public key must be 64 bytes", MemoryError "the identity hash needs 2 MiB of
    memory".
    """

# --- Curves ---

def public_key(secret: Readable, /) -> bytes:
    """The public key of a secret key (protocol/01 §1.1): 64 bytes.

    Raises ValueError "secret key must be 64 bytes".
    """

def agree(secret: Readable, public: Readable, /) -> bytes:
    """The key that two identities share (protocol/01 §1.9): 48 bytes of SHA-512(X25519), secret.

    The same from both sides, and for ever: it depends on nothing but the two identities. There is
    no error for a public key of small order; its X25519 result counts as 32 zero bytes, as in the
    reference.

    Raises ValueError "secret key must be 64 bytes", "public key must be 64 bytes".
    """

def sign(secret: Readable, message: Readable, public: Readable = ..., /) -> bytes:
    """The signature over a message of any length (protocol/01 §1.8): 96 bytes.

    Deterministic: Ed25519 over the first 32 bytes of SHA-512(message), then these 32 bytes.
    With `public`, which has to be `public_key(secret)`, in half the time; with any other key the
    signature is worthless, and two of them give the secret away.

    Raises ValueError "secret key must be 64 bytes", "public key must be 64 bytes".
    """

def verify(public: Readable, message: Readable, signature: Readable, /) -> bool:
    """True if the owner of the public key signed this message (protocol/01 §1.8).

    A signature that is not 96 bytes long is simply false. So are non-canonical ones: S of the
    group order or above, a key or R of small order.

    Raises ValueError "public key must be 64 bytes".
    """

# --- Ciphers ---

def salsa20(
    key: Readable, nonce: Readable, buffer: Writable, /, counter: int = 0, rounds: int = 12
) -> None:
    """XORs the buffer with Salsa20 key stream, in place (protocol/13 §13.1). Its own inverse.

    `key` is 32 bytes, `nonce` 8. `counter` is the number of the first block of 64 bytes. `rounds`
    is 12 for packets, 20 for the identity hash. A buffer may be empty.

    Raises ValueError "key must be 32 bytes", "nonce must be 8 bytes", "counter must be 0 to
    0x3fffffff", "rounds must be 12 or 20"; the buffer is then unchanged.
    """

def aes256_ctr(key: Readable, counter: Readable, buffer: Writable, /) -> None:
    """XORs the buffer with AES-256 key stream in counter mode, in place. Its own inverse.

    `key` is 32 bytes, `counter` the first counter block: 16 bytes, the last four of which count up,
    big-endian. For the encrypted HELLO (protocol/14 §14.2). A buffer may be empty.

    Raises ValueError "key must be 32 bytes", "counter block must be 16 bytes"; the buffer is then
    unchanged.
    """

def poly1305(key: Readable, message: Readable, /) -> bytes:
    """The Poly1305 tag of a message (protocol/13 §13.2): 16 bytes.

    `key` is 32 bytes, and for one message only.

    Raises ValueError "key must be 32 bytes".
    """

# --- Packets ---

def armor(key: Readable, packet: Writable, cipher: int, /) -> None:
    """Makes a packet ready to be sent, in place (protocol/02 §2.7.1, §2.7.2).

    `packet` is the whole packet from its id on, before it is cut into fragments, with id,
    addresses and fragmented flag final. `cipher` is 0 (authenticated, in clear) or 1 (encrypted
    too). Puts the cipher into byte 18 and keeps the other bits of that byte; encrypts from the
    verb (offset 27) on; writes the MAC (offset 19, 8 bytes).

    Raises ValueError "key must be at least 32 bytes", "packet must be at least 28 bytes", "cipher
    must be 0 or 1"; the packet is then unchanged.
    """

def dearmor(key: Readable, packet: Writable, /) -> bool:
    """Authenticates a packet that came in, and decrypts it in place (protocol/02 §2.7.1, §2.7.2).

    `packet` is the whole packet, reassembled. The cipher is that of byte 18 as it arrived. True:
    authentic, and in clear from the verb (offset 27) on, the header unchanged. False: the MAC is
    wrong, or the cipher is neither 0 nor 1; the packet is then unchanged, so it can be tried again
    with another key. Hops (the low bits of byte 18) are not authenticated.

    Raises ValueError "key must be at least 32 bytes", "packet must be at least 28 bytes".
    """

def hello_tail(key: Readable, packet: Writable, offset: int, /) -> None:
    """Encrypts or decrypts the tail of a HELLO in place, from `offset` on (protocol/02 §2.8).

    Its own inverse: before armor() on the way out, after dearmor() on the way in. `offset` counts
    from the start of the packet, 28 to its length; at its length there is nothing to do.

    Raises ValueError "key must be at least 32 bytes", "packet must be at least 28 bytes", "offset
    must be 28 to the length of the packet"; the packet is then unchanged.
    """

def lz4_decompress(source: Readable, destination: Writable, /) -> int:
    """Decodes an LZ4 block (protocol/13 §13.5): the bytes written, 1 to len(destination).

    `source` is the payload of a packet whose verb byte has flag 0x80, without the verb byte.
    Payloads decompress to at most 9996 bytes (protocol/02 §2.10), so that is the largest
    destination with a use. The two must not overlap.

    Raises ValueError "malformed LZ4 block" for everything that is wrong: a broken block, one that
    gives nothing, or one that does not fit. `destination` may then hold a part of the output, but
    nothing outside it is ever written.
    """

# --- Rules ---

# What becomes of a frame: a verdict; with REDIRECT (3) the address that gets it instead; copies for
# observers, at most 2, in the order in which they leave: (address, bytes of payload, whether it is
# a WATCH); with VERIFY (5) the credential that decides: (2 capability, 3 tag or 4 ownership, id).
#   0 DROP           a rule says so
#   1 ACCEPT
#   2 SUPER_ACCEPT   inbound: accepted whatever its MACs, since a rule sent it to us
#   3 REDIRECT
#   4 NO_MATCH       no rule and no capability lets it through: as good as DROP
#   5 VERIFY         verify that credential, make new Holdings without it or with its trust 1, ask again
Outcome = tuple[int, bytes | None, tuple[tuple[bytes, int, bool], ...], tuple[int, int] | None]

class Holdings:
    """What one member holds that rules ask for: tags, owned addresses, capabilities. Immutable.

    Each argument is any number of packed records, integers big-endian. `trust` is 1 for a
    credential whose signature was verified, 0 for one whose signature was not looked at yet. What is
    out of date or revoked is left out by the caller.

    tags: u32 id, u8 trust, u32 value; ids ascend.
    things: u32 id of the certificate, u8 trust, u8 kind (1 MAC, 2 IPv4, 3 IPv6), 16 bytes padded
    with zeros.
    capabilities: u32 id, u8 trust, u16 length, rules of that length (protocol/07 §7.7); ids ascend.

    Raises ValueError "malformed holdings" for a cut off record, ids that do not ascend, a trust
    above 1 or rules that cannot be decoded.
    """

    def __init__(self, tags: Readable, things: Readable, capabilities: Readable, /) -> None: ...
    @property
    def size(self) -> int:
        """Bytes of memory that the compiled form takes."""

class RuleSet:
    """The rules of a network as one of its members judges by them (protocol/07 §7.8, §7.9).

    Immutable but for its random numbers. `frame` is an Ethernet frame from its destination MAC on,
    without a VLAN tag. `other` is the other member, 5 bytes, and `theirs` what it holds, None if
    nothing is known of it. Where copies may not be made (all passes of a multicast frame but the
    first) the caller leaves them out.
    """

    def __init__(
        self,
        rules: Readable,
        address: Readable,
        own: Holdings | None,
        unsupported: bool,
        prefixes: Readable,
        seed: int,
        /,
    ) -> None:
        """Compiles the first 1024 of `rules`, the bytes of a config's `R` (protocol/07 §7.7).

        `address` is ours. `own`: what we hold, all with trust 1. `unsupported`: network flag 0x08,
        a match of an unknown type counts as true. `prefixes`: up to two, each a length of 1 to 11
        and that many bytes; IPv6 sources that begin so and go on with the sender's address count as
        owned by it: our own 6PLANE (5 bytes) and RFC4193 (11 bytes) prefixes, if network flag 0x04
        is set and the network gave us such an address. Stricter than the reference, which takes
        the address of any member from any other. `seed`: for MATCH_RANDOM, from the hardware.

        Raises ValueError "malformed rules" (the whole config must be refused), "address must be 5
        bytes", "prefixes must be at most 2, each a length of 1 to 11 and that many bytes",
        TypeError "must be Holdings or None", MemoryError.
        """

    @property
    def size(self) -> int:
        """Bytes of memory that the compiled rules take, without those of holdings."""
    @property
    def count(self) -> int:
        """The number of rules."""
    @property
    def accept_all(self) -> bool:
        """Whether every frame is accepted, both ways and without copies: judging can be left out."""

    def outbound(self, other: Readable, theirs: Holdings | None, frame: Readable, /) -> Outcome:
        """Judges a frame that we send to `other`.

        In the first pass of a frame to a group or to a host behind a bridge, `other` is 5 zeros and
        `theirs` None. Never SUPER_ACCEPT.

        Raises ValueError "address must be 5 bytes", "frame must be at least 14 bytes", TypeError
        "must be Holdings or None".
        """

    def inbound(self, other: Readable, theirs: Holdings | None, frame: Readable, /) -> Outcome:
        """Judges a frame that `other` sent to us. Raises as outbound()."""

    def probe_outbound(
        self, other: Readable, theirs: Holdings | None, frame: Readable, /
    ) -> Outcome:
        """What the rules say without any capability, and the copy that they leave behind.

        For those who explain rules: no frame may leave on the strength of it. Raises as outbound().
        """

    def probe_inbound(
        self, other: Readable, theirs: Holdings | None, frame: Readable, /
    ) -> Outcome:
        """The same for a frame that `other` sent to us."""

# --- The datapath ---

class Datapath:
    """Frames between UDP and the local ports without Python, by tables that Python fills.

    What it cannot do alone waits in a bounded ring, from which next() takes it. Tables that are
    full and arguments that make no sense are the only things that raise; packets never do, they
    are counted.

    Addresses are 5 bytes, network ids 8, MACs 6. An endpoint is a physical address in the wire
    encoding (protocol/03 §3.1): 1, 7 or 19 bytes. `now` is in ms and never goes back.

    firmware/cmodule/core/datapath.h says all of it in detail.
    """

    on_send: Callable[[memoryview, bytes], object] | None
    """Sends a datagram, which is borrowed, to an endpoint. MicroPython: None, the default, sends by
    the underlay, if this datapath is attached to it.
    """

    def __init__(
        self, address: Readable, peers: int, networks: int, slots: int, ring: int, /
    ) -> None:
        """For the node with this address, with room for so many peers (at most 16384), networks
        (255), packets being put together from fragments (255), and bytes in the ring (8 KiB to
        16 MiB).

        Raises ValueError "address must be 5 bytes", "no datapath has these bounds". On MicroPython
        the memory comes from malloc: OSError(ENOMEM) if there is none.
        """

    def set_peer(self, address: Readable, key: Readable, /) -> None:
        """Makes a peer known, or changes its key (32 bytes or more).

        Raises ValueError "key must be at least 32 bytes", OSError(ENOMEM) if the table is full.
        """

    def remove_peer(self, address: Readable, /) -> None:
        """Forgets a peer with its paths and memberships."""

    def set_paths(
        self, address: Readable, endpoints: tuple[bytes, ...], send_to: bytes | None, /
    ) -> bool:
        """The confirmed paths of a peer (the first 4 count), and where frames to it go.

        `send_to` is one of them or a root's endpoint; with None frames to it go to Python. False
        if there is no such peer.
        """

    def add_network(self, nwid: Readable, mac: Readable, mtu: int, port: object, /) -> None:
        """A joined network: our MAC on it and its port; or a change of these.

        `port.deliver(frame)` gets each frame as a memoryview that is valid during the call; False
        from it means dropped. On MicroPython `port` may be a Netif: then C gives it the frames,
        and what the stack sends is transmitted.

        Raises ValueError "mtu must be 1 to 10000", OSError(ENOMEM) if the table is full.
        """

    def remove_network(self, nwid: Readable, /) -> None:
        """Forgets a network, its port and who its members are."""

    def set_member(self, nwid: Readable, address: Readable, flags: int, /) -> bool:
        """What a peer may do on a network. ADMITTED = 1: its frames go to the port. OPEN = 2:
        frames to it are sent without Python. False if peer or network are not known.

        Raises ValueError "flags must be 0 to 3".
        """

    def set_rules(self, nwid: Readable, rules: RuleSet, /) -> bool:
        """By what the frames of a network are judged; before that, every frame of a member passes.

        What the rules accept passes, what they drop is counted. Python gets, untouched, the frames that
        they copy, redirect or accept whatever their MACs, and those that depend on a credential
        without trust. False if there is no such network.
        """

    def set_holdings(
        self, nwid: Readable, address: Readable, holdings: Holdings | None, /
    ) -> bool:
        """What a peer holds on a network, for its rules; None, as at first: nothing is known of it.

        False if peer or network are not known.
        """

    def join_ethernet(self, nwid: Readable, ethernet: object | None, /) -> bool:
        """The Ethernet that is joined to a network: an object with deliver(frame), as a port has. None,
        as at first: there is none. Hosts that were known are forgotten.

        On MicroPython it may be a Tap: then what is heard there is bridged by C. False if there is no
        such network.
        """

    def set_host(self, nwid: Readable, mac: Readable, address: Readable, now: int, /) -> bool:
        """A host that is no member was heard: behind the member with this address, or, if that is our
        own, on the joined Ethernet. From now on C bridges its unicast frames, as long as they come
        from there, and forgets it when it was silent for 300 s. Of 64 hosts those that were silent for
        longest make room.

        False if there is no such network, or no Ethernet joined to it.
        """

    def forget_hosts(self, nwid: Readable, /) -> None:
        """Forgets the hosts of a network: its bridges have changed."""

    def set_ids(self, prefix: Readable, /) -> None:
        """The first 5 of the 8 bytes that packet ids are mixed from, never used before.

        Good for 2**24 packets. Without one, and when it is used up, frames go to Python.

        Raises ValueError "prefix must be 5 bytes".
        """

    def ids_low(self) -> bool:
        """True if the next prefix is due: there is none, or half of it is used up."""

    def receive(self, datagram: Readable, endpoint: Readable, now: int, /) -> None:
        """A datagram came in from this endpoint. MicroPython calls this in C by itself."""

    def transmit(self, nwid: Readable, frame: Readable, now: int, /) -> None:
        """An Ethernet frame from the port of a network. MicroPython calls this in C by itself."""

    def bridge(self, nwid: Readable, frame: Readable, now: int, /) -> None:
        """An Ethernet frame that was heard on the Ethernet joined to a network. For a Tap, MicroPython
        calls this in C by itself.
        """

    def next(self) -> tuple[int, memoryview, bytes] | None:
        """The next that Python must handle: (kind, packet, where from), or None.

        The packet may be written to and is valid until the next call.

        PACKET = 1: authenticated and decrypted, still compressed if it came so; and the endpoint.
        RAW = 2: what needs Python to be judged; and the endpoint. If it is for us, it is a whole
        packet, even if it came in fragments: a HELLO in clear, or a packet of an unknown sender.
        Else it is a datagram to be relayed.
        FRAME = 3: an Ethernet frame from a port; and the network id.
        PATH = 4: the address of a peer that was heard directly; and the endpoint, none of its
        paths. At most once a second for each peer.
        BRIDGED = 5: an Ethernet frame heard on the Ethernet joined to a network; and the network id.
        """

    def peer_state(self, address: Readable, /) -> tuple[int, int, tuple[int, ...]] | None:
        """When the last frame came from a peer, and when the last went to it, without Python; and
        when one last came directly on each of its paths, as given to set_paths(). 0: never.
        None if there is no such peer.
        """

    def counters(self) -> dict[str, int]:
        """How often what happened, every drop by its reason (core/counters.h).

        MicroPython adds send_failed: datagrams that the underlay could not send, and no_memory:
        datagrams that came while lwIP's heap was full, in which a frame is lost.
        """

    def attach(self, now: int, /) -> None:
        """MicroPython with lwIP: from now on the datagrams of the underlay come to this datapath,
        and it sends by it. `now` is its time, which goes on by itself. One at a time: the last one
        counts.
        """

    def detach(self) -> None:
        """MicroPython with lwIP: ends that, if it is this one."""

# --- MicroPython with lwIP only ---

class Netif:
    """A virtual Ethernet interface in lwIP, one for each joined network.

    It is given to Datapath.add_network() as the port of a network: then the stack's frames leave
    through that datapath, and frames for the stack come from it. A frame is an Ethernet header of 14 bytes and a
    payload of at most `mtu` bytes. An interface never becomes the default route.

    Every method of a closed interface raises OSError(EBADF), but close() itself. A soft reset
    closes all of them.
    """

    def __init__(self, mac: Readable, mtu: int, /) -> None:
        """Opens an interface, down and without addresses.

        Raises ValueError "mac must be 6 bytes", "mtu must be 1280 to 10000", OSError(ENOMEM) if
        there is no free one.
        """

    def close(self) -> None:
        """Takes the interface out of the stack and out of its datapath. May be called twice."""

    def active(self, is_up: bool = ..., /) -> bool:
        """Puts the interface up or down, if told to; returns whether it is up.

        Going up announces its addresses.
        """

    def mtu(self, size: int = ..., /) -> int:
        """Sets the MTU, in bytes, if one is given; returns it. Boards that are short of memory send no
        frames of more than 2800 bytes: then that is what is returned.

        Raises ValueError "mtu must be 1280 to 10000".
        """

    def ip4(self, address: str | Readable, prefix_bits: int, /) -> None:
        """Sets the IPv4 address, as text or as 4 bytes, with which packets leave if a program did
        not choose another. The last one set is in force.

        Raises ValueError "not an IP address", "an IP address must be 4 or 16 bytes", "not an IPv4
        address", "the prefix is longer than the address".
        """

    def ip4_also(self, address: str | Readable, prefix_bits: int, /) -> None:
        """Adds a further IPv4 address.

        Raises what ip4() does, OSError(ENOMEM) if there is no room for another.
        """

    def ip6(self, address: str | Readable, prefix_bits: int, /) -> None:
        """Adds an IPv6 address, as text or as 16 bytes.

        Any prefix length is honoured, so 6PLANE's 40 bits work.

        Raises ValueError "not an IP address", "an IP address must be 4 or 16 bytes", "not an IPv6
        address", "the prefix is longer than the address", OSError(ENOMEM) if there is no room for
        another.
        """

    def route(
        self, target: str | Readable, prefix_bits: int, gateway: str | Readable | None, /
    ) -> None:
        """Adds a route to destinations behind a gateway, or, without one, on the link. The narrowest
        route counts, among equal ones the first; the subnets of addresses go before all routes.

        Raises ValueError "not an IP address", "an IP address must be 4 or 16 bytes", "the prefix is
        longer than the address", "target and gateway must be of one version of IP", OSError(ENOMEM)
        if there is no room for another.
        """

    def clear_routes(self) -> None:
        """Removes all routes."""

    def clear_addresses(self) -> None:
        """Removes all addresses but the IPv6 link-local one."""

    def input(self, frame: Readable, /) -> bool:
        """Gives a frame that passed through Python to the stack, which copies it. False if it was
        dropped (see stats()).
        """

    def groups(self) -> list[bytes]:
        """The multicast MACs, 6 bytes each, that the stack listens to."""

    def groups_version(self) -> int:
        """A number that changes whenever groups() does."""

    def stats(self) -> tuple[int, int, int, int]:
        """Frames given to the datapath, given to the stack, dropped because no datapath has this
        interface, dropped on the way to the stack.
        """

class Tap:
    """The frames of another interface in lwIP, its Ethernet or its soft access point, for a bridge.

    They go to the network that it is given to by Datapath.join_ethernet(). The stack goes on using the
    interface; what is for the interface's own MAC is the stack's alone. Every
    method of a closed one raises OSError(EBADF), but close() itself.
    """

    def __init__(self, name: str, /) -> None:
        """`name`: two letters and a number, as lwIP names its interfaces.

        Raises OSError(ENODEV), OSError(EBUSY) if one is open or the interface has no MAC.
        """

    def close(self) -> None:
        """Leaves the interface. May be called twice."""

    def send(self, frame: Readable, /) -> bool:
        """Sends a copy of a frame, header first. False if it is longer than the interface's MTU, or
        cannot be sent now.
        """

    def dropped(self) -> int:
        """How many frames were heard while no network took them."""

class Underlay:
    """The UDP socket over which the node talks, where one lwIP carries the physical network too.

    An endpoint is a physical address in its wire encoding (protocol/03 §3.1). What it sends never
    goes into a Netif, and nothing that came out of one is received. There is one at a time. Every
    method of a closed socket raises OSError(EBADF), but close() itself.
    """

    def __init__(self, endpoint: Readable, /) -> None:
        """Binds to an IP address and port; 0.0.0.0 stands for all addresses.

        Raises ValueError "not an endpoint", OSError(EADDRINUSE), OSError(ENOMEM).
        """

    def close(self) -> None:
        """Closes the socket and forgets what waits. May be called twice."""

    def sockets(self) -> tuple[int, ...]:
        """What background() must be told to watch."""

    def send(self, datagram: Readable, endpoint: Readable, /) -> bool:
        """Sends a copy of the datagram. False if it cannot be sent now or never."""

    def local_endpoints(self) -> list[bytes]:
        """The addresses of the physical interfaces, with the socket's port."""

    def dropped(self) -> int:
        """Datagrams that were dropped since power on."""

def name_servers(servers: list[bytes] | tuple[bytes, ...] = ..., /) -> tuple[bytes, ...]:
    """Sets the servers that the stack asks for names, if there is an argument: at most four IP
    addresses of 4 or 16 bytes. Returns those in force.

    Raises ValueError "an IP address must be 4 or 16 bytes".
    """

@overload
def background() -> Callable[[], int] | None:
    """The callback of now, None if there is none."""

@overload
def background(callback: Callable[[], int] | None, /, *sockets: int) -> None:
    """Lets the node run by itself: `callback` is called whenever there is something for it to do.

    That is when the attached Datapath has something for next(), or the time that the callback
    returned last, in ms from then, has passed. `sockets` (at most 4) are the file descriptors that
    the datapath reads and sends through; without an attached one, the callback is called when one
    of them is readable. Datagrams and frames move meanwhile without it. It runs as a
    scheduled callback, between two bytecodes of whatever the program does, and never inside
    itself. None stops it.

    Raises TypeError "the callback must be callable or None".
    """

def wake() -> None:
    """Has the callback of background() called soon, whatever time it asked for."""
