// The class `_zerotier.Datapath` for CPython: the datapath with Python objects as ports and as the wire. The manual is
// _zerotier.pyi.
// It owns the memory of the datapath and of each packet on its way, as bytearrays: a memoryview that somebody keeps for too long
// shows other bytes, but never memory that is gone. Never a decision.
#include "cpython_datapath.h"

#include <structmember.h>

#include "../core/armor.h"
#include "../core/datapath.h"
#include "cpython_rules.h"
#include "messages.h"

// A call of receive() or transmit() in progress; its memory is where the packet is. Calls nest through the callbacks.
typedef struct _call_t {
    PyObject *memory;
    PyObject *whole;
    struct _call_t *outer;
} call_t;

typedef struct _datapath_object_t {
    PyObject_HEAD
    zt_datapath_t *datapath;
    PyObject *memory; // bytearray in which the datapath lies
    PyObject *whole; // memoryview of it; as long as there is one, nobody can resize it
    PyObject *ports; // list, by index of the network, behind them the joined Ethernets
    Py_ssize_t networks;
    PyObject *judges; // dict: network id -> RuleSet, address + network id -> Holdings that the datapath borrows
    PyObject *on_send;
    call_t *call; // the innermost
    bool is_shown; // the oldest record was given out and is to be popped
} datapath_object_t;

static PyObject *value_error(const char *sentence) {
    PyErr_SetString(PyExc_ValueError, sentence);
    return NULL;
}

static PyObject *no_room(void) {
    errno = ENOMEM;
    return PyErr_SetFromErrno(PyExc_OSError);
}

// ---- memory and views ----

static uint8_t *bytes_in(PyObject *memory) {
    return (uint8_t *)PyByteArray_AS_STRING(memory);
}

static PyObject *slice(PyObject *whole, PyObject *memory, const uint8_t *bytes, size_t length) {
    Py_ssize_t start = bytes - bytes_in(memory);
    return PySequence_GetSlice(whole, start, start + (Py_ssize_t)length);
}

static PyObject *view_of(const datapath_object_t *self, const uint8_t *bytes, size_t length) {
    for (const call_t *call = self->call; call != NULL; call = call->outer) {
        if (bytes >= bytes_in(call->memory) && bytes < bytes_in(call->memory) + PyByteArray_GET_SIZE(call->memory)) {
            return slice(call->whole, call->memory, bytes, length);
        }
    }
    return slice(self->whole, self->memory, bytes, length);
}

// ---- callbacks ----

// An exception in a callback must not tear the datapath apart, and belongs to nobody who called receive() or transmit().
static void report(PyObject *where) {
    PyErr_WriteUnraisable(where);
}

static void send(void *context, const zt_endpoint_t *to, const uint8_t *datagram, size_t length) {
    datapath_object_t *self = context;
    if (self->on_send == NULL || self->on_send == Py_None) {
        return;
    }
    PyObject *callback = Py_NewRef(self->on_send);
    PyObject *view = view_of(self, datagram, length);
    PyObject *endpoint = PyBytes_FromStringAndSize((const char *)to->bytes, to->length);
    PyObject *result = NULL;
    if (view != NULL && endpoint != NULL) {
        result = PyObject_CallFunctionObjArgs(callback, view, endpoint, NULL);
    }
    if (result == NULL) {
        report(callback);
    }
    Py_XDECREF(result);
    Py_XDECREF(endpoint);
    Py_XDECREF(view);
    Py_DECREF(callback);
}

// The frame is never kept in its slot: it is over when the port returns.
static bool deliver(void *context, void *port_pointer, uint8_t *frame, size_t length, int slot) {
    datapath_object_t *self = context;
    PyObject *port = Py_NewRef((PyObject *)port_pointer);
    PyObject *view = view_of(self, frame, length);
    PyObject *result = NULL;
    if (view != NULL) {
        result = PyObject_CallMethod(port, "deliver", "O", view);
    }
    bool taken = result != NULL && result != Py_False;
    if (result == NULL) {
        report(port);
    } else if (taken && slot >= 0) {
        zt_datapath_release(self->datapath, slot);
    }
    Py_XDECREF(result);
    Py_XDECREF(view);
    Py_DECREF(port);
    return taken;
}

