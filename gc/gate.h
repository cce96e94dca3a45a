// SPDX-License-Identifier: ISC
/** gate.h: half gates over some lanes of one gate, one table of functions for each way to run them; all give the same bits.
 *
 *  With A the zero label of a lane, p its colour, H_i = H(i + crh_key(lane), .), d = delta, and rows of `lanes` blocks:
 *      known       row_0 = H_a(A) ^ H_a(A ^ d) ^ y d                            out = H_a(A) ^ p row_0                      y the known bit
 *      and         row_0 = H_a(A) ^ H_a(A ^ d) ^ p_B d,  row_1 = H_b(B) ^ H_b(B ^ d) ^ A       [ZRE15, Fig. 2]
 *                  out = H_a(A) ^ p row_0 ^ H_b(B) ^ p_B (row_1 ^ A)
 *      evaluator   out = H_a(A) ^ p row_0 [^ H_b(B) ^ p_B (row_1 ^ A)]          of the active labels */
#ifndef TACIT_GC_GATE_H
#define TACIT_GC_GATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/block.h"
#include "base/kern.h"

/** In:  labels 16-byte aligned; rows at any address; lane j's hashes are under the indices at_a + crh_key(j) and at_b + crh_key(j) (base/crh.h).
 *       y[j] is all ones or zero.   Alias: out may equal a or b.   CT: depends on lanes only.   Nothing of lanes beyond is read or written. */
typedef struct {
    const char *name;
    unsigned needs; /* cpu_features */
    void (*garble_and)(const block *start, const block *delta, uint64_t at_a, uint64_t at_b, const block *a, const block *b, size_t lanes,
                       uint8_t *rows, block *out);
    void (*garble_known)(const block *start, const block *delta, uint64_t at, const block *a, const uint64_t *y, size_t lanes, uint8_t *row,
                         block *out);
    void (*eval_and)(const block *start, uint64_t at_a, uint64_t at_b, const block *a, const block *b, size_t lanes, const uint8_t *rows,
                     block *out);
    void (*eval_known)(const block *start, uint64_t at, const block *a, size_t lanes, const uint8_t *row, block *out);
    void (*sum)(const block *a, const block *b, size_t lanes, block *out); /* out = a ^ b */
} gc_gate_kern;

extern const gc_gate_kern gc_gate_portable, gc_gate_vaes, gc_gate_vaes512;

extern kern_set gc_gate_kerns;

/** gc_gate_best: the fastest one this CPU may use, picked at the first call. */
static inline const gc_gate_kern *gc_gate_best(void) { return kern_best(&gc_gate_kerns); }

/** Lanes that the kernels like in one call: a multiple of it keeps their key schedules full.  What is left over of 32 costs as much as 32. */
#define GC_GATE_LANES 128

#endif
