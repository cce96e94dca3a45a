// SPDX-License-Identifier: ISC
/* The check of the extension: its arithmetic and its messages against bit-by-bit definitions, honest runs, receivers that cheat. */
#include "ot/check.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "ot/check_kern.h"
#include "test/alloc.h"

enum { M = 2500, ROOM = (M + 127) / 128 * 128, TRIALS = 128 };

static uint8_t both[OT_BASE_COUNT][2][PRG_SEED_BYTES], chosen[OT_BASE_COUNT][PRG_SEED_BYTES], setup[OT_EXT_SETUP_MAX];
static block delta, t[ROOM], q[ROOM];
static uint8_t u[16 * (ROOM + 128)], sent[16 * (ROOM + 128)], choice[ROOM / 8];
static uint8_t challenge[OT_CHECK_CHALLENGE_BYTES], proof[OT_CHECK_PROOF_BYTES];
static ot_ext_receiver *r;
static ot_ext_sender *s;
static ot_check rc, sc;
static prg g;

static unsigned bit(const void *p, size_t i) { return ((const uint8_t *)p)[i / 8] >> i % 8 & 1; }

static void open_pair(unsigned k, uint64_t index)
{
    uint8_t seed[PRG_SEED_BYTES] = "check";
    prg_init(&g, seed, PRG_TEST, index);
    prg_bytes(&g, both, sizeof both);
    prg_bytes(&g, &delta, sizeof delta);
    delta.w[0] |= 1;
    for (size_t j = 0; j < OT_BASE_COUNT; j++) memcpy(chosen[j], both[j][bit(&delta, j)], PRG_SEED_BYTES);
    ck_assert_int_eq(ot_ext_receiver_create(&r, setup, k, both), 0);
    ck_assert_int_eq(ot_ext_sender_create(&s, setup, k, chosen, &delta), 0);
}

static void close_pair(void)
{
    ot_ext_receiver_free(r);
    ot_ext_sender_free(s);
}

/* First flight; what the receiver sends is in `sent`. */
static void start(size_t m)
{
    prg_bytes(&g, choice, (m + 7) / 8);
    ck_assert_int_eq(ot_ext_recv_checked(r, &rc, t, u, choice, m, &g), 0);
    memcpy(sent, u, ot_ext_checked_bytes(ot_ext_receiver_k(r), m));
}

/* The other two; the receiver proves about `said`. */
static int finish(size_t m, const uint8_t *said)
{
    ck_assert_int_eq(ot_ext_send_checked(s, &sc, q, challenge, sent, m, &g), 0);
    ck_assert_int_eq(ot_ext_prove(r, &rc, proof, t, said, choice, m, challenge), 0);
    return ot_ext_verify(s, &sc, q, sent, m, proof);
}

static void check_correlation(size_t m)
{
    for (size_t i = 0; i < m; i++) {
        block want = block_xor(q[i], block_and(delta, 0 - (uint64_t)bit(choice, i)));
        if (memcmp(&want, &t[i], sizeof want)) ck_abort_msg("m = %zu, OT %zu", m, i);
    }
}

/* a * b modulo X^128 + X^7 + X^2 + X + 1, a bit at a time by multiplications with X. */
static block slow_times(block a, block b)
{
    block sum = {{0, 0}};
    for (unsigned i = 128; i-- > 0;) {
        uint64_t top = sum.w[1] >> 63;
        sum.w[1] = sum.w[1] << 1 | sum.w[0] >> 63;
        sum.w[0] = sum.w[0] << 1 ^ (top ? 0x87 : 0);
        if (bit(&b, i)) sum = block_xor(sum, a);
    }
    return sum;
}

static const ot_check_kern *kernel(int i)
{
    if (i == 2)
        return ot_check_kern_best();
    return kern_usable(&ot_check_kerns, (unsigned)i, cpu_features()) ? ot_check_kerns.of[i] : NULL;
}

