// SPDX-License-Identifier: ISC
/** ring_kern.h: what is done to residues and small numbers beside the transform, one table of functions for each way to run it.
 *  All results are canonical, so all kernels give the same bits.  CT: arguments that are not arrays, and lengths, only; but accept_var. */
#ifndef TACIT_CKKS_RING_KERN_H
#define TACIT_CKKS_RING_KERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/kern.h"
#include "base/mem.h"
#include "ckks/modulus.h"

/* Centred binomial numbers are made of 42 bits each, in groups of 256, from 64-byte planes: planes 5c .. 5c + 4 hold 40 of the bits of
 * numbers 64c .. 64c + 63, byte j of each for number 64c + j; of plane 20, byte j holds the other two of number 64c + j at bit 2c. */
#define RING_CBD_GROUP 256
#define RING_CBD_PLANE 64
#define RING_CBD_BYTES (21 * RING_CBD_PLANE)

/* ring_scale: 2^l <= q < 2^(l + 32), l <= 32.   ring_switch: q < 2^51, k <= 31. */
static inline int ring_scale_fits(const modulus *q, unsigned l) { return l <= 32 && l < q->bits && q->bits <= l + 32; }
static inline int ring_switch_fits(const modulus *q, unsigned k) { return k <= 31 && q->bits <= 51; }

#define RING_PAIR_DIVISOR 127 /* odd: remainders are as often negative as positive */

/* The body of round_pair, for each kernel's compiler flags.  2^7 = 1 modulo 127: numbers are folded to sums of their digits, in words as short
 * as will hold them. */
static inline void ring_round_pair(int8_t *lo, int8_t *hi, const uint64_t *x, size_t n, const modulus *m, unsigned shift)
{
    const uint64_t q = m->q, carry = UINT64_C(1) << (shift - 1), less = 127 - (UINT64_C(1) << (shift - 1) % 7); /* -carry */
    const uint64_t positive = (uint64_t)127 << 15 << shift;
    uint32_t wide[128];
    uint16_t half[128];
    for (size_t i = 0; i < n; i += 64) {
        for (size_t j = 0; j < 64; j++) {
            const uint64_t y = (uint64_t)mod_centred(q, x[i + j]) + carry;
            wide[j] = (uint32_t)((y & (2 * carry - 1)) + less); /* below 2^25 */
            wide[64 + j] = (uint32_t)((y + positive) >> shift);  /* below 2^23 */
        }
        for (size_t j = 0; j < 128; j++) half[j] = (uint16_t)((wide[j] & 0x3fff) + (wide[j] >> 14)); /* below 2^14 + 2^11 */
        for (size_t j = 0; j < 128; j++) {
            uint16_t y = (uint16_t)((half[j] & 127) + (half[j] >> 7)); /* at most 127 + 143 */
            y = (uint16_t)((y & 127) + (y >> 7));                      /* at most 128 */
            half[j] = (uint16_t)((y & 127) + (y >> 7));                /* at most 127 */
        }
        for (size_t j = 0; j < 64; j++) { /* all below 256 */
            const uint8_t e0 = (uint8_t)(lo[i + j] + 63), e1 = (uint8_t)(hi[i + j] + 63);
            const uint8_t s0 = (uint8_t)((uint8_t)half[j] + e0), s1 = (uint8_t)((uint8_t)half[64 + j] + e1);
            lo[i + j] = (int8_t)(uint8_t)(e0 - s0 + 127 * ((s0 + 1) >> 7));
            hi[i + j] = (int8_t)(uint8_t)(e1 - s1 + 127 * ((s1 + 1) >> 7));
        }
    }
    mem_wipe(wide, sizeof wide);
    mem_wipe(half, sizeof half);
}

typedef struct {
    const char *name;
    unsigned needs; /* cpu_features */
    /* out[8 i + j] = digit j of w[i] / 2^64 in base 3, less 1; words a multiple of 8. */
    void (*ternary)(int8_t *out, const uint64_t *w, size_t words);
    /* out[256] = (bits set among the 42) - 21. */
    void (*cbd)(int8_t out[RING_CBD_GROUP], const uint8_t in[RING_CBD_BYTES]);
    /* The low q.bits bits of w[], those below q, in order, to r[]; returns how many.  r[words] may be overwritten beyond them. */
    size_t (*accept_var)(uint64_t *r, const uint64_t *w, size_t words, const modulus *q);
    /* A residue x, centred, is a + 2^shift b with |a| < 2^(shift-1), |b| < 2^21: lo -= (a + lo) rem D, hi -= (b + hi) rem D, where rem D is the
     * remainder in [-63, 63], D = RING_PAIR_DIVISOR.   In: |lo|, |hi| <= 63, shift in [8, 24]; n a multiple of 64. */
    void (*round_pair)(int8_t *lo, int8_t *hi, const uint64_t *x, size_t n, const modulus *q, unsigned shift);
    /* r = a + e - b;  r = a + b + e, twice.   In: a, b in [0, q), |e| < q.   Alias: r may equal a or b. */
    void (*noisy_sub)(uint64_t *r, const uint64_t *a, const uint64_t *b, const int8_t *e, size_t n, const modulus *q);
    void (*noisy_add)(uint64_t *r, const uint64_t *a, const uint64_t *b, const int8_t *e, size_t n, const modulus *q);
    void (*wide_add)(uint64_t *r, const uint64_t *a, const uint64_t *b, const int32_t *e, size_t n, const modulus *q);
    /* r = floor(v q / 2^l + 1/2).   In: v < 2^l; ring_scale_fits(q, l). */
    void (*scale)(uint64_t *r, const uint64_t *v, size_t n, const modulus *q, unsigned l);
    /* r = round(a 2^k / q) mod 2^k.   In: a in [0, q); ring_switch_fits(q, k).   Alias: r may equal a. */
    void (*to_pow2)(uint64_t *r, const uint64_t *a, size_t n, const modulus *q, unsigned k);
    /* r = v mod q, v read as signed k-bit number (higher bits ignored).   In: 2^(k-1) < q.   Alias: r may equal v. */
    void (*from_pow2)(uint64_t *r, const uint64_t *v, size_t n, const modulus *q, unsigned k);
    /* r = a + (b centred) mod 2^k.   In: b in [0, q), k <= 63.   Alias: r may equal a or b. */
    void (*add_centred)(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n, const modulus *q, unsigned k);
    /* r = a + b mod q.   Alias: all allowed. */
    void (*add)(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n, const modulus *q);
    /* r[i] = a[from[i]], from public, that takes each aligned block of 8 (so of 4 and 2, too) from one.   No alias. */
    void (*permute)(uint64_t *r, const uint64_t *a, const uint32_t *from, size_t n);
    /* 1 if some a[] is not below q, else 0.   In: a[] < 2^63. */
    int (*outside)(const uint64_t *a, size_t n, const modulus *q);
} ring_kern; /* n a multiple of 8; the portable ones take any n */

extern const ring_kern ring_kern_portable, ring_kern_avx2, ring_kern_avx512;

#define RING_KERNS 3
extern kern_set ring_kerns;

/** ring_kern_best: the fastest one this CPU may use, picked at the first call. */
static inline const ring_kern *ring_kern_best(void) { return kern_best(&ring_kerns); }

#endif
