// SPDX-License-Identifier: ISC
/* Random and chosen OT against the hash applied one lane at a time; derandomisation for every pair of choice bits. */
#include "ot/random.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/aes.h"
#include "base/mem.h"
#include "test/alloc.h"

enum { MOST = 2 * OT_EXT_TILE + 300, ROOM = (MOST + 127) / 128 * 128 };

static const unsigned ks[] = {1, 2, 4, 8};
static uint8_t both[OT_BASE_COUNT][2][PRG_SEED_BYTES], chosen[OT_BASE_COUNT][PRG_SEED_BYTES], setup[OT_EXT_SETUP_MAX];
static uint8_t u[16 * ROOM], again[16 * ROOM], r_bits[ROOM / 8], c_bits[ROOM / 8], d_bits[ROOM / 8], y[OT_CHOSEN_BYTES * ROOM];
static block delta, start, x[ROOM], x0[ROOM], x1[ROOM], t[ROOM], q[ROOM], m0[ROOM], m1[ROOM], got[ROOM];
static ot_ext_receiver *r, *r_twin;
static ot_ext_sender *s, *s_twin;
static prg g;

static unsigned bit(const void *p, size_t i) { return ((const uint8_t *)p)[i / 8] >> i % 8 & 1; }

static void open_pairs(unsigned k)
{
    uint8_t seed[PRG_SEED_BYTES] = "random";
    prg_init(&g, seed, PRG_TEST, k);
    prg_bytes(&g, both, sizeof both);
    prg_bytes(&g, &delta, sizeof delta);
    prg_bytes(&g, &start, sizeof start);
    delta.w[0] |= 1;
    for (size_t j = 0; j < OT_BASE_COUNT; j++) memcpy(chosen[j], both[j][bit(&delta, j)], PRG_SEED_BYTES);
    ck_assert_int_eq(ot_ext_receiver_create(&r, setup, k, both), 0);
    ck_assert_int_eq(ot_ext_receiver_create(&r_twin, setup, k, both), 0);
    ck_assert_int_eq(ot_ext_sender_create(&s, setup, k, chosen, &delta), 0);
    ck_assert_int_eq(ot_ext_sender_create(&s_twin, setup, k, chosen, &delta), 0);
}

static void close_pairs(void)
{
    ot_ext_receiver_free(r);
    ot_ext_receiver_free(r_twin);
    ot_ext_sender_free(s);
    ot_ext_sender_free(s_twin);
}

/* AES under start XOR index of sigma(x), XOR sigma(x): a lane by itself. */
static block hash_one(uint64_t index, block in)
{
    aes128_key key;
    block k = start, z = {{in.w[1], in.w[0] ^ in.w[1]}}, out; /* sigma: (left XOR right, left), left the upper half */
    k.w[0] ^= index;
    aes128_expand(&key, &k);
    aes128_encrypt(&key, &out, &z, 1);
    return block_xor(out, z);
}

static void run(size_t m, uint64_t index)
{
    const unsigned k = ot_ext_receiver_k(r);
    prg_bytes(&g, r_bits, (m + 7) / 8);
    ck_assert_int_eq(ot_random_recv(r, x, u, &start, index, r_bits, m), 0);
    ck_assert_int_eq(ot_random_send(s, x0, x1, &start, index, u, m), 0);
    ck_assert_int_eq(ot_ext_recv(r_twin, t, again, r_bits, m), 0);
    ck_assert_int_eq(ot_ext_send(s_twin, q, again, m), 0);
    ck_assert(!memcmp(u, again, ot_ext_bytes(k, m))); /* the same message and layout as the correlated OT */
    for (size_t i = 0; i < m; i++) {
        block want[2] = {hash_one(index + crh_key(i), q[i]), hash_one(index + crh_key(i), block_xor(q[i], delta))};
        if (memcmp(&x0[i], &want[0], 16) || memcmp(&x1[i], &want[1], 16) || memcmp(&x[i], &want[bit(r_bits, i)], 16))
            ck_abort_msg("m = %zu, OT %zu", m, i);
    }
}

