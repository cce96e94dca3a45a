// SPDX-License-Identifier: ISC
/* With a_i the evaluator's bits, m the garbler's top bit and s = [v >= 0]:
 *     s v = s signed(v_g) + sum_{i < n-1} 2^i s a_i + (m ? 1 : -1) 2^(n-1) s a_(n-1).
 * A projection of the wire s gives the evaluator R0 + s, R1 + (m ? s : -s) and R2 + s signed(v_g); an evaluator half gate for each a_i does the
 * rest.  docs/SECURITY.md, section 4, has the argument. */
#include "gc/relu.h"

#include <string.h>

#include "base/bits.h"
#include "base/ct.h"
#include "base/mem.h"
#include "gc/gadgets.h"

#define TILE 512 /* lanes hashed at a time */

int gc_relu_check(unsigned n, unsigned l)
{
    if (n < 2 || n > l || l > 62)
        return err_set(ERR_ARG, "ReLU: n = %u, l = %u: 2 <= n <= l <= 62 must hold", n, l);
    if (3 * l - n + 1 > 128)
        return err_set(ERR_ARG, "ReLU: n = %u, l = %u: a projection of %u bits does not fit a hash of 128", n, l, 3 * l - n + 1);
    return 0;
}

/** field_width: bits of the projection's three values. */
static unsigned field_width(unsigned n, unsigned l, int f) { return f == 1 ? l - n + 1 : l; }

size_t gc_relu_bytes(unsigned n, unsigned l, size_t lanes)
{
    size_t bytes = sizeof(block) * (2 * n - 3) * lanes;
    for (int f = 0; f < 3; f++)
        bytes += bits_bytes(lanes, field_width(n, l, f));
    for (unsigned i = 0; i < n; i++)
        bytes += bits_bytes(lanes, l - i);
    return bytes;
}

/** field: the f-th value's bits of a hash. */
static uint64_t field(block h, unsigned n, unsigned l, int f)
{
    const unsigned from = f == 0 ? 0 : f == 1 ? l : 2 * l - n + 1;
    const unsigned __int128 x = (unsigned __int128)h.w[1] << 64 | h.w[0];
    return ct_low((uint64_t)(x >> from), field_width(n, l, f));
}

/** What a call needs: one allocation each. */
typedef struct {
    gc_circuit *sign;
    block *s;                 /* [stride]: labels of the sign */
    uint64_t *v[3], *row[3];  /* [lanes]: R (garbler) or X (evaluator), and rows; row[0] serves the T_i too */
    uint8_t *known;           /* [n][stride]: garbler only */
} work;

static void work_free(work *x)
{
    gc_circuit_free(x->sign);
    mem_free(x->s);
    for (int f = 0; f < 3; f++) {
        mem_free(x->v[f]);
        mem_free(x->row[f]);
    }
    mem_free(x->known);
}

static int work_alloc(work *x, const gc_session *s, unsigned n, unsigned l, size_t lanes, int garbler)
{
    memset(x, 0, sizeof *x);
    int rc = gc_relu_check(n, l);
    if (rc || (rc = gc_room(s, 3 * (uint64_t)n - 2, lanes)) || (rc = gc_sign_circuit(&x->sign, n)))
        return rc;
    x->s = mem_alloc(gc_stride(lanes), sizeof *x->s);
    x->known = garbler ? mem_alloc(n, gc_stride(lanes)) : NULL;
    int ok = x->s && (x->known || !garbler);
    for (int f = 0; f < 3 && ok; f++) {
        x->v[f] = mem_alloc(lanes, sizeof **x->v);
        x->row[f] = mem_alloc(lanes, sizeof **x->row);
        ok = x->v[f] && x->row[f];
    }
    if (!ok)
        return err_set(ERR_MEM, "out of memory for %zu lanes", lanes);
    return 0;
}

static size_t tile_lanes(size_t lanes, size_t at) { return lanes - at < TILE ? lanes - at : TILE; }

/** project_garble: R from the hash of the label of colour 0, the row for colour 1: row reduction. */
static uint8_t *project_garble(const gc_session *g, work *x, unsigned n, unsigned l, size_t lanes, const uint64_t *v_g, uint64_t index,
                               uint8_t *rows)
{
    block h0[TILE], h1[TILE];

    for (size_t at = 0; at < lanes; at += TILE) {
        const size_t m = tile_lanes(lanes, at);
        crh_hash_pair(&g->start, index + at / CRH_LANES, h0, h1, x->s + at, &g->delta, m);
        for (int f = 0; f < 3; f++)
            for (size_t j = 0; j < m; j++) {
                const uint64_t top = v_g[at + j] >> (n - 1) & 1, p = x->s[at + j].w[0] & 1; /* the label of colour 0 means s = p */
                const uint64_t a = field(h0[j], n, l, f), b = field(h1[j], n, l, f);
                const uint64_t value = f == 0 ? 1 : f == 1 ? 2 * top - 1 : v_g[at + j] - (top << n);
                const uint64_t r = ct_select(p, b, a) - (ct_mask(p) & value);
                x->v[f][at + j] = ct_low(r, field_width(n, l, f));
                x->row[f][at + j] = r + (~ct_mask(p) & value) - ct_select(p, a, b);
            }
    }
    mem_wipe(h0, sizeof h0);
    mem_wipe(h1, sizeof h1);
    for (int f = 0; f < 3; f++) {
        bits_pack(rows, x->row[f], lanes, field_width(n, l, f));
        rows += bits_bytes(lanes, field_width(n, l, f));
    }
    return rows;
}

