// SPDX-License-Identifier: ISC
/* OT extension for each k: the correlation for many lengths, every bit of u, t and q against the definition applied leaf by leaf and bit by
 * bit (trees included), hostile set-up messages. */
#include "ot/extend.h"

#include <check.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test/alloc.h"

typedef struct {
    uint8_t both[OT_BASE_COUNT][2][PRG_SEED_BYTES], chosen[OT_BASE_COUNT][PRG_SEED_BYTES];
    uint8_t setup[OT_EXT_SETUP_MAX];
    unsigned k;
    block delta;
    ot_ext_sender *s;
    ot_ext_receiver *r;
    prg g;
} pair;

static unsigned bit(const uint8_t *p, size_t i) { return p[i / 8] >> i % 8 & 1; }
static unsigned block_bit(const block *b, size_t j) { return b->w[j / 64] >> j % 64 & 1; }

static const unsigned ks[] = {1, 2, 4, 8};

static void deal(pair *p, unsigned k, uint64_t index)
{
    p->k = k;
    uint8_t seed[PRG_SEED_BYTES] = "extension";
    prg_init(&p->g, seed, PRG_TEST, 8 * index + k);
    prg_bytes(&p->g, p->both, sizeof p->both);
    prg_bytes(&p->g, &p->delta, sizeof p->delta);
    p->delta.w[0] |= 1;
    for (size_t j = 0; j < OT_BASE_COUNT; j++) memcpy(p->chosen[j], p->both[j][block_bit(&p->delta, j)], PRG_SEED_BYTES);
}

static void open_pair(pair *p, unsigned k, uint64_t index)
{
    deal(p, k, index);
    ck_assert_int_eq(ot_ext_receiver_create(&p->r, p->setup, k, p->both), 0);
    ck_assert_int_eq(ot_ext_sender_create(&p->s, p->setup, k, p->chosen, &p->delta), 0);
    ck_assert_uint_eq(ot_ext_receiver_k(p->r), k);
    ck_assert_uint_eq(ot_ext_sender_k(p->s), k);
}

static void close_pair(pair *p)
{
    ot_ext_sender_free(p->s);
    ot_ext_receiver_free(p->r);
}

/* One call of both parties with choice bits of the kind 0 (zeros), 1 (ones) or random; buffers of exactly the stated size. */
static void run(pair *p, size_t m, unsigned kind)
{
    size_t room = (m + 127) / 128 * 128;
    ck_assert_uint_eq(ot_ext_bytes(p->k, m), 16 / p->k * room);
    block *t = mem_alloc(room, sizeof *t), *q = mem_alloc(room, sizeof *q);
    uint8_t *u = malloc(ot_ext_bytes(p->k, m)), *choice = malloc((m + 7) / 8);
    ck_assert(t && q && u && choice);
    memset(choice, kind ? 0xff : 0, (m + 7) / 8);
    if (kind > 1) prg_bytes(&p->g, choice, (m + 7) / 8);
    ck_assert_int_eq(ot_ext_recv(p->r, t, u, choice, m), 0);
    ck_assert_int_eq(ot_ext_send(p->s, q, u, m), 0);
    for (size_t i = 0; i < m; i++) {
        block want = block_xor(q[i], block_and(p->delta, 0 - (uint64_t)bit(choice, i)));
        if (memcmp(&want, &t[i], sizeof want)) ck_abort_msg("m = %zu, OT %zu", m, i);
    }
    mem_free(t);
    mem_free(q);
    free(u);
    free(choice);
}

/* Every m in 1..2,100 and around the borders of tiles, vectors and blocks. */
START_TEST(correlation)
{
    pair p;
    open_pair(&p, ks[_i], 0);
    for (size_t m = 1; m <= 2100; m++) run(&p, m, (unsigned)(m % 3));
    for (size_t k = 12; k <= 16; k++) {
        run(&p, ((size_t)1 << k) - 1, 0);
        run(&p, (size_t)1 << k, 1);
        run(&p, ((size_t)1 << k) + 1, 2);
    }
    for (size_t m = OT_EXT_TILE - 130; m <= OT_EXT_TILE + 130; m += 13) run(&p, m, 2);
    close_pair(&p);
}
END_TEST

