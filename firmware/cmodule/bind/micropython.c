// The module `_zerotier` for MicroPython: unpacks arguments, checks lengths, calls the core. The manual is _zerotier.pyi.
// It owns nothing. Never a decision and never any state: what cpython.c does under the same names has the same effect, and
// every sentence comes from messages.h. What exists on MicroPython alone is in netif.c and background.c beside this file.
#include <stdlib.h>

#include "py/runtime.h"

#include "../core/aes.h"
#include "../core/armor.h"
#include "../core/bytes.h"
#include "../core/curve.h"
#include "../core/hash.h"
#include "../core/identity_hash.h"
#include "../core/lz4.h"
#include "../core/poly1305.h"
#include "../core/salsa20.h"
#include "messages.h"
#include "micropython.h"
#include "micropython_rules.h"

#define MAX_COUNTER (0x3fffffff)

static mp_buffer_info_t readable(mp_obj_t object) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(object, &buffer, MP_BUFFER_READ);
    return buffer;
}

static mp_buffer_info_t writable(mp_obj_t object) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(object, &buffer, MP_BUFFER_RW);
    return buffer;
}

static mp_buffer_info_t public_key_of(mp_obj_t object) {
    mp_buffer_info_t public = readable(object);
    if (public.len != ZT_PUBLIC_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_PUBLIC));
    }
    return public;
}

static mp_buffer_info_t secret_key_of(mp_obj_t object) {
    mp_buffer_info_t secret = readable(object);
    if (secret.len != ZT_SECRET_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_SECRET));
    }
    return secret;
}

static mp_buffer_info_t symmetric_key_of(mp_obj_t object) {
    mp_buffer_info_t key = readable(object);
    if (key.len != ZT_SALSA20_KEY_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_KEY));
    }
    return key;
}

static mp_buffer_info_t armor_key_of(mp_obj_t object) {
    mp_buffer_info_t key = readable(object);
    if (key.len < ZT_ARMOR_KEY_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_ARMOR_KEY));
    }
    return key;
}

static mp_buffer_info_t packet_of(mp_obj_t object) {
    mp_buffer_info_t packet = writable(object);
    if (packet.len < ZT_PACKET_MIN_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_PACKET));
    }
    return packet;
}

/******************************************************************************/
// Hashes

static mp_obj_t zerotier_sha512(mp_obj_t message_in) {
    mp_buffer_info_t message = readable(message_in);
    uint8_t digest[ZT_SHA512_SIZE];
    zt_sha512(message.buf, message.len, digest);
    return mp_obj_new_bytes(digest, sizeof(digest));
}
static MP_DEFINE_CONST_FUN_OBJ_1(zerotier_sha512_obj, zerotier_sha512);

static mp_obj_t zerotier_sha384(mp_obj_t message_in) {
    mp_buffer_info_t message = readable(message_in);
    uint8_t digest[ZT_SHA384_SIZE];
    zt_sha384(message.buf, message.len, digest);
    return mp_obj_new_bytes(digest, sizeof(digest));
}
static MP_DEFINE_CONST_FUN_OBJ_1(zerotier_sha384_obj, zerotier_sha384);

// The work area comes from malloc: a heap of MicroPython rarely has 2 MiB in one piece, and would keep them.
static mp_obj_t zerotier_identity_hash(mp_obj_t public_in) {
    mp_buffer_info_t public = public_key_of(public_in);
    uint8_t *work = malloc(ZT_IDENTITY_WORK_SIZE);
    if (work == NULL) {
        mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT(ZT_MESSAGE_MEMORY));
    }
    uint8_t digest[ZT_IDENTITY_DIGEST_SIZE];
    zt_identity_hash(public.buf, work, digest);
    free(work);
    return mp_obj_new_bytes(digest, sizeof(digest));
}
static MP_DEFINE_CONST_FUN_OBJ_1(zerotier_identity_hash_obj, zerotier_identity_hash);

/******************************************************************************/
// Curves

static mp_obj_t zerotier_public_key(mp_obj_t secret_in) {
    mp_buffer_info_t secret = secret_key_of(secret_in);
    uint8_t key[ZT_PUBLIC_SIZE];
    zt_public_key(secret.buf, key);
    return mp_obj_new_bytes(key, sizeof(key));
}
static MP_DEFINE_CONST_FUN_OBJ_1(zerotier_public_key_obj, zerotier_public_key);

static mp_obj_t zerotier_agree(mp_obj_t secret_in, mp_obj_t public_in) {
    mp_buffer_info_t secret = secret_key_of(secret_in);
    mp_buffer_info_t public = public_key_of(public_in);
    uint8_t agreed[ZT_AGREED_SIZE];
    zt_agree(secret.buf, public.buf, agreed);
    mp_obj_t result = mp_obj_new_bytes(agreed, sizeof(agreed));
    zt_wipe(agreed, sizeof(agreed));
    return result;
}
static MP_DEFINE_CONST_FUN_OBJ_2(zerotier_agree_obj, zerotier_agree);

