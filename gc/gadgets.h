// SPDX-License-Identifier: ISC
/** gadgets.h: words of wires, least significant bit first, two's complement where it says signed.
 *
 *  The counts are those for operands that are label wires.  An AND with a known operand costs one row in place of two, one with a constant
 *  nothing: docs/PROTOCOL.md has the table.   Alias: `out` may be `a` or `b`, unless it says otherwise. */
#ifndef TACIT_GC_GADGETS_H
#define TACIT_GC_GADGETS_H

#include "gc/circuit.h"

/** gc_word_add: out[w] = a[w] + b[w] mod 2^w, w - 1 ANDs.  One of them has a known operand if a or b is known. */
void gc_word_add(gc_circuit *c, gc_wire *out, const gc_wire *a, const gc_wire *b, unsigned w);

/** gc_word_sub: out[w] = a[w] - b[w] mod 2^w, w - 1 ANDs, known operands as in gc_word_add. */
void gc_word_sub(gc_circuit *c, gc_wire *out, const gc_wire *a, const gc_wire *b, unsigned w);

/** gc_word_less: 1 iff a < b, signed w-bit, w ANDs.  gc_word_below: the same for unsigned words. */
gc_wire gc_word_less(gc_circuit *c, const gc_wire *a, const gc_wire *b, unsigned w);
gc_wire gc_word_below(gc_circuit *c, const gc_wire *a, const gc_wire *b, unsigned w);

/** gc_word_select: out[w] = s ? a[w] : 0, w ANDs.   gc_word_mux: out[w] = s ? a[w] : b[w], w ANDs. */
void gc_word_select(gc_circuit *c, gc_wire *out, gc_wire s, const gc_wire *a, unsigned w);
void gc_word_mux(gc_circuit *c, gc_wire *out, gc_wire s, const gc_wire *a, const gc_wire *b, unsigned w);

/** gc_word_max: out[w] = the larger of a[w] and b[w], signed, 2w ANDs. */
void gc_word_max(gc_circuit *c, gc_wire *out, const gc_wire *a, const gc_wire *b, unsigned w);

/** gc_word_relu: out[w] = max(a[w], 0), signed, w - 1 ANDs; out[w - 1] is the constant 0. */
void gc_word_relu(gc_circuit *c, gc_wire *out, const gc_wire *a, unsigned w);

/** gc_word_multiply: out[keep] = the low `keep` bits of a[w] * b[w]; keep = w serves signed and unsigned words, beyond w they are unsigned.
 *  In:    w in [1, GC_MULTIPLY_MAX], keep in [1, 2w]; else the circuit fails with ERR_ARG.   Alias: none.
 *  ANDs:  w^2 - w + 1 (keep = w < 28) and 2w^2 - w (keep = 2w, w < 12); above, products split as in [KO62] take fewer:
 *             w      16     32     64    128
 *             w     241    963  3,505 11,933     (schoolbook:  241,   993, 4,033, 16,257)
 *            2w     463  1,603  5,211 16,404     (schoolbook:  496, 2,016, 8,128, 32,640) */
void gc_word_multiply(gc_circuit *c, gc_wire *out, unsigned keep, const gc_wire *a, const gc_wire *b, unsigned w);
#define GC_MULTIPLY_MAX 128

/** gc_sign_circuit: evaluator a[n], garbler b[n]; one output: 1 iff (a + b mod 2^n), signed, is >= 0.  2n - 3 rows.
 *  In: n in [2, 62].   Errors: ERR_ARG, ERR_MEM; *out is then NULL. */
int gc_sign_circuit(gc_circuit **out, unsigned n) MUST_CHECK;

/** gc_relu_shares_circuit: the Boolean way from shares to shares of ReLU, which gc/relu.h replaces: out[n] = max(a + b, 0) - m modulo 2^n,
 *  shares a[n], b[n], mask m[n]: n - 1 ANDs each for add, select and subtract.  Inputs: a is the evaluator's; b and m are the garbler's
 *  (known = 1: two of the ANDs have a known operand), or the evaluator's too, after a (known = 0).
 *  In: n in [2, 62].   Errors: ERR_ARG, ERR_MEM; *out is then NULL. */
int gc_relu_shares_circuit(gc_circuit **out, unsigned n, int known) MUST_CHECK;

/** gc_argmax_circuit: `count` values, each shared as evaluator word + garbler word mod 2^k (evaluator inputs: value 0 first, k bits
 *  each; garbler alike).  Adds all k bits, drops the low `drop` bits, compares the rest as signed numbers.
 *  Outputs: the index of the largest, ties to the lowest index, ceil(log2 count) bits (at least 1), lsb first.
 *  ANDs: count (k - 1) + (2 count - 3)(k - drop), and for the index at most (count - 2) ceil(log2 count).   Errors: ERR_ARG, ERR_MEM. */
int gc_argmax_circuit(gc_circuit **out, unsigned count, unsigned k, unsigned drop) MUST_CHECK;
unsigned gc_index_bits(unsigned count);
#define GC_ARGMAX_MAX 4096 /* values, at least 2; k at most 62, drop < k */

#endif
