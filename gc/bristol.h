// SPDX-License-Identifier: ISC
/** bristol.h: circuits as text, in Bristol Fashion (the newer format, which names input and output values):
 *
 *      <gates> <wires>
 *      <input values> <bits of each>
 *      <output values> <bits of each>
 *      2 1 <a> <b> <out> XOR    2 1 <a> <b> <out> AND    1 1 <a> <out> INV    1 1 <a> <out> EQW    1 1 <0 or 1> <out> EQ
 *      <2m> <m> <a_1> .. <a_m> <b_1> .. <b_m> <out_1> .. <out_m> MAND
 *
 *  a gate a line, each after those that it needs.  The inputs are the first wires, value by value, and the outputs the last. */
#ifndef TACIT_GC_BRISTOL_H
#define TACIT_GC_BRISTOL_H

#include "gc/circuit.h"

#define GC_BRISTOL_VALUES 64
#define GC_BRISTOL_SPARE 65536 /* inputs that a file may have beyond its length in bytes */

typedef struct {
    uint32_t inputs, outputs; /* values, each in [1, GC_BRISTOL_VALUES] */
    uint32_t in[GC_BRISTOL_VALUES], out[GC_BRISTOL_VALUES]; /* bits, each >= 1 */
    uint64_t known;           /* bit v: input value v is the garbler's; else the evaluator's */
} gc_bristol;

/** gc_bristol_read: the circuit of text[len].  Its evaluator's inputs are the evaluator's values in the file's order, its known inputs
 *  likewise the garbler's; its outputs are those of the file.
 *  The text is hostile: memory stays below a constant times len + GC_BRISTOL_SPARE, a number is checked before it sizes or indexes
 *  anything, every wire is assigned, exactly once, and before its use.
 *  Out:    *shape as the file has it, with `known`; zeros on an error.   CT: none, a circuit is public.
 *  Errors: ERR_DATA with the line and the field (an output that does not depend on the evaluator is refused too: the garbler knows it);
 *          ERR_ARG: `known` names a value that the file has not; ERR_MEM.  *out is then NULL. */
int gc_bristol_read(gc_circuit **out, gc_bristol *shape, const char *text, size_t len, uint64_t known) MUST_CHECK;

/** gc_bristol_write: *text[*len], followed by a 0; mem_free it.  It reads back, with shape->known, as a circuit of the same function,
 *  ANDs and shape (unless more than GC_BRISTOL_SPARE inputs are used by no gate: such a text is refused).
 *  In:     c was finished; the values of `shape` add up to c's inputs of either party and to its outputs, none of them empty.
 *  Errors: ERR_ARG, ERR_MEM; *text is then NULL. */
int gc_bristol_write(char **text, size_t *len, const gc_circuit *c, const gc_bristol *shape) MUST_CHECK;

#endif