static mp_obj_t zerotier_sign(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t secret = secret_key_of(args[0]);
    mp_buffer_info_t message = readable(args[1]);
    uint8_t signature[ZT_SIGNATURE_SIZE];
    if (n_args > 2) {
        zt_sign_with(secret.buf, public_key_of(args[2]).buf, message.buf, message.len, signature);
    } else {
        zt_sign(secret.buf, message.buf, message.len, signature);
    }
    return mp_obj_new_bytes(signature, sizeof(signature));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(zerotier_sign_obj, 2, 3, zerotier_sign);

static mp_obj_t zerotier_verify(mp_obj_t public_in, mp_obj_t message_in, mp_obj_t signature_in) {
    mp_buffer_info_t public = public_key_of(public_in);
    mp_buffer_info_t message = readable(message_in);
    mp_buffer_info_t signature = readable(signature_in);
    return mp_obj_new_bool(signature.len == ZT_SIGNATURE_SIZE
        && zt_verify(public.buf, message.buf, message.len, signature.buf));
}
static MP_DEFINE_CONST_FUN_OBJ_3(zerotier_verify_obj, zerotier_verify);

/******************************************************************************/
// Ciphers

static mp_obj_t zerotier_salsa20(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_key, ARG_nonce, ARG_buffer, ARG_counter, ARG_rounds };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_obj = MP_OBJ_NULL } },
        { MP_QSTR_counter, MP_ARG_INT, { .u_int = 0 } },
        { MP_QSTR_rounds, MP_ARG_INT, { .u_int = ZT_SALSA20_PACKET_ROUNDS } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);

    mp_buffer_info_t key = symmetric_key_of(args[ARG_key].u_obj);
    mp_buffer_info_t nonce = readable(args[ARG_nonce].u_obj);
    mp_buffer_info_t buffer = writable(args[ARG_buffer].u_obj);
    mp_int_t counter = args[ARG_counter].u_int;
    mp_int_t rounds = args[ARG_rounds].u_int;
    if (nonce.len != ZT_SALSA20_NONCE_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_NONCE));
    }
    if (counter < 0 || counter > MAX_COUNTER) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_COUNTER));
    }
    if (rounds != ZT_SALSA20_PACKET_ROUNDS && rounds != ZT_SALSA20_HASH_ROUNDS) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_ROUNDS));
    }
    zt_salsa20_t cipher;
    zt_salsa20_init(&cipher, key.buf, nonce.buf, (uint64_t)counter, (uint32_t)rounds);
    zt_salsa20_xor(&cipher, buffer.buf, buffer.len);
    zt_wipe(&cipher, sizeof(cipher));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(zerotier_salsa20_obj, 3, zerotier_salsa20);

static mp_obj_t zerotier_aes256_ctr(mp_obj_t key_in, mp_obj_t counter_in, mp_obj_t buffer_in) {
    mp_buffer_info_t key = symmetric_key_of(key_in);
    mp_buffer_info_t counter = readable(counter_in);
    mp_buffer_info_t buffer = writable(buffer_in);
    if (counter.len != ZT_AES_BLOCK_SIZE) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_COUNTER_BLOCK));
    }
    zt_aes_t cipher;
    zt_aes_init(&cipher, key.buf);
    zt_aes_ctr(&cipher, counter.buf, buffer.buf, buffer.len);
    zt_wipe(&cipher, sizeof(cipher));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(zerotier_aes256_ctr_obj, zerotier_aes256_ctr);

static mp_obj_t zerotier_poly1305(mp_obj_t key_in, mp_obj_t message_in) {
    mp_buffer_info_t key = symmetric_key_of(key_in);
    mp_buffer_info_t message = readable(message_in);
    uint8_t tag[ZT_POLY1305_TAG_SIZE];
    zt_poly1305(key.buf, message.buf, message.len, tag);
    return mp_obj_new_bytes(tag, sizeof(tag));
}
static MP_DEFINE_CONST_FUN_OBJ_2(zerotier_poly1305_obj, zerotier_poly1305);

/******************************************************************************/
// Packets

static mp_obj_t zerotier_armor(mp_obj_t key_in, mp_obj_t packet_in, mp_obj_t cipher_in) {
    mp_buffer_info_t key = armor_key_of(key_in);
    mp_buffer_info_t packet = packet_of(packet_in);
    mp_int_t cipher = mp_obj_get_int(cipher_in);
    if (cipher != ZT_CIPHER_POLY1305 && cipher != ZT_CIPHER_SALSA20_POLY1305) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_CIPHER));
    }
    zt_armor(key.buf, packet.buf, packet.len, (uint8_t)cipher);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(zerotier_armor_obj, zerotier_armor);

