// SPDX-License-Identifier: ISC
/** wires.h: shares <-> wires: bits of a share as OT choices or known inputs, ReLU and argmax on shares.
 *
 *  The evaluator asks (its bits become active labels by correlated OT), the garbler answers with rows, the evaluator finishes.
 *  Lanes are contiguous; rows of bits have the stride of gc/garble.h.  Pure: messages are byte strings that the caller carries. */
#ifndef TACIT_CONVERT_WIRES_H
#define TACIT_CONVERT_WIRES_H

#include "gc/gadgets.h"
#include "gc/garble.h"
#include "gc/relu.h"
#include "ot/extend.h"

typedef struct {
    gc_session gc;
    ot_ext_sender *ot;
} convert_garbler;

typedef struct {
    gc_session gc;
    ot_ext_receiver *ot;
} convert_evaluator;

/** convert_labels: labels of `wires` wires: blocks to allocate (a multiple of 128), wires * stride of which are used. */
static inline size_t convert_labels(size_t wires, size_t lanes) { return (wires * gc_stride(lanes) + 127) / 128 * 128; }

/** convert_u_bytes: bytes of the evaluator's OT message for them with k of ot/extend.h. */
static inline size_t convert_u_bytes(unsigned k, size_t wires, size_t lanes) { return ot_ext_bytes(k, wires * gc_stride(lanes)); }

/** convert_truncate: share[i] = share[i] >> drop: local truncation (docs/PROTOCOL.md).   In: share[i] < 2^k.  Out: < 2^(k - drop). */
void convert_truncate(uint64_t *share, size_t count, unsigned drop);

/** convert_choices: bits[i][j] = bit i of v[j], i < width; rows of stride / 8 bytes, padding lanes 0.   CT: lanes, width only. */
void convert_choices(uint8_t *bits, const uint64_t *v, size_t lanes, unsigned width);

/** convert_known: the same, one byte a bit, rows of stride bytes: the garbler's known inputs of a circuit. */
void convert_known(uint8_t *bits, const uint64_t *v, size_t lanes, unsigned width);

/** convert_ask: the evaluator's active labels and OT message for `wires` rows of choice bits (convert_choices' layout). */
int convert_ask(convert_evaluator *e, const uint8_t *choices, size_t wires, size_t lanes, block *labels, uint8_t *u) MUST_CHECK;

/** convert_relu_garble / _eval: ReLU of n-bit shares to shares modulo 2^l.  labels0: room for convert_labels(n, lanes).  */
int convert_relu_garble(convert_garbler *g, unsigned n, unsigned l, size_t lanes, const uint64_t *v_g, const uint8_t *u, block *labels0,
                        uint8_t *rows, uint64_t *share) MUST_CHECK;
int convert_relu_eval(convert_evaluator *e, unsigned n, unsigned l, size_t lanes, const block *labels, const uint64_t *v_e,
                      const uint8_t *rows, uint64_t *share) MUST_CHECK;

#endif
