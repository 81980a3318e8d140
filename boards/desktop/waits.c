// Every place where the interpreter waits, and the hook that a busy loop calls: there the node gets its time.
// It owns how long a wait may last and what ends it early. Never what the node does (firmware/cmodule/bind/background.c).
//
// The linker sends the port's calls of poll(2), select(2) and read(2) here (mpconfigvariant.mk), because the port waits in
// them for as long as the user asks.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/select.h>
#include <unistd.h>

#include "py/mphal.h"
#include "py/mpstate.h"
#include "py/runtime.h"

#include "firmware/cmodule/bind/micropython.h"
#include "waits.h"

#define MAX_POLLED (64)
#define US_PER_MS (1000)
#define US_PER_S (1000000)

int __real_select(int count, fd_set *read, fd_set *write, fd_set *except, struct timeval *timeout);
ssize_t __real_read(int fd, void *buffer, size_t size);

// Sleeps until one of `fds` is ready, the node has something to do, or `longest` ms are over (negative: no limit).
// Returns how many of `fds` are ready, or -1.
static int wait_for(struct pollfd *fds, nfds_t count, int longest) {
    struct pollfd all[MAX_POLLED + DESKTOP_WATCHED];
    int timeout = (int)zt_background_wait(longest < 0 ? INT32_MAX : (uint32_t)longest);
    if (count > MAX_POLLED) {
        return __real_poll(fds, count, MIN(timeout, 1));
    }
    if (count > 0) {
        memcpy(all, fds, count * sizeof(*fds));
    }
    // The node's sockets end a wait, but not if Python reads them and cannot, because a callback of the scheduler waits here.
    nfds_t watched = zt_background_is_stuck() ? 0 : (nfds_t)desktop_watched(all + count);
    int ready = __real_poll(all, count + watched, timeout);
    if (ready < 0) {
        return ready;
    }
    ready = 0;
    for (nfds_t i = 0; i < count; ++i) {
        fds[i].revents = all[i].revents;
        ready += fds[i].revents != 0;
    }
    // At once, and not when the interpreter gets to it: a frame may be answered meanwhile.
    zt_background_poll();
    zt_background_wait_is_over();
    return ready;
}

// modselect calls it in a loop that handles events and looks at its own deadline, so it may return too early.
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout) {
    if (timeout == 0) {
        zt_background_poll();
        return __real_poll(fds, count, 0);
    }
    return wait_for(fds, count, timeout);
}

void zt_wait_ms(mp_uint_t longest) {
    wait_for(NULL, 0, longest > INT32_MAX ? -1 : (int)longest);
}

void zt_delay_us(mp_uint_t us) {
    mp_uint_t start = mp_hal_ticks_us();
    for (;;) {
        mp_uint_t passed = mp_hal_ticks_us() - start;
        if (passed >= us) {
            return;
        }
        mp_uint_t left = us - passed;
        if (left < US_PER_MS) {
            zt_underlay_flush();
            usleep(left); // finer than what poll(2) can
        } else {
            mp_event_handle_nowait();
            wait_for(NULL, 0, (int)MIN(left / US_PER_MS, INT32_MAX));
        }
    }
}

// time.sleep() is a select(2) without files.
int __wrap_select(int count, fd_set *read, fd_set *write, fd_set *except, struct timeval *timeout);
int __wrap_select(int count, fd_set *read, fd_set *write, fd_set *except, struct timeval *timeout) {
    if (count != 0 || timeout == NULL) {
        return __real_select(count, read, write, except, timeout);
    }
    if (timeout->tv_sec < 0 || timeout->tv_usec < 0) {
        errno = EINVAL;
        return -1;
    }
    zt_delay_us((mp_uint_t)timeout->tv_sec * US_PER_S + (mp_uint_t)timeout->tv_usec);
    return 0;
}

// Waits for a key at the prompt, in input() and in sys.stdin.
ssize_t __wrap_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size) {
    if (fd == STDIN_FILENO && (fcntl(fd, F_GETFL) & O_NONBLOCK) == 0) {
        struct pollfd input = { .fd = fd, .events = POLLIN };
        for (;;) {
            zt_background_poll();
            // At the prompt there is nobody who could catch an exception.
            mp_handle_pending(MP_STATE_THREAD(nlr_top) != NULL);
            if (wait_for(&input, 1, -1) > 0) {
                break;
            }
        }
    }
    return __real_read(fd, buffer, size);
}

int zt_vm_hook_countdown = ZT_VM_HOOK_PERIOD;

// At most one look per ms: a program that computes keeps nearly all of its time.
void zt_vm_hook(void) {
    static mp_uint_t last;
    zt_vm_hook_countdown = ZT_VM_HOOK_PERIOD;
    mp_uint_t now = mp_hal_ticks_ms();
    if (now != last) {
        last = now;
        zt_background_poll();
    }
}
