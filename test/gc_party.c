// SPDX-License-Identifier: ISC
#include "test/gc_party.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "base/mem.h"
#include "gc/relu.h"

#define CANARY 0xa5

void gc_party_init(gc_party *p, uint64_t seed)
{
    const uint8_t s[PRG_SEED_BYTES] = "garbled";
    memset(p, 0, sizeof *p);
    prg_init(&p->rng, s, PRG_TEST, seed);
    prg_bytes(&p->rng, &p->g.delta, sizeof(block));
    prg_bytes(&p->rng, &p->g.start, sizeof(block));
    p->g.delta.w[0] |= 1;
    p->e.start = p->g.start;
}

void gc_party_deal(gc_party *p, block *q, block *t, const uint8_t *bits, size_t wires, size_t lanes)
{
    const size_t n = wires * gc_stride(lanes);
    prg_bytes(&p->rng, q, n * sizeof *q);
    for (size_t i = 0; i < n; i++)
        t[i] = block_xor(q[i], block_and(p->g.delta, 0 - (uint64_t)(bits[i] & 1)));
}

void gc_party_run(gc_party *p, const gc_circuit *c, size_t lanes, const uint8_t *eval_bits, const uint8_t *known, uint8_t *out)
{
    const size_t stride = gc_stride(lanes), bytes = gc_circuit_row_bytes(c, lanes), outs = c->outputs * stride;
    block *q = mem_alloc(c->eval_inputs * stride, sizeof *q), *t = mem_alloc(c->eval_inputs * stride, sizeof *t);
    block *out0 = mem_alloc(outs, sizeof *out0), *act = mem_alloc(outs, sizeof *act);
    uint8_t *rows = malloc(bytes + 2), *mine = malloc(outs / 8), *theirs = malloc(outs / 8);
    ck_assert(q && t && out0 && act && rows && mine && theirs);
    ck_assert_uint_eq(bytes, 16 * lanes * (2 * (size_t)c->ands + c->ands_known));

    gc_party_deal(p, q, t, eval_bits, c->eval_inputs, lanes);
    memset(rows, CANARY, bytes + 2);
    ck_assert_int_eq(gc_garble(&p->g, c, lanes, q, known, rows + 1, out0), 0); /* rows at an odd address */
    ck_assert_int_eq(gc_eval(&p->e, c, lanes, t, rows + 1, act), 0);
    ck_assert_uint_eq(p->g.index, p->e.index);
    ck_assert(rows[0] == CANARY && rows[bytes + 1] == CANARY);
    gc_colours(mine, out0, c->outputs, lanes);
    gc_colours(theirs, act, c->outputs, lanes);
    for (size_t o = 0; o < c->outputs; o++)
        for (size_t j = 0; j < lanes; j++) {
            const size_t i = o * stride + j;
            const uint8_t bit = (mine[i / 8] ^ theirs[i / 8]) >> i % 8 & 1;
            out[i] = bit;
            const block want = block_xor(out0[i], block_and(p->g.delta, 0 - (uint64_t)bit)); /* the whole label, not its colour alone */
            if (memcmp(&want, &act[i], sizeof want)) /* ck_assert writes to a file each time: too slow for millions of labels */
                ck_abort_msg("output %zu, lane %zu: neither of the two labels", o, j);
        }
    mem_free(q), mem_free(t), mem_free(out0), mem_free(act);
    free(rows), free(mine), free(theirs);
}

void gc_party_bits(uint8_t *bits, const uint64_t *v, size_t lanes, unsigned width)
{
    const size_t stride = gc_stride(lanes);
    for (unsigned i = 0; i < width; i++)
        for (size_t j = 0; j < stride; j++)
            bits[i * stride + j] = j < lanes ? v[j] >> i & 1 : 1;
}

void gc_party_relu(gc_party *p, unsigned n, unsigned l, size_t lanes, const uint64_t *v_g, const uint64_t *v_e, uint64_t *sum)
{
    const size_t stride = gc_stride(lanes), bytes = gc_relu_bytes(n, l, lanes);
    block *q = mem_alloc(n * stride, sizeof *q), *t = mem_alloc(n * stride, sizeof *t);
    uint8_t *bits = malloc(n * stride), *rows = malloc(bytes + 2);
    uint64_t *other = malloc(lanes * sizeof *other);
    ck_assert(q && t && bits && rows && other);

    gc_party_bits(bits, v_e, lanes, n);
    gc_party_deal(p, q, t, bits, n, lanes);
    memset(rows, CANARY, bytes + 2);
    ck_assert_int_eq(gc_relu_garble(&p->g, n, l, lanes, q, v_g, rows + 1, sum), 0);
    ck_assert_int_eq(gc_relu_eval(&p->e, n, l, lanes, t, v_e, rows + 1, other), 0);
    ck_assert_uint_eq(p->g.index, p->e.index);
    ck_assert(rows[0] == CANARY && rows[bytes + 1] == CANARY);
    for (size_t j = 0; j < lanes; j++) {
        if (sum[j] >> l || other[j] >> l)
            ck_abort_msg("lane %zu: a share is not below 2^%u", j, l);
        sum[j] = ct_low(sum[j] + other[j], l);
    }
    mem_free(q), mem_free(t);
    free(bits), free(rows), free(other);
}