static const uint8_t *project_eval(const gc_session *e, work *x, unsigned n, unsigned l, size_t lanes, uint64_t index, const uint8_t *rows)
{
    block h[TILE];

    for (int f = 0; f < 3; f++) {
        bits_unpack(x->row[f], rows, lanes, field_width(n, l, f));
        rows += bits_bytes(lanes, field_width(n, l, f));
    }
    for (size_t at = 0; at < lanes; at += TILE) {
        const size_t m = tile_lanes(lanes, at);
        crh_hash(&e->start, index + at / CRH_LANES, h, x->s + at, m);
        for (int f = 0; f < 3; f++)
            for (size_t j = 0; j < m; j++) {
                const uint64_t row = x->row[f][at + j] & ct_mask(x->s[at + j].w[0] & 1);
                x->v[f][at + j] = ct_low(field(h[j], n, l, f) + row, field_width(n, l, f));
            }
    }
    return rows;
}

int gc_relu_garble(gc_session *g, unsigned n, unsigned l, size_t lanes, const block *in0, const uint64_t *v_g, uint8_t *rows, uint64_t *share)
{
    const size_t stride = gc_stride(lanes);
    block h0[TILE], h1[TILE];
    uint64_t index = 0;
    work x;
    int rc = work_alloc(&x, g, n, l, lanes, 1);
    if (rc)
        goto out;
    for (unsigned i = 0; i < n; i++)
        for (size_t j = 0; j < lanes; j++)
            x.known[i * stride + j] = (uint8_t)(v_g[j] >> i & 1);
    if ((rc = gc_garble(g, x.sign, lanes, in0, x.known, rows, x.s)) || (rc = gc_take_indices(g, n + 1, lanes, &index)))
        goto out;
    rows += gc_circuit_row_bytes(x.sign, lanes);
    rows = project_garble(g, &x, n, l, lanes, v_g, index, rows);

    for (size_t j = 0; j < lanes; j++)
        share[j] = 0 - x.v[2][j];
    for (unsigned i = 0; i < n; i++) { /* T_i = H(A_i) - H(A_i ^ delta) - R */
        const uint64_t *r = x.v[i + 1 == n];
        index += crh_keys(lanes);
        for (size_t at = 0; at < lanes; at += TILE) {
            const size_t m = tile_lanes(lanes, at);
            crh_hash_pair(&g->start, index + at / CRH_LANES, h0, h1, in0 + i * stride + at, &g->delta, m);
            for (size_t j = 0; j < m; j++) {
                x.row[0][at + j] = ct_low(h0[j].w[0] - h1[j].w[0] - r[at + j], l - i);
                share[at + j] -= h0[j].w[0] << i;
            }
        }
        bits_pack(rows, x.row[0], lanes, l - i);
        rows += bits_bytes(lanes, l - i);
    }
    for (size_t j = 0; j < lanes; j++)
        share[j] = ct_low(share[j], l);
out:
    mem_wipe(h0, sizeof h0);
    mem_wipe(h1, sizeof h1);
    work_free(&x);
    return rc;
}

int gc_relu_eval(gc_session *e, unsigned n, unsigned l, size_t lanes, const block *in, const uint64_t *v_e, const uint8_t *rows, uint64_t *share)
{
    const size_t stride = gc_stride(lanes);
    block h[TILE];
    uint64_t index = 0;
    work x;
    int rc = work_alloc(&x, e, n, l, lanes, 0);
    if (rc || (rc = gc_eval(e, x.sign, lanes, in, rows, x.s)) || (rc = gc_take_indices(e, n + 1, lanes, &index)))
        goto out;
    rows += gc_circuit_row_bytes(x.sign, lanes);
    rows = project_eval(e, &x, n, l, lanes, index, rows);

    memcpy(share, x.v[2], lanes * sizeof *share);
    for (unsigned i = 0; i < n; i++) { /* H(A_i^a) + a (T_i + R + s) = H(A_i^0) + s a */
        const uint64_t *r = x.v[i + 1 == n];
        index += crh_keys(lanes);
        bits_unpack(x.row[0], rows, lanes, l - i);
        rows += bits_bytes(lanes, l - i);
        for (size_t at = 0; at < lanes; at += TILE) {
            const size_t m = tile_lanes(lanes, at);
            crh_hash(&e->start, index + at / CRH_LANES, h, in + i * stride + at, m);
            for (size_t j = 0; j < m; j++)
                share[at + j] += (h[j].w[0] + (ct_mask(v_e[at + j] >> i & 1) & (x.row[0][at + j] + r[at + j]))) << i;
        }
    }
    for (size_t j = 0; j < lanes; j++)
        share[j] = ct_low(share[j], l);
out:
    mem_wipe(h, sizeof h);
    work_free(&x);
    return rc;
}
