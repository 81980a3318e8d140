// The module `_zerotier` for CPython: unpacks arguments, checks lengths, calls the core. The manual is _zerotier.pyi.
// It owns the borrowed buffers for the time of a call and nothing else. Never a decision and never any state: what
// micropython.c does under the same names has the same effect, and every sentence comes from messages.h.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "../core/aes.h"
#include "../core/armor.h"
#include "../core/bytes.h"
#include "../core/curve.h"
#include "../core/hash.h"
#include "../core/identity_hash.h"
#include "../core/lz4.h"
#include "../core/poly1305.h"
#include "../core/salsa20.h"
#include "cpython_datapath.h"
#include "cpython_rules.h"
#include "messages.h"

#define MAX_COUNTER (0x3fffffff)

static PyObject *value_error(const char *sentence) {
    PyErr_SetString(PyExc_ValueError, sentence);
    return NULL;
}

static PyObject *bytes_of(const uint8_t *from, size_t length) {
    return PyBytes_FromStringAndSize((const char *)from, (Py_ssize_t)length);
}

// The same for a secret, which must not stay on the stack.
static PyObject *secret_bytes_of(uint8_t *from, size_t length) {
    PyObject *result = bytes_of(from, length);
    zt_wipe(from, length);
    return result;
}

static PyObject *sha512(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer message;
    if (!PyArg_ParseTuple(args, "y*:sha512", &message)) {
        return NULL;
    }
    uint8_t digest[ZT_SHA512_SIZE];
    zt_sha512(message.buf, (size_t)message.len, digest);
    PyBuffer_Release(&message);
    return bytes_of(digest, sizeof(digest));
}

static PyObject *sha384(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer message;
    if (!PyArg_ParseTuple(args, "y*:sha384", &message)) {
        return NULL;
    }
    uint8_t digest[ZT_SHA384_SIZE];
    zt_sha384(message.buf, (size_t)message.len, digest);
    PyBuffer_Release(&message);
    return bytes_of(digest, sizeof(digest));
}

static PyObject *public_key(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer secret;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*:public_key", &secret)) {
        return NULL;
    }
    if (secret.len != ZT_SECRET_SIZE) {
        value_error(ZT_MESSAGE_SECRET);
    } else {
        uint8_t key[ZT_PUBLIC_SIZE];
        zt_public_key(secret.buf, key);
        result = bytes_of(key, sizeof(key));
    }
    PyBuffer_Release(&secret);
    return result;
}

static PyObject *agree(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer secret, public;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*:agree", &secret, &public)) {
        return NULL;
    }
    if (secret.len != ZT_SECRET_SIZE) {
        value_error(ZT_MESSAGE_SECRET);
    } else if (public.len != ZT_PUBLIC_SIZE) {
        value_error(ZT_MESSAGE_PUBLIC);
    } else {
        uint8_t agreed[ZT_AGREED_SIZE];
        zt_agree(secret.buf, public.buf, agreed);
        result = secret_bytes_of(agreed, sizeof(agreed));
    }
    PyBuffer_Release(&secret);
    PyBuffer_Release(&public);
    return result;
}

static PyObject *sign(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer secret, message, public = { 0 };
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*|y*:sign", &secret, &message, &public)) {
        return NULL;
    }
    if (secret.len != ZT_SECRET_SIZE) {
        value_error(ZT_MESSAGE_SECRET);
    } else if (public.obj != NULL && public.len != ZT_PUBLIC_SIZE) {
        value_error(ZT_MESSAGE_PUBLIC);
    } else {
        uint8_t signature[ZT_SIGNATURE_SIZE];
        if (public.obj != NULL) {
            zt_sign_with(secret.buf, public.buf, message.buf, (size_t)message.len, signature);
        } else {
            zt_sign(secret.buf, message.buf, (size_t)message.len, signature);
        }
        result = bytes_of(signature, sizeof(signature));
    }
    PyBuffer_Release(&secret);
    PyBuffer_Release(&message);
    if (public.obj != NULL) {
        PyBuffer_Release(&public);
    }
    return result;
}

static PyObject *verify(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer public, message, signature;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*y*:verify", &public, &message, &signature)) {
        return NULL;
    }
    if (public.len != ZT_PUBLIC_SIZE) {
        value_error(ZT_MESSAGE_PUBLIC);
    } else {
        result = PyBool_FromLong(signature.len == ZT_SIGNATURE_SIZE
            && zt_verify(public.buf, message.buf, (size_t)message.len, signature.buf));
    }
    PyBuffer_Release(&public);
    PyBuffer_Release(&message);
    PyBuffer_Release(&signature);
    return result;
}

