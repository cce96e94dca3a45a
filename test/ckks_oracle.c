// SPDX-License-Identifier: ISC
#include "test/ckks_oracle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void oracle_prg(prg *g, uint64_t index)
{
    static const uint8_t seed[PRG_SEED_BYTES] = {'c', 'k', 'k', 's'};
    prg_init(g, seed, PRG_TEST, index);
}

ckks_params *oracle_params(uint32_t n, uint32_t primes, const uint8_t *bits)
{
    ckks_literal lit = {.n = n, .primes = primes};
    memcpy(lit.bits, bits, primes);
    ckks_params *p;
    ck_assert_msg(ckks_params_create(&p, &lit) == 0, "%s", err_text());
    return p;
}

void oracle_negacyclic(uint64_t q, size_t n, uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    memset(r, 0, n * sizeof *r);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; a[i] && j < n; j++) {
            uint64_t x = (uint64_t)((unsigned __int128)a[i] * b[j] % q), *to = &r[(i + j) % n];
            *to = (i + j < n ? *to + x : *to + q - x) % q;
        }
    }
}

int64_t oracle_centred(uint64_t x, uint64_t q) { return x > q / 2 ? (int64_t)x - (int64_t)q : (int64_t)x; }

double oracle_chi2(const uint64_t *count, const double *expected, size_t cells)
{
    double sum = 0;
    for (size_t i = 0; i < cells; i++) sum += pow((double)count[i] - expected[i], 2) / expected[i];
    return sum;
}

void oracle_cbd(const int64_t *e, size_t n)
{
    double m1 = 0, m2 = 0, m4 = 0;
    for (size_t i = 0; i < n; i++) {
        if (e[i] < -21 || e[i] > 21) ck_abort_msg("%lld is no sum of 21 bits less 21 bits", (long long)e[i]);
        double x = (double)e[i];
        m1 += x / (double)n;
        m2 += x * x / (double)n;
        m4 += x * x * x * x / (double)n;
    }
    const double var = 10.5, kurt = 3 - 2.0 / 42, se = 6 / sqrt((double)n);
    ck_assert_msg(fabs(m1) < se * sqrt(var), "mean %g of %zu", m1, n);
    ck_assert_msg(fabs(m2 - var) < se * var * sqrt(kurt - 1), "variance %g of %zu", m2, n);
    ck_assert_msg(fabs(m4 - kurt * var * var) < se * var * var * 10, "fourth moment %g of %zu", m4, n); /* sqrt(E x^8) is 10.2 var^2 */
}

void oracle_ternary(const int64_t *u, size_t n)
{
    uint64_t count[3] = {0};
    double want[3];
    for (size_t i = 0; i < n; i++) {
        if (u[i] < -1 || u[i] > 1) ck_abort_msg("%lld is not ternary", (long long)u[i]);
        count[u[i] + 1]++;
    }
    for (int i = 0; i < 3; i++) want[i] = (double)n / 3;
    ck_assert_msg(oracle_chi2(count, want, 3) < 41, "%g", oracle_chi2(count, want, 3)); /* chance 1e-9 at 2 degrees of freedom */
}

big big_from(uint64_t x) { return (big){{(uint32_t)x, (uint32_t)(x >> 32)}}; }

big big_add(big a, big b)
{
    uint64_t carry = 0;
    for (int i = 0; i < BIG_LIMBS; i++) {
        carry += (uint64_t)a.w[i] + b.w[i];
        a.w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return a;
}

big big_sub(big a, big b)
{
    for (int i = 0; i < BIG_LIMBS; i++) b.w[i] = ~b.w[i];
    return big_add(big_add(a, b), big_from(1));
}

static big mul32(big a, uint32_t x)
{
    uint64_t carry = 0;
    for (int i = 0; i < BIG_LIMBS; i++) {
        carry += (uint64_t)a.w[i] * x;
        a.w[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return a;
}

big big_mul(big a, uint64_t x) { return big_add(mul32(a, (uint32_t)x), big_shl(mul32(a, (uint32_t)(x >> 32)), 32)); }

big big_shl(big a, unsigned bits)
{
    for (; bits; bits--) a = big_add(a, a);
    return a;
}

big big_shr(big a, unsigned bits)
{
    for (; bits; bits--)
        for (int i = 0; i < BIG_LIMBS; i++) a.w[i] = a.w[i] >> 1 | (i + 1 < BIG_LIMBS ? a.w[i + 1] << 31 : 0);
    return a;
}

int big_less(big a, big b)
{
    for (int i = BIG_LIMBS; i-- > 0;)
        if (a.w[i] != b.w[i]) return a.w[i] < b.w[i];
    return 0;
}

uint64_t big_low(big a) { return (uint64_t)a.w[1] << 32 | a.w[0]; }

uint64_t big_mod(big a, uint64_t q)
{
    unsigned __int128 r = 0;
    for (int i = BIG_LIMBS; i-- > 0;) r = (r << 32 | a.w[i]) % q;
    return (uint64_t)r;
}

big big_div(big a, big b)
{
    big r = {{0}}, quotient = {{0}};
    for (int i = 32 * BIG_LIMBS; i-- > 0;) {
        r = big_add(r, r);
        r.w[0] |= a.w[i / 32] >> i % 32 & 1;
        if (big_less(r, b)) continue;
        r = big_sub(r, b);
        quotient.w[i / 32] |= UINT32_C(1) << i % 32;
    }
    return quotient;
}

int oracle_run(Suite *s)
{
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
