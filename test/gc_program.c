// SPDX-License-Identifier: ISC
#include "test/gc_program.h"

#include <check.h>

#define FIRST(p) (2 + (p)->eval_inputs + (p)->known_inputs)
#define VALUES (2 + 64 + GC_PROGRAM_NODES)

void gc_program_random(gc_program *p, prg *g, unsigned eval_inputs, unsigned known_inputs, unsigned nodes)
{
    ck_assert(eval_inputs + known_inputs <= 64 && nodes <= GC_PROGRAM_NODES);
    *p = (gc_program){.eval_inputs = eval_inputs, .known_inputs = known_inputs, .nodes = nodes};
    for (unsigned i = 0; i < nodes; i++) {
        const unsigned have = FIRST(p) + i;
        p->node[i].op = (uint8_t)(prg_u64(g) % 5);
        p->node[i].a = (uint16_t)(prg_u64(g) % have);
        p->node[i].b = (uint16_t)(prg_u64(g) % have);
        p->node[i].s = (uint16_t)(prg_u64(g) % have);
    }
}

gc_circuit *gc_program_build(gc_program *p)
{
    gc_circuit *c;
    gc_wire w[VALUES];
    ck_assert_int_eq(gc_circuit_create(&c, p->eval_inputs, p->known_inputs), 0);
    w[0] = gc_const(c, 0);
    w[1] = gc_const(c, 1);
    for (unsigned i = 2; i < FIRST(p); i++)
        w[i] = i - 2;
    for (unsigned i = 0; i < p->nodes; i++) {
        const gc_wire a = w[p->node[i].a], b = w[p->node[i].b], s = w[p->node[i].s];
        switch (p->node[i].op) {
        case 0: w[FIRST(p) + i] = gc_xor(c, a, b); break;
        case 1: w[FIRST(p) + i] = gc_and(c, a, b); break;
        case 2: w[FIRST(p) + i] = gc_or(c, a, b); break;
        case 3: w[FIRST(p) + i] = gc_not(c, a); break;
        default: w[FIRST(p) + i] = gc_mux(c, s, a, b);
        }
    }
    p->outputs = 0;
    for (unsigned i = FIRST(p) + p->nodes; i-- > 2 && p->outputs < GC_PROGRAM_OUTPUTS;)
        if (!c->known[w[i]]) {
            p->output[p->outputs++] = (uint16_t)i;
            gc_output(c, w[i]);
        }
    ck_assert_int_eq(gc_circuit_finish(c), 0);
    ck_assert_uint_eq(c->outputs, p->outputs);
    return c;
}

void gc_program_run(const gc_program *p, const uint8_t *eval_bits, const uint8_t *known_bits, uint8_t *out)
{
    uint8_t v[VALUES] = {0, 1};
    for (unsigned i = 0; i < p->eval_inputs; i++)
        v[2 + i] = eval_bits[i];
    for (unsigned i = 0; i < p->known_inputs; i++)
        v[2 + p->eval_inputs + i] = known_bits[i];
    for (unsigned i = 0; i < p->nodes; i++) {
        const int a = v[p->node[i].a], b = v[p->node[i].b], s = v[p->node[i].s];
        const int r[5] = {a != b, a && b, a || b, !a, s ? a : b};
        v[FIRST(p) + i] = (uint8_t)r[p->node[i].op];
    }
    for (unsigned o = 0; o < p->outputs; o++)
        out[o] = v[p->output[o]];
}
