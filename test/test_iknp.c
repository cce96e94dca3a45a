// SPDX-License-Identifier: ISC
/* OT extension: the correlation for many lengths, and every bit of u, t and q against the formula applied bit by bit. */
#include "ot/iknp.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test/alloc.h"

typedef struct {
    uint8_t both[OT_BASE_COUNT][2][PRG_SEED_BYTES], chosen[OT_BASE_COUNT][PRG_SEED_BYTES];
    block delta;
    ot_iknp_sender *s;
    ot_iknp_receiver *r;
    prg g;
} pair;

static unsigned bit(const uint8_t *p, size_t i) { return p[i / 8] >> i % 8 & 1; }
static unsigned block_bit(const block *b, size_t j) { return b->w[j / 64] >> j % 64 & 1; }

static void deal(pair *p, uint64_t index)
{
    uint8_t seed[PRG_SEED_BYTES] = "extension";
    prg_init(&p->g, seed, PRG_TEST, index);
    prg_bytes(&p->g, p->both, sizeof p->both);
    prg_bytes(&p->g, &p->delta, sizeof p->delta);
    p->delta.w[0] |= 1;
    for (size_t j = 0; j < OT_BASE_COUNT; j++) memcpy(p->chosen[j], p->both[j][block_bit(&p->delta, j)], PRG_SEED_BYTES);
}

static void open_pair(pair *p, uint64_t index)
{
    deal(p, index);
    ck_assert_int_eq(ot_iknp_sender_create(&p->s, p->chosen, &p->delta), 0);
    ck_assert_int_eq(ot_iknp_receiver_create(&p->r, p->both), 0);
}

static void close_pair(pair *p)
{
    ot_iknp_sender_free(p->s);
    ot_iknp_receiver_free(p->r);
}

/* One call of both parties with choice bits of the kind 0 (zeros), 1 (ones) or random; buffers of exactly the stated size. */
static void run(pair *p, size_t m, unsigned kind)
{
    size_t room = (m + 127) / 128 * 128;
    ck_assert_uint_eq(ot_iknp_bytes(m), 16 * room);
    block *t = mem_alloc(room, sizeof *t), *q = mem_alloc(room, sizeof *q);
    uint8_t *u = malloc(16 * room), *choice = malloc((m + 7) / 8);
    ck_assert(t && q && u && choice);
    memset(choice, kind ? 0xff : 0, (m + 7) / 8);
    if (kind > 1) prg_bytes(&p->g, choice, (m + 7) / 8);
    ck_assert_int_eq(ot_iknp_recv(p->r, t, u, choice, m), 0);
    ck_assert_int_eq(ot_iknp_send(p->s, q, u, m), 0);
    for (size_t i = 0; i < m; i++) {
        block want = block_xor(q[i], block_and(p->delta, 0 - (uint64_t)bit(choice, i)));
        if (memcmp(&want, &t[i], sizeof want)) ck_abort_msg("m = %zu, OT %zu", m, i);
    }
    mem_free(t);
    mem_free(q);
    free(u);
    free(choice);
}

START_TEST(correlation)
{
    pair p;
    open_pair(&p, (uint64_t)_i);
    for (size_t m = 1; m <= 600; m++) run(&p, m, m % 3 == (size_t)_i ? 2 : (unsigned)_i);
    for (size_t m = 1000; m <= 1100; m++) run(&p, m, (unsigned)_i);
    for (size_t k = 1; k <= 17; k++) {
        run(&p, ((size_t)1 << k) - 1, (unsigned)_i);
        run(&p, (size_t)1 << k, (unsigned)_i);
        run(&p, ((size_t)1 << k) + 1, (unsigned)_i);
    }
    for (size_t m = OT_IKNP_TILE - 130; m <= OT_IKNP_TILE + 130; m += 13) run(&p, m, (unsigned)_i);
    close_pair(&p);
}
END_TEST