/* Leaf x of a tree from both keys of its instances: down from the root's child x_(k-1). */
static void leaf_of(uint8_t leaf[PRG_SEED_BYTES], uint8_t keys[][2][PRG_SEED_BYTES], unsigned k, unsigned x)
{
    static const uint8_t person[16] = "tacit ot node";
    uint8_t both[64];
    memcpy(leaf, keys[k - 1][x >> (k - 1) & 1], PRG_SEED_BYTES);
    for (unsigned j = k - 1; j-- > 0;) {
        ck_assert_int_eq(crypto_generichash_blake2b_salt_personal(both, 64, leaf, PRG_SEED_BYTES, NULL, 0, NULL, person), 0);
        memcpy(leaf, both + (x >> j & 1) * PRG_SEED_BYTES, PRG_SEED_BYTES);
    }
}

/* The receiver's and the sender's definition bit by bit: t^j = sum of the leaves with x_j = 0, q^j = that of the leaves with
 * x_j = delta_j, XOR delta_j u. */
START_TEST(definition)
{
    static const size_t lengths[] = {128, 1, OT_EXT_TILE, 3 * OT_EXT_TILE + 200, 77, 2 * OT_EXT_TILE, 129};
    enum { CALLS = sizeof lengths / sizeof *lengths, TOTAL = 8 * OT_EXT_TILE };
    static uint8_t side[OT_BASE_COUNT][2][TOTAL / 8], all[OT_BASE_COUNT][TOTAL / 8], stream[TOTAL / 8], u[16 * TOTAL], choice[TOTAL / 8];
    static block t[TOTAL], q[TOTAL];
    const unsigned k = ks[_i];
    pair p;
    size_t base = 0; /* OTs before this call, each call rounded up to 128 */
    open_pair(&p, k, 9);
    memset(side, 0, sizeof side);
    memset(all, 0, sizeof all);
    for (unsigned tree = 0; tree < OT_BASE_COUNT / k; tree++)
        for (unsigned x = 0; x < 1u << k; x++) {
            uint8_t leaf[PRG_SEED_BYTES];
            prg g;
            leaf_of(leaf, p.both + tree * k, k, x);
            prg_init(&g, leaf, PRG_OT_COLUMN, tree);
            prg_bytes(&g, stream, sizeof stream);
            for (size_t b = 0; b < sizeof stream; b++) all[tree][b] ^= stream[b];
            for (unsigned j = 0; j < k; j++)
                for (size_t b = 0; b < sizeof stream; b++) side[tree * k + j][x >> j & 1][b] ^= stream[b];
        }
    for (size_t c = 0; c < CALLS; c++) {
        size_t m = lengths[c], room = (m + 127) / 128 * 128;
        ck_assert_uint_le(base + room, TOTAL);
        prg_bytes(&p.g, choice, sizeof choice);
        ck_assert_int_eq(ot_ext_recv(p.r, t, u, choice, m), 0);
        ck_assert_int_eq(ot_ext_send(p.s, q, u, m), 0);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < OT_BASE_COUNT; j++) {
                size_t tile = i / OT_EXT_TILE * OT_EXT_TILE, width = room - tile < OT_EXT_TILE ? room - tile : OT_EXT_TILE;
                unsigned d = block_bit(&p.delta, j), sent = bit(u + 16 / k * tile + j / k * width / 8, i - tile);
                if (block_bit(&t[i], j) != bit(side[j][0], base + i)) ck_abort_msg("t: call %zu, OT %zu, column %zu", c, i, j);
                if (sent != (bit(all[j / k], base + i) ^ bit(choice, i))) ck_abort_msg("u: call %zu, OT %zu, column %zu", c, i, j);
                if (block_bit(&q[i], j) != (bit(side[j][d], base + i) ^ (d & sent))) ck_abort_msg("q: call %zu, OT %zu, column %zu", c, i, j);
            }
        base += room;
    }
    close_pair(&p);
}
END_TEST

/* u says nothing of what lies beyond bit m of the choice. */
START_TEST(bits_beyond)
{
    enum { M = OT_EXT_TILE + 123 };
    static block t[M + 128];
    static uint8_t u[2][16 * (M + 128)];
    for (unsigned k = 0; k < 2; k++) {
        pair p;
        uint8_t choice[M / 8 + 1];
        memset(choice, 0x5a, sizeof choice);
        if (k) choice[M / 8] ^= (uint8_t)(0xff << M % 8);
        open_pair(&p, ks[_i], 15);
        ck_assert_int_eq(ot_ext_recv(p.r, t, u[k], choice, M), 0);
        close_pair(&p);
    }
    ck_assert(!memcmp(u[0], u[1], ot_ext_bytes(ks[_i], M)));
}
END_TEST

