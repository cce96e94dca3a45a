// SPDX-License-Identifier: ISC
/* Base OT: keys agree where chosen and nowhere else, hostile elements, substitution, and a run that a
 * program which shares no code computed too. */
#include "ot/base_ot.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test/alloc.h"

typedef struct {
    block choice;
    uint8_t session[2][32]; /* as the receiver and as the sender has it */
    uint8_t message[OT_BASE_RECV_BYTES], reply[OT_BASE_SEND_BYTES];
    uint8_t both[OT_BASE_COUNT][2][PRG_SEED_BYTES], chosen[OT_BASE_COUNT][PRG_SEED_BYTES];
    prg g[2];
    ot_base_receiver *r;
} run;

static unsigned choice_bit(const run *x, size_t i) { return x->choice.w[i / 64] >> i % 64 & 1; }

static void begin(run *x, uint64_t index, block choice)
{
    uint8_t seed[PRG_SEED_BYTES] = "base";
    memset(x, 0, sizeof *x);
    for (unsigned k = 0; k < 2; k++) {
        prg_init(&x->g[k], seed, PRG_TEST, 2 * index + k);
        memset(x->session[k], 0x33, sizeof x->session[k]);
    }
    x->choice = choice;
}

static void start(run *x) { ck_assert_int_eq(ot_base_recv_start(&x->r, x->message, &x->choice, x->session[0], &x->g[0]), 0); }
static int answer(run *x) { return ot_base_send(x->reply, x->both, x->message, x->session[1], &x->g[1]); }
static int finish(run *x)
{
    int code = ot_base_recv_finish(x->r, x->chosen, x->reply);
    ot_base_receiver_free(x->r);
    x->r = NULL;
    return code;
}

/* Instances whose chosen key equals the sender's key of that choice. */
static size_t matching(const run *x)
{
    size_t n = 0;
    for (size_t i = 0; i < OT_BASE_COUNT; i++) n += !memcmp(x->chosen[i], x->both[i][choice_bit(x, i)], PRG_SEED_BYTES);
    return n;
}

static int all_zero(const void *p, size_t n)
{
    const uint8_t *b = p;
    while (n && !b[n - 1]) n--;
    return n == 0;
}

static int compare_keys(const void *a, const void *b) { return memcmp(a, b, PRG_SEED_BYTES); }

static const block patterns[] = {
    {{0, 0}},
    {{UINT64_MAX, UINT64_MAX}},
    {{UINT64_C(0x5555555555555555), UINT64_C(0x5555555555555555)}},
    {{UINT64_C(0xaaaaaaaaaaaaaaaa), UINT64_C(0xaaaaaaaaaaaaaaaa)}},
    {{UINT64_MAX, 0}},
    {{1, UINT64_C(1) << 63}},
    {{UINT64_C(0x243f6a8885a308d3), UINT64_C(0x13198a2e03707344)}},
};
#define PATTERNS (sizeof patterns / sizeof *patterns)
#define RANDOM_CHOICE patterns[PATTERNS - 1]

START_TEST(keys_agree)
{
    run x;
    begin(&x, 1, patterns[_i]);
    start(&x);
    ck_assert_int_eq(answer(&x), 0);
    ck_assert_int_eq(finish(&x), 0);
    ck_assert_uint_eq(matching(&x), OT_BASE_COUNT);
    /* the sender's 256 keys are all different, so no chosen key is another one too */
    qsort(x.both, 2 * OT_BASE_COUNT, PRG_SEED_BYTES, compare_keys);
    const uint8_t(*k)[PRG_SEED_BYTES] = (const uint8_t(*)[PRG_SEED_BYTES])x.both;
    for (size_t i = 1; i < 2 * OT_BASE_COUNT; i++) ck_assert(memcmp(k[i - 1], k[i], PRG_SEED_BYTES));
}
END_TEST