// Takes some 30 ms, so other threads may run meanwhile. The key is copied first: its owner may change it then.
static PyObject *identity_hash(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer public;
    uint8_t key[ZT_IDENTITY_PUBLIC_SIZE];
    if (!PyArg_ParseTuple(args, "y*:identity_hash", &public)) {
        return NULL;
    }
    bool right = public.len == ZT_IDENTITY_PUBLIC_SIZE;
    if (right) {
        memcpy(key, public.buf, sizeof(key));
    }
    PyBuffer_Release(&public);
    if (!right) {
        return value_error(ZT_MESSAGE_PUBLIC);
    }

    uint8_t *work = PyMem_RawMalloc(ZT_IDENTITY_WORK_SIZE);
    if (work == NULL) {
        PyErr_SetString(PyExc_MemoryError, ZT_MESSAGE_MEMORY);
        return NULL;
    }
    uint8_t digest[ZT_IDENTITY_DIGEST_SIZE];
    Py_BEGIN_ALLOW_THREADS
    zt_identity_hash(key, work, digest);
    Py_END_ALLOW_THREADS
    PyMem_RawFree(work);
    return bytes_of(digest, sizeof(digest));
}

static PyObject *salsa20(PyObject *Py_UNUSED(module), PyObject *args, PyObject *keywords) {
    static char *names[] = { "", "", "", "counter", "rounds", NULL };
    Py_buffer key, nonce, buffer;
    long long counter = 0;
    long long rounds = ZT_SALSA20_PACKET_ROUNDS;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "y*y*w*|LL:salsa20", names, &key, &nonce, &buffer, &counter, &rounds)) {
        return NULL;
    }
    const char *mistake = NULL;
    if (key.len != ZT_SALSA20_KEY_SIZE) {
        mistake = ZT_MESSAGE_KEY;
    } else if (nonce.len != ZT_SALSA20_NONCE_SIZE) {
        mistake = ZT_MESSAGE_NONCE;
    } else if (counter < 0 || counter > MAX_COUNTER) {
        mistake = ZT_MESSAGE_COUNTER;
    } else if (rounds != ZT_SALSA20_PACKET_ROUNDS && rounds != ZT_SALSA20_HASH_ROUNDS) {
        mistake = ZT_MESSAGE_ROUNDS;
    } else {
        zt_salsa20_t cipher;
        zt_salsa20_init(&cipher, key.buf, nonce.buf, (uint64_t)counter, (uint32_t)rounds);
        zt_salsa20_xor(&cipher, buffer.buf, (size_t)buffer.len);
        zt_wipe(&cipher, sizeof(cipher));
    }
    PyBuffer_Release(&key);
    PyBuffer_Release(&nonce);
    PyBuffer_Release(&buffer);
    if (mistake != NULL) {
        return value_error(mistake);
    }
    Py_RETURN_NONE;
}

static PyObject *aes256_ctr(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer key, counter, buffer;
    if (!PyArg_ParseTuple(args, "y*y*w*:aes256_ctr", &key, &counter, &buffer)) {
        return NULL;
    }
    const char *mistake = NULL;
    if (key.len != ZT_AES_KEY_SIZE) {
        mistake = ZT_MESSAGE_KEY;
    } else if (counter.len != ZT_AES_BLOCK_SIZE) {
        mistake = ZT_MESSAGE_COUNTER_BLOCK;
    } else {
        zt_aes_t cipher;
        zt_aes_init(&cipher, key.buf);
        zt_aes_ctr(&cipher, counter.buf, buffer.buf, (size_t)buffer.len);
        zt_wipe(&cipher, sizeof(cipher));
    }
    PyBuffer_Release(&key);
    PyBuffer_Release(&counter);
    PyBuffer_Release(&buffer);
    if (mistake != NULL) {
        return value_error(mistake);
    }
    Py_RETURN_NONE;
}

static PyObject *poly1305(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer key, message;
    PyObject *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*:poly1305", &key, &message)) {
        return NULL;
    }
    if (key.len != ZT_POLY1305_KEY_SIZE) {
        value_error(ZT_MESSAGE_KEY);
    } else {
        uint8_t tag[ZT_POLY1305_TAG_SIZE];
        zt_poly1305(key.buf, message.buf, (size_t)message.len, tag);
        result = bytes_of(tag, sizeof(tag));
    }
    PyBuffer_Release(&key);
    PyBuffer_Release(&message);
    return result;
}

// What is wrong with the arguments that all functions on packets have in common; NULL if nothing is.
static const char *packet_mistake(const Py_buffer *key, const Py_buffer *packet) {
    if (key->len < ZT_ARMOR_KEY_SIZE) {
        return ZT_MESSAGE_ARMOR_KEY;
    }
    if (packet->len < ZT_PACKET_MIN_SIZE) {
        return ZT_MESSAGE_PACKET;
    }
    return NULL;
}

