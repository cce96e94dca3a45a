// SPDX-License-Identifier: ISC
#include "gc/gate.h"

#include <string.h>

#include "base/crh.h"
#include "base/mem.h"

#define SPAN 64 /* lanes at a time */
_Static_assert(SPAN % CRH_SPAN == 0, "whole keys");

static uint64_t colour_mask(block x) { return 0 - (x.w[0] & 1); }

/* The hashes of SPAN lanes' labels, not left behind on the stack. */
typedef struct {
    block h0[SPAN], h1[SPAN], e0[SPAN], e1[SPAN];
} hashes;

static size_t span(size_t lanes, size_t at) { return lanes - at < SPAN ? lanes - at : SPAN; }

static void put(uint8_t *row, block x) { memcpy(row, &x, sizeof x); }
static block get(const uint8_t *row)
{
    block x;
    memcpy(&x, row, sizeof x);
    return x;
}

static void garble_and(const block *start, const block *delta, uint64_t at_a, uint64_t at_b, const block *a, const block *b, size_t lanes,
                       uint8_t *rows, block *out)
{
    hashes h;
    for (size_t at = 0; at < lanes; at += SPAN) {
        const size_t n = span(lanes, at);
        crh_hash_pair(start, at_a + crh_key(at), h.h0, h.h1, a + at, delta, n);
        crh_hash_pair(start, at_b + crh_key(at), h.e0, h.e1, b + at, delta, n);
        for (size_t j = 0; j < n; j++) {
            const block x = a[at + j], y = b[at + j], te = block_xor(h.e0[j], h.e1[j]);
            const block tg = block_xor(block_xor(h.h0[j], h.h1[j]), block_and(*delta, colour_mask(y)));
            put(rows + 16 * (at + j), tg);
            put(rows + 16 * (lanes + at + j), block_xor(te, x));
            out[at + j] = block_xor(block_xor(h.h0[j], block_and(tg, colour_mask(x))), block_xor(h.e0[j], block_and(te, colour_mask(y))));
        }
    }
    mem_wipe(&h, sizeof h);
}

static void garble_known(const block *start, const block *delta, uint64_t index, const block *a, const uint64_t *y, size_t lanes, uint8_t *row,
                         block *out)
{
    hashes h;
    for (size_t at = 0; at < lanes; at += SPAN) {
        const size_t n = span(lanes, at);
        crh_hash_pair(start, index + crh_key(at), h.h0, h.h1, a + at, delta, n);
        for (size_t j = 0; j < n; j++) {
            const block x = a[at + j], tg = block_xor(block_xor(h.h0[j], h.h1[j]), block_and(*delta, y[at + j]));
            put(row + 16 * (at + j), tg);
            out[at + j] = block_xor(h.h0[j], block_and(tg, colour_mask(x)));
        }
    }
    mem_wipe(&h, sizeof h);
}

static void eval_and(const block *start, uint64_t at_a, uint64_t at_b, const block *a, const block *b, size_t lanes, const uint8_t *rows,
                     block *out)
{
    hashes h;
    for (size_t at = 0; at < lanes; at += SPAN) {
        const size_t n = span(lanes, at);
        crh_hash(start, at_a + crh_key(at), h.h0, a + at, n);
        crh_hash(start, at_b + crh_key(at), h.e0, b + at, n);
        for (size_t j = 0; j < n; j++) {
            const block x = a[at + j], y = b[at + j], tg = get(rows + 16 * (at + j)), te = block_xor(get(rows + 16 * (lanes + at + j)), x);
            out[at + j] = block_xor(block_xor(h.h0[j], block_and(tg, colour_mask(x))), block_xor(h.e0[j], block_and(te, colour_mask(y))));
        }
    }
    mem_wipe(&h, sizeof h);
}

static void eval_known(const block *start, uint64_t index, const block *a, size_t lanes, const uint8_t *row, block *out)
{
    hashes h;
    for (size_t at = 0; at < lanes; at += SPAN) {
        const size_t n = span(lanes, at);
        crh_hash(start, index + crh_key(at), h.h0, a + at, n);
        for (size_t j = 0; j < n; j++)
            out[at + j] = block_xor(h.h0[j], block_and(get(row + 16 * (at + j)), colour_mask(a[at + j])));
    }
    mem_wipe(&h, sizeof h);
}

static void sum(const block *a, const block *b, size_t lanes, block *out)
{
    for (size_t j = 0; j < lanes; j++)
        out[j] = block_xor(a[j], b[j]);
}

const gc_gate_kern gc_gate_portable = {"portable", 0, garble_and, garble_known, eval_and, eval_known, sum};

static int answer(const void *kern, uint64_t *seen)
{
    enum { MOST = 2 * GC_GATE_LANES + 45 };
    static const size_t counts[] = {3, 32, MOST};
    const gc_gate_kern *k = kern;
    block a[MOST], b[MOST], out[MOST] = {0}, start, delta;
    uint64_t y[MOST];
    uint8_t rows[1 + 32 * MOST] = {0}; /* at an odd address */
    kern_fill(a, sizeof a, 7);
    kern_fill(b, sizeof b, 8);
    kern_fill(y, sizeof y, 9);
    start = a[0];
    delta = (block){{b[0].w[0] | 1, b[0].w[1]}};
    for (size_t j = 0; j < MOST; j++)
        y[j] = 0 - (y[j] & 1);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (int what = 0; what < 5; what++) {
            const size_t n = counts[c];
            if (what == 0) k->garble_and(&start, &delta, 1000, 5000, a, b, n, rows + 1, out);
            if (what == 1) k->garble_known(&start, &delta, 77, a, y, n, rows + 1, out);
            if (what < 2) kern_mix(seen, rows + 1, (2 - (size_t)what) * 16 * n);
            else kern_fill(rows + 1, 32 * n, 10); /* else the evaluator's zero labels are those in `out` already */
            if (what == 2) k->eval_known(&start, 77, a, n, rows + 1, out);
            if (what == 3) k->sum(a, b, n, out);
            if (what == 4) k->eval_and(&start, 1000, 5000, a, b, n, rows + 1, out);
            kern_mix(seen, out, n * sizeof *out);
        }
    return 0;
}

kern_set gc_gate_kerns = {.what = "gate", .of = {&gc_gate_portable, &gc_gate_vaes, &gc_gate_vaes512},
                          .answer = answer, .right = UINT64_C(0x77063d78bc73b2b5)};
