// Lets the node run by itself, like WLAN does: whenever the interpreter waits for something, and while a busy loop runs.
// It owns when the node's callback is scheduled: a datagram came in, a frame waits, lwIP's or the node's own timer is due.
// Never what the callback does, and never a wait: how a board waits is the board's part (micropython.h).
#include "micropython.h"

#include "py/mphal.h"
#include "py/runtime.h"

#include "../lwip/netif.h"
#include "lwip/netif.h"
#include "lwip/timeouts.h"

#define LONGEST_WAIT_MS (1000)

static bool is_scheduled; // in the scheduler's queue, or running
static uint32_t runs;
static uint32_t due_at; // ms of the clock that mp_hal_ticks_ms() counts

static bool has_callback(void) {
    mp_obj_t callback = MP_STATE_VM(zerotier_background);
    return callback != MP_OBJ_NULL && callback != mp_const_none;
}

// What a netif sends to its own address waits in the netif until somebody polls.
static bool loopback_is_waiting(void) {
    struct netif *netif;
    NETIF_FOREACH(netif) {
        if (netif->loop_first != NULL) {
            return true;
        }
    }
    return false;
}

static uint32_t ms_to_deadline(void) {
    int32_t left = (int32_t)(due_at - (uint32_t)mp_hal_ticks_ms());
    return left > 0 ? (uint32_t)left : 0;
}

// Runs as a callback of the scheduler, so never inside lwIP, never inside itself, and nothing else that is scheduled can
// come in between. lwIP's timers run here for the same reason.
static mp_obj_t run(mp_obj_t unused) {
    (void)unused;
    runs++;
    sys_check_timeouts();
    netif_poll_all();
    uint32_t wait = LONGEST_WAIT_MS;
    if (has_callback()) {
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) {
            mp_int_t result = mp_obj_get_int(mp_call_function_0(MP_STATE_VM(zerotier_background)));
            nlr_pop();
            wait = result < 0 ? 0 : result > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : (uint32_t)result;
        } else {
            // The callback handles its own errors. If one comes out all the same, the user must see it, and the next call
            // must still come.
            mp_obj_print_exception(MICROPY_ERROR_PRINTER, MP_OBJ_FROM_PTR(nlr.ret_val));
        }
    }
    due_at = (uint32_t)mp_hal_ticks_ms() + wait;
    is_scheduled = false;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(run_obj, run);

void zt_background_poll(void) {
    if (is_scheduled) {
        return;
    }
    if (zt_netif_any_waiting() || ms_to_deadline() == 0 || sys_timeouts_sleeptime() == 0 || loopback_is_waiting()
        || zt_underlay_is_readable()) {
        // If the scheduler's queue is full, the next poll tries again.
        is_scheduled = mp_sched_schedule(MP_OBJ_FROM_PTR(&run_obj), mp_const_none);
    }
}

uint32_t zt_background_wait(uint32_t longest) {
    uint32_t wait = MIN(ms_to_deadline(), sys_timeouts_sleeptime());
    if (zt_netif_any_waiting() || loopback_is_waiting()) {
        wait = 0;
    }
    if (is_scheduled) {
        wait = 1; // it cannot run yet, since another scheduled callback is what waits here
    }
    return MIN(wait, longest);
}

bool zt_background_is_scheduled(void) {
    return is_scheduled;
}

uint32_t zt_background_runs(void) {
    return runs;
}

void zt_background_stop(void) {
    MP_STATE_VM(zerotier_background) = MP_OBJ_NULL;
    is_scheduled = false;
}

// background(callback, *sockets)
static mp_obj_t zerotier_background(size_t n_args, const mp_obj_t *args) {
    if (args[0] != mp_const_none && !mp_obj_is_callable(args[0])) {
        mp_raise_TypeError(MP_ERROR_TEXT("the callback must be callable or None"));
    }
    int sockets[ZT_UNDERLAY_SOCKETS];
    for (size_t i = 1; i < n_args; ++i) {
        sockets[i - 1] = mp_obj_get_int(args[i]);
    }
    zt_underlay_watch(sockets, n_args - 1);
    MP_STATE_VM(zerotier_background) = args[0];
    due_at = (uint32_t)mp_hal_ticks_ms();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(zerotier_background_obj, 1, 1 + ZT_UNDERLAY_SOCKETS, zerotier_background);

// wake()
static mp_obj_t zerotier_wake(void) {
    due_at = (uint32_t)mp_hal_ticks_ms();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_0(zerotier_wake_obj, zerotier_wake);

MP_REGISTER_ROOT_POINTER(mp_obj_t zerotier_background);