/* The receiver's and the sender's definition bit by bit, from key streams read in one go. */
START_TEST(definition)
{
    static const size_t lengths[] = {128, 1, OT_IKNP_TILE, 3 * OT_IKNP_TILE + 200, 77, 2 * OT_IKNP_TILE, 129};
    enum { CALLS = sizeof lengths / sizeof *lengths, TOTAL = 8 * OT_IKNP_TILE };
    static uint8_t stream[OT_BASE_COUNT][2][TOTAL / 8], u[16 * TOTAL], choice[TOTAL / 8];
    static block t[TOTAL], q[TOTAL];
    pair p;
    size_t base = 0; /* OTs before this call, each call rounded up to 128 */
    open_pair(&p, 9);
    for (size_t j = 0; j < OT_BASE_COUNT; j++)
        for (size_t b = 0; b < 2; b++) {
            prg g;
            prg_init(&g, p.both[j][b], PRG_OT_COLUMN, j);
            prg_bytes(&g, stream[j][b], sizeof stream[j][b]);
        }
    for (size_t c = 0; c < CALLS; c++) {
        size_t m = lengths[c], room = (m + 127) / 128 * 128;
        ck_assert_uint_le(base + room, TOTAL);
        prg_bytes(&p.g, choice, sizeof choice);
        ck_assert_int_eq(ot_iknp_recv(p.r, t, u, choice, m), 0);
        ck_assert_int_eq(ot_iknp_send(p.s, q, u, m), 0);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < OT_BASE_COUNT; j++) {
                size_t tile = i / OT_IKNP_TILE * OT_IKNP_TILE, width = room - tile < OT_IKNP_TILE ? room - tile : OT_IKNP_TILE;
                unsigned g0 = bit(stream[j][0], base + i), g1 = bit(stream[j][1], base + i), d = block_bit(&p.delta, j);
                unsigned sent = bit(u + 16 * tile + j * width / 8, i - tile);
                if (block_bit(&t[i], j) != g0) ck_abort_msg("t: call %zu, OT %zu, column %zu", c, i, j);
                if (sent != (g0 ^ g1 ^ bit(choice, i))) ck_abort_msg("u: call %zu, OT %zu, column %zu", c, i, j);
                if (block_bit(&q[i], j) != ((d ? g1 : g0) ^ (d & sent))) ck_abort_msg("q: call %zu, OT %zu, column %zu", c, i, j);
            }
        base += room;
    }
    close_pair(&p);
}
END_TEST

/* u says nothing of what lies beyond bit m of the choice. */
START_TEST(bits_beyond)
{
    enum { M = OT_IKNP_TILE + 123 };
    static block t[M + 128];
    static uint8_t u[2][16 * (M + 128)];
    for (unsigned k = 0; k < 2; k++) {
        pair p;
        uint8_t choice[M / 8 + 1];
        memset(choice, 0x5a, sizeof choice);
        if (k) choice[M / 8] ^= (uint8_t)(0xff << M % 8);
        open_pair(&p, 15);
        ck_assert_int_eq(ot_iknp_recv(p.r, t, u[k], choice, M), 0);
        close_pair(&p);
    }
    ck_assert(!memcmp(u[0], u[1], ot_iknp_bytes(M)));
}
END_TEST

/* A bit of u that is flipped on the way moves q by delta's bit and nothing else. */
START_TEST(flipped_bit)
{
    enum { M = 128 };
    static block t[M], q[M];
    static uint8_t u[16 * M], choice[M / 8];
    for (size_t j = 0; j < OT_BASE_COUNT; j++) {
        pair p;
        open_pair(&p, 20);
        ck_assert_int_eq(ot_iknp_recv(p.r, t, u, choice, M), 0);
        size_t at = (7 * j + 3) % M;
        u[j * M / 8 + at / 8] ^= (uint8_t)(1u << at % 8);
        ck_assert_int_eq(ot_iknp_send(p.s, q, u, M), 0);
        for (size_t i = 0; i < M; i++) {
            block d = block_xor(t[i], q[i]), want = {{0, 0}};
            if (i == at) want.w[j / 64] = p.delta.w[j / 64] & UINT64_C(1) << j % 64;
            if (memcmp(&d, &want, sizeof d)) ck_abort_msg("OT %zu, column %zu", i, j);
        }
        close_pair(&p);
    }
}
END_TEST

START_TEST(fresh_keys)
{
    enum { M = 4096, BITS = 128 * M };
    static block t[M];
    static uint8_t u[2][16 * M], again[16 * M], choice[M / 8];
    pair p[2];
    size_t differ = 0, repeat = 0, ones = 0;
    for (unsigned k = 0; k < 2; k++) {
        open_pair(&p[k], 30 + k);
        ck_assert_int_eq(ot_iknp_recv(p[k].r, t, u[k], choice, M), 0);
    }
    ck_assert_int_eq(ot_iknp_recv(p[0].r, t, again, choice, M), 0);
    for (size_t i = 0; i < BITS; i++) {
        ones += bit(u[0], i);
        differ += bit(u[0], i) ^ bit(u[1], i);
        repeat += bit(u[0], i) ^ bit(again, i);
    }
    /* 524,288 fair coins: standard deviation 362, eight of them on either side */
    ck_assert_uint_lt(llabs((long long)ones - BITS / 2), 8 * 362);
    ck_assert_uint_lt(llabs((long long)differ - BITS / 2), 8 * 362);
    ck_assert_uint_lt(llabs((long long)repeat - BITS / 2), 8 * 362);
    for (unsigned k = 0; k < 2; k++) close_pair(&p[k]);
}
END_TEST

