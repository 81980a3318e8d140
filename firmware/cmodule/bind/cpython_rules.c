// The classes Holdings and RuleSet for CPython: memory for compiled forms, and verdicts as tuples. The manual is _zerotier.pyi.
// It owns that memory and the state of the random numbers. Never a decision; micropython_rules.c has the same effect.
#include "cpython_rules.h"

#include "messages.h"
#include "rule_random.h"

#define ETHERNET_HEADER (14)
#define MAC_SIZE (6)

typedef struct {
    PyObject_HEAD
    size_t size;
    zt_holdings_t *compiled;
} holdings_t;

typedef struct {
    PyObject_HEAD
    PyObject *own; // keeps what network.own points to
    size_t size;
    uint64_t random_state;
    zt_rules_list_t *compiled;
    zt_rules_network_t network;
} rule_set_t;

static PyTypeObject holdings_type;
static PyTypeObject rule_set_type;

static PyObject *value_error(const char *sentence) {
    PyErr_SetString(PyExc_ValueError, sentence);
    return NULL;
}

bool zt_holdings_of(PyObject *object, const zt_holdings_t **holdings) {
    *holdings = NULL;
    if (object == Py_None) {
        return true;
    }
    if (!PyObject_TypeCheck(object, &holdings_type)) {
        PyErr_SetString(PyExc_TypeError, ZT_MESSAGE_NOT_HOLDINGS);
        return false;
    }
    *holdings = ((holdings_t *)object)->compiled;
    return true;
}

const zt_rules_network_t *zt_rules_network_of(PyObject *object) {
    if (!PyObject_TypeCheck(object, &rule_set_type)) {
        PyErr_SetString(PyExc_TypeError, ZT_MESSAGE_NOT_RULE_SET);
        return NULL;
    }
    return &((rule_set_t *)object)->network;
}

/******************************************************************************/
// Holdings

