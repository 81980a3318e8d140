// Lets the node run by itself, like WLAN does, where lwIP and the datapath have threads of their own (ESP-IDF).
// It owns when the node's callback is due: if the datapath has handed something back, or the node's own timer says so. It runs as a
// scheduled one, whenever the interpreter waits or between two bytecodes. The same names as in background.c, which is for lwIP
// without threads.
// Never what the callback does, and never any Python in the worker, which has no right to it.
#include <stdatomic.h>

#include "micropython.h"

#include "py/mphal.h"
#include "py/runtime.h"

#include "../lwip/task.h"

#define LONGEST_WAIT_MS (1000)

// Written by the interpreter, read by the worker.
static atomic_bool has_callback;
static atomic_uint due_at; // ms of the clock that mp_hal_ticks_ms() counts
static atomic_bool is_scheduled; // in the scheduler's queue, or running; set by the worker

static uint32_t ms_to_deadline(void) {
    int32_t left = (int32_t)(atomic_load(&due_at) - (uint32_t)mp_hal_ticks_ms());
    return left > 0 ? (uint32_t)left : 0;
}

// Runs as a callback of the scheduler, so never inside itself, and nothing else that is scheduled can come in between.
static mp_obj_t run(mp_obj_t unused) {
    (void)unused;
    uint32_t wait = LONGEST_WAIT_MS;
    if (atomic_load(&has_callback)) {
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
    atomic_store(&due_at, (uint32_t)mp_hal_ticks_ms() + wait);
    atomic_store(&is_scheduled, false);
    zt_task_nudge(); // something may have been handed back since the callback looked
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(run_obj, run);

static bool has_record(void) {
    zt_glue_t *glue = zt_attached_glue();
    zt_record_t record;
    zt_glue_enter(glue);
    bool has = zt_datapath_next(zt_glue_datapath(glue), &record);
    zt_glue_leave(glue);
    return has;
}

// Called by the worker. If the scheduler's queue is full, the next time is soon.
uint32_t zt_background_rest(void) {
    if (!atomic_load(&has_callback) || atomic_load(&is_scheduled)) {
        return LONGEST_WAIT_MS;
    }
    uint32_t left = ms_to_deadline();
    if (left > 0 && !has_record()) {
        return left;
    }
    atomic_store(&is_scheduled, true);
    if (!mp_sched_schedule(MP_OBJ_FROM_PTR(&run_obj), mp_const_none)) {
        atomic_store(&is_scheduled, false);
        return 1;
    }
    mp_hal_wake_main_task();
    return LONGEST_WAIT_MS;
}

// What is scheduled in a heap that goes is forgotten by the scheduler without a word.
void zt_background_stop(void) {
    atomic_store(&has_callback, false);
    atomic_store(&is_scheduled, false);
    MP_STATE_VM(zerotier_background) = MP_OBJ_NULL;
}

// background() -> callback or None, background(callback)
static mp_obj_t zerotier_background(size_t n_args, const mp_obj_t *args) {
    if (n_args == 0) {
        return atomic_load(&has_callback) ? MP_STATE_VM(zerotier_background) : mp_const_none;
    }
    mp_obj_t callback = args[0];
    zt_background_stop();
    if (callback != mp_const_none) {
        if (!mp_obj_is_callable(callback)) {
            mp_raise_TypeError(MP_ERROR_TEXT("the callback must be callable or None"));
        }
        MP_STATE_VM(zerotier_background) = callback;
        atomic_store(&due_at, (uint32_t)mp_hal_ticks_ms());
        atomic_store(&has_callback, true);
        zt_task_nudge();
    }
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(zerotier_background_obj, 0, 1, zerotier_background);

// wake()
static mp_obj_t zerotier_wake(void) {
    atomic_store(&due_at, (uint32_t)mp_hal_ticks_ms());
    zt_task_nudge();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_0(zerotier_wake_obj, zerotier_wake);

MP_REGISTER_ROOT_POINTER(mp_obj_t zerotier_background);