static PyObject *armor(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer key, packet;
    long long cipher;
    if (!PyArg_ParseTuple(args, "y*w*L:armor", &key, &packet, &cipher)) {
        return NULL;
    }
    const char *mistake = packet_mistake(&key, &packet);
    if (mistake == NULL && cipher != ZT_CIPHER_POLY1305 && cipher != ZT_CIPHER_SALSA20_POLY1305) {
        mistake = ZT_MESSAGE_CIPHER;
    }
    if (mistake == NULL) {
        zt_armor(key.buf, packet.buf, (size_t)packet.len, (uint8_t)cipher);
    }
    PyBuffer_Release(&key);
    PyBuffer_Release(&packet);
    if (mistake != NULL) {
        return value_error(mistake);
    }
    Py_RETURN_NONE;
}

static PyObject *dearmor(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer key, packet;
    if (!PyArg_ParseTuple(args, "y*w*:dearmor", &key, &packet)) {
        return NULL;
    }
    bool authentic = false;
    const char *mistake = packet_mistake(&key, &packet);
    if (mistake == NULL) {
        authentic = zt_dearmor(key.buf, packet.buf, (size_t)packet.len);
    }
    PyBuffer_Release(&key);
    PyBuffer_Release(&packet);
    if (mistake != NULL) {
        return value_error(mistake);
    }
    return PyBool_FromLong(authentic);
}

static PyObject *hello_tail(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer key, packet;
    Py_ssize_t offset;
    if (!PyArg_ParseTuple(args, "y*w*n:hello_tail", &key, &packet, &offset)) {
        return NULL;
    }
    const char *mistake = packet_mistake(&key, &packet);
    if (mistake == NULL && (offset < 0 || !zt_hello_tail(key.buf, packet.buf, (size_t)packet.len, (size_t)offset))) {
        mistake = ZT_MESSAGE_OFFSET;
    }
    PyBuffer_Release(&key);
    PyBuffer_Release(&packet);
    if (mistake != NULL) {
        return value_error(mistake);
    }
    Py_RETURN_NONE;
}

static PyObject *lz4_decompress(PyObject *Py_UNUSED(module), PyObject *args) {
    Py_buffer source, destination;
    if (!PyArg_ParseTuple(args, "y*w*:lz4_decompress", &source, &destination)) {
        return NULL;
    }
    size_t written = zt_lz4_decompress(source.buf, (size_t)source.len, destination.buf, (size_t)destination.len);
    PyBuffer_Release(&source);
    PyBuffer_Release(&destination);
    if (written == 0) {
        return value_error(ZT_MESSAGE_LZ4);
    }
    return PyLong_FromSize_t(written);
}

// What inspect.signature() and help() show; the text that CPython parses it from.
#define SIGNATURE(name, arguments) PyDoc_STR(name "(" arguments ")\n--\n\n")
#define FUNCTION(name, arguments) { #name, name, METH_VARARGS, SIGNATURE(#name, arguments) }
#define FUNCTION_WITH_KEYWORDS(name, arguments) \
    { #name, (PyCFunction)(void (*)(void))name, METH_VARARGS | METH_KEYWORDS, SIGNATURE(#name, arguments) }

static PyMethodDef functions[] = {
    FUNCTION(sha512, "message, /"),
    FUNCTION(sha384, "message, /"),
    FUNCTION(public_key, "secret, /"),
    FUNCTION(agree, "secret, public, /"),
    FUNCTION(sign, "secret, message, public=None, /"),
    FUNCTION(verify, "public, message, signature, /"),
    FUNCTION(identity_hash, "public, /"),
    FUNCTION_WITH_KEYWORDS(salsa20, "key, nonce, buffer, /, counter=0, rounds=12"),
    FUNCTION(aes256_ctr, "key, counter, buffer, /"),
    FUNCTION(poly1305, "key, message, /"),
    FUNCTION(armor, "key, packet, cipher, /"),
    FUNCTION(dearmor, "key, packet, /"),
    FUNCTION(hello_tail, "key, packet, offset, /"),
    FUNCTION(lz4_decompress, "source, destination, /"),
    { NULL, NULL, 0, NULL },
};

static PyModuleDef_Slot slots[] = {
    { Py_mod_exec, zt_add_rules },
    { Py_mod_exec, zt_add_datapath },
    { 0, NULL },
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_zerotier",
    .m_doc = "Ciphers, signatures, packet armor and the datapath of a ZeroTier node. The manual is _zerotier.pyi.",
    .m_methods = functions,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__zerotier(void) {
    return PyModuleDef_Init(&definition);
}
