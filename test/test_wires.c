// SPDX-License-Identifier: ISC
/* Shares to wires and back through the real garbler and the real OT. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "base/mem.h"
#include "convert/wires.h"

static convert_garbler garbler;
static convert_evaluator evaluator;
static prg rng;

#define K 4 /* of ot/extend.h */

static void setup(void)
{
    uint8_t seed[PRG_SEED_BYTES] = "wires";
    static uint8_t setup_message[OT_EXT_SETUP_MAX], both[OT_BASE_COUNT][2][PRG_SEED_BYTES], chosen[OT_BASE_COUNT][PRG_SEED_BYTES];
    block *delta = &garbler.gc.delta;

    prg_init(&rng, seed, PRG_TEST, 0);
    prg_bytes(&rng, delta, sizeof *delta);
    delta->w[0] |= 1;
    prg_bytes(&rng, &garbler.gc.start, sizeof(block));
    evaluator.gc.start = garbler.gc.start;
    prg_bytes(&rng, both, sizeof both); /* what base OT would give; test_extend.c and test_exec.c run it */
    for (size_t j = 0; j < OT_BASE_COUNT; j++)
        memcpy(chosen[j], both[j][delta->w[j / 64] >> j % 64 & 1], PRG_SEED_BYTES);
    ck_assert_int_eq(ot_ext_receiver_create(&evaluator.ot, setup_message, K, both), 0);
    ck_assert_int_eq(ot_ext_sender_create(&garbler.ot, setup_message, K, chosen, delta), 0);
}

static void teardown(void)
{
    ot_ext_sender_free(garbler.ot);
    ot_ext_receiver_free(evaluator.ot);
}

/** relu: the layer's ReLU as the executor runs it; asserts that the outcome is exact on every lane. */
static void relu(unsigned n, unsigned l, size_t lanes, const uint64_t *v_g, const uint64_t *v_e)
{
    const size_t stride = gc_stride(lanes);
    uint8_t *choices = mem_alloc(n, stride / 8), *u = mem_alloc(1, convert_u_bytes(K, n, lanes)), *rows = mem_alloc(1, gc_relu_bytes(n, l, lanes));
    block *labels = mem_alloc(convert_labels(n, lanes), sizeof *labels), *labels0 = mem_alloc(convert_labels(n, lanes), sizeof *labels0);
    uint64_t *mine = mem_alloc(lanes, sizeof *mine), *theirs = mem_alloc(lanes, sizeof *theirs);

    convert_choices(choices, v_e, lanes, n);
    ck_assert_int_eq(convert_ask(&evaluator, choices, n, lanes, labels, u), 0);
    ck_assert_int_eq(convert_relu_garble(&garbler, n, l, lanes, v_g, u, labels0, rows, mine), 0);
    ck_assert_int_eq(convert_relu_eval(&evaluator, n, l, lanes, labels, v_e, rows, theirs), 0);
    for (size_t j = 0; j < lanes; j++) {
        int64_t v = ct_signed(ct_low(v_g[j] + v_e[j], n), n);
        ck_assert_uint_eq(ct_low(mine[j] + theirs[j], l), (uint64_t)(v > 0 ? v : 0));
    }
    ck_assert_uint_eq(garbler.gc.index, evaluator.gc.index);
    mem_free(choices), mem_free(u), mem_free(rows), mem_free(labels), mem_free(labels0), mem_free(mine), mem_free(theirs);
}

START_TEST(relu_is_exact_for_every_pair_of_8_bit_shares)
{
    uint64_t *v_g = mem_alloc(1 << 16, sizeof *v_g), *v_e = mem_alloc(1 << 16, sizeof *v_e);
    for (uint32_t i = 0; i < 1 << 16; i++) {
        v_g[i] = i & 255;
        v_e[i] = i >> 8;
    }
    relu(8, 8, 1 << 16, v_g, v_e);
    relu(8, 26, 1 << 16, v_g, v_e);
    mem_free(v_g), mem_free(v_e);
}
END_TEST

START_TEST(relu_over_odd_numbers_of_lanes)
{
    static const size_t lanes[] = {1, 7, 8, 9, 127, 129, 1000};
    uint64_t v_g[1000], v_e[1000];
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
        for (size_t j = 0; j < lanes[i]; j++) {
            v_g[j] = ct_low(prg_u64(&rng), 14);
            v_e[j] = ct_low(prg_u64(&rng), 14);
        }
        relu(14, 26, lanes[i], v_g, v_e);
    }
}
END_TEST

START_TEST(bits_of_shares_stand_where_they_belong)
{
    for (size_t lanes = 1; lanes <= 33; lanes++) {
        uint64_t v[33];
        uint8_t packed[20 * 5], bytes[20 * 40];
        for (size_t j = 0; j < lanes; j++)
            v[j] = ct_low(prg_u64(&rng), 20);
        memset(bytes, 0xff, sizeof bytes);
        convert_choices(packed, v, lanes, 20);
        convert_known(bytes, v, lanes, 20);
        const size_t stride = gc_stride(lanes);
        for (unsigned i = 0; i < 20; i++)
            for (size_t j = 0; j < stride; j++) {
                unsigned due = j < lanes ? v[j] >> i & 1 : 0;
                ck_assert_uint_eq(packed[i * stride / 8 + j / 8] >> j % 8 & 1, due);
                ck_assert_uint_eq(bytes[i * stride + j], due);
            }
    }
}
END_TEST

START_TEST(split_truncation_is_off_by_one_at_most)
{
    const unsigned k = 12, drop = 5, n = k - drop;
    for (uint64_t v = 0; v < 1 << k; v++)
        for (uint64_t a = 0; a < 1 << k; a += 37) {
            uint64_t share[2] = {a, ct_low(v - a, k)};
            convert_truncate(share, 2, drop);
            uint64_t less = ct_low((v >> drop) - share[0] - share[1], n);
            ck_assert(less <= 1);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wires");
    TCase *t = tcase_create("shares");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 300);
    tcase_add_test(t, relu_is_exact_for_every_pair_of_8_bit_shares);
    tcase_add_test(t, relu_over_odd_numbers_of_lanes);
    tcase_add_test(t, bits_of_shares_stand_where_they_belong);
    tcase_add_test(t, split_truncation_is_off_by_one_at_most);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