/* No element occurs twice in either message: nothing is shared between instances. */
START_TEST(elements_differ)
{
    run x;
    begin(&x, 2, RANDOM_CHOICE);
    start(&x);
    ck_assert_int_eq(answer(&x), 0);
    ck_assert_int_eq(finish(&x), 0);
    uint8_t all[4 * OT_BASE_COUNT][32];
    memcpy(all[0], x.message, sizeof x.message);
    memcpy(all[2 * OT_BASE_COUNT], x.reply, sizeof x.reply);
    qsort(all, 4 * OT_BASE_COUNT, 32, compare_keys);
    for (size_t i = 1; i < 4 * OT_BASE_COUNT; i++) ck_assert(memcmp(all[i - 1], all[i], 32));
}
END_TEST

/* The sender cannot tell a message for choice 0 from one for choice 1; here only that the choice moves no element that it must not:
 * with the same generator, r_(1-b) is the same element in the other place. */
START_TEST(choice_changes_places)
{
    run x, y;
    begin(&x, 3, patterns[0]);
    begin(&y, 3, patterns[1]);
    start(&x);
    start(&y);
    for (size_t i = 0; i < OT_BASE_COUNT; i++) {
        ck_assert(!memcmp(x.message + 64 * i + 32, y.message + 64 * i, 32));
        ck_assert(memcmp(x.message + 64 * i, y.message + 64 * i + 32, 32));
    }
    ot_base_receiver_free(x.r);
    ot_base_receiver_free(y.r);
}
END_TEST

START_TEST(sessions_differ)
{
    run x, y;
    begin(&x, 4, RANDOM_CHOICE);
    start(&x);
    ck_assert_int_eq(answer(&x), 0);
    ck_assert_int_eq(finish(&x), 0);
    begin(&y, 4, RANDOM_CHOICE);
    y.session[0][31] ^= 0x80;
    y.session[1][31] ^= 0x80;
    start(&y);
    ck_assert_int_eq(answer(&y), 0);
    ck_assert_int_eq(finish(&y), 0);
    ck_assert_uint_eq(matching(&y), OT_BASE_COUNT);
    for (size_t i = 0; i < OT_BASE_COUNT; i++)
        for (size_t j = 0; j < 2; j++) ck_assert(memcmp(x.both[i][j], y.both[i][j], PRG_SEED_BYTES));
    /* parties that disagree on the session agree on no key */
    begin(&y, 4, RANDOM_CHOICE);
    y.session[1][0] ^= 1;
    start(&y);
    ck_assert_int_eq(answer(&y), 0);
    ck_assert_int_eq(finish(&y), 0);
    ck_assert_uint_eq(matching(&y), 0);
}
END_TEST

START_TEST(deterministic)
{
    run x, y;
    for (unsigned k = 0; k < 2; k++) {
        run *z = k ? &y : &x;
        begin(z, 5, RANDOM_CHOICE);
        start(z);
        ck_assert_int_eq(answer(z), 0);
        ck_assert_int_eq(finish(z), 0);
    }
    ck_assert(!memcmp(x.message, y.message, sizeof x.message));
    ck_assert(!memcmp(x.reply, y.reply, sizeof x.reply));
    ck_assert(!memcmp(x.both, y.both, sizeof x.both));
    begin(&y, 6, RANDOM_CHOICE);
    start(&y);
    ck_assert(memcmp(x.message, y.message, sizeof x.message));
    ot_base_receiver_free(y.r);
}
END_TEST

/* Encodings that decoding must refuse [RFC 9496, appendix A.2], and the identity. */
static const char *const bad_points[] = {
    "0000000000000000000000000000000000000000000000000000000000000000", /* the identity */
    "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", /* field element not reduced */
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* p, that is zero */
    "0100000000000000000000000000000000000000000000000000000000000000", /* negative */
    "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ed57ffd8c914fb201471d1c3d245ce3c746fcbe63a3679d51b6a516ebebe0e20",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371", /* x^2 is no square */
    "4eac077a713c57b4f4397629a4145982c661f48044dd3f96427d40b147d9742f",
    "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e", /* xy is negative */
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", /* s = -1 */
};
#define BAD_POINTS (sizeof bad_points / sizeof *bad_points)

