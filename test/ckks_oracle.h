// SPDX-License-Identifier: ISC
/** ckks_oracle.h: what the tests of ckks/ compare with: naive products, multi-word integers, statistics, and a few lines they share. */
#ifndef TACIT_TEST_CKKS_ORACLE_H
#define TACIT_TEST_CKKS_ORACLE_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>

#include "base/prg.h"
#include "ckks/params.h"
#include "test/alloc.h"

/** oracle_prg: a deterministic generator, another one for every index. */
void oracle_prg(prg *g, uint64_t index);

/** oracle_params: a checked parameter set; fails the test when it is refused. */
ckks_params *oracle_params(uint32_t n, uint32_t primes, const uint8_t *bits);

/** oracle_negacyclic: r = a * b mod (x^n + 1, q), term by term. */
void oracle_negacyclic(uint64_t q, size_t n, uint64_t *r, const uint64_t *a, const uint64_t *b);

/** oracle_centred: x mod q in [-q/2, q/2]. */
int64_t oracle_centred(uint64_t x, uint64_t q);

/** oracle_chi2: sum (count - expected)^2 / expected. */
double oracle_chi2(const uint64_t *count, const double *expected, size_t cells);

/** oracle_cbd: fails the test unless e[n] looks centred binomial: range, mean, variance, fourth moment; bounds of six standard errors. */
void oracle_cbd(const int64_t *e, size_t n);

/** oracle_ternary: fails the test unless u[n] looks uniform in {-1, 0, 1}. */
void oracle_ternary(const int64_t *u, size_t n);

/** Integers of 384 bits, little endian: schoolbook arithmetic on 32-bit limbs. */
#define BIG_LIMBS 12
typedef struct {
    uint32_t w[BIG_LIMBS];
} big;

big big_from(uint64_t x);
big big_mul(big a, uint64_t x);
big big_add(big a, big b);
big big_sub(big a, big b);
big big_shl(big a, unsigned bits);
big big_shr(big a, unsigned bits);
int big_less(big a, big b);
uint64_t big_low(big a);
uint64_t big_mod(big a, uint64_t q);
big big_div(big a, big b); /* floor(a / b) */

/** EACH_ALLOCATION_FAILS: runs `call`, an expression that sets `out`, with the first allocation failing, then the second ..., until it
 *  succeeds; every failure must be ERR_MEM with `out` NULL.  Then out is there and the count of failures was at least `least`. */
#define EACH_ALLOCATION_FAILS(out, call, least)                        \
    do {                                                               \
        int rc_ = ERR_MEM;                                             \
        long k_ = 0;                                                   \
        while (rc_ != 0) {                                             \
            test_alloc_fail_at(++k_);                                  \
            rc_ = (call);                                              \
            test_alloc_fail_at(0);                                     \
            ck_assert_msg(rc_ == 0 || rc_ == ERR_MEM, "code %d", rc_); \
            ck_assert(rc_ == 0 || (out) == NULL);                      \
        }                                                              \
        ck_assert_int_ge(k_ - 1, (least));                             \
        ck_assert_ptr_nonnull(out);                                    \
    } while (0)

int oracle_run(Suite *s); /* runs and frees; the exit status */

#endif
