// SPDX-License-Identifier: ISC
/* The builder: constants and equal operands fold, known wires stay known, random programs keep their meaning, misuse is refused. */
#include "gc/circuit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test/alloc.h"
#include "test/gc_program.h"

static gc_circuit *create(uint32_t eval_inputs, uint32_t known_inputs)
{
    gc_circuit *c;
    ck_assert_int_eq(gc_circuit_create(&c, eval_inputs, known_inputs), 0);
    return c;
}

START_TEST(folding)
{
    gc_circuit *c = create(2, 2);
    const gc_wire zero = gc_const(c, 0), one = gc_const(c, 1);
    ck_assert(zero != one && c->known[zero] && c->known[one]);
    for (gc_wire w = 0; w < 4; w++) { /* two label wires, two known ones */
        ck_assert_uint_eq(gc_xor(c, w, zero), w);
        ck_assert_uint_eq(gc_xor(c, zero, w), w);
        ck_assert_uint_eq(gc_xor(c, w, w), zero);
        ck_assert_uint_eq(gc_and(c, w, zero), zero);
        ck_assert_uint_eq(gc_and(c, zero, w), zero);
        ck_assert_uint_eq(gc_and(c, w, one), w);
        ck_assert_uint_eq(gc_and(c, one, w), w);
        ck_assert_uint_eq(gc_and(c, w, w), w);
        ck_assert_uint_eq(gc_mux(c, one, w, 0), w);
        ck_assert_uint_eq(gc_mux(c, zero, 0, w), w);
        ck_assert_uint_eq(gc_mux(c, 0, w, w), w);
    }
    ck_assert_uint_eq(gc_xor(c, zero, one), one);
    ck_assert_uint_eq(gc_xor(c, one, one), zero);
    ck_assert_uint_eq(gc_not(c, one), zero);
    ck_assert_uint_eq(gc_not(c, zero), one);
    ck_assert_uint_eq(gc_and(c, one, one), one);
    gc_circuit_free(c);
}
END_TEST

START_TEST(kinds)
{
    gc_circuit *c = create(2, 2);
    const gc_wire label = gc_and(c, 0, 1), half = gc_and(c, 2, 0), flip = gc_xor(c, 3, 1);
    const gc_wire known = gc_xor(c, gc_and(c, 2, 3), 2), other = gc_and(c, known, label), not = gc_not(c, label);
    ck_assert(!c->known[label] && !c->known[half] && !c->known[flip] && c->known[known] && !c->known[other] && !c->known[not]);
    gc_output(c, gc_xor(c, gc_xor(c, half, flip), gc_xor(c, other, not)));
    ck_assert_int_eq(gc_circuit_finish(c), 0);
    ck_assert_uint_eq(c->ands, 1);
    ck_assert_uint_eq(c->ands_known, 2);
    for (uint32_t i = 0; i < c->gates; i++) { /* topological, and a known operand stands second */
        const gc_gate *g = &c->gate[i];
        ck_assert(g->a < g->out && g->b < g->out && g->out < c->wires);
        ck_assert_int_eq(c->known[g->a], g->op == GC_KNOWN_XOR || g->op == GC_KNOWN_AND);
        ck_assert_int_eq(c->known[g->b], g->op != GC_XOR && g->op != GC_AND);
        ck_assert_int_eq(c->known[g->out], c->known[g->a] && c->known[g->b]);
    }
    gc_circuit_free(c);
}
END_TEST

START_TEST(programs)
{
    const uint8_t seed[PRG_SEED_BYTES] = "programs";
    prg g;
    prg_init(&g, seed, PRG_TEST, 0);
    for (unsigned round = 0; round < 300; round++) {
        static gc_program p;
        const unsigned e = 1 + round % 6, k = round % 5;
        gc_program_random(&p, &g, e, k, 1 + round % GC_PROGRAM_NODES);
        gc_circuit *c = gc_program_build(&p);
        for (unsigned x = 0; x < 1u << (e + k); x++) {
            uint8_t in[16], want[GC_PROGRAM_OUTPUTS], got[GC_PROGRAM_OUTPUTS];
            for (unsigned i = 0; i < e + k; i++)
                in[i] = x >> i & 1;
            gc_program_run(&p, in, in + e, want);
            ck_assert_int_eq(gc_circuit_run(c, in, in + e, got), 0);
            ck_assert_mem_eq(want, got, p.outputs);
        }
        gc_circuit_free(c);
    }
}
END_TEST