// Memory for the compiled form, and its size; NULL with an exception set.
static zt_holdings_t *compile_holdings(const zt_holdings_source_t *source, size_t *size) {
    if (zt_holdings_compile(source, NULL, 0, size) == ZT_RULES_MALFORMED) {
        value_error(ZT_MESSAGE_HOLDINGS);
        return NULL;
    }
    zt_holdings_t *compiled = PyMem_Malloc(*size);
    if (compiled == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    zt_holdings_compile(source, compiled, *size, size);
    return compiled;
}

static PyObject *holdings_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    Py_buffer tags, things, capabilities;
    if (keywords != NULL && PyDict_GET_SIZE(keywords) > 0) {
        PyErr_SetString(PyExc_TypeError, "Holdings takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "y*y*y*:Holdings", &tags, &things, &capabilities)) {
        return NULL;
    }
    zt_holdings_source_t source = {
        .tags = tags.buf,
        .tags_length = (size_t)tags.len,
        .things = things.buf,
        .things_length = (size_t)things.len,
        .capabilities = capabilities.buf,
        .capabilities_length = (size_t)capabilities.len,
    };
    size_t size;
    zt_holdings_t *compiled = compile_holdings(&source, &size);
    PyBuffer_Release(&tags);
    PyBuffer_Release(&things);
    PyBuffer_Release(&capabilities);
    if (compiled == NULL) {
        return NULL;
    }
    holdings_t *self = (holdings_t *)type->tp_alloc(type, 0);
    if (self == NULL) {
        PyMem_Free(compiled);
        return NULL;
    }
    self->compiled = compiled;
    self->size = size;
    return (PyObject *)self;
}

static void holdings_dealloc(PyObject *object) {
    PyMem_Free(((holdings_t *)object)->compiled);
    Py_TYPE(object)->tp_free(object);
}

static PyObject *holdings_size(PyObject *object, void *Py_UNUSED(closure)) {
    return PyLong_FromSize_t(((holdings_t *)object)->size);
}

static PyGetSetDef holdings_properties[] = {
    { "size", holdings_size, NULL, "Bytes of memory that the compiled form takes.", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

static PyTypeObject holdings_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_zerotier.Holdings",
    .tp_doc = PyDoc_STR("Holdings(tags, things, capabilities, /)\n--\n\n"),
    .tp_basicsize = sizeof(holdings_t),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = holdings_new,
    .tp_dealloc = holdings_dealloc,
    .tp_getset = holdings_properties,
};

/******************************************************************************/
// RuleSet

static zt_rules_list_t *compile_rules(const Py_buffer *rules, size_t *size) {
    if (zt_rules_compile(rules->buf, (size_t)rules->len, NULL, 0, size) == ZT_RULES_MALFORMED) {
        value_error(ZT_MESSAGE_RULES);
        return NULL;
    }
    zt_rules_list_t *compiled = PyMem_Malloc(*size);
    if (compiled == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    zt_rules_compile(rules->buf, (size_t)rules->len, compiled, *size, size);
    return compiled;
}

// Fills what tp_alloc() has zeroed. False with an exception set.
static bool set_up(rule_set_t *self, const Py_buffer *rules, const Py_buffer *address, PyObject *own, int unsupported,
    const Py_buffer *prefixes, unsigned long long seed) {
    if (address->len != ZT_RULES_ADDRESS_SIZE) {
        value_error(ZT_MESSAGE_ADDRESS);
        return false;
    }
    if (!zt_holdings_of(own, &self->network.own)) {
        return false;
    }
    if (!zt_rules_set_prefixes(&self->network, prefixes->buf, (size_t)prefixes->len)) {
        value_error(ZT_MESSAGE_PREFIXES);
        return false;
    }
    self->compiled = compile_rules(rules, &self->size);
    if (self->compiled == NULL) {
        return false;
    }
    self->random_state = seed;
    self->network.rules = self->compiled;
    self->network.random = zt_rule_random;
    self->network.random_context = &self->random_state;
    self->network.unsupported_is_true = unsupported != 0;
    memcpy(self->network.address, address->buf, ZT_RULES_ADDRESS_SIZE);
    Py_INCREF(own);
    self->own = own;
    return true;
}

static PyObject *rule_set_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    Py_buffer rules, address, prefixes;
    PyObject *own;
    int unsupported;
    unsigned long long seed;
    if (keywords != NULL && PyDict_GET_SIZE(keywords) > 0) {
        PyErr_SetString(PyExc_TypeError, "RuleSet takes no keyword arguments");
        return NULL;
    }
    if (!PyArg_ParseTuple(args, "y*y*Opy*K:RuleSet", &rules, &address, &own, &unsupported, &prefixes, &seed)) {
        return NULL;
    }
    rule_set_t *self = (rule_set_t *)type->tp_alloc(type, 0);
    if (self != NULL && !set_up(self, &rules, &address, own, unsupported, &prefixes, seed)) {
        Py_DECREF(self);
        self = NULL;
    }
    PyBuffer_Release(&rules);
    PyBuffer_Release(&address);
    PyBuffer_Release(&prefixes);
    return (PyObject *)self;
}

static void rule_set_dealloc(PyObject *object) {
    rule_set_t *self = (rule_set_t *)object;
    PyMem_Free(self->compiled);
    Py_XDECREF(self->own);
    Py_TYPE(object)->tp_free(object);
}

static PyObject *copies_of(const zt_rules_outcome_t *outcome) {
    PyObject *copies = PyTuple_New(outcome->copies);
    for (uint8_t i = 0; copies != NULL && i < outcome->copies; ++i) {
        const zt_rules_copy_t *copy = &outcome->copy[i];
        PyObject *item = Py_BuildValue("(y#iN)", copy->to, (Py_ssize_t)sizeof(copy->to), (int)copy->length,
            PyBool_FromLong(copy->is_watch));
        if (item == NULL) {
            Py_CLEAR(copies);
        } else {
            PyTuple_SET_ITEM(copies, i, item);
        }
    }
    return copies;
}

static PyObject *tuple_of(const zt_rules_outcome_t *outcome) {
    PyObject *copies = copies_of(outcome);
    if (copies == NULL) {
        return NULL;
    }
    if (outcome->verdict == ZT_VERDICT_REDIRECT) {
        return Py_BuildValue("(iy#NO)", (int)outcome->verdict, outcome->redirect_to, (Py_ssize_t)sizeof(outcome->redirect_to),
            copies, Py_None);
    }
    if (outcome->verdict == ZT_VERDICT_VERIFY) {
        return Py_BuildValue("(iON(iI))", (int)outcome->verdict, Py_None, copies, (int)outcome->wanted,
            (unsigned int)outcome->wanted_id);
    }
    return Py_BuildValue("(iONO)", (int)outcome->verdict, Py_None, copies, Py_None);
}

typedef void (*judge_t)(const zt_rules_network_t *, const zt_holdings_t *, const zt_rules_frame_t *, zt_rules_outcome_t *);

static PyObject *judge(PyObject *object, PyObject *args, judge_t decide, bool is_inbound) {
    Py_buffer other, bytes;
    PyObject *theirs;
    if (!PyArg_ParseTuple(args, "y*Oy*", &other, &theirs, &bytes)) {
        return NULL;
    }
    PyObject *result = NULL;
    const zt_holdings_t *holdings;
    if (other.len != ZT_RULES_ADDRESS_SIZE) {
        value_error(ZT_MESSAGE_ADDRESS);
    } else if (bytes.len < ETHERNET_HEADER) {
        value_error(ZT_MESSAGE_SHORT_FRAME);
    } else if (zt_holdings_of(theirs, &holdings)) {
        const uint8_t *ethernet = bytes.buf;
        zt_rules_frame_t frame = {
            .other = other.buf,
            .destination = ethernet,
            .source = ethernet + MAC_SIZE,
            .payload = ethernet + ETHERNET_HEADER,
            .length = (size_t)bytes.len - ETHERNET_HEADER,
            .ethertype = (uint16_t)(ethernet[12] << 8 | ethernet[13]),
            .is_inbound = is_inbound,
        };
        zt_rules_outcome_t outcome;
        decide(&((rule_set_t *)object)->network, holdings, &frame, &outcome);
        result = tuple_of(&outcome);
    }
    PyBuffer_Release(&other);
    PyBuffer_Release(&bytes);
    return result;
}

static PyObject *rule_set_outbound(PyObject *self, PyObject *args) {
    return judge(self, args, zt_rules_judge, false);
}

static PyObject *rule_set_inbound(PyObject *self, PyObject *args) {
    return judge(self, args, zt_rules_judge, true);
}

static PyObject *rule_set_probe_outbound(PyObject *self, PyObject *args) {
    return judge(self, args, zt_rules_probe, false);
}

static PyObject *rule_set_probe_inbound(PyObject *self, PyObject *args) {
    return judge(self, args, zt_rules_probe, true);
}

static PyObject *rule_set_size(PyObject *object, void *Py_UNUSED(closure)) {
    return PyLong_FromSize_t(((rule_set_t *)object)->size);
}

static PyObject *rule_set_count(PyObject *object, void *Py_UNUSED(closure)) {
    return PyLong_FromSize_t(zt_rules_count(((rule_set_t *)object)->compiled));
}

static PyObject *rule_set_accept_all(PyObject *object, void *Py_UNUSED(closure)) {
    return PyBool_FromLong(zt_rules_accept_all(&((rule_set_t *)object)->network));
}

#define SIGNATURE(name) PyDoc_STR(name "($self, other, theirs, frame, /)\n--\n\n")

static PyMethodDef rule_set_methods[] = {
    { "outbound", rule_set_outbound, METH_VARARGS, SIGNATURE("outbound") },
    { "inbound", rule_set_inbound, METH_VARARGS, SIGNATURE("inbound") },
    { "probe_outbound", rule_set_probe_outbound, METH_VARARGS, SIGNATURE("probe_outbound") },
    { "probe_inbound", rule_set_probe_inbound, METH_VARARGS, SIGNATURE("probe_inbound") },
    { NULL, NULL, 0, NULL },
};

static PyGetSetDef rule_set_properties[] = {
    { "size", rule_set_size, NULL, "Bytes of memory that the compiled rules take.", NULL },
    { "count", rule_set_count, NULL, "The number of rules.", NULL },
    { "accept_all", rule_set_accept_all, NULL, "Whether every frame passes.", NULL },
    { NULL, NULL, NULL, NULL, NULL },
};

static PyTypeObject rule_set_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "_zerotier.RuleSet",
    .tp_doc = PyDoc_STR("RuleSet(rules, address, own, unsupported, prefixes, seed, /)\n--\n\n"),
    .tp_basicsize = sizeof(rule_set_t),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = rule_set_new,
    .tp_dealloc = rule_set_dealloc,
    .tp_methods = rule_set_methods,
    .tp_getset = rule_set_properties,
};

int zt_add_rules(PyObject *module) {
    if (PyModule_AddType(module, &holdings_type) < 0) {
        return -1;
    }
    return PyModule_AddType(module, &rule_set_type);
}
