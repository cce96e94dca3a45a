// SPDX-License-Identifier: ISC
/** check_kern.h: sums of products of polynomials over GF(2) of degree below 128; bit i of a block is the coefficient of X^i. */
#ifndef TACIT_OT_CHECK_KERN_H
#define TACIT_OT_CHECK_KERN_H

#include <stddef.h>

#include "base/block.h"
#include "base/kern.h"

/** A sum of products before reduction: low + middle X^64 + high X^128. */
typedef struct {
    block low, middle, high;
} ot_check_sum;

typedef struct {
    const char *name;
    unsigned needs; /* cpu_features */
    /** absorb: sum[j] += x[j] * power for j < count.   CT: depends on count only. */
    void (*absorb)(ot_check_sum *sum, const block *x, size_t count, const block *power);
} ot_check_kern;

extern const ot_check_kern ot_check_kern_portable, ot_check_kern_pclmul;
extern kern_set ot_check_kerns;

/** ot_check_kern_best: the fastest one this CPU may use, picked at the first call. */
static inline const ot_check_kern *ot_check_kern_best(void) { return kern_best(&ot_check_kerns); }

/** ot_check_reduce: the sum modulo X^128 + X^7 + X^2 + X + 1.   CT: constant time. */
block ot_check_reduce(const ot_check_sum *sum);

#endif