/* A bit of u that is flipped on the way moves q by its tree's bits of delta and nothing else. */
START_TEST(flipped_bit)
{
    enum { M = 128 };
    static block t[M], q[M];
    static uint8_t u[16 * M], choice[M / 8];
    const unsigned k = ks[_i];
    for (size_t row = 0; row < OT_BASE_COUNT / k; row++) {
        pair p;
        open_pair(&p, k, 20);
        ck_assert_int_eq(ot_ext_recv(p.r, t, u, choice, M), 0);
        size_t at = (7 * row + 3) % M;
        u[row * M / 8 + at / 8] ^= (uint8_t)(1u << at % 8);
        ck_assert_int_eq(ot_ext_send(p.s, q, u, M), 0);
        for (size_t i = 0; i < M; i++) {
            block d = block_xor(t[i], q[i]), want = {{0, 0}};
            for (size_t j = row * k; j < (row + 1) * k && i == at; j++) want.w[j / 64] |= p.delta.w[j / 64] & UINT64_C(1) << j % 64;
            if (memcmp(&d, &want, sizeof d)) ck_abort_msg("OT %zu, row %zu", i, row);
        }
        close_pair(&p);
    }
}
END_TEST

START_TEST(fresh_keys)
{
    enum { M = 32768 };
    const size_t bits = (size_t)128 / ks[_i] * M;
    static block t[M];
    static uint8_t u[2][16 * M], again[16 * M], choice[M / 8];
    pair p[2];
    size_t differ = 0, repeat = 0, ones = 0;
    for (unsigned k = 0; k < 2; k++) {
        open_pair(&p[k], ks[_i], 30 + k);
        ck_assert_int_eq(ot_ext_recv(p[k].r, t, u[k], choice, M), 0);
    }
    ck_assert_int_eq(ot_ext_recv(p[0].r, t, again, choice, M), 0);
    for (size_t i = 0; i < bits; i++) {
        ones += bit(u[0], i);
        differ += bit(u[0], i) ^ bit(u[1], i);
        repeat += bit(u[0], i) ^ bit(again, i);
    }
    const long long half = (long long)bits / 2, eight = 4 * (long long)sqrt((double)bits); /* fair coins: eight standard deviations on either side */
    ck_assert_int_lt(llabs((long long)ones - half), eight);
    ck_assert_int_lt(llabs((long long)differ - half), eight);
    ck_assert_int_lt(llabs((long long)repeat - half), eight);
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
    deal(&p, ks[_i], 40);
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
    ck_assert_int_eq(ot_ext_receiver_create(&p.r, p.setup, p.k, p.both), 0);
    ck_assert_int_eq(ot_ext_sender_create(&p.s, p.setup, p.k, p.chosen, &p.delta), 0);
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
    open_pair(&p, ks[_i], 50);
    memset(guard, 0x5a, sizeof guard);
    memcpy(t, guard, sizeof t);
    memcpy(q, guard, sizeof q);
    memset(u, 0x5a, sizeof u);
    ck_assert_int_eq(ot_ext_recv(p.r, t, u, choice, 0), 0);
    ck_assert_int_eq(ot_ext_send(p.s, q, u, 0), 0);
    ck_assert_int_eq(ot_ext_recv(p.r, t, u, choice, (size_t)OT_EXT_LIMIT + 1), ERR_LIMIT);
    ck_assert_int_eq(ot_ext_send(p.s, q, u, (size_t)OT_EXT_LIMIT + 1), ERR_LIMIT);
    ck_assert_int_eq(ot_ext_recv(p.r, t, u, choice, SIZE_MAX), ERR_LIMIT);
    ck_assert_int_eq(ot_ext_send(p.s, q, u, SIZE_MAX), ERR_LIMIT);
    ck_assert(!memcmp(t, guard, sizeof t) && !memcmp(q, guard, sizeof q) && !memcmp(u, guard, sizeof u));
    run(&p, 1, 2); /* counts as 128, so that the limit is now out of reach in one call */
    ck_assert_int_eq(ot_ext_recv(p.r, t, u, choice, (size_t)OT_EXT_LIMIT - 127), ERR_LIMIT);
    ck_assert_int_eq(ot_ext_send(p.s, q, u, (size_t)OT_EXT_LIMIT - 127), ERR_LIMIT);
    run(&p, 100, 2); /* a refusal changes nothing */
    close_pair(&p);
}
END_TEST

