// SPDX-License-Identifier: ISC
/* With a_i the evaluator's bits, m the garbler's top bit and s = [v >= 0]:
 *     s v = s signed(v_g) + sum_{i < n-1} 2^i s a_i + (m ? 1 : -1) 2^(n-1) s a_(n-1).
 * A projection of the wire s gives the evaluator R0 + s, R1 + (m ? s : -s) and R2 + s signed(v_g); an evaluator half gate for each a_i does the
 * rest.  docs/SECURITY.md, section 4, has the argument. */
#include "gc/relu.h"

#include <string.h>

#include "base/bits.h"
#include "base/mem.h"
#include "gc/gadgets.h"
#include "gc/relu_kern.h"

#define TILE GC_RELU_TILE
_Static_assert(TILE % CRH_SPAN == 0, "a tile is whole keys");

int gc_relu_check(unsigned n, unsigned l)
{
    if (n < 2 || n > l || l > 62)
        return err_set(ERR_ARG, "ReLU: n = %u, l = %u: 2 <= n <= l <= 62 must hold", n, l);
    if (3 * l - n + 1 > 128)
        return err_set(ERR_ARG, "ReLU: n = %u, l = %u: a projection of %u bits does not fit a hash of 128", n, l, 3 * l - n + 1);
    return 0;
}

size_t gc_relu_bytes(unsigned n, unsigned l, size_t lanes)
{
    size_t bytes = sizeof(block) * (2 * n - 3) * lanes;
    for (int f = 0; f < 3; f++)
        bytes += bits_bytes(lanes, gc_relu_width(n, l, f));
    for (unsigned i = 0; i < n; i++)
        bytes += bits_bytes(lanes, l - i);
    return bytes;
}

/* What a call needs. */
typedef struct {
    block h0[TILE], h1[TILE];
    uint64_t r[3][TILE], row[3][TILE]; /* R (garbler) or R + ... (evaluator), and rows; row[0] serves the T_i too */
} tile;

typedef struct {
    gc_circuit *sign;
    block *s;        /* [stride]: labels of the sign */
    uint8_t *known;  /* [n][stride]: garbler only */
    tile *t;
} work;

static void work_free(work *x)
{
    gc_circuit_free(x->sign);
    mem_free(x->s);
    mem_free(x->known);
    mem_free(x->t);
}

static int work_alloc(work *x, const gc_session *s, unsigned n, unsigned l, size_t lanes, int garbler)
{
    memset(x, 0, sizeof *x);
    int rc = gc_relu_check(n, l);
    if (rc || (rc = gc_room(s, 3 * (uint64_t)n - 2, lanes)) || (rc = gc_sign_circuit(&x->sign, n)))
        return rc;
    x->s = mem_alloc(gc_stride(lanes), sizeof *x->s);
    x->known = garbler ? mem_alloc(n, gc_stride(lanes)) : NULL;
    x->t = mem_alloc(1, sizeof *x->t);
    if (!x->s || !x->t || (garbler && !x->known))
        return err_set(ERR_MEM, "out of memory for %zu lanes", lanes);
    return 0;
}

static size_t tile_lanes(size_t lanes, size_t at) { return lanes - at < TILE ? lanes - at : TILE; }

