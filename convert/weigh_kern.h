// SPDX-License-Identifier: ISC
/** weigh_kern.h: integers times residues, one table of functions for each way to run it; canonical results, so all give the same bits.
 *
 *  A residue, centred, is x = sum d_i 2^(16 i) with signed 16-bit digits ("limbs"): as many as the prime needs.  Two columns lie side by
 *  side, so that one instruction multiplies two digits by two weights and adds: x[pair][limb][WEIGH_TILE][2], for one tile of coefficients.
 *  A sum of w d over a burst of pairs fits 32 bits; then sum_i 2^(16 i) a_i is reduced once. */
#ifndef TACIT_CONVERT_WEIGH_KERN_H
#define TACIT_CONVERT_WEIGH_KERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/kern.h"
#include "ckks/modulus.h"

#define WEIGH_TILE 32
#define WEIGH_MAX_LIMBS 4

typedef struct {
    uint32_t pair; /* columns 2 pair and 2 pair + 1 */
    int16_t w[2];
} weigh_term;

/** weigh_limbs: for |x| < 2^(bits - 1) the top digit is below 2^15 when bits <= 16 limbs - 1. */
static inline unsigned weigh_limbs(unsigned bits) { return bits <= 31 ? 2 : bits <= 47 ? 3 : 4; }

/** weigh_burst: pairs whose products fit: 2^(16 - wbits) * 2 * 2^15 * (2^(wbits-1) - 1) < 2^31. */
static inline size_t weigh_burst(unsigned wbits) { return (size_t)1 << (16 - wbits); }

typedef struct {
    const char *name;
    unsigned needs; /* cpu_features */
    /* Column `odd` (0 or 1) of a pair in each of n / WEIGH_TILE tiles, `stride` digits apart.   In: r[n] in [0, q). */
    void (*split)(int16_t *x, size_t stride, const uint64_t *r, size_t n, const modulus *q, unsigned limbs, unsigned odd);
    /* out[i words + j] = sum over t < terms of row i's terms, mod q, j < WEIGH_TILE, for i < rows, rows 1 or 2; two rows have the same
     * pairs.   In: |w| < 2^(wbits-1); burst = weigh_burst(wbits).   CT: pairs and lengths, not weights. */
    void (*dot)(uint64_t *out, size_t words, const weigh_term *const term[2], unsigned rows, size_t terms, size_t burst, const int16_t *x,
                unsigned limbs, const modulus *q);
} weigh_kern;

extern const weigh_kern weigh_kern_portable, weigh_kern_avx2, weigh_kern_avx512;

#define WEIGH_KERNS 3
extern kern_set weigh_kerns;

/** weigh_kern_best: the fastest one this CPU may use, picked at the first call. */
static inline const weigh_kern *weigh_kern_best(void) { return kern_best(&weigh_kerns); }

#endif
