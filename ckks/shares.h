// SPDX-License-Identifier: ISC
/** shares.h: the operations of RNS-CKKS that the conversion layer is made of (coefficient embedding, scale Q / 2^l).
 *
 *  A polynomial is uint64_t[primes][n], residues in [0, q_i), coefficient domain unless said otherwise.  `scratch` is
 *  uint64_t[ckks_scratch_words(p)], 64-byte aligned, contents undefined before and after (secrets among them: wipe it, as mem_free
 *  does). */
#ifndef TACIT_CKKS_SHARES_H
#define TACIT_CKKS_SHARES_H

#include "base/prg.h"
#include "ckks/keys.h"
#include "ckks/params.h"

/* a transformed polynomial and a product for one prime, two polynomials of bytes, one of 32 bits */
static inline size_t ckks_scratch_words(const ckks_params *p) { return 2 * (size_t)p->n + 6 * (size_t)p->n / 8; }
static inline size_t ckks_poly_words(const ckks_params *p) { return (size_t)p->primes * p->n; }

/** ckks_encode_ring: m[i] = floor(v[i] * Q / 2^l + 1/2) mod Q for i < count, 0 beyond; exact integer arithmetic.
 *  In: l in [1, 62], v[i] < 2^l, count <= n.   Alias: none.   CT: count, l, n, primes only. */
void ckks_encode_ring(const ckks_params *p, unsigned l, uint64_t *m, const uint64_t *v, size_t count);

/** ckks_expand_c1: the c1 that (seed, index) stands for, uniform mod Q, coefficient domain.  Variable time in public data. */
void ckks_expand_c1(const ckks_params *p, uint64_t *c1, const uint8_t seed[PRG_SEED_BYTES], uint64_t index);

/** ckks_encrypt_seeded: c0 = m + e - c1*s with c1 = ckks_expand_c1(seed, index), e from `rng`.
 *  The caller never uses (seed, index) twice under one key.   Alias: c0 may equal m.   CT: all but the public c1. */
void ckks_encrypt_seeded(const ckks_sk *sk, uint64_t *c0, const uint64_t *m, const uint8_t seed[PRG_SEED_BYTES], uint64_t index,
                         prg *rng, uint64_t *scratch);

/** ckks_rerandomise: (c0, c1) += (b*u + e0, a*u + e1), u ternary, e1 centred binomial, e0 wide, all fresh from `rng`.  e0 is wide for what a
 *  decryption shows of u and e1, e u + e1 s + e0, to say next to nothing of them (docs/PARAMS.md).   CT: n, primes, q only. */
void ckks_rerandomise(const ckks_pk *pk, uint64_t *c0, uint64_t *c1, prg *rng, uint64_t *scratch);

/** ckks_switch_pow2: out[j] = round(c[j] * 2^k / Q) mod 2^k, j < n (with more than one prime, a tie within 2^-50 may go either way).
 *  In: k in [1, 60].   Alias: out may equal c.   CT: k, n, primes only. */
void ckks_switch_pow2(const ckks_params *p, unsigned k, uint64_t *out, const uint64_t *c);

/** ckks_decrypt_pow2: v[j] = c0[j] + (c1*s)[j] mod 2^k for j < count: exact.
 *  In: c0[count] and c1[n] in [0, 2^k), k >= 1, k + log2 n <= 59.   Alias: v may equal c0.   Errors: ERR_ARG (k, count).
 *  CT: k, count, n only. */
int ckks_decrypt_pow2(const ckks_sk *sk, unsigned k, uint64_t *v, const uint64_t *c0, size_t count, const uint64_t *c1,
                      uint64_t *scratch) MUST_CHECK;

/** ckks_fraction: out[j] = -rem / Q' mod 2^64, Q' the product of the first `level` primes and rem = c[j] * 2^k mod Q', centred.
 *  Modulo 2^k this is round(c[j] * 2^k / Q'); with k = 0, times -Q', it is c[j] itself, centred: the one CRT of this folder.
 *  In: level in [1, primes], k in [0, 60].   Alias: out may equal c.   CT: k, n, level only. */
void ckks_fraction(const ckks_params *p, uint32_t level, unsigned k, uint64_t *out, const uint64_t *c);

#endif
