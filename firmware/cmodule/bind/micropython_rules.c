// The classes Holdings and RuleSet for MicroPython: memory for compiled forms, and verdicts as tuples. The manual is
// _zerotier.pyi.
// It owns that memory and the state of the random numbers. Never a decision; cpython_rules.c has the same effect.
#include "micropython_rules.h"

#include <string.h>

#include "py/runtime.h"

#include "messages.h"
#include "rule_random.h"

#define ETHERNET_HEADER (14)
#define MAC_SIZE (6)

typedef struct {
    mp_obj_base_t base;
    uint32_t size;
    uint32_t compiled[]; // a zt_holdings_t
} holdings_t;

typedef struct {
    mp_obj_base_t base;
    mp_obj_t own; // keeps what network.own points to
    uint64_t random_state;
    zt_rules_network_t network;
    uint32_t size;
    uint32_t compiled[]; // a zt_rules_list_t
} rule_set_t;

static mp_buffer_info_t readable(mp_obj_t object) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(object, &buffer, MP_BUFFER_READ);
    return buffer;
}

static mp_buffer_info_t address_of(mp_obj_t object) {
    mp_buffer_info_t address = readable(object);
    if (address.len != ZT_RULES_ADDRESS_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_ADDRESS));
    }
    return address;
}

const zt_holdings_t *zt_holdings_of(mp_obj_t object) {
    if (object == mp_const_none) {
        return NULL;
    }
    if (!mp_obj_is_type(object, &zerotier_holdings_type)) {
        mp_raise_TypeError(MP_ERROR_TEXT(ZT_MESSAGE_NOT_HOLDINGS));
    }
    return (const zt_holdings_t *)((holdings_t *)MP_OBJ_TO_PTR(object))->compiled;
}

const zt_rules_network_t *zt_rules_network_of(mp_obj_t object) {
    if (!mp_obj_is_type(object, &zerotier_rule_set_type)) {
        mp_raise_TypeError(MP_ERROR_TEXT(ZT_MESSAGE_NOT_RULE_SET));
    }
    return &((rule_set_t *)MP_OBJ_TO_PTR(object))->network;
}

/******************************************************************************/
// Holdings

static mp_obj_t holdings_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 3, 3, false);
    mp_buffer_info_t tags = readable(args[0]);
    mp_buffer_info_t things = readable(args[1]);
    mp_buffer_info_t capabilities = readable(args[2]);
    zt_holdings_source_t source = {
        .tags = tags.buf,
        .tags_length = tags.len,
        .things = things.buf,
        .things_length = things.len,
        .capabilities = capabilities.buf,
        .capabilities_length = capabilities.len,
    };
    size_t size;
    if (zt_holdings_compile(&source, NULL, 0, &size) == ZT_RULES_MALFORMED) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_HOLDINGS));
    }
    holdings_t *self = mp_obj_malloc_var(holdings_t, compiled, uint32_t, size / sizeof(uint32_t), type);
    self->size = size;
    zt_holdings_compile(&source, self->compiled, size, &size);
    return MP_OBJ_FROM_PTR(self);
}

static void holdings_attr(mp_obj_t object, qstr name, mp_obj_t *destination) {
    if (destination[0] == MP_OBJ_NULL && name == MP_QSTR_size) {
        destination[0] = MP_OBJ_NEW_SMALL_INT(((holdings_t *)MP_OBJ_TO_PTR(object))->size);
    }
}

MP_DEFINE_CONST_OBJ_TYPE(
    zerotier_holdings_type,
    MP_QSTR_Holdings,
    MP_TYPE_FLAG_NONE,
    make_new, holdings_make_new,
    attr, holdings_attr
    );

/******************************************************************************/
// RuleSet

// RuleSet(rules, address, own, unsupported, prefixes, seed)
static mp_obj_t rule_set_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 6, 6, false);
    mp_buffer_info_t rules = readable(args[0]);
    mp_buffer_info_t address = address_of(args[1]);
    const zt_holdings_t *own = zt_holdings_of(args[2]);
    mp_buffer_info_t prefixes = readable(args[4]);
    zt_rules_network_t network;
    if (!zt_rules_set_prefixes(&network, prefixes.buf, prefixes.len)) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_PREFIXES));
    }
    size_t size;
    if (zt_rules_compile(rules.buf, rules.len, NULL, 0, &size) == ZT_RULES_MALFORMED) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_RULES));
    }
    uint64_t seed = (uint64_t)mp_obj_get_int_truncated(args[5]);
    rule_set_t *self = mp_obj_malloc_var(rule_set_t, compiled, uint32_t, size / sizeof(uint32_t), type);
    self->own = args[2];
    self->random_state = seed;
    self->size = size;
    zt_rules_compile(rules.buf, rules.len, self->compiled, size, &size);
    self->network = network;
    self->network.rules = (const zt_rules_list_t *)self->compiled;
    self->network.own = own;
    self->network.random = zt_rule_random;
    self->network.random_context = &self->random_state;
    self->network.unsupported_is_true = mp_obj_is_true(args[3]);
    memcpy(self->network.address, address.buf, ZT_RULES_ADDRESS_SIZE);
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t copies_of(const zt_rules_outcome_t *outcome) {
    mp_obj_t copies[ZT_RULES_COPIES];
    for (size_t i = 0; i < outcome->copies; ++i) {
        const zt_rules_copy_t *copy = &outcome->copy[i];
        mp_obj_t items[] = {
            mp_obj_new_bytes(copy->to, sizeof(copy->to)),
            MP_OBJ_NEW_SMALL_INT(copy->length),
            mp_obj_new_bool(copy->is_watch),
        };
        copies[i] = mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
    }
    return mp_obj_new_tuple(outcome->copies, copies);
}

