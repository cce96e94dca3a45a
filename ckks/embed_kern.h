// SPDX-License-Identifier: ISC
/** embed_kern.h: the passes of the canonical embedding, one table of functions for each way to run them.
 *
 *  merge4(y, x, w, len, s): 4 s transforms of length len become s of length 4 len.  For j < len, r < s, with a_c = x[(4j + c) s + r]
 *  and b_k = y[(j + k len) s + r] (k = 1 and 3 exchanged if len = 1, where 5^len = 1 + 4 len mod 16 len and not 1 + 12 len):
 *      b_k = sum_(c<4) (-i)^(ck) w_j^c a_c,    w_j = exp(2 pi i 5^j / 16 len),
 *  as  t_c = w_j^c a_c;  e, f = t0 +- t2;  g, h = t1 +- t3;  b0, b2 = e +- g;  b1, b3 = f -+ i h.
 *  split4 is the way back, times 4, x and y exchanged:  e, f = b0 +- b2;  g, h = b1 +- b3;
 *      a0 = e + g;  a1 = conj(w) (f + i h);  a2 = conj(w^2) (e - g);  a3 = conj(w^3) (f - i h).
 *  merge2(y, x, w, s): for r < s  y[r], y[s + r] = x[r] +- w x[s + r], w = exp(2 pi i / 8);  split2: x0 = y0 + y1; x1 = conj(w) (y0 - y1).
 *
 *  A complex product is (ar br - ai bi) + i (ar bi + ai br), each operation rounded.  x, y: m = 4 len s (2 s) numbers, r and i parts
 *  apart, no overlap, no alignment asked.  w of embed_table: w[0] + i w[1] for merge2; w + 2 len for merge4: len values each of
 *  re w_j, im w_j, re w_j^2, im w_j^2, re w_j^3, im w_j^3. */
#ifndef TACIT_CKKS_EMBED_KERN_H
#define TACIT_CKKS_EMBED_KERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/kern.h"
#include "ckks/embed.h"

struct embed_kern {
    const char *name;
    unsigned needs;   /* cpu_features */
    uint32_t least_n; /* below, vectors are longer than rows */
    void (*merge4)(double *yr, double *yi, const double *xr, const double *xi, const double *w, size_t len, size_t s);
    void (*split4)(double *xr, double *xi, const double *yr, const double *yi, const double *w, size_t len, size_t s);
    void (*merge2)(double *yr, double *yi, const double *xr, const double *xi, const double *w, size_t s);
    void (*split2)(double *xr, double *xi, const double *yr, const double *yi, const double *w, size_t s);
};

extern const embed_kern embed_kern_portable, embed_kern_avx2, embed_kern_avx512;

#define EMBED_KERNS 3
extern kern_set embed_kerns;

/** embed_kern_best: the fastest one for n that needs no other cpu_features. */
const embed_kern *embed_kern_best(uint32_t n, unsigned features);

#endif
