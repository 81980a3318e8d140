// libsodium's curves as one piece of code, for boards that count their flash (ZT_SMALL): its files share their field arithmetic
// here, and what base.c and scalars.c do with less is left out.
// It owns which of libsodium's functions are replaced. Never a line of the curves: the files are included as they are.
//
// Compiled in the place of all files that ../../libsodium.txt lists, with libsodium/src/libsodium among the include folders.
#include "private/ed25519_ref10.h"

// Twice a square. libsodium has a second copy of the squaring for it; this takes a tenth more time for a verification. The sum is
// as large as the product may take.
static inline void double_square(fe25519 result, const fe25519 operand) {
    fe25519 twice;
    fe25519_add(twice, operand, operand);
    fe25519_mul(result, operand, twice);
}

#define fe25519_sq2 double_square
#define ge25519_scalarmult_base ge25519_scalarmult_base_by_table // 30 KB of table; base.c
#define sc25519_muladd sc25519_muladd_unrolled // 11 KB; scalars.c
#define sc25519_reduce sc25519_reduce_unrolled // 6 KB; scalars.c
#include "crypto_core/ed25519/ref10/ed25519_ref10.c"
#undef ge25519_scalarmult_base
#undef sc25519_muladd
#undef sc25519_reduce

#include "crypto_scalarmult/curve25519/ref10/x25519_ref10.c"
#include "crypto_scalarmult/curve25519/scalarmult_curve25519.c"
#include "crypto_sign/ed25519/ref10/keypair.c"
#include "crypto_sign/ed25519/ref10/open.c"
#include "crypto_sign/ed25519/ref10/sign.c"
#include "crypto_verify/verify.c"
