// SPDX-License-Identifier: ISC
/* Base OT: keys agree where chosen and nowhere else, hostile elements, cheats on either side, and a run that a
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
    uint8_t message[OT_BASE_MESSAGE_BYTES], element[OT_BASE_ELEMENT_BYTES];
    uint8_t challenge[OT_BASE_CHALLENGE_BYTES], answer[OT_BASE_ANSWER_BYTES];
    uint8_t both[OT_BASE_COUNT][2][PRG_SEED_BYTES], chosen[OT_BASE_COUNT][PRG_SEED_BYTES];
    prg g[2];
    ot_base_receiver *r;
    ot_base_sender *s;
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

static void end(run *x)
{
    ot_base_receiver_free(x->r);
    ot_base_sender_free(x->s);
    x->r = NULL;
    x->s = NULL;
}

/* The steps in order. */
static int start(run *x) { return ot_base_recv_start(&x->r, x->message, &x->choice, x->session[0], &x->g[0]); }
static int element(run *x) { return ot_base_send_start(&x->s, x->element, x->message, x->session[1], &x->g[1]); }
static int challenge(run *x) { return ot_base_send_challenge(x->s, x->challenge, x->both); }
static int take(run *x) { return ot_base_recv_element(x->r, x->element); }
static int answer(run *x) { return ot_base_recv_finish(x->r, x->chosen, x->answer, x->challenge); }
static int finish(run *x) { return ot_base_send_finish(x->s, x->answer); }

static int (*const steps[])(run *) = {start, element, challenge, take, answer, finish};
#define STEPS (sizeof steps / sizeof *steps)

/* Steps [from, to); stops at the first error. */
static int go(run *x, size_t from, size_t to)
{
    int code = 0;
    for (size_t k = from; k < to && !code; k++) code = steps[k](x);
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
    ck_assert_int_eq(go(&x, 0, STEPS), 0);
    ck_assert_uint_eq(matching(&x), OT_BASE_COUNT);
    /* the sender's 256 keys are all different, so no chosen key is another one too */
    qsort(x.both, 2 * OT_BASE_COUNT, PRG_SEED_BYTES, compare_keys);
    const uint8_t(*k)[PRG_SEED_BYTES] = (const uint8_t(*)[PRG_SEED_BYTES])x.both;
    for (size_t i = 1; i < 2 * OT_BASE_COUNT; i++) ck_assert(memcmp(k[i - 1], k[i], PRG_SEED_BYTES));
    end(&x);
}
END_TEST

/* No element and no part of the challenge occurs twice. */
START_TEST(elements_differ)
{
    run x;
    begin(&x, 2, RANDOM_CHOICE);
    ck_assert_int_eq(go(&x, 0, STEPS), 0);
    enum { TOTAL = (OT_BASE_MESSAGE_BYTES + OT_BASE_ELEMENT_BYTES + OT_BASE_CHALLENGE_BYTES) / 32 };
    uint8_t all[TOTAL][32];
    memcpy(all[0], x.message, sizeof x.message);
    memcpy(all[sizeof x.message / 32], x.element, 32);
    memcpy(all[sizeof x.message / 32 + 1], x.challenge, sizeof x.challenge);
    qsort(all, TOTAL, 32, compare_keys);
    for (size_t i = 1; i < TOTAL; i++) ck_assert(memcmp(all[i - 1], all[i], 32));
    end(&x);
}
END_TEST

/* B_i for choice 1 is B_i for choice 0 plus T, with the same generator: the definition, on the choice's side. */
START_TEST(choice_adds_t)
{
    uint8_t in[64], wide[64], t[32], moved[32];
    run x, y;
    begin(&x, 3, patterns[0]);
    begin(&y, 3, patterns[1]);
    ck_assert_int_eq(start(&x), 0);
    ck_assert_int_eq(start(&y), 0);
    memcpy(in, x.session[0], 32);
    memcpy(in + 32, x.message, 32);
    crypto_generichash_blake2b_salt_personal(wide, sizeof wide, in, sizeof in, NULL, 0, NULL, (const uint8_t *)"tacit-ot-2-group");
    crypto_core_ristretto255_from_hash(t, wide);
    ck_assert(!memcmp(x.message, y.message, 32));
    for (size_t i = 0; i < OT_BASE_COUNT; i++) {
        ck_assert_int_eq(crypto_core_ristretto255_add(moved, x.message + 32 + 32 * i, t), 0);
        ck_assert(!memcmp(moved, y.message + 32 + 32 * i, 32));
    }
    end(&x);
    end(&y);
}
END_TEST

