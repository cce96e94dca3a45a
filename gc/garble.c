// SPDX-License-Identifier: ISC
/* Half-gates, garbler and evaluator facing each other.  Lanes are worked off in tiles, gate by gate within a tile, so that the labels of a
 * small circuit stay in cache; the hash indices do not depend on the tiling. */
#include "gc/garble.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gc/gate.h"

#define TILE GC_GATE_LANES
_Static_assert(TILE % CRH_SPAN == 0, "a tile is whole keys");

size_t gc_circuit_row_bytes(const gc_circuit *c, size_t lanes)
{
    return sizeof(block) * (2 * (size_t)c->ands + c->ands_known) * lanes;
}

int gc_room(const gc_session *s, uint64_t sites, size_t lanes)
{
    uint64_t n;
    if (__builtin_mul_overflow(sites, crh_keys(lanes), &n) || n > GC_INDEX_MAX || s->index > GC_INDEX_MAX - n)
        return err_set(ERR_LIMIT, "2^40 hashes are used up: open a new session");
    return 0;
}

int gc_take_indices(gc_session *s, uint64_t sites, size_t lanes, uint64_t *first)
{
    const int rc = gc_room(s, sites, lanes);
    if (!rc) {
        *first = s->index;
        s->index += sites * crh_keys(lanes);
    }
    return rc;
}

void gc_colours(uint8_t *bits, const block *labels, uint32_t outputs, size_t lanes)
{
    const size_t stride = gc_stride(lanes);
    memset(bits, 0, outputs * (stride / 8));
    for (uint32_t o = 0; o < outputs; o++)
        for (size_t j = 0; j < lanes; j++)
            bits[(o * stride + j) / 8] |= (uint8_t)((labels[o * stride + j].w[0] & 1) << j % 8);
}

/* Labels and known bits of a tile, by slots; the evaluator's inputs stay where the caller has them. */
typedef struct {
    const gc_circuit *c;
    const block *in; /* [eval_inputs][stride], from the tile's first lane on */
    size_t stride;
    block *label;    /* [label_slots][TILE] */
    uint64_t *mask;  /* [known_slots][TILE]: all ones where a known wire is 1; garbler only */
} tile;

static block *label_of(const tile *t, gc_wire w) { return t->label + (size_t)t->c->slot[w] * TILE; }
static const block *operand(const tile *t, gc_wire w) { return w < t->c->eval_inputs ? t->in + w * t->stride : label_of(t, w); }
static uint64_t *mask_of(const tile *t, gc_wire w) { return t->mask + (size_t)t->c->slot[w] * TILE; }

static void garble_gate(const gc_session *s, const gc_gate_kern *kern, const gc_gate *g, const tile *t, size_t lanes, uint64_t index, uint64_t keys,
                        uint8_t *rows)
{
    const int known = t->c->known[g->out];
    const block *a = known ? NULL : operand(t, g->a);
    block *out = known ? NULL : label_of(t, g->out);

    switch (g->op) {
    case GC_XOR:
        kern->sum(a, operand(t, g->b), lanes, out);
        break;
    case GC_XOR_KNOWN:
        for (size_t j = 0; j < lanes; j++)
            out[j] = block_xor(a[j], block_and(s->delta, mask_of(t, g->b)[j]));
        break;
    case GC_AND:
        kern->garble_and(&s->start, &s->delta, index, index + keys, a, operand(t, g->b), lanes, rows, out);
        break;
    case GC_AND_KNOWN:
        kern->garble_known(&s->start, &s->delta, index, a, mask_of(t, g->b), lanes, rows, out);
        break;
    case GC_KNOWN_XOR:
        for (size_t j = 0; j < lanes; j++)
            mask_of(t, g->out)[j] = mask_of(t, g->a)[j] ^ mask_of(t, g->b)[j];
        break;
    default: /* GC_KNOWN_AND */
        for (size_t j = 0; j < lanes; j++)
            mask_of(t, g->out)[j] = mask_of(t, g->a)[j] & mask_of(t, g->b)[j];
        break;
    }
}

