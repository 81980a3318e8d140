"""The bound of every table and the period of every timer, one set per size of machine.

Owns numbers only. Where a number differs from the reference, protocol/11 §11.7 says what that costs.
All times are milliseconds.
"""

# Timers that the protocol fixes (protocol/04 §4.1); the same on every machine.
PATH_ALIVE = 19000  # a path counts as alive this long after any authenticated packet
PATH_EXPIRATION = 243000  # then it is removed
PEER_EXPIRATION = 500000  # a peer that was silent this long is forgotten; also "online"
TRUST_EXPIRATION = 600000  # how long an accepted frame keeps a peer trusted
WHOIS_RETRY = 500  # per address
WHOIS_GATE = 100  # inbound, per peer, unless we are a root
QUEUE_TIMEOUT = 5000  # packets that wait for an identity or for credentials
HELLO_RETRY = 5000  # to a root that does not answer
PEER_HELLO = 60000  # full HELLO on the paths of an active peer
HEARTBEAT = 14000  # probe a path on which nothing was sent for this long
CONFIRM_INTERVAL = 500  # HELLOs to one unconfirmed path
ECHO_GATE = 166  # inbound, per peer
PUSH_INTERVAL_RELAYED = 15000  # PUSH_DIRECT_PATHS
PUSH_INTERVAL_DIRECT = 120000
PUSH_CUTOFF_COUNT = 8  # inbound PUSH_DIRECT_PATHS within a window
PUSH_CUTOFF_TIME = 30000
RENDEZVOUS_MEMORY = 5000  # a RENDEZVOUS that overtook its OK(WHOIS) (protocol/15 §15.5)
UNITE_INTERVAL = 30000  # RENDEZVOUS per pair of peers, as a root
RELAY_MAX_HOPS = 3
SURFACE_TIMEOUT = 600000
BEACON_GATE = 2500  # answers to LAN beacons
# Ours: the reference would go on using a dead path for 243 s (protocol/15 §15.3).
PROBE_TIMEOUT = (
    1500  # a probe unanswered for this long moves the traffic to another path or the root
)
CHALLENGE_TIMEOUT = 800  # the same, when there is reason to believe that the path is dead
PROBE_REPEAT = 300  # a single probe may get lost
PROBE_SILENCE = 1000  # sent but heard nothing for this long: probe the path
QUIET = 1300  # frames came, and now nothing comes: our NAT may have forgotten us
RECENT = 5000  # how long after the last frame that is worth a question
ROOT_SILENCE = 5000  # relayed through a root but heard nothing from it: probe it
DEAD_PATH = 10000  # a path that failed this long ago is an endpoint to be tried again, no more
STALE_PATH = (
    30000  # silent this long: NATs may have forgotten it, so a root relays until it answers
)
ROOT_KEEPALIVE = 28000  # NATs forget a mapping after 20 to 30 s (protocol/11 §11.9)
ROOT_LIVENESS = 56000  # a root has to answer at least so often
ROOT_LOST = 59000  # without a word of any root for this long we are offline
ROOT_HELLO = 600000  # full HELLO to a root that answers: newer worlds come with it
PORT_PATIENCE = 15000  # offline this long: try the other port
IDLE_RENDEZVOUS = 3600000  # RENDEZVOUS with a peer that we exchange no frames with
MEMORY_INTERVAL = 600000  # between two writes of one peer to flash
RELAY_RATE = 1000  # datagrams per second that a root relays for one sender
WHOIS_RATE = 100  # addresses per second that a root looks up for one peer


class Limits:
    """Bounds of the tables of one node."""

    def __init__(
        self,
        peers: int,
        paths: int,
        reassembly: int,
        queue: int,
        expected: int,
        networks: int,
        members: int,
        groups: int,
        group_members: int,
        multicast_queue: int,
        config_bytes: int,
        hello_gate: int,
        config_refresh: int,
        like_interval: int,
        leaves_roots: bool,
        rules: int,
        held_capabilities: int,
        held_tags: int,
        held_ownerships: int,
        bridged_hosts: int,
    ) -> None:
        self.peers = peers  # roots and controllers are kept, others leave by LRU
        self.paths = paths  # per peer
        self.reassembly = reassembly  # packets being put together from fragments
        self.queue = queue  # waiting packets, each direction
        self.expected = expected  # ids of packets that we sent and that an OK may name
        self.networks = networks
        self.members = members  # remote members remembered per network
        self.groups = groups  # multicast groups that we send to, per network
        self.group_members = group_members  # members remembered per group
        self.multicast_queue = multicast_queue  # frames waiting for a gather, per group
        self.config_bytes = config_bytes  # largest network config dictionary
        self.config_chunks = 16
        self.hello_gate = hello_gate  # ms between HELLOs of strangers, per IPv4 /24 or IPv6 /48
        self.config_refresh = config_refresh
        self.like_interval = like_interval  # ms between two tellings of our multicast groups
        self.leaves_roots = leaves_roots  # while idle, where others pass on what is for us
        self.rules = rules  # of one network; with more of them it cannot be used
        self.held_capabilities = held_capabilities  # of each other member
        self.held_tags = held_tags
        self.held_ownerships = held_ownerships
        self.bridged_hosts = bridged_hosts  # MACs behind bridges, ours and others, per network


DEVICE = Limits(
    peers=16,
    paths=3,
    reassembly=4,
    queue=8,
    expected=64,
    networks=4,
    members=16,
    groups=24,
    group_members=16,
    multicast_queue=2,
    config_bytes=16384,
    hello_gate=10000,
    config_refresh=110000,  # a controller pushes changes to members that it heard within 120 s
    like_interval=280000,  # lists of listeners are kept for 600 s
    leaves_roots=True,
    rules=256,
    held_capabilities=4,
    held_tags=8,
    held_ownerships=2,
    bridged_hosts=64,
)

HOST = Limits(
    peers=16384,
    paths=8,
    reassembly=64,
    queue=64,
    expected=512,
    networks=64,
    members=1024,
    groups=64,
    group_members=256,
    multicast_queue=32,
    config_bytes=484520,
    hello_gate=2000,
    config_refresh=60000,
    like_interval=60000,
    leaves_roots=False,
    rules=1024,
    held_capabilities=128,
    held_tags=128,
    held_ownerships=4,
    bridged_hosts=4096,
)
