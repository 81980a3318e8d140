// What waits.c, underlay.c and ethernet.c of this board show each other.
// It owns no code.
#ifndef ZT_DESKTOP_WAITS_H
#define ZT_DESKTOP_WAITS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

// poll(2) itself; the linker sends all other calls of it to waits.c.
int __real_poll(struct pollfd *fds, nfds_t count, int timeout);

// Copies what to wait for on behalf of the node; at most DESKTOP_WATCHED.
#define DESKTOP_WATCHED (ZT_UNDERLAY_SOCKETS + 1)
size_t desktop_watched(struct pollfd *fds);

// The file of the TAP interface, -1 if there is none.
int desktop_ethernet(void);

// Gives what was heard on it to lwIP, but no more than a batch. False: nothing was.
bool desktop_ethernet_pump(void);

#endif // ZT_DESKTOP_WAITS_H
