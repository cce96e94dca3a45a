// SPDX-License-Identifier: ISC
/* The security table, refusals that name the field, and primes that a big-integer script found. */
#include <stdlib.h>
#include <string.h>

#include "ckks/params.h"
#include "test/ckks_oracle.h"

static void refused(ckks_literal lit, const char *field)
{
    ckks_params *p = (ckks_params *)1;
    ck_assert_int_eq(ckks_params_create(&p, &lit), ERR_ARG);
    ck_assert_ptr_null(p);
    ck_assert_msg(strstr(err_text(), field), "\"%s\" does not name %s", err_text(), field);
}

START_TEST(security_table)
{
    static const struct {
        uint32_t n;
        unsigned most;
    } row[] = {{1024, 26}, {2048, 53}, {4096, 106}, {8192, 214}, {16384, 430}, {32768, 868}}; /* ePrint 2024/463, ternary, 128 bits */
    for (unsigned i = 0; i < 6; i++) {
        ck_assert_uint_eq(ckks_max_log_q(row[i].n), row[i].most);
        ckks_literal lit = {.n = row[i].n};
        for (unsigned left = row[i].most; left; left -= lit.bits[lit.primes++]) { /* exactly the most that is allowed */
            unsigned take = left < 60 ? left : left < 85 ? left / 2 : 60;
            lit.bits[lit.primes] = (uint8_t)take;
        }
        ckks_params *p;
        ck_assert_msg(ckks_params_create(&p, &lit) == 0, "%s", err_text());
        ck_assert_uint_eq(p->log_q, row[i].most);
        ckks_params_free(p);
        lit.bits[lit.primes - 1]++;
        refused(lit, "log Q");
    }
    static const uint32_t odd[] = {0, 1, 16, 512, 1000, 2047, 2049, 3072, 65536, UINT32_C(1) << 31, UINT32_MAX};
    for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++) ck_assert_uint_eq(ckks_max_log_q(odd[i]), 0);
}
END_TEST

START_TEST(refusals)
{
    refused((ckks_literal){.n = 512, .primes = 1, .bits = {20}}, "n = 512");
    refused((ckks_literal){.n = 3000, .primes = 1, .bits = {20}}, "n = 3000");
    refused((ckks_literal){.n = 65536, .primes = 1, .bits = {50}}, "n = 65536");
    refused((ckks_literal){.n = 2048, .primes = 0}, "primes = 0");
    refused((ckks_literal){.n = 2048, .primes = 21, .bits = {20}}, "primes = 21");
    refused((ckks_literal){.n = 2048, .primes = UINT32_MAX, .bits = {20}}, "primes");
    refused((ckks_literal){.n = 2048, .primes = 2, .bits = {20, 19}}, "bits[1] = 19");
    refused((ckks_literal){.n = 4096, .primes = 1, .bits = {61}}, "bits[0] = 61");
    refused((ckks_literal){.n = 2048, .primes = 1, .bits = {54}}, "log Q = 54");
    refused((ckks_literal){.n = 2048, .primes = 2, .bits = {50, 20}}, "log Q = 70");
    refused((ckks_literal){.n = 4096, .primes = 2, .bits = {50, 50}, .special = 2}, "special = 2");
    refused((ckks_literal){.n = 4096, .primes = 3, .bits = {50, 30, 27}, .special = 1}, "log Q"); /* they count */
    refused((ckks_literal){.n = 32768, .primes = 2, .bits = {20, 20}}, "bits[1] = 20: no prime"); /* 786433 is the only one */
}
END_TEST

START_TEST(known_primes)
{
    static const struct {
        uint32_t n, primes;
        uint8_t bits[4];
        uint64_t q[4], wide;
    } row[] = {
        {1024, 1, {26}, {67104769}, 1152921504606830593},
        {2048, 1, {50}, {1125899906826241}, 1152921504606830593},
        {2048, 1, {53}, {9007199254614017}, 1152921504606830593},
        {2048, 2, {26, 27}, {67104769, 134176769}, 1152921504606830593},
        {4096, 2, {53, 53}, {9007199254429697, 9007199254364161}, 1152921504606830593},
        {4096, 3, {35, 35, 36}, {34359697409, 34359451649, 68719403009}, 1152921504606830593},
        {8192, 4, {60, 60, 60, 34}, {1152921504606830593, 1152921504606748673, 1152921504606683137, 17179754497}, 1152921504606830593},
    };
    for (unsigned i = 0; i < sizeof row / sizeof row[0]; i++) {
        ckks_params *p = oracle_params(row[i].n, row[i].primes, row[i].bits);
        ck_assert_uint_eq(p->n, row[i].n);
        ck_assert_uint_eq(UINT64_C(1) << p->logn, row[i].n);
        ck_assert_uint_eq(p->primes, row[i].primes);
        ck_assert_uint_eq(p->wide->q.q, row[i].wide);
        for (uint32_t j = 0; j < p->primes; j++) {
            ck_assert_uint_eq(p->q[j], row[i].q[j]);
            ck_assert_uint_eq(p->ntt[j]->q.q, p->q[j]);
            ck_assert_uint_eq(p->ntt[j]->q.bits, row[i].bits[j]);
            ck_assert_uint_eq(p->ntt[j]->n, p->n);
        }
        ckks_params_free(p);
    }
}
END_TEST

START_TEST(special_primes)
{
    const ckks_literal all = {.n = 4096, .primes = 3, .bits = {36, 35, 34}}, two = {.n = 4096, .primes = 3, .bits = {36, 35, 34}, .special = 2};
    ckks_params *a, *b;
    ck_assert_int_eq(ckks_params_create(&a, &all), 0);
    ck_assert_int_eq(ckks_params_create(&b, &two), 0);
    ck_assert(a->primes == 3 && a->special == 0 && a->log_q == 105 && a->log_p == 0);
    ck_assert(b->primes == 1 && b->special == 2 && b->log_q == 36 && b->log_p == 69);
    ck_assert_mem_eq(a->q, b->q, sizeof a->q);
    ckks_params_free(a);
    ckks_params_free(b);
}
END_TEST

START_TEST(out_of_memory)
{
    const ckks_literal lit = {.n = 2048, .primes = 2, .bits = {26, 27}};
    ckks_params *p = NULL;
    EACH_ALLOCATION_FAILS(p, ckks_params_create(&p, &lit), 7);
    ckks_params_free(p);
    ckks_params_free(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("params");
    TCase *t = tcase_create("params");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, security_table);
    tcase_add_test(t, refusals);
    tcase_add_test(t, known_primes);
    tcase_add_test(t, special_primes);
    tcase_add_test(t, out_of_memory);
    suite_add_tcase(s, t);
    return oracle_run(s);
}