// ---- life ----

static int datapath_init(PyObject *object, PyObject *args, PyObject *keywords) {
    datapath_object_t *self = (datapath_object_t *)object;
    Py_buffer address;
    long long peers, networks, slots, ring;
    if (self->datapath != NULL) {
        PyErr_SetString(PyExc_TypeError, "a datapath is made once");
        return -1;
    }
    if (keywords != NULL && PyDict_GET_SIZE(keywords) > 0) {
        PyErr_SetString(PyExc_TypeError, "Datapath() takes no keyword arguments");
        return -1;
    }
    if (!PyArg_ParseTuple(args, "y*LLLL:Datapath", &address, &peers, &networks, &slots, &ring)) {
        return -1;
    }
    zt_datapath_config_t config = {
        .peers = (uint16_t)peers,
        .networks = (uint16_t)networks,
        .slots = (uint16_t)slots,
        .ring_bytes = (uint32_t)ring,
    };
    size_t size = 0;
    if (config.peers == peers && config.networks == networks && config.slots == slots && config.ring_bytes == ring) {
        size = zt_datapath_size(&config);
    }
    const char *mistake = NULL;
    if (address.len != ZT_ADDRESS_SIZE) {
        mistake = ZT_MESSAGE_ADDRESS;
    } else if (size == 0) {
        mistake = ZT_MESSAGE_BOUNDS;
    } else {
        self->memory = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)size);
        self->whole = self->memory == NULL ? NULL : PyMemoryView_FromObject(self->memory);
        self->networks = config.networks;
        self->ports = PyList_New(2 * self->networks);
        self->judges = PyDict_New();
    }
    if (self->whole != NULL && self->ports != NULL && self->judges != NULL) {
        for (Py_ssize_t i = 0; i < 2 * self->networks; i++) {
            PyList_SET_ITEM(self->ports, i, Py_NewRef(Py_None));
        }
        const zt_datapath_platform_t platform = { .context = self, .send = send, .deliver = deliver };
        self->datapath = zt_datapath_init(bytes_in(self->memory), &config, address.buf, &platform);
    }
    PyBuffer_Release(&address);
    if (mistake != NULL) {
        value_error(mistake);
    }
    return self->datapath == NULL ? -1 : 0;
}

static int datapath_traverse(PyObject *object, visitproc visit, void *arg) {
    datapath_object_t *self = (datapath_object_t *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->ports);
    Py_VISIT(self->judges);
    Py_VISIT(self->on_send);
    return 0;
}

static int datapath_clear(PyObject *object) {
    datapath_object_t *self = (datapath_object_t *)object;
    if (self->datapath != NULL) {
        zt_datapath_close(self->datapath);
        self->datapath = NULL; // its ports are about to go
    }
    Py_CLEAR(self->ports);
    Py_CLEAR(self->judges);
    Py_CLEAR(self->on_send);
    Py_CLEAR(self->whole);
    Py_CLEAR(self->memory);
    return 0;
}

static void datapath_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    datapath_clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

static zt_datapath_t *opened(PyObject *object) {
    zt_datapath_t *datapath = ((datapath_object_t *)object)->datapath;
    if (datapath == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the datapath was not made");
    }
    return datapath;
}

// ---- arguments ----

// What PyArg_ParseTuple("O&") calls. Each copies into memory of the caller, so that nothing has to be released.
static int copy_exactly(PyObject *object, uint8_t *to, Py_ssize_t length, const char *mistake) {
    Py_buffer buffer;
    if (PyObject_GetBuffer(object, &buffer, PyBUF_SIMPLE) != 0) {
        return 0;
    }
    bool right = buffer.len == length;
    if (right) {
        memcpy(to, buffer.buf, (size_t)length);
    }
    PyBuffer_Release(&buffer);
    if (!right) {
        value_error(mistake);
    }
    return right;
}

static int to_address(PyObject *object, void *to) {
    return copy_exactly(object, to, ZT_ADDRESS_SIZE, ZT_MESSAGE_ADDRESS);
}

static int to_nwid(PyObject *object, void *to) {
    return copy_exactly(object, to, ZT_NWID_SIZE, ZT_MESSAGE_NWID);
}

