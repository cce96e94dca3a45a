// SPDX-License-Identifier: ISC
/** gadgets.h: words of wires, least significant bit first. */
#ifndef TACIT_GC_GADGETS_H
#define TACIT_GC_GADGETS_H

#include "gc/circuit.h"

/** gc_word_add: out[w] = a[w] + b[w] mod 2^w, w - 1 ANDs. */
void gc_word_add(gc_circuit *c, gc_wire *out, const gc_wire *a, const gc_wire *b, unsigned w);
/** gc_word_less: 1 iff a < b, signed w-bit, w ANDs. */
gc_wire gc_word_less(gc_circuit *c, const gc_wire *a, const gc_wire *b, unsigned w);
/** gc_word_mux: out = s ? a : b. */
void gc_word_mux(gc_circuit *c, gc_wire *out, gc_wire s, const gc_wire *a, const gc_wire *b, unsigned w);

/** gc_sign_circuit: evaluator a[n], garbler b[n]; one output: 1 iff (a + b mod 2^n), signed, is >= 0.  2n - 3 rows.
 *  In: n in [2, 62].   Errors: ERR_ARG, ERR_MEM; *out is then NULL. */
int gc_sign_circuit(gc_circuit **out, unsigned n) MUST_CHECK;

/** gc_argmax_circuit: `count` values, each shared as evaluator word + garbler word mod 2^k (evaluator inputs: value 0 first, k bits
 *  each; garbler alike).  Adds all k bits, drops the low `drop` bits, compares the rest as signed numbers.
 *  Outputs: the index of the largest, ties to the lowest index, ceil(log2 count) bits (at least 1), lsb first. */
int gc_argmax_circuit(gc_circuit **out, unsigned count, unsigned k, unsigned drop) MUST_CHECK;
unsigned gc_index_bits(unsigned count);
#define GC_ARGMAX_MAX 4096 /* values, at least 2; k at most 62, drop < k */

#endif
