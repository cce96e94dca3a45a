// SPDX-License-Identifier: ISC
/* Half-gates, garbler and evaluator facing each other.  Lanes are worked off in tiles, gate by gate within a tile, so that the labels of a
 * small circuit stay in cache; the hash indices do not depend on the tiling. */
#include "gc/garble.h"

#include <string.h>

#include "base/ct.h"
#include "base/err.h"
#include "base/mem.h"

#define TILE 64

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

static uint64_t colour_mask(block x) { return 0 - (x.w[0] & 1); }

/** half: one garbled half gate over a tile: row = H(a) ^ H(a ^ delta) ^ extra, h0 = H(a) ^ (colour of a) * (row ^ inner).
 *  scratch[2 * TILE]. */
static void half(const gc_session *s, uint64_t index, const block *a, const block *extra, const block *inner, size_t lanes, uint8_t *row,
                 block *h0, block *scratch)
{
    block *h1 = scratch, *t = scratch + TILE;
    crh_hash_pair(&s->start, index, h0, h1, a, &s->delta, lanes);
    for (size_t j = 0; j < lanes; j++) {
        t[j] = block_xor(block_xor(h0[j], h1[j]), extra[j]);
        block w = inner ? block_xor(t[j], inner[j]) : t[j];
        h0[j] = block_xor(h0[j], block_and(w, colour_mask(a[j])));
    }
    memcpy(row, t, lanes * sizeof *t);
}

typedef struct {
    block *label;   /* [wires][TILE] */
    uint64_t *mask; /* [wires][TILE]: all ones where a known wire is 1; garbler only */
    block *scratch; /* [4][TILE]: hashes of both labels, which may not stay behind on the stack */
} tile;

static void garble_gate(const gc_session *s, const gc_gate *g, const tile *t, size_t lanes, uint64_t index, uint64_t keys, uint8_t *rows)
{
    const block *a = t->label + (size_t)g->a * TILE, *b = t->label + (size_t)g->b * TILE;
    const uint64_t *x = t->mask + (size_t)g->a * TILE, *y = t->mask + (size_t)g->b * TILE;
    block *out = t->label + (size_t)g->out * TILE;
    uint64_t *z = t->mask + (size_t)g->out * TILE;
    block *extra = t->scratch + 2 * TILE, *he = t->scratch + 3 * TILE;

    switch (g->op) {
    case GC_XOR:
        for (size_t j = 0; j < lanes; j++)
            out[j] = block_xor(a[j], b[j]);
        break;
    case GC_XOR_KNOWN:
        for (size_t j = 0; j < lanes; j++)
            out[j] = block_xor(a[j], block_and(s->delta, y[j]));
        break;
    case GC_AND: /* [ZRE15, Fig. 2]: the generator's half, then the evaluator's */
        for (size_t j = 0; j < lanes; j++)
            extra[j] = block_and(s->delta, colour_mask(b[j]));
        half(s, index, a, extra, NULL, lanes, rows, out, t->scratch);
        half(s, index + keys, b, a, a, lanes, rows + lanes * sizeof *a, he, t->scratch);
        for (size_t j = 0; j < lanes; j++)
            out[j] = block_xor(out[j], he[j]);
        break;
    case GC_AND_KNOWN:
        for (size_t j = 0; j < lanes; j++)
            extra[j] = block_and(s->delta, y[j]);
        half(s, index, a, extra, NULL, lanes, rows, out, t->scratch);
        break;
    case GC_KNOWN_XOR:
        for (size_t j = 0; j < lanes; j++)
            z[j] = x[j] ^ y[j];
        break;
    default: /* GC_KNOWN_AND */
        for (size_t j = 0; j < lanes; j++)
            z[j] = x[j] & y[j];
        break;
    }
}

static void eval_gate(const gc_session *s, const gc_gate *g, const tile *t, size_t lanes, uint64_t index, uint64_t keys, const uint8_t *rows)
{
    const block *a = t->label + (size_t)g->a * TILE, *b = t->label + (size_t)g->b * TILE;
    block *out = t->label + (size_t)g->out * TILE;
    block row[2][TILE], he[TILE];

    switch (g->op) {
    case GC_XOR:
        for (size_t j = 0; j < lanes; j++)
            out[j] = block_xor(a[j], b[j]);
        break;
    case GC_XOR_KNOWN:
        memcpy(out, a, lanes * sizeof *out);
        break;
    case GC_AND:
        memcpy(row[0], rows, lanes * sizeof **row);
        memcpy(row[1], rows + lanes * sizeof **row, lanes * sizeof **row);
        crh_hash(&s->start, index, out, a, lanes);
        crh_hash(&s->start, index + keys, he, b, lanes);
        for (size_t j = 0; j < lanes; j++) {
            block w = block_xor(out[j], block_and(row[0][j], colour_mask(a[j])));
            w = block_xor(w, he[j]);
            out[j] = block_xor(w, block_and(block_xor(row[1][j], a[j]), colour_mask(b[j])));
        }
        break;
    case GC_AND_KNOWN:
        memcpy(row[0], rows, lanes * sizeof **row);
        crh_hash(&s->start, index, out, a, lanes);
        for (size_t j = 0; j < lanes; j++)
            out[j] = block_xor(out[j], block_and(row[0][j], colour_mask(a[j])));
        break;
    default: /* known wires are the garbler's business */
        break;
    }
}