static int to_mac(PyObject *object, void *to) {
    return copy_exactly(object, to, ZT_ETHERNET_ADDRESS_SIZE, ZT_MESSAGE_HARDWARE);
}

static int to_prefix(PyObject *object, void *to) {
    return copy_exactly(object, to, ZT_IDS_PREFIX_SIZE, ZT_MESSAGE_PREFIX);
}

static int to_endpoint(PyObject *object, void *to) {
    zt_endpoint_t *endpoint = to;
    Py_buffer buffer;
    if (PyObject_GetBuffer(object, &buffer, PyBUF_SIMPLE) != 0) {
        return 0;
    }
    bool right = buffer.len == 1 || buffer.len == 7 || buffer.len == ZT_ENDPOINT_MAX_SIZE;
    if (right) {
        endpoint->length = (uint8_t)buffer.len;
        memcpy(endpoint->bytes, buffer.buf, (size_t)buffer.len);
    }
    PyBuffer_Release(&buffer);
    if (!right) {
        value_error(ZT_MESSAGE_ENDPOINT);
    }
    return right;
}

static int to_endpoint_or_none(PyObject *object, void *to) {
    if (object == Py_None) {
        ((zt_endpoint_t *)to)->length = 0;
        return 1;
    }
    return to_endpoint(object, to);
}

static int to_now(PyObject *object, void *to) {
    long long now = PyLong_AsLongLong(object);
    if (now < 0) {
        if (!PyErr_Occurred()) {
            value_error(ZT_MESSAGE_NOW);
        }
        return 0;
    }
    *(uint64_t *)to = (uint64_t)now;
    return 1;
}

// ---- tables ----

static PyObject *set_peer(PyObject *object, PyObject *args) {
    uint8_t address[ZT_ADDRESS_SIZE];
    Py_buffer key;
    zt_datapath_t *datapath = opened(object);
    if (datapath == NULL || !PyArg_ParseTuple(args, "O&y*:set_peer", to_address, address, &key)) {
        return NULL;
    }
    PyObject *result = NULL;
    if (key.len < ZT_ARMOR_KEY_SIZE) {
        value_error(ZT_MESSAGE_ARMOR_KEY);
    } else if (!zt_datapath_set_peer(datapath, address, key.buf)) {
        no_room();
    } else {
        result = Py_NewRef(Py_None);
    }
    PyBuffer_Release(&key);
    return result;
}

// Keeps what the datapath borrows for this key, in place of what it borrowed before. False with an exception set.
static bool keep_judge(PyObject *object, const uint8_t *key, size_t length, PyObject *judge) {
    PyObject *judges = ((datapath_object_t *)object)->judges;
    PyObject *name = PyBytes_FromStringAndSize((const char *)key, (Py_ssize_t)length);
    int result = name == NULL ? -1 : PyDict_SetItem(judges, name, judge);
    Py_XDECREF(name);
    return result == 0;
}

// Lets go of what was kept for a peer (`at` 0, 5 bytes) or for a network (at the end, 8 bytes), which the datapath has forgotten.
static void forget_judges(PyObject *object, const uint8_t *part, Py_ssize_t length, bool at_end) {
    PyObject *judges = ((datapath_object_t *)object)->judges;
    PyObject *names = PyDict_Keys(judges);
    for (Py_ssize_t i = 0; names != NULL && i < PyList_GET_SIZE(names); ++i) {
        PyObject *name = PyList_GET_ITEM(names, i);
        Py_ssize_t size = PyBytes_GET_SIZE(name);
        if (size == ZT_NWID_SIZE && !at_end) {
            continue;
        }
        const char *bytes = PyBytes_AS_STRING(name) + (at_end ? size - length : 0);
        if (memcmp(bytes, part, (size_t)length) == 0) {
            PyDict_DelItem(judges, name);
        }
    }
    Py_XDECREF(names);
    PyErr_Clear(); // what could not be let go stays until the datapath goes
}