START_TEST(sessions_differ)
{
    run x, y;
    begin(&x, 4, RANDOM_CHOICE);
    ck_assert_int_eq(go(&x, 0, STEPS), 0);
    begin(&y, 4, RANDOM_CHOICE);
    y.session[0][31] ^= 0x80;
    y.session[1][31] ^= 0x80;
    ck_assert_int_eq(go(&y, 0, STEPS), 0);
    ck_assert_uint_eq(matching(&y), OT_BASE_COUNT);
    for (size_t i = 0; i < OT_BASE_COUNT; i++)
        for (size_t j = 0; j < 2; j++) ck_assert(memcmp(x.both[i][j], y.both[i][j], PRG_SEED_BYTES));
    end(&x);
    end(&y);
    /* parties that disagree on the session notice */
    begin(&y, 4, RANDOM_CHOICE);
    y.session[1][0] ^= 1;
    ck_assert_int_eq(go(&y, 0, 4), 0);
    ck_assert_int_eq(answer(&y), ERR_PEER);
    ck_assert(all_zero(y.chosen, sizeof y.chosen) && all_zero(y.answer, sizeof y.answer));
    end(&y);
}
END_TEST

START_TEST(deterministic)
{
    run x, y;
    begin(&x, 5, RANDOM_CHOICE);
    begin(&y, 5, RANDOM_CHOICE);
    ck_assert_int_eq(go(&x, 0, STEPS), 0);
    ck_assert_int_eq(go(&y, 0, STEPS), 0);
    ck_assert(!memcmp(x.message, y.message, sizeof x.message));
    ck_assert(!memcmp(x.element, y.element, sizeof x.element));
    ck_assert(!memcmp(x.challenge, y.challenge, sizeof x.challenge));
    ck_assert(!memcmp(x.answer, y.answer, sizeof x.answer));
    ck_assert(!memcmp(x.both, y.both, sizeof x.both));
    end(&y);
    begin(&y, 6, RANDOM_CHOICE);
    ck_assert_int_eq(go(&y, 0, 2), 0);
    ck_assert(memcmp(x.message, y.message, sizeof x.message));
    ck_assert(memcmp(x.element, y.element, sizeof x.element));
    end(&x);
    end(&y);
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
    static const size_t places[] = {0, 1, 100, 127};
    uint8_t p[32];
    run x;
    ck_assert_int_eq(sodium_hex2bin(p, 32, bad_points[_i], 64, NULL, NULL, NULL), 0);
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        begin(&x, 7, RANDOM_CHOICE);
        ck_assert_int_eq(start(&x), 0);
        memcpy(x.message + 32 + 32 * places[k], p, 32);
        ck_assert_int_eq(element(&x), 0);
        memset(x.both, 1, sizeof x.both);
        memset(x.challenge, 1, sizeof x.challenge);
        ck_assert_int_eq(challenge(&x), ERR_PEER);
        ck_assert(strstr(err_text(), "base OT message"));
        ck_assert(all_zero(x.both, sizeof x.both) && all_zero(x.challenge, sizeof x.challenge));
        ck_assert_int_eq(challenge(&x), ERR_ARG); /* the scalar serves once */
        ck_assert_int_eq(finish(&x), ERR_ARG);
        end(&x);
    }
    begin(&x, 7, RANDOM_CHOICE);
    ck_assert_int_eq(go(&x, 0, 3), 0);
    memcpy(x.element, p, 32);
    ck_assert_int_eq(take(&x), ERR_PEER);
    ck_assert(strstr(err_text(), "base OT element"));
    memset(x.chosen, 1, sizeof x.chosen);
    ck_assert_int_eq(answer(&x), ERR_ARG);
    ck_assert(all_zero(x.chosen, sizeof x.chosen));
    end(&x);
}
END_TEST

/* B_i = T would make a key of the identity. */
START_TEST(t_as_element)
{
    uint8_t in[64], wide[64], t[32];
    run x;
    begin(&x, 8, RANDOM_CHOICE);
    ck_assert_int_eq(start(&x), 0);
    memcpy(in, x.session[1], 32);
    memcpy(in + 32, x.message, 32);
    crypto_generichash_blake2b_salt_personal(wide, sizeof wide, in, sizeof in, NULL, 0, NULL, (const uint8_t *)"tacit-ot-2-group");
    crypto_core_ristretto255_from_hash(t, wide);
    memcpy(x.message + 32 * 6, t, 32);
    ck_assert_int_eq(element(&x), 0);
    ck_assert_int_eq(challenge(&x), ERR_PEER);
    ck_assert(strstr(err_text(), "element 5"));
    ck_assert(all_zero(x.both, sizeof x.both) && all_zero(x.challenge, sizeof x.challenge));
    end(&x);
}
END_TEST

