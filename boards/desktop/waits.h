// What waits.c and underlay.c of this board show each other.
// It owns no code.
#ifndef ZT_DESKTOP_WAITS_H
#define ZT_DESKTOP_WAITS_H

#include <poll.h>
#include <stddef.h>

// poll(2) itself; the linker sends all other calls of it to waits.c.
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);

// Copies what to wait for on behalf of the node; at most ZT_UNDERLAY_SOCKETS.
size_t desktop_watched(struct pollfd *fds);

#endif // ZT_DESKTOP_WAITS_H