START_TEST(random_ot)
{
    static const size_t more[] = {OT_EXT_TILE - 1, OT_EXT_TILE, OT_EXT_TILE + 1, OT_EXT_TILE + 129, MOST};
    uint64_t index = 7;
    open_pairs(ks[_i]);
    for (size_t m = 1; m < 300; m += 1 + (size_t)_i, index += crh_keys(m)) run(m, index);
    for (size_t n = 0; n < sizeof more / sizeof *more; n++, index += crh_keys(MOST)) run(more[n], index);
    close_pairs();
}
END_TEST

START_TEST(chosen_ot)
{
    open_pairs(ks[_i]);
    for (size_t m = 1, n = 0; m <= MOST; m = m * 2 + 1, n++) {
        run(m, 1000000 * n);
        prg_bytes(&g, m0, m * sizeof *m0);
        prg_bytes(&g, m1, m * sizeof *m1);
        ot_chosen_seal(y, m0, m1, x0, x1, NULL, m);
        ot_chosen_open(got, y, x, r_bits, m);
        for (size_t i = 0; i < m; i++) ck_assert(!memcmp(&got[i], bit(r_bits, i) ? &m1[i] : &m0[i], 16));
        prg_bytes(&g, c_bits, (m + 7) / 8);
        ot_derandomise(d_bits, c_bits, r_bits, m);
        for (size_t i = 0; i < 8 * ((m + 7) / 8); i++) ck_assert_uint_eq(bit(d_bits, i), i < m ? bit(c_bits, i) ^ bit(r_bits, i) : 0);
        ot_chosen_seal(y, m0, m1, x0, x1, d_bits, m);
        ot_chosen_open(x, y, x, c_bits, m);
        for (size_t i = 0; i < m; i++) {
            block other = block_xor(block_xor(m0[i], m1[i]), x[i]), pads = block_xor(x0[i], x1[i]), ys[2];
            memcpy(ys, y + OT_CHOSEN_BYTES * i, sizeof ys);
            ck_assert(!memcmp(&x[i], bit(c_bits, i) ? &m1[i] : &m0[i], 16));
            ck_assert(memcmp(&x[i], &other, 16));
            pads = block_xor(pads, block_xor(ys[0], ys[1])); /* each message under a pad of its own */
            other = block_xor(m0[i], m1[i]);
            ck_assert(!memcmp(&pads, &other, 16));
        }
    }
    close_pairs();
}
END_TEST

/* What is hashed has left the correlation: x0 XOR x1 is not delta, and differs from OT to OT (delta itself would be seen by a receiver that is
 * told a message that it did not choose). */
START_TEST(no_correlation)
{
    open_pairs(ks[_i]);
    run(1000, 0);
    block first = block_xor(x0[0], x1[0]);
    for (size_t i = 0; i < 1000; i++) {
        block d = block_xor(x0[i], x1[i]);
        ck_assert(memcmp(&d, &delta, 16) && (!i || memcmp(&d, &first, 16)));
    }
    close_pairs();
}
END_TEST

START_TEST(limits)
{
    open_pairs(ks[_i]);
    memset(x, 0x11, sizeof x);
    block before = x[0];
    ck_assert_int_eq(ot_random_recv(r, x, u, &start, 0, r_bits, (size_t)OT_EXT_LIMIT + 1), ERR_LIMIT);
    ck_assert_int_eq(ot_random_send(s, x, x1, &start, 0, u, (size_t)OT_EXT_LIMIT + 1), ERR_LIMIT);
    ck_assert_int_eq(ot_random_recv(r, x, u, &start, 0, r_bits, SIZE_MAX), ERR_LIMIT);
    ck_assert(!memcmp(x, &before, sizeof before));
    ck_assert_int_eq(ot_random_recv(r, x, u, &start, 0, r_bits, 0), 0);
    ck_assert_int_eq(ot_random_send(s, x0, x1, &start, 0, u, 0), 0);
    test_alloc_fail_at(1); /* nothing is allocated */
    run(500, 99);
    ck_assert_int_eq(test_alloc_count(), 0);
    test_alloc_fail_at(0);
    close_pairs();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("random");
    TCase *c = tcase_create("random");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, random_ot, 0, 4);
    tcase_add_loop_test(c, chosen_ot, 0, 4);
    tcase_add_loop_test(c, no_correlation, 0, 4);
    tcase_add_loop_test(c, limits, 0, 4);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
