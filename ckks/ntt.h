// SPDX-License-Identifier: ISC
/** ntt.h: negacyclic number-theoretic transform modulo one prime.
 *
 *  r = NTT(a) holds r[j] = sum_i a[i] psi^(i * (2 rev(j) + 1)), rev the reversal of log2 n bits, and psi the primitive 2n-th root
 *  x^((q-1)/2n) for the least x >= 2 that gives one: the order and the root are part of the wire format of a public key.
 *  Some kernels compute in double precision, exactly, where the rounding mode is the usual one, to nearest. */
#ifndef TACIT_CKKS_NTT_H
#define TACIT_CKKS_NTT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ckks/modulus.h"

typedef struct ntt_kern ntt_kern; /* ntt_kern.h */

typedef struct ntt_table {
    uint32_t n, logn;
    modulus q;
    const ntt_kern *kern;
    uint64_t *own;                       /* what kern keeps for itself */
    uint64_t *root, *root_shoup;         /* root[i] = psi^rev(i), with its companion */
    uint64_t *inv_root, *inv_root_shoup; /* of 1 / psi */
    uint64_t n_inv, n_inv_shoup;         /* 1 / n */
    uint64_t last, last_shoup;           /* inv_root[1] / n: the last stage of the inverse divides by n as it goes */
} ntt_table;

/** ntt_create: n a power of two in [16, 32768], q a prime = 1 mod 2n below 2^61; the fastest kernel that this CPU has for them (below
 *  2^50: 52-bit multiply-adds, or double precision, exactly, on AVX2).   ntt_create_with: that kernel.
 *  Errors: ERR_ARG (n, q; a kernel that the CPU, n or q does not allow), ERR_MEM. */
int ntt_create(ntt_table **out, uint32_t n, uint64_t q) MUST_CHECK;
int ntt_create_with(ntt_table **out, uint32_t n, uint64_t q, const ntt_kern *kern) MUST_CHECK;
void ntt_free(ntt_table *t);

/** ntt_forward: r = NTT(a), negacyclic, bit-reversed order.  In: a[n] in [0, q).  Out: r[n] in [0, q).  Alias: r may equal a.
 *  CT: n and q only.   Ref: [Har14, Alg. 2]. */
void ntt_forward(const ntt_table *t, uint64_t *r, const uint64_t *a);
/** ntt_forward_small: r = NTT(e w + b) + x (.) y, |e[n]| <= 100 and below q, w in [0, q) public, b[n] in [0, q) or NULL for 0, x[n] and y[n] in
 *  [0, q), or both NULL for 0.   Alias: r may equal b, but neither x nor y.   CT: n, q and which are NULL only. */
void ntt_forward_small(const ntt_table *t, uint64_t *r, const int8_t *e, uint64_t w, const uint64_t *b, const uint64_t *x, const uint64_t *y);
/** ntt_inverse: the inverse; same ranges. */
void ntt_inverse(const ntt_table *t, uint64_t *r, const uint64_t *a);
/** ntt_multiply, ntt_multiply_sub: r = a (.) b, r -= a (.) b, pointwise mod q.  Alias: all allowed.  CT: n and q only.
 *  ntt_inner: r = c + sum_i x[i] (.) y[i] over count >= 1 pairs, c[n] in [0, q) or NULL for 0.   Alias: r may equal c, and with
 *  one pair its factors.  CT: n, q, count and whether c is NULL only. */
void ntt_multiply(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b);
void ntt_multiply_sub(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b);
void ntt_inner(const ntt_table *t, uint64_t *r, const uint64_t *c, const uint64_t *const *x, const uint64_t *const *y, size_t count);
/** ntt_lift: r = a mod q, a[n] in [0, from.q) read as numbers in [-(from.q - 1)/2, (from.q - 1)/2];   ntt_forward_lifted: r = NTT of that.
 *  Alias: r may equal a.  CT: n and the moduli only. */
void ntt_lift(const ntt_table *t, uint64_t *r, const uint64_t *a, const modulus *from);
void ntt_forward_lifted(const ntt_table *t, uint64_t *r, const uint64_t *a, const modulus *from);
/** ntt_sub_scale: r = (a - b) w mod q,   ntt_scale_add: r = a w + b mod q,   w in [0, q) public.   Alias: all allowed.  CT: n and q only. */
void ntt_scale_add(const ntt_table *t, uint64_t *r, const uint64_t *a, uint64_t w, const uint64_t *b);
void ntt_sub_scale(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b, uint64_t w);
/** ntt_convolve: r = a * b mod (x^n + 1), a and r coefficients, b transformed already.  Alias: r may equal a.  CT: n and q only. */
void ntt_convolve(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b_ntt);

#endif
