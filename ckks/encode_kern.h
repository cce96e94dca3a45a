// SPDX-License-Identifier: ISC
/** encode_kern.h: doubles to residues and back, one table of functions for each way to run it.  No branch, index or division depends on a
 *  number; outputs are canonical or rounded in a fixed order, so all kernels give the same bits.
 *
 *  A number of 120 bits times constants modulo q needs no wide product.  Let x = sum d_k 2^(e_k) with digits below 2^31 in absolute value
 *  and c_k = 2^(e_k) mod q, centred.  With K = round(sum d_k c_k / q) from doubles, off by less than 1/2 + 2^-16, sum d_k c_k - K q is the
 *  centred residue or, next to +-q/2, the other one; below 2^60, so computed modulo 2^64, from products of digits with halves of words. */
#ifndef TACIT_CKKS_ENCODE_KERN_H
#define TACIT_CKKS_ENCODE_KERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/kern.h"
#include "ckks/modulus.h"

/* Adding 1.5 * 2^(52 + e) rounds a number below 2^(51 + e) to a multiple of 2^e, to the nearest, ties to even; the low bits of the sum's
 * word are the multiple, in two's complement.  e = 50, 80, 110 leave |d_0| <= 2^49, |d_1|, |d_2| <= 2^29, |d_3| <= 2^10 of |x| <= 2^120. */
#define ENCODE_DIGITS 4
#define ENCODE_MAGIC 0x1.8p52
#define ENCODE_MAGIC_1 0x1.8p102
#define ENCODE_MAGIC_2 0x1.8p132
#define ENCODE_MAGIC_3 0x1.8p162
#define ENCODE_MAX 0x1p120

/* What is kept of one prime q > 2^19; x_hi stands for (x + 2^31) >> 32, what is left of x after its low half, read as signed. */
typedef struct {
    modulus m;
    int64_t q, q_hi;
    int64_t c[ENCODE_DIGITS], c_hi[ENCODE_DIGITS]; /* 2^(e_k) mod q, centred; e_0 = 0 */
    double f[ENCODE_DIGITS];                       /* c_k / q / 2^(e_k): |sum| of the products below 2^49-19 + 3 * 2^28 < 2^31 */
    int64_t half;                                  /* (q - 1) / 2 */
    double power;                                  /* the product of the earlier primes, rounded */
} encode_prime;

/* Mixed radix: x = v_0 + q_0 (v_1 + q_1 (v_2 + ...)), |v_i| <= (q_i - 1)/2, is one number in [-(Q-1)/2, (Q-1)/2].  Modulo q_i,
 * v_i = r_i b_ii + sum_(j<i) v_j b_ij.  Words are split as v = d 2^32 + (low half, signed). */
typedef struct {
    int64_t b, b_hi;   /* b_ii = 1 / (q_0 ... q_(i-1));  b_ij = -(q_0 ... q_(j-1)) / (q_0 ... q_(i-1)); centred */
    int64_t b2, b2_hi; /* 2^32 b, centred */
    double f, f2;      /* b / q, b2 / q */
    uint64_t inv;      /* 1 / q_j mod q_i, for j < i */
} encode_pair;

#define ENCODE_PAIRS(i) ((size_t)(i) * ((i) + 1) / 2) /* where the pairs of prime i begin: i + 1 of them */

typedef struct {
    const char *name;
    unsigned needs; /* cpu_features */
    /* x[j] *= factor; returns 1 if some |x[j]| <= bound does not hold then (NaN too), else 0. */
    int (*scale)(double *x, size_t n, double factor, double bound);
    /* r[i n + j] = round(x[j]) mod q_i in [0, q_i), i < primes.   In: |x[j]| <= 2^120. */
    void (*residues)(uint64_t *r, const double *x, size_t n, const encode_prime *p, size_t primes);
    /* x[j] = factor * fl(sum_i v_i power_i), rounded after each operation, i ascending; v_i from the residues m[i n + j] in [0, q_i). */
    void (*lift)(double *x, const uint64_t *m, size_t n, const encode_prime *p, const encode_pair *pair, size_t primes, double factor);
} encode_kern; /* n a multiple of 8; the portable ones take any n */

extern const encode_kern encode_kern_portable, encode_kern_avx2, encode_kern_avx512;

#define ENCODE_KERNS 3
extern kern_set encode_kerns;

/** encode_prime_fill_var: all but power; encode_pairs_fill_var: power of prime i and its i + 1 pairs.
 *  In: distinct odd primes in (2^19, 2^60).   Errors: ERR_ARG (modulus_init). */
int encode_prime_fill_var(encode_prime *p, uint64_t q) MUST_CHECK;
void encode_pairs_fill_var(encode_prime *p, encode_pair *pair, size_t i);

#endif
