// SPDX-License-Identifier: ISC
#include "gc/circuit.h"

#include <string.h>

#include "base/mem.h"

#define MAX_WIRES (UINT32_C(1) << 26)

static gc_wire zero(const gc_circuit *c) { return c->eval_inputs + c->known_inputs; }
static gc_wire one(const gc_circuit *c) { return zero(c) + 1; }
static int is_const(const gc_circuit *c, gc_wire w) { return w == zero(c) || w == one(c); }

/** name: a fresh one, the set of an independent wire. */
static void name(gc_circuit *c, gc_wire w) { prg_bytes(&c->names, c->trace[w].set, sizeof c->trace[w].set); }

/** start_names: no circuit's author foresees them. */
static int start_names(gc_circuit *c)
{
    uint8_t seed[PRG_SEED_BYTES];
    const int rc = prg_entropy(seed, sizeof seed);
    if (!rc)
        prg_init(&c->names, seed, PRG_GC_NAMES, 0);
    return rc;
}

/** grow: room for one more item of `size` bytes in *array. */
static int grow(void **array, uint32_t *room, uint32_t used, size_t size)
{
    if (used < *room)
        return 0;
    uint32_t more = *room ? 2 * *room : 256;
    void *p = more <= MAX_WIRES ? mem_alloc(more, size) : NULL;
    if (!p)
        return ERR_MEM;
    if (used)
        memcpy(p, *array, used * size);
    mem_free(*array);
    *array = p;
    *room = more;
    return 0;
}

int gc_circuit_create(gc_circuit **out, uint32_t eval_inputs, uint32_t known_inputs)
{
    gc_circuit *c = mem_alloc(1, sizeof *c);
    *out = NULL;
    if (!c)
        return err_set(ERR_MEM, "out of memory for a circuit");
    if (eval_inputs > GC_CIRCUIT_INPUTS || known_inputs > GC_CIRCUIT_INPUTS) {
        mem_free(c);
        return err_set(ERR_ARG, "circuit: %u and %u inputs are too many", eval_inputs, known_inputs);
    }
    c->eval_inputs = eval_inputs;
    c->known_inputs = known_inputs;
    c->wires = one(c) + 1;
    c->wire_room = c->trace_room = c->wires + 1024;
    c->known = mem_alloc(c->wire_room, 1);
    c->trace = mem_alloc(c->trace_room, sizeof *c->trace);
    const int rc = c->known && c->trace ? start_names(c) : err_set(ERR_MEM, "out of memory for a circuit");
    if (rc) {
        gc_circuit_free(c);
        return rc;
    }
    memset(c->known + eval_inputs, 1, c->wires - eval_inputs);
    for (gc_wire w = 0; w < eval_inputs; w++) {
        name(c, w);
        c->trace[w].part = zero(c);
    }
    c->parted = c->wires;
    *out = c;
    return 0;
}

void gc_circuit_free(gc_circuit *c)
{
    if (!c)
        return;
    mem_free(c->slot);
    mem_free(c->gate);
    mem_free(c->output);
    mem_free(c->known);
    mem_free(c->trace);
    mem_free(c);
}

static gc_wire add_gate(gc_circuit *c, uint8_t op, gc_wire a, gc_wire b, uint8_t known)
{
    if (c->failed || grow((void **)&c->gate, &c->gate_room, c->gates, sizeof *c->gate) ||
        grow((void **)&c->known, &c->wire_room, c->wires, 1) ||
        grow((void **)&c->trace, &c->trace_room, c->wires, sizeof *c->trace)) {
        c->failed = c->failed ? c->failed : ERR_MEM;
        return zero(c);
    }
    c->gate[c->gates++] = (gc_gate){op, a, b, c->wires};
    c->known[c->wires] = known;
    if (op == GC_XOR || op == GC_XOR_KNOWN)
        for (int i = 0; i < 2; i++)
            c->trace[c->wires].set[i] = c->trace[a].set[i] ^ c->trace[b].set[i];
    else if (!known)
        name(c, c->wires);
    c->ands += op == GC_AND;
    c->ands_known += op == GC_AND_KNOWN;
    return c->wires++;
}

/** exists: a and b are wires of c; else the circuit has failed. */
static int exists(gc_circuit *c, gc_wire a, gc_wire b)
{
    if (a < c->wires && b < c->wires)
        return 1;
    c->failed = c->failed ? c->failed : ERR_ARG;
    return 0;
}

/** ordered: a label wire before a known one. */
static void ordered(const gc_circuit *c, gc_wire *a, gc_wire *b)
{
    if (c->known[*a] && !c->known[*b]) {
        gc_wire t = *a;
        *a = *b;
        *b = t;
    }
}

/** part: the known part of a label wire.  All gates up to it are gone through once, in their order, however often this is asked. */
static gc_wire part(gc_circuit *c, gc_wire w)
{
    const gc_wire first = one(c) + 1;
    for (; c->parted <= w && !c->failed; c->parted++) {
        const gc_gate g = c->gate[c->parted - first];
        gc_wire p = zero(c);
        if (g.op == GC_XOR)
            p = gc_xor(c, c->trace[g.a].part, c->trace[g.b].part);
        else if (g.op == GC_XOR_KNOWN)
            p = gc_xor(c, c->trace[g.a].part, g.b);
        c->trace[c->parted].part = p;
    }
    return c->failed ? zero(c) : c->trace[w].part;
}

/** difference: a ^ b of two label wires with equal sets. */
static gc_wire difference(gc_circuit *c, gc_wire a, gc_wire b)
{
    const gc_wire x = part(c, a), y = part(c, b);
    return gc_xor(c, x, y);
}