static PyObject *remove_peer(PyObject *object, PyObject *args) {
    uint8_t address[ZT_ADDRESS_SIZE];
    zt_datapath_t *datapath = opened(object);
    if (datapath == NULL || !PyArg_ParseTuple(args, "O&:remove_peer", to_address, address)) {
        return NULL;
    }
    zt_datapath_remove_peer(datapath, address);
    forget_judges(object, address, ZT_ADDRESS_SIZE, false);
    Py_RETURN_NONE;
}

static PyObject *set_paths(PyObject *object, PyObject *args) {
    uint8_t address[ZT_ADDRESS_SIZE];
    PyObject *endpoints;
    zt_endpoint_t send_to;
    zt_endpoint_t paths[ZT_PEER_PATHS];
    zt_datapath_t *datapath = opened(object);
    if (datapath == NULL || !PyArg_ParseTuple(args, "O&O!O&:set_paths", to_address, address, &PyTuple_Type, &endpoints,
        to_endpoint_or_none, &send_to)) {
        return NULL;
    }
    size_t count = 0;
    for (; count < (size_t)PyTuple_GET_SIZE(endpoints) && count < ZT_PEER_PATHS; count++) {
        if (!to_endpoint(PyTuple_GET_ITEM(endpoints, (Py_ssize_t)count), &paths[count])) {
            return NULL;
        }
    }
    return PyBool_FromLong(zt_datapath_set_paths(datapath, address, paths, count, send_to.length == 0 ? NULL : &send_to));
}

static PyObject *add_network(PyObject *object, PyObject *args) {
    uint8_t nwid[ZT_NWID_SIZE];
    uint8_t mac[ZT_ETHERNET_ADDRESS_SIZE];
    long long mtu;
    PyObject *port;
    zt_datapath_t *datapath = opened(object);
    if (datapath == NULL || !PyArg_ParseTuple(args, "O&O&LO:add_network", to_nwid, nwid, to_mac, mac, &mtu, &port)) {
        return NULL;
    }
    if (mtu < 1 || mtu > 10000) {
        return value_error(ZT_MESSAGE_MTU);
    }
    int index = zt_datapath_add_network(datapath, nwid, mac, (uint16_t)mtu, port);
    if (index < 0) {
        return no_room();
    }
    PyList_SetItem(((datapath_object_t *)object)->ports, index, Py_NewRef(port));
    Py_RETURN_NONE;
}

static PyObject *remove_network(PyObject *object, PyObject *args) {
    uint8_t nwid[ZT_NWID_SIZE];
    zt_datapath_t *datapath = opened(object);
    if (datapath == NULL || !PyArg_ParseTuple(args, "O&:remove_network", to_nwid, nwid)) {
        return NULL;
    }
    int index = zt_datapath_network(datapath, nwid);
    if (index >= 0) {
        zt_datapath_remove_network(datapath, nwid);
        forget_judges(object, nwid, ZT_NWID_SIZE, true);
        datapath_object_t *self = (datapath_object_t *)object;
        PyList_SetItem(self->ports, index, Py_NewRef(Py_None));
        PyList_SetItem(self->ports, self->networks + index, Py_NewRef(Py_None));
    }
    Py_RETURN_NONE;
}

static PyObject *join_ethernet(PyObject *object, PyObject *args) {
    uint8_t nwid[ZT_NWID_SIZE];
    PyObject *ethernet;
    datapath_object_t *self = (datapath_object_t *)object;
    if (opened(object) == NULL || !PyArg_ParseTuple(args, "O&O:join_ethernet", to_nwid, nwid, &ethernet)) {
        return NULL;
    }
    int index = zt_datapath_network(self->datapath, nwid);
    if (index < 0) {
        Py_RETURN_FALSE;
    }
    zt_datapath_join_ethernet(self->datapath, nwid, ethernet == Py_None ? NULL : ethernet);
    PyList_SetItem(self->ports, self->networks + index, Py_NewRef(ethernet));
    Py_RETURN_TRUE;
}

