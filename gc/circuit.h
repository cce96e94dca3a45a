// SPDX-License-Identifier: ISC
/** circuit.h: Boolean circuits and their builder.  Wires are numbered: first the evaluator's inputs, then the garbler's
 * known bits, then the constants 0 and 1, then gates in topological order.  A *known* wire is one whose value the
 * garbler knows (its inputs, constants, and XOR / NOT / AND of known wires): it has no label, XOR with it is free, AND
 * with it costs one row.
 *
 *  Invariant: the label of every label wire is the XOR of a non-empty set of independent labels (inputs', ANDs').  Were
 * it empty, as in (x ^ k) ^ x, then all lanes would have the labels 0 and delta, and the eight rows under one key would
 * show delta.  The builder sees such a wire coming and gives the known wire (here k) in its place.  It tells sets apart
 * by the XOR of 128-bit names, drawn at random for each circuit: names that a circuit's author knows could be made to
 * collide (129 inputs and linear algebra do it), and a gate be dropped that computes something.  Two sets that a gate
 * compares are mistaken for each other with probability 2^-128, a circuit goes wrong with less than 2^-102; else what
 * is built depends on the calls alone, so both parties have the same circuit. */
#ifndef TACIT_GC_CIRCUIT_H
#define TACIT_GC_CIRCUIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/prg.h"

typedef uint32_t gc_wire;

enum gc_op {
    GC_XOR,       /* two label wires: free */
    GC_XOR_KNOWN, /* a label wire, b known: free (flips the zero label) */
    GC_AND,       /* two label wires: two rows, two hash sites */
    GC_AND_KNOWN, /* a label wire, b known: one row, one hash site */
    GC_KNOWN_XOR, /* both known: cleartext at the garbler */
    GC_KNOWN_AND,
};

typedef struct {
    uint8_t op;
    gc_wire a, b, out;
} gc_gate;

/** How a label wire came about: value = XOR of a set of independent wires ^ part, part known.  For the builder. */
typedef struct {
    uint64_t set[2]; /* XOR of the names of the set's wires; of a known wire, none */
    gc_wire part;    /* filled in below gc_circuit.parted */
} gc_trace;

typedef struct gc_circuit gc_circuit;
struct gc_circuit {
    uint32_t eval_inputs, known_inputs; /* wires [0, eval_inputs) and [eval_inputs, eval_inputs + known_inputs) */
    uint32_t wires, gates, outputs;
    gc_gate *gate;
    gc_wire *output;
    uint8_t *known;       /* per wire: 1 if the garbler knows its value */
    gc_wire *slot;        /* per wire, once finished: where its label, or the garbler's bit of a known wire, is kept while it is needed */
    uint32_t label_slots, known_slots; /* inputs of the evaluator have none; known inputs and constants have the first ones */
    uint32_t ands, ands_known; /* counts: rows = 2 * ands + ands_known, hash sites the same */
    gc_trace *trace;           /* per wire */
    prg names;
    uint32_t parted;
    uint32_t gate_room, output_room, wire_room, trace_room;
    int failed;
};

#define GC_CIRCUIT_INPUTS (UINT32_C(1) << 24) /* of either party, at most */

/** gc_circuit_create: no gates yet.   Errors: ERR_ARG (too many inputs), ERR_MEM, ERR_RANDOM; *out is then NULL. */
int gc_circuit_create(gc_circuit **out, uint32_t eval_inputs, uint32_t known_inputs) MUST_CHECK;
void gc_circuit_free(gc_circuit *c);

/** Builders: return the new wire, or an old one where constants or operands of equal sets allow.  A failed allocation (ERR_MEM) or a wire
 *  or width that does not exist (ERR_ARG) is remembered and reported by gc_circuit_finish. */
gc_wire gc_xor(gc_circuit *c, gc_wire a, gc_wire b);
gc_wire gc_and(gc_circuit *c, gc_wire a, gc_wire b);
gc_wire gc_or(gc_circuit *c, gc_wire a, gc_wire b);
gc_wire gc_not(gc_circuit *c, gc_wire a);
gc_wire gc_mux(gc_circuit *c, gc_wire s, gc_wire a, gc_wire b); /* s ? a : b, one AND */
gc_wire gc_const(gc_circuit *c, int bit);
void gc_output(gc_circuit *c, gc_wire w); /* a known output wire is the builder's bug: finish fails with ERR_ARG */
int gc_circuit_finish(gc_circuit *c) MUST_CHECK;

/** gc_circuit_run: cleartext evaluation of one lane: bits of evaluator and garbler in, output bits out.   Errors: ERR_MEM. */
int gc_circuit_run(const gc_circuit *c, const uint8_t *eval_bits, const uint8_t *known_bits, uint8_t *out_bits) MUST_CHECK;

#endif