START_TEST(hostile_elements)
{
    static const size_t places[] = {0, 1, 100, 254, 255};
    uint8_t p[32], keep[32];
    run x;
    ck_assert_int_eq(sodium_hex2bin(p, 32, bad_points[_i], 64, NULL, NULL, NULL), 0);
    begin(&x, 7, RANDOM_CHOICE);
    start(&x);
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        memcpy(keep, x.message + 32 * places[k], 32);
        memcpy(x.message + 32 * places[k], p, 32);
        memset(x.both, 1, sizeof x.both);
        memset(x.reply, 1, sizeof x.reply);
        ck_assert_int_eq(answer(&x), ERR_PEER);
        ck_assert(strstr(err_text(), "receiver's message"));
        ck_assert(all_zero(x.both, sizeof x.both) && all_zero(x.reply, sizeof x.reply));
        memcpy(x.message + 32 * places[k], keep, 32);
    }
    ck_assert_int_eq(answer(&x), 0);
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        memcpy(keep, x.reply + 32 * places[k], 32);
        memcpy(x.reply + 32 * places[k], p, 32);
        memset(x.chosen, 1, sizeof x.chosen);
        ck_assert_int_eq(ot_base_recv_finish(x.r, x.chosen, x.reply), ERR_PEER);
        ck_assert(strstr(err_text(), "sender's answer"));
        ck_assert(all_zero(x.chosen, sizeof x.chosen));
        memcpy(x.reply + 32 * places[k], keep, 32);
    }
    ck_assert_int_eq(finish(&x), 0); /* a refusal changed nothing */
    ck_assert_uint_eq(matching(&x), OT_BASE_COUNT);
}
END_TEST

/* A receiver that makes r_j + H_j(r_(1-j)) the identity, where the sender's key would be a constant. */
START_TEST(identity_as_key_element)
{
    uint8_t in[32 + 5 + 32], wide[64], h[32], zero[32] = {0}, point[32];
    run x;
    begin(&x, 8, RANDOM_CHOICE);
    start(&x);
    memset(wide, 7, sizeof wide);
    crypto_core_ristretto255_from_hash(point, wide);
    for (uint8_t j = 0; j < 2; j++) {
        memcpy(in, x.session[1], 32); /* the transcript before instance 0 */
        memset(in + 32, 0, 4);
        in[36] = j;
        memcpy(in + 37, point, 32);
        crypto_generichash_blake2b_salt_personal(wide, sizeof wide, in, sizeof in, NULL, 0, NULL, (const uint8_t *)"tacit-ot-1-group");
        crypto_core_ristretto255_from_hash(h, wide);
        ck_assert_int_eq(crypto_core_ristretto255_sub(x.message + 32 * j, zero, h), 0);
        memcpy(x.message + 32 * (1 - j), point, 32);
        ck_assert_int_eq(answer(&x), ERR_PEER);
        ck_assert(strstr(err_text(), "identity"));
        ck_assert(all_zero(x.both, sizeof x.both) && all_zero(x.reply, sizeof x.reply));
    }
    ot_base_receiver_free(x.r);
}
END_TEST

/* A flipped bit on the way: refused, or no key agrees any more (the transcript enters every key). */
START_TEST(flipped_bits)
{
    unsigned refused = 0, passed = 0;
    for (unsigned k = 0; k < 24; k++) {
        size_t at = (k * 2654435761u) % OT_BASE_RECV_BYTES;
        run x;
        begin(&x, 9, RANDOM_CHOICE);
        start(&x);
        if (k % 2 == 0) x.message[at] ^= (uint8_t)(1u << k % 8);
        int code = answer(&x);
        if (!code && k % 2) x.reply[at] ^= (uint8_t)(1u << k % 8);
        if (!code) code = finish(&x);
        if (code) {
            ck_assert_int_eq(code, ERR_PEER);
            refused++;
        } else {
            ck_assert_uint_eq(matching(&x), 0);
            passed++;
        }
        ot_base_receiver_free(x.r);
    }
    ck_assert(refused > 0 && passed > 0); /* both ways out were taken */
}
END_TEST