/* Wires that the labels' XOR would drop out of: known wires or constants stand in their place. */
START_TEST(cancelled_labels)
{
    gc_circuit *c = create(3, 2);
    const gc_wire x = 0, y = 1, s = 2, k = 3, l = 4, zero = gc_const(c, 0), one = gc_const(c, 1);
    ck_assert_uint_eq(gc_xor(c, gc_not(c, x), x), one);
    ck_assert_uint_eq(gc_xor(c, gc_xor(c, x, k), x), k);
    ck_assert_uint_eq(gc_xor(c, gc_xor(c, x, k), gc_xor(c, k, x)), zero);
    const gc_wire both = gc_xor(c, gc_xor(c, gc_xor(c, x, k), y), gc_xor(c, gc_xor(c, y, l), x));
    ck_assert(c->known[both] && both != k && both != l);
    const gc_wire a = gc_and(c, x, y);
    ck_assert_uint_eq(gc_xor(c, gc_xor(c, gc_xor(c, a, s), k), gc_xor(c, s, a)), k);
    ck_assert_uint_eq(gc_and(c, x, gc_not(c, x)), zero);
    ck_assert_uint_eq(gc_or(c, x, gc_not(c, x)), one);
    const uint32_t ands = c->ands, known = c->ands_known;
    ck_assert(!c->known[gc_and(c, x, gc_xor(c, x, k))]); /* x & ~k */
    ck_assert_uint_eq(c->ands, ands);
    ck_assert_uint_eq(c->ands_known, known + 1);
    const gc_wire m = gc_mux(c, s, gc_not(c, x), x); /* s ^ x */
    ck_assert_uint_eq(gc_xor(c, gc_xor(c, m, x), s), zero);
    ck_assert_uint_eq(c->ands, ands);
    gc_circuit_free(c);
}
END_TEST

/* Exactly, gate by gate: the set of independent wires whose labels make up a label is empty just where the garbler knows the wire. */
START_TEST(no_label_is_empty)
{
    enum { WORDS = 8 };
    const uint8_t seed[PRG_SEED_BYTES] = "sets";
    unsigned xors = 0;
    prg g;
    prg_init(&g, seed, PRG_TEST, 0);
    for (unsigned round = 0; round < 400; round++) {
        static gc_program p;
        gc_program_random(&p, &g, 1 + round % 3, round % 4, 1 + round % GC_PROGRAM_NODES);
        gc_circuit *c = gc_program_build(&p);
        uint64_t(*set)[WORDS] = mem_alloc(c->wires, sizeof *set);
        unsigned fresh = 0;
        ck_assert_ptr_nonnull(set);
        for (gc_wire w = 0; w < c->eval_inputs; w++, fresh++)
            set[w][fresh / 64] |= UINT64_C(1) << fresh % 64;
        for (uint32_t i = 0; i < c->gates; i++) {
            const gc_gate *e = &c->gate[i];
            uint64_t any = 0;
            if (e->op == GC_AND || e->op == GC_AND_KNOWN) {
                ck_assert_uint_lt(fresh, 64 * WORDS);
                set[e->out][fresh / 64] |= UINT64_C(1) << fresh % 64;
                fresh++;
            }
            for (unsigned j = 0; j < WORDS; j++) {
                if (e->op == GC_XOR || e->op == GC_XOR_KNOWN)
                    set[e->out][j] = set[e->a][j] ^ set[e->b][j];
                any |= set[e->out][j];
            }
            xors += e->op == GC_XOR;
            if ((any == 0) != c->known[e->out])
                ck_abort_msg("round %u, gate %u", round, i);
        }
        gc_circuit_free(c);
        mem_free(set);
    }
    ck_assert_uint_gt(xors, 1000);
}
END_TEST