static int same_set(const gc_circuit *c, gc_wire a, gc_wire b)
{
    return !c->known[a] && !c->known[b] && !memcmp(c->trace[a].set, c->trace[b].set, sizeof c->trace[a].set);
}

gc_wire gc_xor(gc_circuit *c, gc_wire a, gc_wire b)
{
    if (!exists(c, a, b) || a == b)
        return zero(c);
    if (a == zero(c))
        return b;
    if (b == zero(c))
        return a;
    if (is_const(c, a) && is_const(c, b)) /* neither is zero, and they differ */
        return zero(c);
    if (same_set(c, a, b))
        return difference(c, a, b);
    ordered(c, &a, &b);
    return add_gate(c, c->known[a] ? GC_KNOWN_XOR : c->known[b] ? GC_XOR_KNOWN : GC_XOR, a, b, c->known[a]);
}

gc_wire gc_and(gc_circuit *c, gc_wire a, gc_wire b)
{
    if (!exists(c, a, b))
        return zero(c);
    if (a == b || b == one(c))
        return a;
    if (a == one(c))
        return b;
    if (a == zero(c) || b == zero(c))
        return zero(c);
    if (same_set(c, a, b)) /* x & (x ^ k) = x & ~k */
        return gc_and(c, a, gc_not(c, difference(c, a, b)));
    ordered(c, &a, &b);
    return add_gate(c, c->known[a] ? GC_KNOWN_AND : c->known[b] ? GC_AND_KNOWN : GC_AND, a, b, c->known[a]);
}

gc_wire gc_not(gc_circuit *c, gc_wire a) { return gc_xor(c, a, one(c)); }

gc_wire gc_or(gc_circuit *c, gc_wire a, gc_wire b) { return gc_not(c, gc_and(c, gc_not(c, a), gc_not(c, b))); }

gc_wire gc_mux(gc_circuit *c, gc_wire s, gc_wire a, gc_wire b)
{
    return s == one(c) && exists(c, a, b) ? a : gc_xor(c, b, gc_and(c, s, gc_xor(c, a, b)));
}

gc_wire gc_const(gc_circuit *c, int bit) { return bit ? one(c) : zero(c); }

void gc_output(gc_circuit *c, gc_wire w)
{
    if (!exists(c, w, w) || c->failed)
        return;
    c->failed = grow((void **)&c->output, &c->output_room, c->outputs, sizeof *c->output);
    if (!c->failed)
        c->output[c->outputs++] = w;
}

/** place: a slot for each wire, used again after the wire's last use, so that few labels are under way at once.  A gate's result may take the
 *  place of an operand. */
static int place(gc_circuit *c)
{
    const uint32_t fixed = one(c) + 1;
    uint32_t *last = mem_alloc(c->wires, sizeof *last), *spare = mem_alloc(2 * (size_t)c->wires, sizeof *spare), spares[2] = {0, 0};
    uint32_t *const slots[2] = {&c->label_slots, &c->known_slots};
    mem_free(c->slot);
    c->slot = mem_alloc(c->wires, sizeof *c->slot);
    if (!last || !spare || !c->slot) {
        mem_free(last);
        mem_free(spare);
        return err_set(ERR_MEM, "out of memory for a circuit");
    }
    c->label_slots = 0;
    c->known_slots = fixed - c->eval_inputs;
    for (uint32_t w = c->eval_inputs; w < fixed; w++)
        c->slot[w] = w - c->eval_inputs;
    for (uint32_t i = 0; i < c->gates; i++)
        last[c->gate[i].out] = last[c->gate[i].a] = last[c->gate[i].b] = i;
    for (uint32_t i = 0; i < c->outputs; i++)
        last[c->output[i]] = UINT32_MAX;
    for (uint32_t i = 0; i < c->gates; i++) {
        const gc_gate *g = &c->gate[i];
        const gc_wire ends[3] = {g->a, g->b, g->out};
        for (int e = 0; e < 3; e++) {
            const gc_wire w = ends[e];
            const int kind = c->known[w];
            if (e == 2)
                c->slot[w] = spares[kind] ? spare[kind * c->wires + --spares[kind]] : (*slots[kind])++;
            if (last[w] == i && w >= fixed && (e == 0 || w != g->a))
                spare[kind * c->wires + spares[kind]++] = c->slot[w];
        }
    }
    mem_free(last);
    mem_free(spare);
    return 0;
}

int gc_circuit_finish(gc_circuit *c)
{
    if (c->failed)
        return err_set(c->failed, c->failed == ERR_MEM ? "out of memory for a circuit" : "circuit: a wire or a width that does not exist");
    for (uint32_t i = 0; i < c->outputs; i++)
        if (c->known[c->output[i]])
            return err_set(ERR_ARG, "circuit: output %u does not depend on the evaluator", i);
    return place(c);
}

int gc_circuit_run(const gc_circuit *c, const uint8_t *eval_bits, const uint8_t *known_bits, uint8_t *out_bits)
{
    uint8_t *v = mem_alloc(c->wires, 1);
    if (!v)
        return err_set(ERR_MEM, "out of memory for %u wires", c->wires);
    memcpy(v, eval_bits, c->eval_inputs);
    if (c->known_inputs)
        memcpy(v + c->eval_inputs, known_bits, c->known_inputs);
    v[one(c)] = 1;
    for (uint32_t i = 0; i < c->gates; i++) {
        const gc_gate *g = &c->gate[i];
        const int and = g->op == GC_AND || g->op == GC_AND_KNOWN || g->op == GC_KNOWN_AND;
        v[g->out] = and ? v[g->a] & v[g->b] : v[g->a] ^ v[g->b];
    }
    for (uint32_t i = 0; i < c->outputs; i++)
        out_bits[i] = v[c->output[i]];
    mem_free(v);
    return 0;
}