/* A valid element in the place of another one decodes, and no key agrees. */
START_TEST(swapped_elements)
{
    uint8_t keep[32];
    run x;
    begin(&x, 10, RANDOM_CHOICE);
    start(&x);
    ck_assert_int_eq(answer(&x), 0);
    memcpy(keep, x.reply, 32);
    memcpy(x.reply, x.reply + 32, 32);
    memcpy(x.reply + 32, keep, 32);
    ck_assert_int_eq(finish(&x), 0);
    ck_assert_uint_eq(matching(&x), 0);
}
END_TEST

static void check_digest(const void *p, size_t n, const char *want)
{
    uint8_t d[32];
    char hex[65];
    crypto_generichash(d, sizeof d, p, n, NULL, 0);
    ck_assert_str_eq(sodium_bin2hex(hex, sizeof hex, d, sizeof d), want);
}

/* Both messages and all keys, from base_ot_vectors.py. */
START_TEST(known_answer)
{
    run x;
    begin(&x, 13, RANDOM_CHOICE);
    start(&x);
    ck_assert_int_eq(answer(&x), 0);
    ck_assert_int_eq(finish(&x), 0);
    check_digest(x.message, sizeof x.message, "e60211f72fcc3df16991c76f114f7034843a8b8eed2c942fe055c2d66ea28e76");
    check_digest(x.reply, sizeof x.reply, "6089698d3a668009df6c6d97e9fe09704bf76aba502a3903c58052a1011c044a");
    check_digest(x.both, sizeof x.both, "55d19704b756b8e00301937c8aad0873bee248d973fc176bc1b688395786a186");
    ck_assert_uint_eq(matching(&x), OT_BASE_COUNT);
}
END_TEST

START_TEST(finishes_once)
{
    run x;
    begin(&x, 11, RANDOM_CHOICE);
    start(&x);
    ck_assert_int_eq(answer(&x), 0);
    ck_assert_int_eq(ot_base_recv_finish(x.r, x.chosen, x.reply), 0);
    ck_assert_int_eq(finish(&x), ERR_ARG);
    ck_assert(all_zero(x.chosen, sizeof x.chosen));
    ot_base_receiver_free(NULL);
}
END_TEST

START_TEST(allocations)
{
    run x;
    long k = 0;
    int code;
    begin(&x, 12, RANDOM_CHOICE);
    do {
        test_alloc_fail_at(++k);
        x.r = (void *)&x;
        code = ot_base_recv_start(&x.r, x.message, &x.choice, x.session[0], &x.g[0]);
        test_alloc_fail_at(0);
        ck_assert(code == 0 || (code == ERR_MEM && !x.r));
    } while (code);
    ck_assert_int_gt(k, 1);
    ck_assert_int_eq(answer(&x), 0);
    ck_assert_int_eq(finish(&x), 0);
    ck_assert_uint_eq(matching(&x), OT_BASE_COUNT);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base_ot");
    TCase *t = tcase_create("base_ot");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, keys_agree, 0, PATTERNS);
    tcase_add_test(t, elements_differ);
    tcase_add_test(t, choice_changes_places);
    tcase_add_test(t, sessions_differ);
    tcase_add_test(t, deterministic);
    tcase_add_loop_test(t, hostile_elements, 0, BAD_POINTS);
    tcase_add_test(t, identity_as_key_element);
    tcase_add_test(t, flipped_bits);
    tcase_add_test(t, swapped_elements);
    tcase_add_test(t, known_answer);
    tcase_add_test(t, finishes_once);
    tcase_add_test(t, allocations);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