START_TEST(products)
{
    const ot_check_kern *k = kernel(_i);
    static block x[128];
    if (!k) return;
    uint8_t seed[PRG_SEED_BYTES] = "products";
    prg_init(&g, seed, PRG_TEST, 0);
    for (unsigned round = 0; round < 130; round++) {
        ot_check_sum sum[128] = {0};
        block want[128] = {0}, power[2];
        prg_bytes(&g, power, sizeof power);
        if (round < 128) power[0] = (block){{round < 64 ? UINT64_C(1) << round : 0, round < 64 ? 0 : UINT64_C(1) << (round - 64)}};
        if (round == 128) memset(&power[0], 0xff, sizeof power[0]);
        for (unsigned p = 0; p < 2; p++) {
            prg_bytes(&g, x, sizeof x);
            memset(&x[5], p ? 0xff : 0, sizeof x[5]);
            for (unsigned j = 0; j < 128; j++) want[j] = block_xor(want[j], slow_times(x[j], power[p]));
            k->absorb(sum, x, 128, &power[p]);
        }
        for (unsigned j = 0; j < 128; j++) {
            block got = ot_check_reduce(&sum[j]);
            if (memcmp(&got, &want[j], sizeof got)) ck_abort_msg("%s: round %u, place %u", k->name, round, j);
        }
    }
}
END_TEST

START_TEST(choice_of_kernel)
{
    ck_assert_ptr_eq(ot_check_kern_best(),
                     cpu_features() & CPU_AESNI ? &ot_check_kern_pclmul : &ot_check_kern_portable);
    cpu_restrict(0);
    ck_assert(kernel(0) == &ot_check_kern_portable && !kernel(1));
    ck_assert_ptr_eq(kern_pick(&ot_check_kerns), &ot_check_kern_portable);
}
END_TEST

/* The proof's two halves by definition. */
START_TEST(definition)
{
    static const unsigned ks[] = {1, 2, 4, 8};
    static const size_t lengths[] = {1, 127, 128, 129, 700};
    const uint8_t person[16] = "tacit ot check";
    const unsigned k = ks[_i];
    open_pair(k, 1);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        const size_t m = lengths[l], pieces = ot_ext_checked_bytes(k, m) / 16;
        block x, columns[128] = {0}, bytes[128] = {0}, power = {{1, 0}}, chi;
        uint8_t want[32];
        crypto_generichash_blake2b_state h;
        start(m);
        const ot_check kept = rc;
        ck_assert_int_eq(finish(m, u), 0);
        memcpy(&chi, challenge, sizeof chi);
        x = kept.bits;
        for (size_t b = 0; b <= (m + 127) / 128; b++) {
            block part[129] = {0};
            for (size_t i = 0; i < 128; i++) {
                const block *row = b ? &t[128 * (b - 1) + i] : &kept.rows[i];
                for (unsigned j = 0; j < 128; j++) part[j].w[i / 64] |= (uint64_t)bit(row, j) << i % 64;
                if (b && 128 * (b - 1) + i < m) part[128].w[i / 64] |= (uint64_t)bit(choice, 128 * (b - 1) + i) << i % 64;
            }
            for (unsigned j = 0; j < 128; j++) columns[j] = block_xor(columns[j], slow_times(part[j], power));
            x = block_xor(x, slow_times(part[128], power));
            power = slow_times(power, chi);
        }
        for (size_t c = 0; c < pieces; c++) {
            block p;
            power = (block){{1, 0}};
            for (size_t e = 0; e < c / 128; e++) power = slow_times(power, chi);
            memcpy(&p, u + 16 * c, sizeof p);
            bytes[c % 128] = block_xor(bytes[c % 128], slow_times(p, power));
        }
        ck_assert_mem_eq(proof, &x, sizeof x);
        crypto_generichash_blake2b_init_salt_personal(&h, NULL, 0, 32, NULL, person);
        crypto_generichash_blake2b_update(&h, challenge, sizeof challenge);
        crypto_generichash_blake2b_update(&h, (const uint8_t *)&x, sizeof x);
        crypto_generichash_blake2b_update(&h, (const uint8_t *)columns, sizeof columns);
        crypto_generichash_blake2b_update(&h, (const uint8_t *)bytes, sizeof bytes);
        crypto_generichash_blake2b_final(&h, want, sizeof want);
        ck_assert_mem_eq(proof + 16, want, sizeof want);
        check_correlation(m);
    }
    close_pair();
}
END_TEST

