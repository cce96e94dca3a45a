// SPDX-License-Identifier: ISC
/** gc_program.h: random Boolean programs that are run by themselves, as an oracle, and can be built as circuits. */
#ifndef TACIT_TEST_GC_PROGRAM_H
#define TACIT_TEST_GC_PROGRAM_H

#include "base/prg.h"
#include "gc/circuit.h"

#define GC_PROGRAM_NODES 160
#define GC_PROGRAM_OUTPUTS 24

typedef struct {
    unsigned eval_inputs, known_inputs, nodes, outputs;
    struct {
        uint8_t op; /* 0 xor, 1 and, 2 or, 3 not, 4 mux */
        uint16_t a, b, s;
    } node[GC_PROGRAM_NODES]; /* operands: 0, 1, the inputs (evaluator's first), then nodes */
    uint16_t output[GC_PROGRAM_OUTPUTS];
} gc_program;

/** gc_program_random: constants and equal operands come up often. */
void gc_program_random(gc_program *p, prg *g, unsigned eval_inputs, unsigned known_inputs, unsigned nodes);

/** gc_program_build: the finished circuit; its outputs, up to GC_PROGRAM_OUTPUTS label wires, are noted in p.  Fails the running test. */
gc_circuit *gc_program_build(gc_program *p);

/** gc_program_run: the outputs for one lane's input bits. */
void gc_program_run(const gc_program *p, const uint8_t *eval_bits, const uint8_t *known_bits, uint8_t *out);

#endif
