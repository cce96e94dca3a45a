// SPDX-License-Identifier: ISC
/* ReLU on shares against integers: exhaustively for small widths, at random for those of networks; what the evaluator sees; refusals. */
#include "gc/relu.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "base/mem.h"
#include "test/gc_party.h"

static uint64_t relu_of(uint64_t v, unsigned n) /* v modulo 2^n, signed, by comparison */
{
    v %= UINT64_C(1) << n;
    return v < UINT64_C(1) << (n - 1) ? v : 0;
}

static void expect(unsigned n, unsigned l, size_t lanes, const uint64_t *v_g, const uint64_t *v_e, const uint64_t *sum)
{
    for (size_t j = 0; j < lanes; j++)
        if (sum[j] != relu_of(v_g[j] + v_e[j], n))
            ck_abort_msg("n = %u, l = %u: %llu + %llu gives %llu", n, l, (unsigned long long)v_g[j], (unsigned long long)v_e[j],
                         (unsigned long long)sum[j]);
}

START_TEST(every_pair_of_shares)
{
    static const unsigned sizes[][2] = {{2, 2}, {2, 5}, {3, 3}, {4, 4}, {4, 7}, {5, 9}, {5, 44}, {6, 8}, {8, 8}, {8, 16}, {8, 26}};
    static uint64_t v_g[1 << 16], v_e[1 << 16], sum[1 << 16];
    gc_party p;
    const unsigned n = sizes[_i][0], l = sizes[_i][1];
    const size_t lanes = (size_t)1 << 2 * n;
    gc_party_init(&p, (uint64_t)_i);
    for (size_t j = 0; j < lanes; j++) {
        v_g[j] = j & ((1u << n) - 1);
        v_e[j] = j >> n;
    }
    gc_party_relu(&p, n, l, lanes, v_g, v_e, sum);
    expect(n, l, lanes, v_g, v_e, sum);
}
END_TEST

START_TEST(random_shares_and_edges)
{
    static const unsigned sizes[][2] = {{12, 24}, {14, 26}, {12, 27}, {32, 32}, {16, 47}, {48, 58}, {62, 62}};
    static const size_t lanes[] = {1, 7, 8, 9, 63, 64, 65, 127, 128, 129, 200, 1000};
    static uint64_t v_g[1000], v_e[1000], sum[1000];
    const unsigned n = sizes[_i][0], l = sizes[_i][1];
    const uint64_t half = UINT64_C(1) << (n - 1);
    const uint64_t edge[] = {0, 1, half - 1, half, half + 1, 2 * half - 1};
    gc_party p;
    gc_party_init(&p, 100 + (uint64_t)_i);
    for (size_t k = 0; k < sizeof lanes / sizeof *lanes; k++) {
        for (size_t j = 0; j < lanes[k]; j++) {
            v_g[j] = ct_low(prg_u64(&p.rng), n);
            v_e[j] = j % 3 ? ct_low(prg_u64(&p.rng), n) : ct_low(edge[j / 3 % 6] - v_g[j], n);
            if (j % 9 == 1)
                v_g[j] = edge[j / 9 % 6];
        }
        gc_party_relu(&p, n, l, lanes[k], v_g, v_e, sum);
        expect(n, l, lanes[k], v_g, v_e, sum);
    }
}
END_TEST

START_TEST(bytes)
{
    ck_assert_uint_eq(gc_relu_bytes(12, 24, 8), 8 * 336 + 283);             /* 61 + 222 bits a lane */
    ck_assert_uint_eq((gc_relu_bytes(12, 24, 4096) + 4095) / 4096, 372);   /* design: 372 bytes a ReLU */
    ck_assert_uint_eq(gc_relu_bytes(12, 24, 4096), 4096 * 336 + 512 * 283);
    ck_assert_uint_eq(gc_relu_bytes(4, 7, 1), 16 * 5 + 7); /* 7, 4, 7; 7, 6, 5, 4 bits, a byte each */
}
END_TEST

START_TEST(refusals)
{
    static const unsigned bad[][2] = {{0, 0}, {1, 1}, {1, 8}, {9, 8}, {2, 63}, {62, 63}, {12, 47}, {2, 44}, {60, 63}, {14, 48}};
    static const unsigned good[][2] = {{2, 2}, {2, 43}, {12, 46}, {32, 32}, {62, 62}, {59, 62}, {14, 47}};
    gc_party p;
    block label[2 * 8] = {{{0, 0}}};
    uint64_t v[1] = {0}, share[1] = {77};
    uint8_t rows[1] = {9};
    gc_party_init(&p, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(gc_relu_check(bad[i][0], bad[i][1]), ERR_ARG);
        ck_assert_int_eq(gc_relu_garble(&p.g, bad[i][0], bad[i][1], 1, label, v, rows, share), ERR_ARG);
        ck_assert_int_eq(gc_relu_eval(&p.e, bad[i][0], bad[i][1], 1, label, v, rows, share), ERR_ARG);
    }
    ck_assert(share[0] == 77 && rows[0] == 9 && !p.g.index && !p.e.index);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_int_eq(gc_relu_check(good[i][0], good[i][1]), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("relu");
    TCase *t = tcase_create("relu");
    tcase_set_timeout(t, 240);
    tcase_add_loop_test(t, every_pair_of_shares, 0, 11);
    tcase_add_loop_test(t, random_shares_and_edges, 0, 7);
    tcase_add_test(t, bytes);
    tcase_add_test(t, refusals);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
