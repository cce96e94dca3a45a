// SPDX-License-Identifier: ISC
/** garble.h: half-gates over lanes [ZRE15, 2014/756], arithmetic half gates and ReLU on shares (design: docs/PROTOCOL.md).
 *
 *  A lane is one copy of the circuit.  Labels are block[wire][stride] with stride = gc_stride(lanes).  Bits of known inputs:
 *  uint8_t[wire][stride], 0 or 1 (ReLU takes words).  Lanes in [lanes, stride) of these arrays are padding: never read, written or sent.
 *  (Two lanes under one key with equal labels and unequal known bits would show delta; padding is where that could happen.)
 *  Hash sites: every site takes crh_keys(lanes) indices; garbler and evaluator use the same sequence of calls.
 *  Pure: rows are byte strings that the caller carries. */
#ifndef TACIT_GC_GARBLE_H
#define TACIT_GC_GARBLE_H

#include "base/block.h"
#include "base/crh.h"
#include "gc/circuit.h"

#define GC_INDEX_MAX (UINT64_C(1) << 37) /* keys in a session, each for 8 lanes at most: 2^40 hashed labels */

typedef struct {
    block delta; /* lsb 1; all zero at the evaluator, who does not know it */
    block start; /* public start point of the hash */
    uint64_t index; /* next unused hash index */
} gc_session;

/** gc_stride: lanes rounded up to a multiple of 8. */
static inline size_t gc_stride(size_t lanes) { return (lanes + 7) / 8 * 8; }

/** gc_circuit_row_bytes: 16 * (2 ands + ands_known) * lanes. */
size_t gc_circuit_row_bytes(const gc_circuit *c, size_t lanes);

/** gc_garble: out0[outputs][stride] zero labels of the outputs, rows.
 *  In:   in0[eval_inputs][stride], independent labels (each from a correlated OT of its own); known[known_inputs][stride].
 *  CT:   depends on circuit and lanes only.   Errors: ERR_MEM, ERR_LIMIT (index would pass GC_INDEX_MAX); no index is taken then. */
int gc_garble(gc_session *s, const gc_circuit *c, size_t lanes, const block *in0, const uint8_t *known, uint8_t *rows,
              block *out0) MUST_CHECK;

/** gc_eval: out[outputs][stride] active labels.   In: in[eval_inputs][stride] active labels; rows: any bytes.   Errors: as above. */
int gc_eval(gc_session *s, const gc_circuit *c, size_t lanes, const block *in, const uint8_t *rows, block *out) MUST_CHECK;

/** gc_colours: bits[o][stride / 8] = the least significant bits of labels[o][stride], lane j at bit j % 8 of byte j / 8,
 *  padding 0. */
void gc_colours(uint8_t *bits, const block *labels, uint32_t outputs, size_t lanes);

/** gc_room: ERR_LIMIT unless `sites` more sites over `lanes` lanes fit below GC_INDEX_MAX. */
int gc_room(const gc_session *s, uint64_t sites, size_t lanes) MUST_CHECK;

/** gc_take_indices: the first of sites * crh_keys(lanes) fresh indices.   Errors: ERR_LIMIT, none taken. */
int gc_take_indices(gc_session *s, uint64_t sites, size_t lanes, uint64_t *first) MUST_CHECK;

#endif