/* One tile, whose part of each kind of rows begins at a byte: the projection, then T_i = H(A_i) - H(A_i ^ delta) - R for each bit. */
static void garble_tile(const gc_session *g, const work *x, unsigned n, unsigned l, size_t lanes, size_t at, const block *in0, const uint64_t *v_g,
                        uint64_t index, uint8_t *rows, uint64_t *share)
{
    const gc_relu_kern *k = gc_relu_best();
    const size_t m = tile_lanes(lanes, at);
    tile *t = x->t;
    index += crh_key(at);
    crh_hash_pair(&g->start, index, t->h0, t->h1, x->s + at, &g->delta, m);
    k->project_garble(t->r, t->row, t->h0, t->h1, x->s + at, v_g + at, n, l, m);
    for (int f = 0; f < 3; f++) {
        const unsigned w = gc_relu_width(n, l, f);
        bits_pack(rows + at * w / 8, t->row[f], m, w);
        rows += bits_bytes(lanes, w);
    }
    for (size_t j = 0; j < m; j++)
        share[j] = 0 - t->r[2][j];
    for (unsigned i = 0; i < n; i++) {
        index += crh_keys(lanes);
        crh_hash_pair(&g->start, index, t->h0, t->h1, in0 + i * gc_stride(lanes) + at, &g->delta, m);
        k->half_garble(t->row[0], share, t->h0, t->h1, t->r[i + 1 == n], i, m);
        bits_pack(rows + at * (l - i) / 8, t->row[0], m, l - i);
        rows += bits_bytes(lanes, l - i);
    }
    k->reduce(share, l, m);
}

/* One tile: H(A_i^a) + a (T_i + R + s) = H(A_i^0) + s a for each bit. */
static void eval_tile(const gc_session *e, const work *x, unsigned n, unsigned l, size_t lanes, size_t at, const block *in, const uint64_t *v_e,
                      uint64_t index, const uint8_t *rows, uint64_t *share)
{
    const gc_relu_kern *k = gc_relu_best();
    const size_t m = tile_lanes(lanes, at);
    tile *t = x->t;
    index += crh_key(at);
    for (int f = 0; f < 3; f++) {
        const unsigned w = gc_relu_width(n, l, f);
        bits_unpack(t->row[f], rows + at * w / 8, m, w);
        rows += bits_bytes(lanes, w);
    }
    crh_hash(&e->start, index, t->h0, x->s + at, m);
    k->project_eval(t->r, (const uint64_t(*)[TILE])t->row, t->h0, x->s + at, n, l, m);
    memcpy(share, t->r[2], m * sizeof *share);
    for (unsigned i = 0; i < n; i++) {
        index += crh_keys(lanes);
        bits_unpack(t->row[0], rows + at * (l - i) / 8, m, l - i);
        rows += bits_bytes(lanes, l - i);
        crh_hash(&e->start, index, t->h0, in + i * gc_stride(lanes) + at, m);
        k->half_eval(share, t->row[0], t->h0, t->r[i + 1 == n], v_e, i, m);
    }
    k->reduce(share, l, m);
}

int gc_relu_garble(gc_session *g, unsigned n, unsigned l, size_t lanes, const block *in0, const uint64_t *v_g, uint8_t *rows, uint64_t *share)
{
    uint64_t index = 0;
    work x;
    int rc = work_alloc(&x, g, n, l, lanes, 1);
    if (rc)
        goto out;
    for (unsigned i = 0; i < n; i++)
        gc_relu_best()->bit(x.known + i * gc_stride(lanes), v_g, i, lanes);
    if ((rc = gc_garble(g, x.sign, lanes, in0, x.known, rows, x.s)) || (rc = gc_take_indices(g, n + 1, lanes, &index)))
        goto out;
    rows += gc_circuit_row_bytes(x.sign, lanes);
    for (size_t at = 0; at < lanes; at += TILE)
        garble_tile(g, &x, n, l, lanes, at, in0, v_g, index, rows, share + at);
out:
    mem_wipe_stack();
    work_free(&x);
    return rc;
}

int gc_relu_eval(gc_session *e, unsigned n, unsigned l, size_t lanes, const block *in, const uint64_t *v_e, const uint8_t *rows, uint64_t *share)
{
    uint64_t index = 0;
    work x;
    int rc = work_alloc(&x, e, n, l, lanes, 0);
    if (rc || (rc = gc_eval(e, x.sign, lanes, in, rows, x.s)) || (rc = gc_take_indices(e, n + 1, lanes, &index)))
        goto out;
    rows += gc_circuit_row_bytes(x.sign, lanes);
    for (size_t at = 0; at < lanes; at += TILE)
        eval_tile(e, &x, n, l, lanes, at, in, v_e + at, index, rows, share + at);
out:
    work_free(&x);
    return rc;
}