static mp_obj_t zerotier_dearmor(mp_obj_t key_in, mp_obj_t packet_in) {
    mp_buffer_info_t key = armor_key_of(key_in);
    mp_buffer_info_t packet = packet_of(packet_in);
    return mp_obj_new_bool(zt_dearmor(key.buf, packet.buf, packet.len));
}
static MP_DEFINE_CONST_FUN_OBJ_2(zerotier_dearmor_obj, zerotier_dearmor);

static mp_obj_t zerotier_hello_tail(mp_obj_t key_in, mp_obj_t packet_in, mp_obj_t offset_in) {
    mp_buffer_info_t key = armor_key_of(key_in);
    mp_buffer_info_t packet = packet_of(packet_in);
    mp_int_t offset = mp_obj_get_int(offset_in);
    if (offset < 0 || !zt_hello_tail(key.buf, packet.buf, packet.len, (size_t)offset)) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_OFFSET));
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(zerotier_hello_tail_obj, zerotier_hello_tail);

static mp_obj_t zerotier_lz4_decompress(mp_obj_t source_in, mp_obj_t destination_in) {
    mp_buffer_info_t source = readable(source_in);
    mp_buffer_info_t destination = writable(destination_in);
    size_t written = zt_lz4_decompress(source.buf, source.len, destination.buf, destination.len);
    if (written == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT(ZT_MESSAGE_LZ4));
    }
    return MP_OBJ_NEW_SMALL_INT(written);
}
static MP_DEFINE_CONST_FUN_OBJ_2(zerotier_lz4_decompress_obj, zerotier_lz4_decompress);

/******************************************************************************/
// The module

static const mp_rom_map_elem_t zerotier_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__zerotier) },
    { MP_ROM_QSTR(MP_QSTR_sha512), MP_ROM_PTR(&zerotier_sha512_obj) },
    { MP_ROM_QSTR(MP_QSTR_sha384), MP_ROM_PTR(&zerotier_sha384_obj) },
    { MP_ROM_QSTR(MP_QSTR_identity_hash), MP_ROM_PTR(&zerotier_identity_hash_obj) },
    { MP_ROM_QSTR(MP_QSTR_public_key), MP_ROM_PTR(&zerotier_public_key_obj) },
    { MP_ROM_QSTR(MP_QSTR_agree), MP_ROM_PTR(&zerotier_agree_obj) },
    { MP_ROM_QSTR(MP_QSTR_sign), MP_ROM_PTR(&zerotier_sign_obj) },
    { MP_ROM_QSTR(MP_QSTR_verify), MP_ROM_PTR(&zerotier_verify_obj) },
    { MP_ROM_QSTR(MP_QSTR_aes256_ctr), MP_ROM_PTR(&zerotier_aes256_ctr_obj) },
    { MP_ROM_QSTR(MP_QSTR_salsa20), MP_ROM_PTR(&zerotier_salsa20_obj) },
    { MP_ROM_QSTR(MP_QSTR_poly1305), MP_ROM_PTR(&zerotier_poly1305_obj) },
    { MP_ROM_QSTR(MP_QSTR_armor), MP_ROM_PTR(&zerotier_armor_obj) },
    { MP_ROM_QSTR(MP_QSTR_dearmor), MP_ROM_PTR(&zerotier_dearmor_obj) },
    { MP_ROM_QSTR(MP_QSTR_hello_tail), MP_ROM_PTR(&zerotier_hello_tail_obj) },
    { MP_ROM_QSTR(MP_QSTR_lz4_decompress), MP_ROM_PTR(&zerotier_lz4_decompress_obj) },
    { MP_ROM_QSTR(MP_QSTR_Holdings), MP_ROM_PTR(&zerotier_holdings_type) },
    { MP_ROM_QSTR(MP_QSTR_RuleSet), MP_ROM_PTR(&zerotier_rule_set_type) },
    { MP_ROM_QSTR(MP_QSTR_Datapath), MP_ROM_PTR(&zerotier_datapath_type) },
    #if ZT_LWIP
    { MP_ROM_QSTR(MP_QSTR_Netif), MP_ROM_PTR(&zerotier_netif_type) },
    #if ZT_LWIP_UNDERLAY
    { MP_ROM_QSTR(MP_QSTR_Underlay), MP_ROM_PTR(&zerotier_underlay_type) },
    #endif
    { MP_ROM_QSTR(MP_QSTR_background), MP_ROM_PTR(&zerotier_background_obj) },
    #if !ZT_THREADS
    { MP_ROM_QSTR(MP_QSTR_Tap), MP_ROM_PTR(&zerotier_tap_type) },
    #endif
    { MP_ROM_QSTR(MP_QSTR_name_servers), MP_ROM_PTR(&zerotier_name_servers_obj) },
    { MP_ROM_QSTR(MP_QSTR_wake), MP_ROM_PTR(&zerotier_wake_obj) },
    #endif
};
static MP_DEFINE_CONST_DICT(zerotier_globals, zerotier_globals_table);

const mp_obj_module_t zerotier_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&zerotier_globals,
};

MP_REGISTER_MODULE(MP_QSTR__zerotier, zerotier_module);
