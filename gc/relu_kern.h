// SPDX-License-Identifier: ISC
/** relu_kern.h: the arithmetic of gc/relu.c on words, one table of functions for each way to run it; all give the same bits.
 *
 *  A projection's hash has three values, from its lowest bit on: R0 of l bits, R1 of l - n + 1, R2 of l (n, l as gc_relu_check asks).
 *  In:   m <= GC_RELU_TILE lanes (bit and reduce: any number); labels s, whose colour is p; words may have any bits above those named, and so have r's and rows' where
 *        nothing else is said.   Alias: none.   CT: depends on n, l, i and m only.   Nothing of lanes beyond m is read or written. */
#ifndef TACIT_GC_RELU_KERN_H
#define TACIT_GC_RELU_KERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/block.h"
#include "base/kern.h"

#define GC_RELU_TILE 256 /* lanes; a multiple of 8, so that a tile's rows begin at a byte, and of CRH_SPAN */

typedef struct {
    const char *name;
    unsigned needs; /* cpu_features */
    /* out[j] = bit i of v[j] */
    void (*bit)(uint8_t *out, const uint64_t *v, unsigned i, size_t m);
    /* By row reduction from h0 = H(s), h1 = H(s ^ delta): r[f] below 2^width, row[f]; values 1, +-1, signed(v) of the wire's label of s = 1. */
    void (*project_garble)(uint64_t r[3][GC_RELU_TILE], uint64_t row[3][GC_RELU_TILE], const block *h0, const block *h1, const block *s,
                           const uint64_t *v, unsigned n, unsigned l, size_t m);
    /* r[f] = value f of h, plus row[f] where the colour is 1. */
    void (*project_eval)(uint64_t r[3][GC_RELU_TILE], const uint64_t row[3][GC_RELU_TILE], const block *h, const block *s, unsigned n, unsigned l,
                         size_t m);
    /* row = h0 - h1 - r, share -= h0 << i (the low words of the hashes) */
    void (*half_garble)(uint64_t *row, uint64_t *share, const block *h0, const block *h1, const uint64_t *r, unsigned i, size_t m);
    /* share += (h + a (row + r)) << i, a = bit i of v */
    void (*half_eval)(uint64_t *share, const uint64_t *row, const block *h, const uint64_t *r, const uint64_t *v, unsigned i, size_t m);
    /* share modulo 2^l, l <= 63 */
    void (*reduce)(uint64_t *share, unsigned l, size_t m);
} gc_relu_kern;

extern const gc_relu_kern gc_relu_portable, gc_relu_avx2;

extern kern_set gc_relu_kerns;

/** gc_relu_best: the fastest one this CPU may use, picked at the first call. */
static inline const gc_relu_kern *gc_relu_best(void) { return kern_best(&gc_relu_kerns); }

/** gc_relu_width: bits of the projection's value f.   gc_relu_from: the first of them. */
static inline unsigned gc_relu_width(unsigned n, unsigned l, int f) { return f == 1 ? l - n + 1 : l; }
static inline unsigned gc_relu_from(unsigned n, unsigned l, int f) { return f == 0 ? 0 : f == 1 ? l : 2 * l - n + 1; }

#endif