static PyObject *set_host(PyObject *object, PyObject *args) {
    uint8_t nwid[ZT_NWID_SIZE];
    uint8_t mac[ZT_ETHERNET_ADDRESS_SIZE];
    uint8_t address[ZT_ADDRESS_SIZE];
    uint64_t now;
    zt_datapath_t *datapath = opened(object);
    if (datapath == NULL || !PyArg_ParseTuple(args, "O&O&O&O&:set_host", to_nwid, nwid, to_mac, mac, to_address, address,
        to_now, &now)) {
        return NULL;
    }
    return PyBool_FromLong(zt_datapath_set_host(datapath, nwid, mac, address, now));
}

static PyObject *forget_hosts(PyObject *object, PyObject *args) {
    uint8_t nwid[ZT_NWID_SIZE];
    zt_datapath_t *datapath = opened(object);
    if (datapath == NULL || !PyArg_ParseTuple(args, "O&:forget_hosts", to_nwid, nwid)) {
        return NULL;
    }
    zt_datapath_forget_hosts(datapath, nwid);
    Py_RETURN_NONE;
}

static PyObject *set_member(PyObject *object, PyObject *args) {
    uint8_t nwid[ZT_NWID_SIZE];
    uint8_t address[ZT_ADDRESS_SIZE];
    long long flags;
    zt_datapath_t *datapath = opened(object);
    if (datapath == NULL || !PyArg_ParseTuple(args, "O&O&L:set_member", to_nwid, nwid, to_address, address, &flags)) {
        return NULL;
    }
    if (flags < 0 || flags > (ZT_MEMBER_ADMITTED | ZT_MEMBER_OPEN)) {
        return value_error(ZT_MESSAGE_MEMBER_FLAGS);
    }
    return PyBool_FromLong(zt_datapath_set_member(datapath, nwid, address, (uint8_t)flags));
}

static PyObject *set_rules(PyObject *object, PyObject *args) {
    uint8_t nwid[ZT_NWID_SIZE];
    PyObject *rules;
    zt_datapath_t *datapath = opened(object);
    if (datapath == NULL || !PyArg_ParseTuple(args, "O&O:set_rules", to_nwid, nwid, &rules)) {
        return NULL;
    }
    const zt_rules_network_t *network = zt_rules_network_of(rules);
    if (network == NULL) {
        return NULL;
    }
    if (zt_datapath_network(datapath, nwid) < 0) {
        Py_RETURN_FALSE;
    }
    // The old ones go with keep_judge(), so the datapath must not judge by them any more.
    zt_datapath_set_rules(datapath, nwid, network);
    if (!keep_judge(object, nwid, sizeof(nwid), rules)) {
        zt_datapath_remove_network(datapath, nwid);
        return NULL;
    }
    Py_RETURN_TRUE;
}

static PyObject *set_holdings(PyObject *object, PyObject *args) {
    uint8_t key[ZT_ADDRESS_SIZE + ZT_NWID_SIZE];
    uint8_t *nwid = key + ZT_ADDRESS_SIZE;
    PyObject *theirs;
    const zt_holdings_t *holdings;
    zt_datapath_t *datapath = opened(object);
    if (datapath == NULL || !PyArg_ParseTuple(args, "O&O&O:set_holdings", to_nwid, nwid, to_address, key, &theirs)
        || !zt_holdings_of(theirs, &holdings)) {
        return NULL;
    }
    if (!zt_datapath_set_holdings(datapath, nwid, key, holdings)) {
        Py_RETURN_FALSE;
    }
    if (!keep_judge(object, key, sizeof(key), theirs)) {
        zt_datapath_set_holdings(datapath, nwid, key, NULL);
        return NULL;
    }
    Py_RETURN_TRUE;
}

static PyObject *set_ids(PyObject *object, PyObject *args) {
    uint8_t prefix[ZT_IDS_PREFIX_SIZE];
    zt_datapath_t *datapath = opened(object);
    if (datapath == NULL || !PyArg_ParseTuple(args, "O&:set_ids", to_prefix, prefix)) {
        return NULL;
    }
    zt_datapath_set_ids(datapath, prefix);
    Py_RETURN_NONE;
}

static PyObject *ids_low(PyObject *object, PyObject *Py_UNUSED(none)) {
    zt_datapath_t *datapath = opened(object);
    return datapath == NULL ? NULL : PyBool_FromLong(zt_datapath_ids_low(datapath));
}

// ---- packets ----