/* Nobody honest is refused. */
START_TEST(honest)
{
    static const unsigned ks[] = {1, 2, 4, 8}, runs[] = {100000, 2000, 2000, 500};
    open_pair(ks[_i], 2);
    for (unsigned n = 0; n < runs[_i]; n++) {
        const size_t m = n % 1000 ? 1 + n % 140 : 1 + n % M;
        start(m);
        if (finish(m, u)) ck_abort_msg("run %u, m = %zu: %s", n, m, err_text());
        if (n % 64 == 0) check_correlation(m);
    }
    close_pair();
}
END_TEST

static size_t row_bit(unsigned row, size_t at) { return 8 * (16 * 128 + (size_t)row * (M > OT_EXT_TILE ? OT_EXT_TILE : ROOM) / 8) + at; }

/* One bit of u is not what the receiver computed and vouches for: found in each of the 128 columns, whatever delta is. */
START_TEST(flipped_bit)
{
    unsigned caught = 0, front = 0;
    for (unsigned j = 0; j < 128; j++) {
        open_pair(1, 3 + j);
        start(M);
        size_t at = row_bit(j, (j * 1237 + 11) % M);
        sent[at / 8] ^= (uint8_t)(1u << at % 8);
        caught += finish(M, u) == ERR_PEER;
        for (size_t i = 0; i < ROOM; i++) ck_assert(!(q[i].w[0] | q[i].w[1]));
        start(M);
        at = 128 * j + j; /* of the OTs in front */
        sent[at / 8] ^= (uint8_t)(1u << at % 8);
        front += finish(M, u) == ERR_PEER;
        close_pair();
    }
    ck_assert_uint_eq(caught, 128);
    ck_assert_uint_eq(front, 128);
}
END_TEST

/* A receiver that knows what it altered and vouches for the altered u.  In one column: it is caught where delta has a one, and where it has a zero
 * neither q nor anything that the sender has is different from an honest run.  In every column at once: always. */
START_TEST(knowing_receiver)
{
    unsigned ones = 0, caught = 0;
    open_pair(1, 200);
    for (unsigned j = 0; j < 128; j++) {
        start(M);
        size_t at = row_bit(j, (j * 577 + 3) % M);
        sent[at / 8] ^= (uint8_t)(1u << at % 8);
        ones += bit(&delta, j);
        int code = finish(M, sent);
        ck_assert_int_eq(code, bit(&delta, j) ? ERR_PEER : 0);
        if (!code) check_correlation(M);
    }
    ck_assert(ones > 30 && ones < 98);
    for (unsigned n = 0; n < TRIALS; n++) {
        start(M);
        for (unsigned j = 0; j < 128; j++) {
            size_t at = row_bit(j, (j * 19 + n) % M);
            sent[at / 8] ^= (uint8_t)(1u << at % 8);
        }
        caught += finish(M, sent) == ERR_PEER;
    }
    close_pair();
    ck_assert_uint_eq(caught, TRIALS);
}
END_TEST

/* The same choice in all rows but one of a tree: k bits of delta, not all zero, give it away. */
START_TEST(knowing_receiver_of_trees)
{
    const unsigned k = 1u << _i;
    open_pair(k, 300);
    for (unsigned row = 0; row < 128 / k; row++) {
        unsigned any = 0;
        for (unsigned j = 0; j < k; j++) any |= bit(&delta, row * k + j);
        start(128);
        sent[16 / k * 128 + row * 16 + 3] ^= 4;
        ck_assert_int_eq(finish(128, sent), any ? ERR_PEER : 0);
    }
    close_pair();
}
END_TEST