/* Base OT, then extension: what a session does. */
START_TEST(from_base_ot)
{
    static uint8_t message[OT_BASE_MESSAGE_BYTES], element[OT_BASE_ELEMENT_BYTES], challenge[OT_BASE_CHALLENGE_BYTES], answer[OT_BASE_ANSWER_BYTES];
    const uint8_t session[32] = "a session";
    ot_base_receiver *b;
    ot_base_sender *a;
    pair p;
    deal(&p, 40);
    memset(p.both, 0, sizeof p.both);
    memset(p.chosen, 0, sizeof p.chosen);
    ck_assert_int_eq(ot_base_recv_start(&b, message, &p.delta, session, &p.g), 0);
    ck_assert_int_eq(ot_base_send_start(&a, element, message, session, &p.g), 0);
    ck_assert_int_eq(ot_base_send_challenge(a, challenge, p.both), 0);
    ck_assert_int_eq(ot_base_recv_element(b, element), 0);
    ck_assert_int_eq(ot_base_recv_finish(b, p.chosen, answer, challenge), 0);
    ck_assert_int_eq(ot_base_send_finish(a, answer), 0);
    ot_base_receiver_free(b);
    ot_base_sender_free(a);
    ck_assert_int_eq(ot_iknp_sender_create(&p.s, p.chosen, &p.delta), 0);
    ck_assert_int_eq(ot_iknp_receiver_create(&p.r, p.both), 0);
    run(&p, 5000, 2);
    run(&p, 1, 2);
    close_pair(&p);
}
END_TEST

START_TEST(limits)
{
    block t[128], q[128], guard[128];
    uint8_t u[16 * 128], choice[16] = {0};
    pair p;
    open_pair(&p, 50);
    memset(guard, 0x5a, sizeof guard);
    memcpy(t, guard, sizeof t);
    memcpy(q, guard, sizeof q);
    memset(u, 0x5a, sizeof u);
    ck_assert_int_eq(ot_iknp_recv(p.r, t, u, choice, 0), 0);
    ck_assert_int_eq(ot_iknp_send(p.s, q, u, 0), 0);
    ck_assert_int_eq(ot_iknp_recv(p.r, t, u, choice, (size_t)OT_IKNP_LIMIT + 1), ERR_LIMIT);
    ck_assert_int_eq(ot_iknp_send(p.s, q, u, (size_t)OT_IKNP_LIMIT + 1), ERR_LIMIT);
    ck_assert_int_eq(ot_iknp_recv(p.r, t, u, choice, SIZE_MAX), ERR_LIMIT);
    ck_assert_int_eq(ot_iknp_send(p.s, q, u, SIZE_MAX), ERR_LIMIT);
    ck_assert(!memcmp(t, guard, sizeof t) && !memcmp(q, guard, sizeof q) && !memcmp(u, guard, sizeof u));
    run(&p, 1, 2); /* counts as 128, so that the limit is now out of reach in one call */
    ck_assert_int_eq(ot_iknp_recv(p.r, t, u, choice, (size_t)OT_IKNP_LIMIT - 127), ERR_LIMIT);
    ck_assert_int_eq(ot_iknp_send(p.s, q, u, (size_t)OT_IKNP_LIMIT - 127), ERR_LIMIT);
    run(&p, 100, 2); /* a refusal changes nothing */
    close_pair(&p);
}
END_TEST

START_TEST(refused_delta)
{
    pair p;
    deal(&p, 60);
    p.delta.w[0] &= ~UINT64_C(1);
    p.s = (void *)&p;
    ck_assert_int_eq(ot_iknp_sender_create(&p.s, p.chosen, &p.delta), ERR_ARG);
    ck_assert_ptr_null(p.s);
    ot_iknp_sender_free(NULL);
    ot_iknp_receiver_free(NULL);
}
END_TEST

START_TEST(allocations)
{
    pair p;
    deal(&p, 70);
    long k = 0;
    int code;
    do {
        test_alloc_fail_at(++k);
        p.s = (void *)&p;
        code = ot_iknp_sender_create(&p.s, p.chosen, &p.delta);
        test_alloc_fail_at(0);
        ck_assert(code == 0 || (code == ERR_MEM && !p.s));
    } while (code);
    ck_assert_int_gt(k, 1);
    k = 0;
    do {
        test_alloc_fail_at(++k);
        p.r = (void *)&p;
        code = ot_iknp_receiver_create(&p.r, p.both);
        test_alloc_fail_at(0);
        ck_assert(code == 0 || (code == ERR_MEM && !p.r));
    } while (code);
    ck_assert_int_gt(k, 1);
    block *t = mem_alloc(5120, sizeof *t);
    uint8_t *u = malloc(ot_iknp_bytes(5000)), choice[5000 / 8] = {0};
    test_alloc_fail_at(1); /* nothing is allocated from here on */
    ck_assert_int_eq(ot_iknp_recv(p.r, t, u, choice, 5000), 0);
    ck_assert_int_eq(ot_iknp_send(p.s, t, u, 5000), 0);
    ck_assert_int_eq(test_alloc_count(), 0);
    test_alloc_fail_at(0);
    mem_free(t);
    free(u);
    close_pair(&p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("iknp");
    TCase *t = tcase_create("iknp");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, correlation, 0, 3);
    tcase_add_test(t, definition);
    tcase_add_test(t, bits_beyond);
    tcase_add_test(t, flipped_bit);
    tcase_add_test(t, fresh_keys);
    tcase_add_test(t, from_base_ot);
    tcase_add_test(t, limits);
    tcase_add_test(t, refused_delta);
    tcase_add_test(t, allocations);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