// New memory for a packet on its way, with `room` bytes in front of a copy of `content`; the start of the copy, or NULL.
static uint8_t *begin(datapath_object_t *self, call_t *call, const Py_buffer *content, size_t room) {
    call->memory = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)room + content->len);
    call->whole = call->memory == NULL ? NULL : PyMemoryView_FromObject(call->memory);
    if (call->whole == NULL) {
        Py_XDECREF(call->memory);
        return NULL;
    }
    uint8_t *start = bytes_in(call->memory) + room;
    memcpy(start, content->buf, (size_t)content->len);
    call->outer = self->call;
    self->call = call;
    Py_INCREF(self); // a callback may drop the last reference
    return start;
}

static void end(datapath_object_t *self, call_t *call) {
    self->call = call->outer;
    Py_DECREF(call->whole);
    Py_DECREF(call->memory);
    Py_DECREF(self);
}

static PyObject *receive(PyObject *object, PyObject *args) {
    datapath_object_t *self = (datapath_object_t *)object;
    zt_endpoint_t source;
    uint64_t now;
    Py_buffer datagram;
    call_t call;
    if (opened(object) == NULL || !PyArg_ParseTuple(args, "y*O&O&:receive", &datagram, to_endpoint, &source, to_now, &now)) {
        return NULL;
    }
    uint8_t *bytes = begin(self, &call, &datagram, ZT_PACKET_LEAD);
    size_t length = (size_t)datagram.len;
    PyBuffer_Release(&datagram);
    if (bytes == NULL) {
        return NULL;
    }
    zt_datapath_receive(self->datapath, bytes, length, &source, now);
    end(self, &call);
    Py_RETURN_NONE;
}

typedef void (*take_t)(zt_datapath_t *datapath, int network, uint8_t *frame, size_t length, uint64_t now);

static PyObject *take_frame(PyObject *object, PyObject *args, take_t take, size_t headroom) {
    datapath_object_t *self = (datapath_object_t *)object;
    uint8_t nwid[ZT_NWID_SIZE];
    uint64_t now;
    Py_buffer frame;
    call_t call;
    if (opened(object) == NULL || !PyArg_ParseTuple(args, "O&y*O&", to_nwid, nwid, &frame, to_now, &now)) {
        return NULL;
    }
    uint8_t *bytes = begin(self, &call, &frame, ZT_PACKET_LEAD + headroom);
    size_t length = (size_t)frame.len;
    PyBuffer_Release(&frame);
    if (bytes == NULL) {
        return NULL;
    }
    take(self->datapath, zt_datapath_network(self->datapath, nwid), bytes, length, now);
    end(self, &call);
    Py_RETURN_NONE;
}

static PyObject *transmit(PyObject *object, PyObject *args) {
    return take_frame(object, args, zt_datapath_transmit, ZT_FRAME_HEADROOM);
}

static PyObject *bridge(PyObject *object, PyObject *args) {
    return take_frame(object, args, zt_datapath_bridge, ZT_BRIDGED_HEADROOM);
}

// ---- what waits, and what happened ----

static PyObject *next(PyObject *object, PyObject *Py_UNUSED(none)) {
    datapath_object_t *self = (datapath_object_t *)object;
    zt_datapath_t *datapath = opened(object);
    if (datapath == NULL) {
        return NULL;
    }
    if (self->is_shown) {
        zt_datapath_pop(datapath);
        self->is_shown = false;
    }
    zt_record_t record;
    if (!zt_datapath_next(datapath, &record)) {
        Py_RETURN_NONE;
    }
    PyObject *view = view_of(self, record.packet, record.length);
    if (view == NULL) {
        return NULL;
    }
    self->is_shown = true;
    const uint8_t *about = record.endpoint.bytes;
    Py_ssize_t about_length = record.endpoint.length;
    if (record.kind == ZT_RECORD_FRAME || record.kind == ZT_RECORD_BRIDGED) {
        about = record.nwid;
        about_length = ZT_NWID_SIZE;
    }
    return Py_BuildValue("iNy#", (int)record.kind, view, (const char *)about, about_length);
}

