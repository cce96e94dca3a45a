// SPDX-License-Identifier: ISC
/** ntt_kern.h: the transforms of ntt.h, one table of functions for each way to run them.  Contracts as in ntt.h: residues in memory are
 *  canonical before and after, so all kernels give the same bits. */
#ifndef TACIT_CKKS_NTT_KERN_H
#define TACIT_CKKS_NTT_KERN_H

#include "base/kern.h"
#include "ckks/ntt.h"

struct ntt_kern {
    const char *name;
    unsigned needs;  /* cpu_features */
    uint32_t least;  /* serves n from here on */
    uint64_t below;  /* and primes q below this */
    size_t own;      /* words of t->own: this times n */
    void (*fill_var)(ntt_table *t); /* t->own from the roots; NULL where own = 0 */
    void (*forward)(const ntt_table *t, uint64_t *r, const uint64_t *a);
    void (*forward_small)(const ntt_table *t, uint64_t *r, const int8_t *e, uint64_t w, const uint64_t *b, const uint64_t *x, const uint64_t *y);
    void (*forward_lifted)(const ntt_table *t, uint64_t *r, const uint64_t *a, const modulus *from);
    void (*inverse)(const ntt_table *t, uint64_t *r, const uint64_t *a);
    void (*multiply)(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b);
    void (*inner)(const ntt_table *t, uint64_t *r, const uint64_t *c, const uint64_t *const *x, const uint64_t *const *y, size_t count);
    void (*multiply_sub)(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b);
    void (*lift)(const ntt_table *t, uint64_t *r, const uint64_t *a, const modulus *from);
    void (*scale_add)(const ntt_table *t, uint64_t *r, const uint64_t *a, uint64_t w, const uint64_t *b);
    void (*sub_scale)(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b, uint64_t w);
};

extern const ntt_kern ntt_kern_portable, ntt_kern_avx2, ntt_kern_ifma;

#define NTT_KERNS 3
extern kern_set ntt_kerns;

/** ntt_kern_best: the fastest one for (n, q) that needs no other cpu_features. */
const ntt_kern *ntt_kern_best(uint32_t n, uint64_t q, unsigned features);

#endif