/* A flipped bit on the way, in any of the four messages: somebody notices. */
START_TEST(flipped_bits)
{
    unsigned refused = 0, unproved = 0;
    for (unsigned k = 0; k < 24; k++) {
        const size_t at = k * 2654435761u;
        run x;
        begin(&x, 9, RANDOM_CHOICE);
        ck_assert_int_eq(start(&x), 0);
        if (k % 4 == 0) x.message[at % sizeof x.message] ^= (uint8_t)(1u << k % 8);
        int code = go(&x, 1, 3);
        if (!code && k % 4 == 1) x.element[at % sizeof x.element] ^= (uint8_t)(1u << k % 8);
        if (!code) code = take(&x);
        refused += code == ERR_PEER;
        if (!code && k % 4 == 2) { /* c_i of a choice 0 is not used: flip one that is, or p */
            size_t i = at % OT_BASE_COUNT;
            while (i < OT_BASE_COUNT && !choice_bit(&x, i)) i++;
            x.challenge[32 * i + k % 32] ^= (uint8_t)(1u << k % 8);
        }
        if (!code) {
            code = answer(&x);
            unproved += code == ERR_PEER;
        }
        if (!code) {
            x.answer[at % sizeof x.answer] ^= (uint8_t)(1u << k % 8);
            code = finish(&x);
        }
        ck_assert_int_eq(code, ERR_PEER);
        end(&x);
    }
    ck_assert(refused > 0 && unproved > 0); /* both ways out were taken */
}
END_TEST

/* A valid element in the place of another one decodes, and the proof fails. */
START_TEST(swapped_elements)
{
    uint8_t keep[32];
    run x;
    begin(&x, 10, RANDOM_CHOICE);
    ck_assert_int_eq(start(&x), 0);
    memcpy(keep, x.message + 32, 32);
    memcpy(x.message + 32, x.message + 64, 32);
    memcpy(x.message + 64, keep, 32);
    ck_assert_int_eq(go(&x, 1, 4), 0);
    ck_assert_int_eq(answer(&x), ERR_PEER);
    end(&x);
}
END_TEST

/* A sender that spoils c_i learns b_i from whether the receiver goes on, and that is all it learns: right for a choice 0, caught for 1. */
START_TEST(spoilt_challenge)
{
    unsigned caught = 0;
    run x, fresh;
    begin(&x, 14, RANDOM_CHOICE);
    ck_assert_int_eq(go(&x, 0, 4), 0);
    uint8_t good[OT_BASE_CHALLENGE_BYTES];
    memcpy(good, x.challenge, sizeof good);
    end(&x);
    for (size_t i = 0; i < OT_BASE_COUNT; i += 9) {
        begin(&fresh, 14, RANDOM_CHOICE);
        ck_assert_int_eq(go(&fresh, 0, 4), 0);
        ck_assert(!memcmp(good, fresh.challenge, sizeof good));
        fresh.challenge[32 * i] ^= 1;
        int code = answer(&fresh);
        ck_assert_int_eq(code, choice_bit(&fresh, i) ? ERR_PEER : 0);
        caught += code != 0;
        end(&fresh);
    }
    ck_assert(caught > 3);
}
END_TEST

/* A receiver that knows no key of one instance (its B_i is somebody's element) cannot answer. */
START_TEST(unknown_key)
{
    run x, y;
    begin(&x, 15, patterns[0]);
    begin(&y, 16, patterns[0]);
    ck_assert_int_eq(start(&x), 0);
    ck_assert_int_eq(start(&y), 0);
    memcpy(x.message + 32 + 32 * 77, y.message + 32 + 32 * 77, 32);
    ck_assert_int_eq(go(&x, 1, 4), 0);
    ck_assert_int_eq(answer(&x), ERR_PEER); /* what it would compute is not a */
    memcpy(x.answer, x.challenge + 32 * OT_BASE_COUNT, 32);
    ck_assert_int_eq(finish(&x), ERR_PEER);
    ck_assert_int_eq(finish(&x), ERR_ARG); /* one try */
    end(&x);
    end(&y);
}
END_TEST