static PyObject *peer_state(PyObject *object, PyObject *args) {
    uint8_t address[ZT_ADDRESS_SIZE];
    zt_peer_state_t state;
    zt_datapath_t *datapath = opened(object);
    if (datapath == NULL || !PyArg_ParseTuple(args, "O&:peer_state", to_address, address)) {
        return NULL;
    }
    if (!zt_datapath_peer_state(datapath, address, &state)) {
        Py_RETURN_NONE;
    }
    PyObject *paths = PyTuple_New((Py_ssize_t)state.paths);
    for (size_t i = 0; paths != NULL && i < state.paths; i++) {
        PyObject *time = PyLong_FromUnsignedLongLong(state.last_receive[i]);
        if (time == NULL) {
            Py_CLEAR(paths);
            break;
        }
        PyTuple_SET_ITEM(paths, (Py_ssize_t)i, time);
    }
    if (paths == NULL) {
        return NULL;
    }
    return Py_BuildValue("KKN", (unsigned long long)state.last_frame_in, (unsigned long long)state.last_frame_out, paths);
}

static PyObject *counters(PyObject *object, PyObject *Py_UNUSED(none)) {
    zt_datapath_t *datapath = opened(object);
    PyObject *result = datapath == NULL ? NULL : PyDict_New();
    for (size_t i = 0; result != NULL && i < ZT_COUNTER_COUNT; i++) {
        PyObject *value = PyLong_FromUnsignedLong(zt_datapath_counter(datapath, i));
        if (value == NULL || PyDict_SetItemString(result, zt_datapath_counter_name(i), value) != 0) {
            Py_CLEAR(result);
        }
        Py_XDECREF(value);
    }
    return result;
}

// ---- the type ----

#define METHOD(name, arguments) { #name, name, METH_VARARGS, PyDoc_STR(#name "($self, " arguments ")\n--\n\n") }
#define METHOD_ALONE(name) { #name, name, METH_NOARGS, PyDoc_STR(#name "($self)\n--\n\n") }

static PyMethodDef methods[] = {
    METHOD(set_peer, "address, key, /"),
    METHOD(remove_peer, "address, /"),
    METHOD(set_paths, "address, endpoints, send_to, /"),
    METHOD(add_network, "nwid, mac, mtu, port, /"),
    METHOD(remove_network, "nwid, /"),
    METHOD(set_member, "nwid, address, flags, /"),
    METHOD(set_rules, "nwid, rules, /"),
    METHOD(set_holdings, "nwid, address, holdings, /"),
    METHOD(join_ethernet, "nwid, ethernet, /"),
    METHOD(set_host, "nwid, mac, address, now, /"),
    METHOD(forget_hosts, "nwid, /"),
    METHOD(set_ids, "prefix, /"),
    METHOD_ALONE(ids_low),
    METHOD(receive, "datagram, endpoint, now, /"),
    METHOD(transmit, "nwid, frame, now, /"),
    METHOD(bridge, "nwid, frame, now, /"),
    METHOD_ALONE(next),
    METHOD(peer_state, "address, /"),
    METHOD_ALONE(counters),
    { NULL, NULL, 0, NULL },
};

static PyMemberDef members[] = {
    { "on_send", T_OBJECT, offsetof(datapath_object_t, on_send), 0, NULL },
    { NULL, 0, 0, 0, NULL },
};

static PyType_Slot slots[] = {
    { Py_tp_doc, (void *)PyDoc_STR("Datapath(address, peers, networks, slots, ring, /)\n--\n\n") },
    { Py_tp_init, datapath_init },
    { Py_tp_new, PyType_GenericNew },
    { Py_tp_dealloc, datapath_dealloc },
    { Py_tp_traverse, datapath_traverse },
    { Py_tp_clear, datapath_clear },
    { Py_tp_methods, methods },
    { Py_tp_members, members },
    { 0, NULL },
};

static PyType_Spec spec = {
    .name = "_zerotier.Datapath",
    .basicsize = sizeof(datapath_object_t),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};

int zt_add_datapath(PyObject *module) {
    PyObject *type = PyType_FromSpec(&spec);
    if (type == NULL) {
        return -1;
    }
    int result = PyModule_AddType(module, (PyTypeObject *)type);
    Py_DECREF(type);
    return result;
}
