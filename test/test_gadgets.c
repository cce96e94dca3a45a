// SPDX-License-Identifier: ISC
/* Every gadget against integers, in the clear and garbled: exhaustively at small widths, argmax at random as well. */
#include "gc/gadgets.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "base/mem.h"
#include "test/alloc.h"
#include "test/gc_party.h"

/* Runs c over lanes, whose inputs are given bit by bit, in the clear and garbled; both must agree.  out[j] = the output bits of lane j. */
static void run(gc_party *p, const gc_circuit *c, size_t lanes, const uint8_t *eval_bits, const uint8_t *known, uint64_t *out)
{
    const size_t stride = gc_stride(lanes);
    uint8_t *garbled = mem_alloc(c->outputs, stride), *e = mem_alloc(c->eval_inputs, 1), *k = mem_alloc(c->known_inputs, 1);
    uint8_t clear[64];
    ck_assert(garbled && e && k && c->outputs <= 64);
    gc_party_run(p, c, lanes, eval_bits, known, garbled);
    for (size_t j = 0; j < lanes; j++) {
        out[j] = 0;
        for (uint32_t i = 0; i < c->eval_inputs; i++)
            e[i] = eval_bits[i * stride + j];
        for (uint32_t i = 0; i < c->known_inputs; i++)
            k[i] = known[i * stride + j];
        ck_assert_int_eq(gc_circuit_run(c, e, k, clear), 0);
        for (uint32_t o = 0; o < c->outputs; o++) {
            ck_assert_uint_eq(clear[o], garbled[o * stride + j]);
            out[j] |= (uint64_t)clear[o] << o;
        }
    }
    mem_free(garbled), mem_free(e), mem_free(k);
}

enum { ADD, LESS, MUX, GADGETS };

/* _i: which of the words a and b the garbler knows (never both).  Inputs: a, b and a select bit of the evaluator, all 2^(2w+1) values. */
START_TEST(words)
{
    static uint64_t va[512], vb[512], vs[512], got[512], e[512], k[512];
    gc_party p;
    gc_party_init(&p, (uint64_t)_i);
    for (unsigned w = 1; w <= 4; w++)
        for (unsigned gadget = 0; gadget < GADGETS; gadget++) {
            const size_t lanes = (size_t)2 << 2 * w, stride = gc_stride(lanes);
            const unsigned ka = _i == 1, kb = _i == 2, ke = ka + kb; /* words known */
            const unsigned ne = (2 - ke) * w + 1, nk = ke * w;
            gc_circuit *c;
            gc_wire a[4], b[4], out[4];
            uint8_t *eb = mem_alloc(ne, stride), *kbits = mem_alloc(nk + 1, stride);
            ck_assert_int_eq(gc_circuit_create(&c, ne, nk), 0);
            for (unsigned i = 0; i < w; i++) {
                a[i] = ka ? ne + i : 1 + i;
                b[i] = kb ? ne + i : 1 + (ka ? 0 : w) + i;
            }
            if (gadget == ADD)
                gc_word_add(c, out, a, b, w);
            else if (gadget == LESS)
                out[0] = gc_word_less(c, a, b, w);
            else
                gc_word_mux(c, out, 0, a, b, w);
            const unsigned bits = gadget == LESS ? 1 : w;
            for (unsigned i = 0; i < bits; i++)
                gc_output(c, out[i]);
            ck_assert_int_eq(gc_circuit_finish(c), 0);
            ck_assert_uint_eq(c->ands + c->ands_known, gadget == ADD ? w - 1 : w);
            if (gadget == ADD && w > 1)
                ck_assert_uint_eq(c->ands_known, ke); /* the first */

            for (size_t j = 0; j < lanes; j++) {
                vs[j] = j & 1;
                va[j] = j >> 1 & ((1u << w) - 1);
                vb[j] = j >> (1 + w);
                e[j] = vs[j] | (ka ? vb[j] << 1 : kb ? va[j] << 1 : va[j] << 1 | vb[j] << (1 + w));
                k[j] = ka ? va[j] : vb[j];
            }
            gc_party_bits(eb, e, lanes, ne);
            gc_party_bits(kbits, k, lanes, nk);
            run(&p, c, lanes, eb, kbits, got);
            for (size_t j = 0; j < lanes; j++) {
                const uint64_t m = (1u << w) - 1, half = 1u << (w - 1);
                const uint64_t want[GADGETS] = {(va[j] + vb[j]) & m, ((va[j] + half) & m) < ((vb[j] + half) & m), vs[j] ? va[j] : vb[j]};
                ck_assert_uint_eq(got[j], want[gadget]);
            }
            gc_circuit_free(c);
            mem_free(eb), mem_free(kbits);
        }
}
END_TEST

START_TEST(sign)
{
    static uint64_t a[1 << 14], b[1 << 14], got[1 << 14];
    static uint8_t eb[7 << 14], kb[7 << 14];
    gc_party p;
    gc_party_init(&p, 50);
    for (unsigned n = 2; n <= 7; n++) {
        const size_t lanes = (size_t)1 << 2 * n;
        gc_circuit *c;
        ck_assert_int_eq(gc_sign_circuit(&c, n), 0);
        ck_assert_uint_eq(2 * c->ands + c->ands_known, 2 * n - 3);
        for (size_t j = 0; j < lanes; j++) {
            a[j] = j & ((1u << n) - 1);
            b[j] = j >> n;
        }
        gc_party_bits(eb, a, lanes, n);
        gc_party_bits(kb, b, lanes, n);
        run(&p, c, lanes, eb, kb, got);
        for (size_t j = 0; j < lanes; j++)
            ck_assert_uint_eq(got[j], (a[j] + b[j]) % (1u << n) < 1u << (n - 1));
        gc_circuit_free(c);
    }
}
END_TEST

