// The node's datagrams on the operating system's UDP sockets, which Python has opened (firmware/zerotier/underlay.py).
// It owns how many are taken and sent with one system call, and the form of an address. Never looks into a datagram, never waits.
#define _GNU_SOURCE // recvmmsg
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "firmware/cmodule/bind/micropython.h"
#include "waits.h"

#define BATCH (8) // runs of datagrams that one call takes
#define RECEIVE_BUFFER_BYTES (1024 * 1024) // as much of it as the system allows

#define KIND_IP4 (4)
#define KIND_IP6 (6)
#define IP4_ENDPOINT_SIZE (7)
#define IP6_ENDPOINT_SIZE (19)

// A run of datagrams of one size to one place, but the last, which may be shorter: the kernel takes it for little more than the
// price of one (UDP_SEGMENT). It waits until it ends, or until whoever sends has nothing more to send now.
#define LONGEST_RUN (16)

static struct {
    struct sockaddr_storage to;
    socklen_t to_size;
    int socket;
    size_t piece;
    size_t length;
    uint8_t datagrams[LONGEST_RUN * ZT_DATAGRAM_MAX_SIZE];
} run;

static struct pollfd watched[ZT_UNDERLAY_SOCKETS];
static sa_family_t families[ZT_UNDERLAY_SOCKETS];
static size_t count;

void zt_underlay_watch(const int *sockets, size_t sockets_count) {
    const int bytes = RECEIVE_BUFFER_BYTES;
    const int yes = 1;
    run.length = 0; // its socket may be closed by now
    for (size_t i = 0; i < sockets_count; ++i) {
        struct sockaddr_storage own;
        socklen_t size = sizeof(own);
        watched[i] = (struct pollfd) { .fd = sockets[i], .events = POLLIN };
        families[i] = getsockname(sockets[i], (struct sockaddr *)&own, &size) == 0 ? own.ss_family : AF_UNSPEC;
        setsockopt(sockets[i], SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
        setsockopt(sockets[i], SOL_UDP, UDP_GRO, &yes, sizeof(yes)); // older kernels do without
    }
    count = sockets_count;
}

size_t desktop_watched(struct pollfd *fds) {
    memcpy(fds, watched, count * sizeof(*fds));
    if (desktop_ethernet() < 0) {
        return count;
    }
    fds[count] = (struct pollfd) { .fd = desktop_ethernet(), .events = POLLIN };
    return count + 1;
}

/******************************************************************************/
// Addresses

static bool to_socket_address(const zt_endpoint_t *endpoint, struct sockaddr_storage *address, socklen_t *size) {
    const uint8_t *bytes = endpoint->bytes;
    memset(address, 0, sizeof(*address));
    if (endpoint->length == IP4_ENDPOINT_SIZE) {
        struct sockaddr_in *ip4 = (struct sockaddr_in *)address;
        ip4->sin_family = AF_INET;
        memcpy(&ip4->sin_addr, bytes + 1, sizeof(ip4->sin_addr));
        memcpy(&ip4->sin_port, bytes + endpoint->length - sizeof(ip4->sin_port), sizeof(ip4->sin_port));
        *size = sizeof(*ip4);
        return bytes[0] == KIND_IP4;
    }
    if (endpoint->length == IP6_ENDPOINT_SIZE) {
        struct sockaddr_in6 *ip6 = (struct sockaddr_in6 *)address;
        ip6->sin6_family = AF_INET6;
        memcpy(&ip6->sin6_addr, bytes + 1, sizeof(ip6->sin6_addr));
        memcpy(&ip6->sin6_port, bytes + endpoint->length - sizeof(ip6->sin6_port), sizeof(ip6->sin6_port));
        *size = sizeof(*ip6);
        return bytes[0] == KIND_IP6;
    }
    return false;
}

static bool to_endpoint(const struct sockaddr_storage *address, zt_endpoint_t *endpoint) {
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *ip4 = (const struct sockaddr_in *)address;
        endpoint->length = IP4_ENDPOINT_SIZE;
        endpoint->bytes[0] = KIND_IP4;
        memcpy(endpoint->bytes + 1, &ip4->sin_addr, sizeof(ip4->sin_addr));
        memcpy(endpoint->bytes + IP4_ENDPOINT_SIZE - sizeof(ip4->sin_port), &ip4->sin_port, sizeof(ip4->sin_port));
        return true;
    }
    if (address->ss_family == AF_INET6) {
        const struct sockaddr_in6 *ip6 = (const struct sockaddr_in6 *)address;
        endpoint->length = IP6_ENDPOINT_SIZE;
        endpoint->bytes[0] = KIND_IP6;
        memcpy(endpoint->bytes + 1, &ip6->sin6_addr, sizeof(ip6->sin6_addr));
        memcpy(endpoint->bytes + IP6_ENDPOINT_SIZE - sizeof(ip6->sin6_port), &ip6->sin6_port, sizeof(ip6->sin6_port));
        return true;
    }
    return false;
}

/******************************************************************************/
// Datagrams that come in

// Datagrams of one size from one sender, which the kernel put together (UDP_GRO), count as one here. Memory that is not needed for
// that stays untouched.
#define LARGEST_RUN (65536)