START_TEST(wrong_proofs)
{
    open_pair(2, 400);
    for (size_t at = 0; at < 8 * OT_CHECK_PROOF_BYTES; at += 5) {
        start(200);
        ck_assert_int_eq(ot_ext_send_checked(s, &sc, q, challenge, sent, 200, &g), 0);
        ck_assert_int_eq(ot_ext_prove(r, &rc, proof, t, u, choice, 200, challenge), 0);
        proof[at / 8] ^= (uint8_t)(1u << at % 8);
        ck_assert_int_eq(ot_ext_verify(s, &sc, q, sent, 200, proof), ERR_PEER);
        proof[at / 8] ^= (uint8_t)(1u << at % 8);
        ck_assert_int_eq(ot_ext_verify(s, &sc, q, sent, 200, proof), ERR_ARG);
        ck_assert_int_eq(ot_ext_prove(r, &rc, proof, t, u, choice, 200, challenge), ERR_ARG);
    }
    start(200); /* a choice that the proof does not have */
    choice[3] ^= 8;
    ck_assert_int_eq(finish(200, u), ERR_PEER);
    start(200); /* a proof for another challenge */
    ck_assert_int_eq(ot_ext_send_checked(s, &sc, q, challenge, sent, 200, &g), 0);
    challenge[15] ^= 0x80;
    ck_assert_int_eq(ot_ext_prove(r, &rc, proof, t, u, choice, 200, challenge), 0);
    ck_assert_int_eq(ot_ext_verify(s, &sc, q, sent, 200, proof), ERR_PEER);
    close_pair();
}
END_TEST

/* A challenge of zero, from a sender that deviates, gets nothing but the choices of the OTs in front. */
START_TEST(zero_challenge)
{
    open_pair(1, 500);
    start(300);
    const block front = rc.bits;
    memset(challenge, 0, sizeof challenge);
    ck_assert_int_eq(ot_ext_prove(r, &rc, proof, t, u, choice, 300, challenge), 0);
    ck_assert_mem_eq(proof, &front, sizeof front);
    start(300);
    ck_assert_mem_ne(&rc.bits, &front, sizeof front);
    close_pair();
}
END_TEST

START_TEST(limits)
{
    open_pair(1, 600);
    ck_assert_int_eq(ot_ext_recv_checked(r, &rc, t, u, choice, (size_t)OT_EXT_LIMIT + 1, &g), ERR_LIMIT);
    ck_assert_int_eq(ot_ext_send_checked(s, &sc, q, challenge, u, (size_t)OT_EXT_LIMIT + 1, &g), ERR_LIMIT);
    ck_assert_int_eq(ot_ext_prove(r, &rc, proof, t, u, choice, 0, challenge), ERR_ARG);
    ck_assert_int_eq(ot_ext_verify(s, &sc, q, u, 0, proof), ERR_ARG);
    test_alloc_fail_at(1); /* nothing is allocated */
    start(1000);
    ck_assert_int_eq(finish(1000, u), 0);
    ck_assert_int_eq(test_alloc_count(), 0);
    test_alloc_fail_at(0);
    close_pair();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("check");
    TCase *c = tcase_create("check");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, products, 0, 3);
    tcase_add_test(c, choice_of_kernel);
    tcase_add_loop_test(c, definition, 0, 4);
    tcase_add_loop_test(c, honest, 0, 4);
    tcase_add_test(c, flipped_bit);
    tcase_add_test(c, knowing_receiver);
    tcase_add_loop_test(c, knowing_receiver_of_trees, 0, 4);
    tcase_add_test(c, wrong_proofs);
    tcase_add_test(c, zero_challenge);
    tcase_add_test(c, limits);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