static void eval_gate(const gc_session *s, const gc_gate_kern *kern, const gc_gate *g, const tile *t, size_t lanes, uint64_t index, uint64_t keys,
                      const uint8_t *rows)
{
    if (t->c->known[g->out]) /* the garbler's business */
        return;
    const block *a = operand(t, g->a);
    block *out = label_of(t, g->out);

    switch (g->op) {
    case GC_XOR:
        kern->sum(a, operand(t, g->b), lanes, out);
        break;
    case GC_AND:
        kern->eval_and(&s->start, index, index + keys, a, operand(t, g->b), lanes, rows, out);
        break;
    case GC_AND_KNOWN:
        kern->eval_known(&s->start, index, a, lanes, rows, out);
        break;
    default: /* GC_XOR_KNOWN: the active label stays */
        if (out != a)
            memcpy(out, a, lanes * sizeof *out);
        break;
    }
}

static unsigned gate_sites(const gc_gate *g) { return g->op == GC_AND ? 2 : g->op == GC_AND_KNOWN; }

static int tile_alloc(tile *t, const gc_circuit *c, size_t stride, int masks)
{
    *t = (tile){.c = c, .stride = stride};
    t->label = mem_alloc(c->label_slots, TILE * sizeof *t->label);
    t->mask = masks ? mem_alloc(c->known_slots, TILE * sizeof *t->mask) : NULL;
    return t->label && (t->mask || !masks) ? 0 : err_set(ERR_MEM, "out of memory for %u wires", c->wires);
}

static void tile_free(tile *t)
{
    mem_free(t->label);
    mem_free(t->mask);
}

static void tile_out(const tile *t, size_t at, size_t n, block *out)
{
    for (uint32_t o = 0; o < t->c->outputs; o++)
        memcpy(out + o * t->stride + at, operand(t, t->c->output[o]), n * sizeof *out);
}

int gc_garble(gc_session *s, const gc_circuit *c, size_t lanes, const block *in0, const uint8_t *known, uint8_t *rows, block *out0)
{
    const gc_gate_kern *kern = gc_gate_best();
    const size_t stride = gc_stride(lanes);
    const uint64_t keys = crh_keys(lanes);
    const uint32_t k0 = c->eval_inputs, one = k0 + c->known_inputs + 1;
    uint64_t first = 0;
    tile t;
    int rc = tile_alloc(&t, c, stride, 1);
    if (rc || (rc = gc_take_indices(s, 2 * (uint64_t)c->ands + c->ands_known, lanes, &first)))
        goto out;
    for (size_t at = 0; at < lanes; at += TILE) {
        const size_t n = lanes - at < TILE ? lanes - at : TILE;
        uint64_t index = first + crh_key(at);
        t.in = in0 + at;
        for (uint32_t w = 0; w < c->known_inputs; w++)
            for (size_t j = 0; j < n; j++)
                mask_of(&t, k0 + w)[j] = 0 - (uint64_t)(known[w * stride + at + j] & 1);
        memset(mask_of(&t, one), 0xff, TILE * sizeof *t.mask);
        for (uint32_t i = 0; i < c->gates; i++) {
            const unsigned sites = gate_sites(&c->gate[i]);
            garble_gate(s, kern, &c->gate[i], &t, n, index, keys, rows);
            rows += sites * n * sizeof(block);
            index += sites * keys;
        }
        tile_out(&t, at, n, out0);
    }
out:
    mem_wipe_stack(); /* hashes of inactive labels */
    tile_free(&t);
    return rc;
}

int gc_eval(gc_session *s, const gc_circuit *c, size_t lanes, const block *in, const uint8_t *rows, block *out)
{
    const gc_gate_kern *kern = gc_gate_best();
    const size_t stride = gc_stride(lanes);
    const uint64_t keys = crh_keys(lanes);
    uint64_t first = 0;
    tile t;
    int rc = tile_alloc(&t, c, stride, 0);
    if (rc || (rc = gc_take_indices(s, 2 * (uint64_t)c->ands + c->ands_known, lanes, &first)))
        goto out;
    for (size_t at = 0; at < lanes; at += TILE) {
        const size_t n = lanes - at < TILE ? lanes - at : TILE;
        uint64_t index = first + crh_key(at);
        t.in = in + at;
        for (uint32_t i = 0; i < c->gates; i++) {
            const unsigned sites = gate_sites(&c->gate[i]);
            eval_gate(s, kern, &c->gate[i], &t, n, index, keys, rows);
            rows += sites * n * sizeof(block);
            index += sites * keys;
        }
        tile_out(&t, at, n, out);
    }
out:
    tile_free(&t);
    return rc;
}
