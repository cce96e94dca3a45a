// SPDX-License-Identifier: ISC
/** modulus.h: arithmetic modulo one odd prime below 2^61, one word a residue.
 *  CT: every function without the suffix _var runs in time that does not depend on its residues. */
#ifndef TACIT_CKKS_MODULUS_H
#define TACIT_CKKS_MODULUS_H

#include <stdint.h>

#include "base/err.h"

typedef unsigned __int128 u128;

#define MOD_SIGNED_MAX (INT64_C(1) << 61) /* mod_from_signed takes numbers up to this in absolute value */

typedef struct modulus {
    uint64_t q;    /* odd, in (2^(bits-1), 2^bits) */
    uint64_t mu;   /* floor(2^(bits+63) / q), below 2^64 */
    uint64_t lift; /* the least multiple of q above 2^61 */
    unsigned bits; /* ceil(log2 q), 2 .. 61 */
} modulus;

/** modulus_init: the constants of q.  Errors: ERR_ARG unless q is odd and in [3, 2^61). */
int modulus_init(modulus *m, uint64_t q) MUST_CHECK;

/** mod_sub_if: x - m if x >= m, else x.   In: x, m < 2^63. */
static inline uint64_t mod_sub_if(uint64_t x, uint64_t m)
{
    uint64_t t = x - m;
    return t + (m & (uint64_t)((int64_t)t >> 63));
}

/** mod_add, mod_sub, mod_neg: In: a, b in [0, q).   Out: [0, q). */
static inline uint64_t mod_add(const modulus *m, uint64_t a, uint64_t b) { return mod_sub_if(a + b, m->q); }
static inline uint64_t mod_sub(const modulus *m, uint64_t a, uint64_t b) { return mod_sub_if(a + m->q - b, m->q); }
static inline uint64_t mod_neg(const modulus *m, uint64_t a) { return mod_sub_if(m->q - a, m->q); }

/** mod_reduce: z mod q (Barrett).   In: z < 2^(bits+63): any word, or a product of a residue with a number below 2^63.   Out: [0, q). */
static inline uint64_t mod_reduce(const modulus *m, u128 z)
{
    /* h = z >> (bits-1) loses less than 2^(bits-1) < q of z, mu loses z / 2^(bits+63) < 1 of the quotient, the shift less than 1:
     * the estimate is at most 2 too small, the remainder below 3q < 2^63. */
    uint64_t h = (uint64_t)(z >> (m->bits - 1));
    uint64_t r = (uint64_t)z - (uint64_t)(((u128)h * m->mu) >> 64) * m->q;
    return mod_sub_if(mod_sub_if(r, m->q), m->q);
}

/** mod_mul: a * b mod q.   In: a in [0, q), b < 2^63.   Out: [0, q). */
static inline uint64_t mod_mul(const modulus *m, uint64_t a, uint64_t b) { return mod_reduce(m, (u128)a * b); }

/** mod_from_signed: x mod q.   In: |x| <= 2^61.   Out: [0, q). */
static inline uint64_t mod_from_signed(const modulus *m, int64_t x) { return mod_reduce(m, m->lift + (uint64_t)x); }

/** mod_centred: the number in [-(q-1)/2, (q-1)/2] that is x mod q.   In: x in [0, q). */
static inline int64_t mod_centred(uint64_t q, uint64_t x) { return (int64_t)(x - (q & (0 - ((q / 2 - x) >> 63)))); }

/** mod_shoup_var: floor(w * 2^64 / q), the companion of a public constant w in [0, q). */
static inline uint64_t mod_shoup_var(uint64_t q, uint64_t w) { return (uint64_t)(((u128)w << 64) / q); }

/** mod_mul_shoup_lazy: x * w mod q up to one q.   In: any x; w in [0, q) with its companion.   Out: [0, 2q).   Ref: [Har14, Alg. 1]. */
static inline uint64_t mod_mul_shoup_lazy(uint64_t q, uint64_t x, uint64_t w, uint64_t w_shoup)
{
    return x * w - (uint64_t)(((u128)x * w_shoup) >> 64) * q;
}

/** mod_mul_shoup: the same, in [0, q). */
static inline uint64_t mod_mul_shoup(uint64_t q, uint64_t x, uint64_t w, uint64_t w_shoup)
{
    return mod_sub_if(mod_mul_shoup_lazy(q, x, w, w_shoup), q);
}

/** mod_pow_var: a^e mod q.   In: a in [0, q), a and e public. */
uint64_t mod_pow_var(const modulus *m, uint64_t a, uint64_t e);

/** mod_inv_var: 1 / a mod q.   In: q prime, a in [1, q) public. */
uint64_t mod_inv_var(const modulus *m, uint64_t a);

/** mod_is_prime_var: 1 if x is prime, 0 if not; certain for every x < 2^61 (Miller-Rabin with the first twelve primes as bases, which
 *  has no counterexample below 3.1 * 10^23 [SW17]).  Public x. */
int mod_is_prime_var(uint64_t x);

/** mod_prime_below_var: the largest prime p = 1 mod step with lo < p < hi; 0 if there is none.   In: hi <= 2^61, step even, > 0. */
uint64_t mod_prime_below_var(uint64_t hi, uint64_t lo, uint64_t step);

#endif