static uint8_t runs[BATCH][LARGEST_RUN];
static struct sockaddr_storage sources[BATCH];

// The size of each datagram in what was received, but the last, which may be shorter.
static size_t piece_size(struct msghdr *header, size_t length) {
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL; control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == SOL_UDP && control->cmsg_type == UDP_GRO) {
            int size;
            memcpy(&size, CMSG_DATA(control), sizeof(size));
            return (size_t)size;
        }
    }
    return length;
}

static void take(zt_glue_t *glue, struct msghdr *header, uint8_t *run, size_t length) {
    zt_endpoint_t source;
    size_t piece = piece_size(header, length);
    if ((header->msg_flags & MSG_TRUNC) || piece == 0 || !to_endpoint(header->msg_name, &source)) {
        return;
    }
    for (size_t at = 0; at < length; at += piece) {
        zt_glue_receive_copy(glue, run + at, MIN(piece, length - at), &source);
    }
}

static bool receive_batch(zt_glue_t *glue, int socket) {
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    union {
        struct cmsghdr alignment;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
    } controls[BATCH];
    for (size_t i = 0; i < BATCH; ++i) {
        pieces[i] = (struct iovec) { .iov_base = runs[i], .iov_len = LARGEST_RUN };
        messages[i].msg_hdr = (struct msghdr) {
            .msg_name = &sources[i], .msg_namelen = sizeof(sources[i]), .msg_iov = &pieces[i], .msg_iovlen = 1,
            .msg_control = &controls[i], .msg_controllen = sizeof(controls[i]),
        };
    }
    // An error is of an earlier datagram, which met a closed port.
    int received = recvmmsg(socket, messages, BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < received; ++i) {
        take(glue, &messages[i].msg_hdr, runs[i], messages[i].msg_len);
    }
    return received > 0;
}

bool zt_underlay_is_readable(void) {
    return count > 0 && __real_poll(watched, count, 0) > 0;
}

bool zt_underlay_pump(zt_glue_t *glue) {
    bool is_news = desktop_ethernet_pump();
    for (size_t i = 0; i < count; ++i) {
        is_news |= receive_batch(glue, watched[i].fd);
    }
    return is_news;
}

/******************************************************************************/
// Datagrams that go out

static bool has_segments = true; // until the kernel refuses
static uint32_t failures;

uint32_t zt_underlay_failures(void) {
    return failures;
}

static bool send_whole_run(void) {
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control = { 0 };
    struct iovec piece = { .iov_base = run.datagrams, .iov_len = run.length };
    struct msghdr message = {
        .msg_name = &run.to, .msg_namelen = run.to_size, .msg_iov = &piece, .msg_iovlen = 1,
        .msg_control = &control, .msg_controllen = sizeof(control.bytes),
    };
    uint16_t size = (uint16_t)run.piece;
    control.header.cmsg_level = SOL_UDP;
    control.header.cmsg_type = UDP_SEGMENT;
    control.header.cmsg_len = CMSG_LEN(sizeof(size));
    memcpy(CMSG_DATA(&control.header), &size, sizeof(size));
    return sendmsg(run.socket, &message, MSG_DONTWAIT) >= 0;
}

static bool send_one(const uint8_t *datagram, size_t length) {
    return sendto(run.socket, datagram, length, MSG_DONTWAIT, (struct sockaddr *)&run.to, run.to_size) >= 0;
}

void zt_underlay_flush(void) {
    if (run.length > run.piece && has_segments) {
        if (send_whole_run()) {
            run.length = 0;
            return;
        }
        // A device or a route that cannot do it; without room in the queue each single one fails as well.
        has_segments = errno == EAGAIN || errno == ENOBUFS || errno == ECONNREFUSED;
    }
    for (size_t at = 0; at < run.length; at += run.piece) {
        failures += !send_one(run.datagrams + at, MIN(run.piece, run.length - at));
    }
    run.length = 0;
}

static bool is_same_place(const struct sockaddr_storage *to, socklen_t size, int socket) {
    return run.socket == socket && run.to_size == size && memcmp(&run.to, to, size) == 0;
}

// The socket of that family, -1 if there is none.
static int socket_for(sa_family_t family) {
    for (size_t i = 0; i < count; ++i) {
        if (families[i] == family) {
            return watched[i].fd;
        }
    }
    return -1;
}

void zt_underlay_transmit(const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    struct sockaddr_storage address;
    socklen_t size;
    int socket = to_socket_address(to, &address, &size) ? socket_for(address.ss_family) : -1;
    if (socket < 0 || length > ZT_DATAGRAM_MAX_SIZE) {
        failures++;
        return;
    }
    if (run.length > 0 && (length > run.piece || !is_same_place(&address, size, socket))) {
        zt_underlay_flush();
    }
    if (run.length == 0) {
        memcpy(&run.to, &address, size);
        run.to_size = size;
        run.socket = socket;
        run.piece = length;
    }
    memcpy(run.datagrams + run.length, datagram, length);
    run.length += length;
    if (length < run.piece || run.length == LONGEST_RUN * run.piece) {
        zt_underlay_flush();
    }
}