/* A hash of a wire's number that anybody can compute, as the builder once named wires by, and a set of numbers whose
 * hashes cancel: 65 of them always have one. */
static uint64_t known_name(uint64_t w)
{
    uint64_t x = (w + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

enum { NAMED = 65 };

static void collision(uint8_t in[NAMED], uint64_t from)
{
    uint64_t sum[64] = {0}; /* [b]: one whose highest bit is b, and of which wires it is the sum */
    uint8_t of[64][NAMED] = {{0}};
    for (unsigned w = 0; w < NAMED; w++) {
        uint64_t x = known_name(from + w);
        memset(in, 0, NAMED);
        in[w] = 1;
        while (x && sum[63 - __builtin_clzll(x)]) {
            const int b = 63 - __builtin_clzll(x);
            x ^= sum[b];
            for (unsigned i = 0; i < NAMED; i++)
                in[i] ^= of[b][i];
        }
        if (!x)
            return;
        sum[63 - __builtin_clzll(x)] = x;
        memcpy(of[63 - __builtin_clzll(x)], in, NAMED);
    }
    ck_abort_msg("65 words of 64 bits are independent");
}

/* Of the set, some wires' sum and the others': their AND, XOR and multiplexer are what they say, for ANDs' wires as for
 * inputs'. */
START_TEST(foreseen_names)
{
    enum { INPUTS = 2 * NAMED, OUTPUTS = 4 };
    const uint8_t seed[PRG_SEED_BYTES] = "foreseen";
    prg g;
    prg_init(&g, seed, PRG_TEST, 0);
    for (unsigned gates = 0; gates < 2; gates++)
        for (unsigned cut = 1; cut < 4; cut++) {
            const gc_wire from = gates ? INPUTS + 2 : 0; /* two constants stand before the gates */
            uint8_t set[NAMED], bits[INPUTS];
            gc_circuit *c = create(INPUTS, 0);
            gc_wire sum[2] = {gc_const(c, 0), gc_const(c, 0)};
            for (gc_wire i = 0; i < NAMED && gates; i++)
                ck_assert_uint_eq(gc_and(c, 2 * i, 2 * i + 1), from + i);
            collision(set, from);
            for (gc_wire i = 0, taken = 0; i < NAMED; i++)
                if (set[i]) {
                    gc_wire *to = &sum[taken++ < cut];
                    *to = gc_xor(c, *to, from + i);
                }
            gc_output(c, gc_and(c, sum[0], sum[1]));
            gc_output(c, gc_xor(c, sum[0], sum[1]));
            gc_output(c, gc_mux(c, sum[0], sum[1], 0));
            gc_output(c, gc_or(c, sum[1], sum[0]));
            ck_assert_int_eq(gc_circuit_finish(c), 0);
            for (unsigned round = 0; round < 200; round++) {
                uint8_t got[OUTPUTS];
                unsigned s[2] = {0, 0};
                prg_bytes(&g, bits, sizeof bits);
                for (unsigned i = 0; i < INPUTS; i++)
                    bits[i] &= 1;
                for (unsigned i = 0, taken = 0; i < NAMED; i++)
                    if (set[i])
                        s[taken++ < cut] ^= gates ? bits[2 * i] & bits[2 * i + 1] : bits[i];
                ck_assert_int_eq(gc_circuit_run(c, bits, NULL, got), 0);
                ck_assert_uint_eq(got[0], s[0] & s[1]);
                ck_assert_uint_eq(got[1], s[0] ^ s[1]);
                ck_assert_uint_eq(got[2], s[0] ? s[1] : bits[0]);
                ck_assert_uint_eq(got[3], s[0] | s[1]);
            }
            gc_circuit_free(c);
        }
}
END_TEST

/* Names differ from one circuit to the next; gates do not. */
START_TEST(equal_for_both_parties)
{
    const uint8_t seed[PRG_SEED_BYTES] = "both";
    prg g;
    prg_init(&g, seed, PRG_TEST, 0);
    for (unsigned round = 0; round < 100; round++) {
        static gc_program p;
        gc_program_random(&p, &g, 1 + round % 4, round % 4, 1 + round % GC_PROGRAM_NODES);
        gc_circuit *a = gc_program_build(&p), *b = gc_program_build(&p);
        ck_assert_mem_ne(a->trace[0].set, b->trace[0].set, sizeof a->trace[0].set);
        ck_assert(a->wires == b->wires && a->gates == b->gates && a->outputs == b->outputs);
        for (uint32_t i = 0; i < a->gates; i++)
            ck_assert(a->gate[i].op == b->gate[i].op && a->gate[i].a == b->gate[i].a && a->gate[i].b == b->gate[i].b);
        for (uint32_t i = 0; i < a->outputs; i++)
            ck_assert_uint_eq(a->output[i], b->output[i]);
        gc_circuit_free(a);
        gc_circuit_free(b);
    }
}
END_TEST

START_TEST(misuse)
{
    gc_circuit *c;
    ck_assert_int_eq(gc_circuit_create(&c, UINT32_MAX, 1), ERR_ARG);
    ck_assert_ptr_null(c);
    ck_assert_int_eq(gc_circuit_create(&c, 1, UINT32_MAX), ERR_ARG);
    ck_assert_ptr_null(c);
    for (unsigned k = 0; k < 5; k++) { /* outputs that the garbler knows */
        c = create(1, 2);
        gc_output(c, 0);
        gc_output(c, k == 0 ? gc_const(c, 0) : k == 1 ? gc_const(c, 1) : k == 2 ? 1 : k == 3 ? gc_xor(c, 1, 2) : gc_and(c, 1, 2));
        ck_assert_int_eq(gc_circuit_finish(c), ERR_ARG);
        gc_circuit_free(c);
    }
    for (unsigned k = 0; k < 4; k++) { /* wires that do not exist */
        c = create(1, 0);
        const gc_wire none = 1000000;
        if (k == 3)
            gc_output(c, none);
        else
            gc_output(c, k == 0 ? gc_xor(c, 0, none) : k == 1 ? gc_and(c, none, 0) : gc_not(c, none));
        gc_output(c, 0);
        ck_assert_int_eq(gc_circuit_finish(c), ERR_ARG);
        gc_circuit_free(c);
    }
    gc_circuit_free(NULL);
}
END_TEST

/* A circuit large enough that every array grows. */
static int build(void)
{
    gc_circuit *c;
    int rc = gc_circuit_create(&c, 3, 3);
    if (rc)
        return rc;
    gc_wire x = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        x = gc_xor(c, gc_and(c, x, 1 + i % 5), 1 + i % 2);
        gc_output(c, gc_xor(c, x, 2));
    }
    if (!(rc = gc_circuit_finish(c))) {
        const uint8_t in[6] = {1, 0, 1, 1, 1, 0};
        uint8_t *out = mem_alloc(c->outputs, 1);
        rc = out ? gc_circuit_run(c, in, in + 3, out) : ERR_MEM;
        mem_free(out);
    }
    gc_circuit_free(c);
    return rc;
}

START_TEST(no_memory)
{
    test_alloc_fail_at(0);
    ck_assert_int_eq(build(), 0);
    const long n = test_alloc_count();
    ck_assert_int_gt(n, 8);
    for (long k = 1; k <= n; k++) {
        test_alloc_fail_at(k);
        ck_assert_int_eq(build(), ERR_MEM);
    }
    test_alloc_fail_at(0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("circuit");
    TCase *t = tcase_create("circuit");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, folding);
    tcase_add_test(t, kinds);
    tcase_add_test(t, programs);
    tcase_add_test(t, cancelled_labels);
    tcase_add_test(t, no_label_is_empty);
    tcase_add_test(t, foreseen_names);
    tcase_add_test(t, equal_for_both_parties);
    tcase_add_test(t, misuse);
    tcase_add_test(t, no_memory);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