static mp_obj_t tuple_of(const zt_rules_outcome_t *outcome) {
    mp_obj_t items[] = { MP_OBJ_NEW_SMALL_INT(outcome->verdict), mp_const_none, copies_of(outcome), mp_const_none };
    if (outcome->verdict == ZT_VERDICT_REDIRECT) {
        items[1] = mp_obj_new_bytes(outcome->redirect_to, sizeof(outcome->redirect_to));
    } else if (outcome->verdict == ZT_VERDICT_VERIFY) {
        mp_obj_t wanted[] = { MP_OBJ_NEW_SMALL_INT(outcome->wanted), mp_obj_new_int_from_uint(outcome->wanted_id) };
        items[3] = mp_obj_new_tuple(MP_ARRAY_SIZE(wanted), wanted);
    }
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}

typedef void (*judge_t)(const zt_rules_network_t *, const zt_holdings_t *, const zt_rules_frame_t *, zt_rules_outcome_t *);

static mp_obj_t judge(const mp_obj_t *args, judge_t decide, bool is_inbound) {
    rule_set_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_buffer_info_t other = address_of(args[1]);
    const zt_holdings_t *theirs = zt_holdings_of(args[2]);
    mp_buffer_info_t bytes = readable(args[3]);
    if (bytes.len < ETHERNET_HEADER) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_SHORT_FRAME));
    }
    const uint8_t *ethernet = bytes.buf;
    zt_rules_frame_t frame = {
        .other = other.buf,
        .destination = ethernet,
        .source = ethernet + MAC_SIZE,
        .payload = ethernet + ETHERNET_HEADER,
        .length = bytes.len - ETHERNET_HEADER,
        .ethertype = (uint16_t)(ethernet[12] << 8 | ethernet[13]),
        .is_inbound = is_inbound,
    };
    zt_rules_outcome_t outcome;
    decide(&self->network, theirs, &frame, &outcome);
    return tuple_of(&outcome);
}

static mp_obj_t rule_set_outbound(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return judge(args, zt_rules_judge, false);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(rule_set_outbound_obj, 4, 4, rule_set_outbound);

static mp_obj_t rule_set_inbound(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return judge(args, zt_rules_judge, true);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(rule_set_inbound_obj, 4, 4, rule_set_inbound);

static mp_obj_t rule_set_probe_outbound(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return judge(args, zt_rules_probe, false);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(rule_set_probe_outbound_obj, 4, 4, rule_set_probe_outbound);

static mp_obj_t rule_set_probe_inbound(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return judge(args, zt_rules_probe, true);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(rule_set_probe_inbound_obj, 4, 4, rule_set_probe_inbound);

static void rule_set_attr(mp_obj_t object, qstr name, mp_obj_t *destination) {
    if (destination[0] != MP_OBJ_NULL) {
        return;
    }
    rule_set_t *self = MP_OBJ_TO_PTR(object);
    switch (name) {
        case MP_QSTR_size:
            destination[0] = MP_OBJ_NEW_SMALL_INT(self->size);
            break;
        case MP_QSTR_count:
            destination[0] = MP_OBJ_NEW_SMALL_INT(zt_rules_count(self->network.rules));
            break;
        case MP_QSTR_accept_all:
            destination[0] = mp_obj_new_bool(zt_rules_accept_all(&self->network));
            break;
        default:
            destination[1] = MP_OBJ_SENTINEL; // look among the methods
            break;
    }
}

static const mp_rom_map_elem_t rule_set_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_outbound), MP_ROM_PTR(&rule_set_outbound_obj) },
    { MP_ROM_QSTR(MP_QSTR_inbound), MP_ROM_PTR(&rule_set_inbound_obj) },
    { MP_ROM_QSTR(MP_QSTR_probe_outbound), MP_ROM_PTR(&rule_set_probe_outbound_obj) },
    { MP_ROM_QSTR(MP_QSTR_probe_inbound), MP_ROM_PTR(&rule_set_probe_inbound_obj) },
};
static MP_DEFINE_CONST_DICT(rule_set_locals, rule_set_locals_table);

MP_DEFINE_CONST_OBJ_TYPE(
    zerotier_rule_set_type,
    MP_QSTR_RuleSet,
    MP_TYPE_FLAG_NONE,
    make_new, rule_set_make_new,
    attr, rule_set_attr,
    locals_dict, &rule_set_locals
    );