static unsigned gate_sites(const gc_gate *g) { return g->op == GC_AND ? 2 : g->op == GC_AND_KNOWN; }

static int tile_alloc(tile *t, const gc_circuit *c, int masks)
{
    t->label = mem_alloc(c->wires, TILE * sizeof *t->label);
    t->mask = masks ? mem_alloc(c->wires, TILE * sizeof *t->mask) : NULL;
    t->scratch = mem_alloc(4 * TILE, sizeof *t->scratch);
    return t->label && t->scratch && (t->mask || !masks) ? 0 : err_set(ERR_MEM, "out of memory for %u wires", c->wires);
}

static void tile_free(tile *t)
{
    mem_free(t->label);
    mem_free(t->mask);
    mem_free(t->scratch);
}

static void tile_in(tile *t, const gc_circuit *c, size_t at, size_t n, size_t stride, const block *in)
{
    for (uint32_t w = 0; w < c->eval_inputs; w++)
        memcpy(t->label + (size_t)w * TILE, in + w * stride + at, n * sizeof *in);
}

static void tile_out(const tile *t, const gc_circuit *c, size_t at, size_t n, size_t stride, block *out)
{
    for (uint32_t o = 0; o < c->outputs; o++)
        memcpy(out + o * stride + at, t->label + (size_t)c->output[o] * TILE, n * sizeof *out);
}

int gc_garble(gc_session *s, const gc_circuit *c, size_t lanes, const block *in0, const uint8_t *known, uint8_t *rows, block *out0)
{
    const size_t stride = gc_stride(lanes);
    const uint64_t keys = crh_keys(lanes);
    const uint32_t k0 = c->eval_inputs, one = k0 + c->known_inputs + 1;
    uint64_t first = 0;
    tile t = {NULL, NULL, NULL};
    int rc = tile_alloc(&t, c, 1);
    if (rc || (rc = gc_take_indices(s, 2 * (uint64_t)c->ands + c->ands_known, lanes, &first)))
        goto out;
    for (size_t at = 0; at < lanes; at += TILE) {
        const size_t n = lanes - at < TILE ? lanes - at : TILE;
        uint64_t index = first + at / CRH_LANES;
        tile_in(&t, c, at, n, stride, in0);
        for (uint32_t w = 0; w < c->known_inputs; w++)
            for (size_t j = 0; j < n; j++)
                t.mask[(size_t)(k0 + w) * TILE + j] = ct_mask(known[w * stride + at + j] & 1);
        memset(t.mask + (size_t)one * TILE, 0xff, TILE * sizeof *t.mask);
        for (uint32_t i = 0; i < c->gates; i++) {
            const unsigned sites = gate_sites(&c->gate[i]);
            garble_gate(s, &c->gate[i], &t, n, index, keys, rows);
            rows += sites * n * sizeof(block);
            index += sites * keys;
        }
        tile_out(&t, c, at, n, stride, out0);
    }
out:
    tile_free(&t);
    return rc;
}

int gc_eval(gc_session *s, const gc_circuit *c, size_t lanes, const block *in, const uint8_t *rows, block *out)
{
    const size_t stride = gc_stride(lanes);
    const uint64_t keys = crh_keys(lanes);
    uint64_t first = 0;
    tile t = {NULL, NULL, NULL};
    int rc = tile_alloc(&t, c, 0);
    if (rc || (rc = gc_take_indices(s, 2 * (uint64_t)c->ands + c->ands_known, lanes, &first)))
        goto out;
    for (size_t at = 0; at < lanes; at += TILE) {
        const size_t n = lanes - at < TILE ? lanes - at : TILE;
        uint64_t index = first + at / CRH_LANES;
        tile_in(&t, c, at, n, stride, in);
        for (uint32_t i = 0; i < c->gates; i++) {
            const unsigned sites = gate_sites(&c->gate[i]);
            eval_gate(s, &c->gate[i], &t, n, index, keys, rows);
            rows += sites * n * sizeof(block);
            index += sites * keys;
        }
        tile_out(&t, c, at, n, stride, out);
    }
out:
    tile_free(&t);
    return rc;
}
