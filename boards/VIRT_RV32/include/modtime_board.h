// What extmod/modtime.c includes for this board: the wall clock.
// It owns the form that Python wants; the clock is in clock.c.
#include "shared/timeutils/timeutils.h"

#include "board.h"

static mp_obj_t mp_time_localtime_get(void) {
    timeutils_struct_time_t now;
    timeutils_seconds_since_epoch_to_struct_time((mp_uint_t)(mp_hal_time_ns() / VIRT_NS_PER_S), &now);
    mp_obj_t tuple[] = {
        mp_obj_new_int(now.tm_year), mp_obj_new_int(now.tm_mon), mp_obj_new_int(now.tm_mday), mp_obj_new_int(now.tm_hour),
        mp_obj_new_int(now.tm_min), mp_obj_new_int(now.tm_sec), mp_obj_new_int(now.tm_wday), mp_obj_new_int(now.tm_yday),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(tuple), tuple);
}

static mp_obj_t mp_time_time_get(void) {
    return mp_obj_new_int_from_ull(mp_hal_time_ns() / VIRT_NS_PER_S);
}