static unsigned argmax_of(const uint64_t *a, const uint64_t *b, unsigned count, unsigned k, unsigned drop)
{
    unsigned best = 0;
    int64_t most = INT64_MIN;
    for (unsigned i = 0; i < count; i++) {
        const int64_t v = ct_signed(ct_low(a[i] + b[i], k), k) >> drop;
        if (v > most) {
            most = v;
            best = i;
        }
    }
    return best;
}

static void argmax(gc_party *p, unsigned count, unsigned k, unsigned drop, size_t lanes, int exhaustive)
{
    const size_t stride = gc_stride(lanes);
    uint64_t *a = mem_alloc(lanes * count, 8), *b = mem_alloc(lanes * count, 8), *got = mem_alloc(lanes, 8);
    uint8_t *eb = mem_alloc(count * k, stride), *kb = mem_alloc(count * k, stride);
    gc_circuit *c;
    ck_assert(a && b && got && eb && kb);
    ck_assert_int_eq(gc_argmax_circuit(&c, count, k, drop), 0);
    ck_assert_uint_eq(c->outputs, gc_index_bits(count));
    for (size_t j = 0; j < lanes; j++)
        for (unsigned i = 0; i < count; i++) {
            uint64_t *x = &a[j * count + i], *y = &b[j * count + i];
            *x = exhaustive ? j >> 2 * k * i & ((1u << k) - 1) : ct_low(prg_u64(&p->rng), k);
            *y = exhaustive ? j >> (2 * k * i + k) & ((1u << k) - 1) : ct_low(prg_u64(&p->rng), k);
            if (!exhaustive && i && prg_u64(&p->rng) % 3 == 0) /* near ties across what is dropped */
                *y = ct_low(x[-1] + y[-1] - *x + prg_u64(&p->rng) % 3 - 1, k);
            for (unsigned t = 0; t < k; t++) {
                eb[(i * k + t) * stride + j] = *x >> t & 1;
                kb[(i * k + t) * stride + j] = *y >> t & 1;
            }
        }
    run(p, c, lanes, eb, kb, got);
    for (size_t j = 0; j < lanes; j++)
        ck_assert_uint_eq(got[j], argmax_of(a + j * count, b + j * count, count, k, drop));
    gc_circuit_free(c);
    mem_free(a), mem_free(b), mem_free(got), mem_free(eb), mem_free(kb);
}

START_TEST(argmax_is_the_first_largest)
{
    gc_party p;
    gc_party_init(&p, 60);
    for (unsigned drop = 0; drop < 3; drop++) {
        argmax(&p, 2, 3, drop, 1 << 12, 1);
        if (drop < 2)
            argmax(&p, 3, 2, drop, 1 << 12, 1);
    }
    for (unsigned count = 2; count <= 17; count++)
        argmax(&p, count, 5, count % 4, 150, 0);
    argmax(&p, 10, 26, 12, 200, 0);
    argmax(&p, 10, 26, 0, 65, 0);
    argmax(&p, 3, 62, 30, 65, 0);
    argmax(&p, 100, 8, 2, 33, 0);
}
END_TEST

START_TEST(refusals)
{
    static const unsigned bad[][3] = {{0, 8, 0}, {1, 8, 0}, {UINT32_MAX, 8, 0}, {10, 0, 0}, {10, 65, 0}, {10, 8, 8}, {10, 8, 9}};
    gc_circuit *c = (gc_circuit *)&c;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(gc_argmax_circuit(&c, bad[i][0], bad[i][1], bad[i][2]), ERR_ARG);
        ck_assert_ptr_null(c);
    }
    for (unsigned n = 0; n < 80; n++) {
        const int rc = gc_sign_circuit(&c, n);
        ck_assert_int_eq(rc, n < 2 || n > 62 ? ERR_ARG : 0);
        ck_assert((rc == 0) == (c != NULL));
        gc_circuit_free(c);
    }
    static const unsigned counts[][2] = {{1, 1}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {8, 3}, {9, 4}, {1024, 10}, {1025, 11}, {65536, 16}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        ck_assert_uint_eq(gc_index_bits(counts[i][0]), counts[i][1]);
}
END_TEST

START_TEST(no_memory)
{
    for (unsigned which = 0; which < 2; which++) {
        gc_circuit *c;
        long n = 1;
        for (long k = 0; k <= n; k++) { /* k = 0: counts */
            test_alloc_fail_at(k);
            const int rc = which ? gc_sign_circuit(&c, 40) : gc_argmax_circuit(&c, 10, 20, 3);
            n = k ? n : test_alloc_count();
            ck_assert_int_eq(rc, k ? ERR_MEM : 0);
            ck_assert((rc == 0) == (c != NULL));
            gc_circuit_free(c);
        }
        ck_assert_int_gt(n, 2);
    }
    test_alloc_fail_at(0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gadgets");
    TCase *t = tcase_create("gadgets");
    tcase_set_timeout(t, 240);
    tcase_add_loop_test(t, words, 0, 3);
    tcase_add_test(t, sign);
    tcase_add_test(t, argmax_is_the_first_largest);
    tcase_add_test(t, refusals);
    tcase_add_test(t, no_memory);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
