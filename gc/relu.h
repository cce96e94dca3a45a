// SPDX-License-Identifier: ISC
/** relu.h: ReLU on additive shares: a garbled sign, then s*v by projection and arithmetic half gates.
 *  v = v_g + v_e mod 2^n (signed)  ->  shares of max(v, 0) modulo 2^l. */
#ifndef TACIT_GC_RELU_H
#define TACIT_GC_RELU_H

#include "gc/garble.h"

/** gc_relu_check: ERR_ARG unless 2 <= n <= l <= 62 and 3l - n + 1 <= 128 (one hash must cover the projection row). */
int gc_relu_check(unsigned n, unsigned l) MUST_CHECK;

/** gc_relu_bytes: rows of `lanes` lanes: 16 (2n - 3) bytes of half-gate rows a lane, and the arithmetic rows,
 *  3l - n + 1 + sum_{i<n} (l - i) bits a lane, each kind bit-packed over the lanes. */
size_t gc_relu_bytes(unsigned n, unsigned l, size_t lanes);

/** gc_relu_garble: rows and the garbler's output share[lanes] in [0, 2^l).
 *  In: in0[n][stride] zero labels of the evaluator's bits; v_g[lanes] < 2^n.   CT: n, l, lanes only.   Errors: ERR_ARG, ERR_MEM, ERR_LIMIT. */
int gc_relu_garble(gc_session *s, unsigned n, unsigned l, size_t lanes, const block *in0, const uint64_t *v_g, uint8_t *rows,
                   uint64_t *share) MUST_CHECK;

/** gc_relu_eval: the evaluator's output share[lanes] in [0, 2^l).
 *  In: in[n][stride] active labels of the bits of v_e[lanes] < 2^n.   CT: n, l, lanes only (v_e is secret). */
int gc_relu_eval(gc_session *s, unsigned n, unsigned l, size_t lanes, const block *in, const uint64_t *v_e, const uint8_t *rows,
                 uint64_t *share) MUST_CHECK;

#endif
