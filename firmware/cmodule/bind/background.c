// Lets the node run by itself, like WLAN does, on lwIP without threads: whenever the interpreter waits for something, and while a
// busy loop runs.
// It owns the order: first what needs no Python (datagrams, frames, lwIP's timers), and then, if the datapath has handed something
// back or the node's own timer is due, the node's callback as a scheduled one.
// Never what the callback does, and never a wait: how a board waits is the board's part (micropython.h).
#include "micropython.h"

#include "py/mphal.h"
#include "py/runtime.h"

#include "../lwip/netif.h"
#include "lwip/netif.h"
#include "lwip/timeouts.h"

#define LONGEST_WAIT_MS (1000)

static bool is_pumping; // a look at the underlay is in progress
static bool is_news; // something happened since the last wait: whoever waits must look whether it is what they wait for
static bool is_scheduled; // in the scheduler's queue, or running
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
    if (!has_callback()) {
        return LONGEST_WAIT_MS;
    }
    int32_t left = (int32_t)(due_at - (uint32_t)mp_hal_ticks_ms());
    return left > 0 ? (uint32_t)left : 0;
}

// What runs without Python. It is called between two bytecodes or in a wait, so never inside lwIP; and it may run while the
// callback does, since the datapath's functions are complete when they return.
static void pump(void) {
    zt_glue_t *glue = zt_attached_glue();
    if (glue != NULL && zt_underlay_pump(glue)) {
        is_news = true;
    }
    if (sys_timeouts_sleeptime() == 0) {
        sys_check_timeouts();
        is_news = true;
    }
    if (loopback_is_waiting()) {
        netif_poll_all();
        is_news = true;
    }
    zt_underlay_flush();
}

static bool has_record(void) {
    zt_glue_t *glue = zt_attached_glue();
    zt_record_t record;
    return glue != NULL && zt_datapath_next(zt_glue_datapath(glue), &record);
}

// Without a datapath it is Python who reads the underlay.
static bool is_for_python(void) {
    return has_callback() && (ms_to_deadline() == 0 || has_record() || (zt_attached_glue() == NULL && zt_underlay_is_readable()));
}

// Runs as a callback of the scheduler, so never inside itself, and nothing else that is scheduled can come in between.
static mp_obj_t run(mp_obj_t unused) {
    (void)unused;
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
    zt_underlay_flush();
    due_at = (uint32_t)mp_hal_ticks_ms() + wait;
    is_scheduled = false;
    is_news = true;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(run_obj, run);

void zt_background_poll(void) {
    if (!is_pumping) {
        is_pumping = true;
        pump();
        is_pumping = false;
    }
    if (!is_scheduled && is_for_python()) {
        // If the scheduler's queue is full, the next poll tries again.
        is_scheduled = mp_sched_schedule(MP_OBJ_FROM_PTR(&run_obj), mp_const_none);
    }
}

uint32_t zt_background_wait(uint32_t longest) {
    zt_underlay_flush();
    if (is_news || loopback_is_waiting()) {
        is_news = false;
        return 0;
    }
    // If the callback is scheduled and did not run yet, another scheduled one is what waits here.
    uint32_t wait = MIN(is_scheduled ? 1 : ms_to_deadline(), sys_timeouts_sleeptime());
    return MIN(wait, longest);
}

void zt_background_wait_is_over(void) {
    is_news = false;
}

bool zt_background_is_stuck(void) {
    return is_scheduled && zt_attached_glue() == NULL;
}

void zt_background_stop(void) {
    MP_STATE_VM(zerotier_background) = MP_OBJ_NULL;
    is_scheduled = false;
}

// background() -> callback or None, background(callback, *sockets)
static mp_obj_t zerotier_background(size_t n_args, const mp_obj_t *args) {
    if (n_args == 0) {
        return has_callback() ? MP_STATE_VM(zerotier_background) : mp_const_none;
    }
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
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(zerotier_background_obj, 0, 1 + ZT_UNDERLAY_SOCKETS, zerotier_background);

// wake()
static mp_obj_t zerotier_wake(void) {
    due_at = (uint32_t)mp_hal_ticks_ms();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_0(zerotier_wake_obj, zerotier_wake);

MP_REGISTER_ROOT_POINTER(mp_obj_t zerotier_background);