START_TEST(refused_arguments)
{
    pair p;
    deal(&p, ks[_i], 60);
    p.delta.w[0] &= ~UINT64_C(1);
    p.s = (void *)&p;
    ck_assert_int_eq(ot_ext_sender_create(&p.s, p.setup, p.k, p.chosen, &p.delta), ERR_ARG);
    ck_assert_ptr_null(p.s);
    p.delta.w[0] |= 1;
    for (unsigned k = 0; k < 20; k++) {
        if (ot_ext_valid(k)) continue;
        p.s = (void *)&p;
        p.r = (void *)&p;
        ck_assert_int_eq(ot_ext_sender_create(&p.s, p.setup, k, p.chosen, &p.delta), ERR_ARG);
        ck_assert_int_eq(ot_ext_receiver_create(&p.r, p.setup, k, p.both), ERR_ARG);
        ck_assert(!p.s && !p.r);
    }
    ot_ext_sender_free(NULL);
    ot_ext_receiver_free(NULL);
}
END_TEST

/* Sums and digests of a set-up message are held against the marks: a bit that is flipped is found whatever delta is, but where the key that
 * decrypts it is not the holder's. */
START_TEST(hostile_setup)
{
    const unsigned k = ks[_i];
    const size_t tree = k > 1 ? ot_ext_setup_bytes(k) / (OT_BASE_COUNT / k) : 0;
    pair p;
    deal(&p, k, 80);
    ck_assert_uint_eq(ot_ext_setup_bytes(k), k == 1 ? 0 : (size_t)OT_BASE_COUNT / k * (64 * (k - 1) + 96));
    ck_assert_uint_le(ot_ext_setup_bytes(k), OT_EXT_SETUP_MAX);
    ck_assert_int_eq(ot_ext_receiver_create(&p.r, p.setup, k, p.both), 0);
    for (size_t at = 0; at < ot_ext_setup_bytes(k); at += 13) {
        size_t in = at % tree, level = 1 + in / 64;
        unsigned c = level < k ? block_bit(&p.delta, at / tree * k + k - 1 - level) : 0;
        int seen = level >= k || in % 64 / 32 == c;
        p.setup[at] ^= 0x10;
        p.s = (void *)&p;
        ck_assert_int_eq(ot_ext_sender_create(&p.s, p.setup, k, p.chosen, &p.delta), seen ? ERR_PEER : 0);
        ck_assert_int_eq(p.s != NULL, !seen);
        ot_ext_sender_free(p.s);
        p.setup[at] ^= 0x10;
    }
    ot_ext_receiver_free(p.r);
}
END_TEST

START_TEST(allocations)
{
    pair p;
    deal(&p, ks[_i], 70);
    long at = 0;
    int code;
    do {
        test_alloc_fail_at(++at);
        p.r = (void *)&p;
        code = ot_ext_receiver_create(&p.r, p.setup, p.k, p.both);
        test_alloc_fail_at(0);
        ck_assert(code == 0 || (code == ERR_MEM && !p.r));
    } while (code);
    ck_assert_int_eq(at, 4);
    at = 0;
    do {
        test_alloc_fail_at(++at);
        p.s = (void *)&p;
        code = ot_ext_sender_create(&p.s, p.setup, p.k, p.chosen, &p.delta);
        test_alloc_fail_at(0);
        ck_assert(code == 0 || (code == ERR_MEM && !p.s));
    } while (code);
    ck_assert_int_eq(at, 4);
    block *t = mem_alloc(5120, sizeof *t);
    uint8_t *u = malloc(ot_ext_bytes(p.k, 5000)), choice[5000 / 8] = {0};
    test_alloc_fail_at(1); /* nothing is allocated from here on */
    ck_assert_int_eq(ot_ext_recv(p.r, t, u, choice, 5000), 0);
    ck_assert_int_eq(ot_ext_send(p.s, t, u, 5000), 0);
    ck_assert_int_eq(test_alloc_count(), 0);
    test_alloc_fail_at(0);
    mem_free(t);
    free(u);
    close_pair(&p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("extend");
    TCase *t = tcase_create("extend");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, correlation, 0, 4);
    tcase_add_loop_test(t, definition, 0, 4);
    tcase_add_loop_test(t, bits_beyond, 0, 4);
    tcase_add_loop_test(t, flipped_bit, 0, 4);
    tcase_add_loop_test(t, fresh_keys, 0, 4);
    tcase_add_loop_test(t, from_base_ot, 0, 4);
    tcase_add_loop_test(t, limits, 0, 4);
    tcase_add_loop_test(t, refused_arguments, 0, 4);
    tcase_add_loop_test(t, hostile_setup, 0, 4);
    tcase_add_loop_test(t, allocations, 0, 4);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
