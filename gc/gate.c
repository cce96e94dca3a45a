// SPDX-License-Identifier: ISC
#include "gc/gate.h"

#include <stdatomic.h>
#include <string.h>

#include "base/cpu.h"
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

const gc_gate_kern gc_gate_portable = {"portable", garble_and, garble_known, eval_and, eval_known, sum};

const gc_gate_kern *gc_gate_best(void)
{
    static _Atomic(const gc_gate_kern *) best;
    const gc_gate_kern *k = atomic_load_explicit(&best, memory_order_relaxed);
    if (!k) {
        const unsigned f = cpu_features();
        k = !(f & CPU_VAES) || !(f & CPU_AESNI) ? &gc_gate_portable : f & CPU_AVX512 ? &gc_gate_vaes512 : &gc_gate_vaes;
        atomic_store_explicit(&best, k, memory_order_relaxed);
    }
    return k;
}