static void check_digest(const void *p, size_t n, const char *want)
{
    uint8_t d[32];
    char hex[65];
    crypto_generichash(d, sizeof d, p, n, NULL, 0);
    ck_assert_str_eq(sodium_bin2hex(hex, sizeof hex, d, sizeof d), want);
}

/* All messages and all keys, from base_ot_vectors.py. */
START_TEST(known_answer)
{
    run x;
    begin(&x, 13, RANDOM_CHOICE);
    ck_assert_int_eq(go(&x, 0, STEPS), 0);
    check_digest(x.message, sizeof x.message, "3488ecec9acb17f32d4f95cfd9c290091a4003c029809455dfdcf72b5bad6109");
    check_digest(x.element, sizeof x.element, "f309d5d34c5a60a4107833ce69c08df979da2fa21e3a8afcc5b74827d2748575");
    check_digest(x.challenge, sizeof x.challenge, "e94a43c3ca5487ed0e8ac8716d23ca4934588912f75a4ed76be1a4857e0d44a7");
    check_digest(x.answer, sizeof x.answer, "87e23b3164542e3853c662b259dbf9f4d9e0ae018a96e5f93285e12780b212bb");
    check_digest(x.both, sizeof x.both, "366fbcf21c38a64b2caa1ac86ddec8e0e766fed7e25f2b81e2e040b90d0ec3ae");
    ck_assert_uint_eq(matching(&x), OT_BASE_COUNT);
    end(&x);
}
END_TEST

/* Steps out of order, or twice, are refused and give nothing. */
START_TEST(steps_in_order)
{
    run x;
    begin(&x, 11, RANDOM_CHOICE);
    ck_assert_int_eq(go(&x, 0, 2), 0);
    ck_assert_int_eq(finish(&x), ERR_ARG);
    end(&x);
    begin(&x, 11, RANDOM_CHOICE);
    ck_assert_int_eq(go(&x, 0, 3), 0);
    memset(x.chosen, 1, sizeof x.chosen);
    ck_assert_int_eq(answer(&x), ERR_ARG); /* the element was not taken */
    ck_assert(all_zero(x.chosen, sizeof x.chosen));
    end(&x);
    begin(&x, 11, RANDOM_CHOICE);
    ck_assert_int_eq(go(&x, 0, 4), 0);
    ck_assert_int_eq(take(&x), ERR_ARG);
    ck_assert_int_eq(go(&x, 4, STEPS), 0);
    for (size_t k = 2; k < STEPS; k++) ck_assert_int_eq(steps[k](&x), ERR_ARG);
    ck_assert(all_zero(x.chosen, sizeof x.chosen) && all_zero(x.both, sizeof x.both));
    end(&x);
    ot_base_receiver_free(NULL);
    ot_base_sender_free(NULL);
}
END_TEST

START_TEST(allocations)
{
    run x;
    begin(&x, 12, RANDOM_CHOICE);
    for (size_t step = 0; step < 2; step++) {
        long k = 0;
        int code;
        do {
            test_alloc_fail_at(++k);
            x.r = step ? x.r : (void *)&x;
            x.s = (void *)&x;
            code = steps[step](&x);
            test_alloc_fail_at(0);
            ck_assert(code == 0 || (code == ERR_MEM && (step ? !x.s : !x.r)));
        } while (code);
        ck_assert_int_gt(k, 1);
    }
    ck_assert_int_eq(go(&x, 2, STEPS), 0);
    ck_assert_uint_eq(matching(&x), OT_BASE_COUNT);
    end(&x);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base_ot");
    TCase *t = tcase_create("base_ot");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, keys_agree, 0, PATTERNS);
    tcase_add_test(t, elements_differ);
    tcase_add_test(t, choice_adds_t);
    tcase_add_test(t, sessions_differ);
    tcase_add_test(t, deterministic);
    tcase_add_loop_test(t, hostile_elements, 0, BAD_POINTS);
    tcase_add_test(t, t_as_element);
    tcase_add_test(t, flipped_bits);
    tcase_add_test(t, swapped_elements);
    tcase_add_test(t, spoilt_challenge);
    tcase_add_test(t, unknown_key);
    tcase_add_test(t, known_answer);
    tcase_add_test(t, steps_in_order);
    tcase_add_test(t, allocations);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
