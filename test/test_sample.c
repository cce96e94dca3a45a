// SPDX-License-Identifier: ISC
/* The samplers by their definitions, bit by bit, and by statistics with bounds that fail once in 10^9. */
#include <math.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "ckks/ring_kern.h"
#include "ckks/sample.h"
#include "test/ckks_oracle.h"

#define MANY 10000384u /* a multiple of 512 */

/* The statistics are taken of every kernel that this CPU can run. */
static const ring_kern *kern;

static int begin(prg *g, int i)
{
    kern = ring_kerns.of[i];
    oracle_prg(g, 2);
    return (cpu_features() & kern->needs) == kern->needs;
}

START_TEST(ternary_digits)
{
    int8_t u[1024];
    prg g, twin;
    oracle_prg(&g, 1);
    oracle_prg(&twin, 1);
    sample_ternary(&g, u, 1024);
    for (int i = 0; i < 128; i++) { /* digit j of x / 2^64 in base 3: floor(x 3^(j+1) / 2^64) mod 3 */
        uint64_t x = prg_u64(&twin);
        unsigned power = 1;
        for (int j = 0; j < 8; j++) {
            power *= 3;
            ck_assert_int_eq(u[8 * i + j], (int)((uint64_t)((u128)x * power >> 64) % 3) - 1);
        }
    }
}
END_TEST

START_TEST(ternary_statistics)
{
    prg g;
    if (!begin(&g, _i)) return;
    int8_t *u = mem_alloc(MANY, 1);
    uint64_t w[64], pair[9] = {0}, whole[3][8] = {{0}};
    int64_t *wide = mem_alloc(MANY, sizeof *wide);
    for (size_t i = 0; i < MANY; i += 512) {
        prg_bytes(&g, w, sizeof w);
        kern->ternary(u + i, w, 64);
    }
    double want[9];
    for (unsigned i = 0; i < MANY; i++) {
        wide[i] = u[i];
        whole[u[i] + 1][i % 8]++;
        if (i) pair[3 * (u[i - 1] + 1) + u[i] + 1]++;
    }
    oracle_ternary(wide, MANY);
    for (int i = 0; i < 9; i++) want[i] = (MANY - 1) / 9.0;
    ck_assert(oracle_chi2(pair, want, 9) < 60); /* 8 degrees of freedom */
    for (int i = 0; i < 8; i++) want[i] = MANY / 24.0;
    for (int i = 0; i < 3; i++) ck_assert(oracle_chi2(whole[i], want, 8) < 60); /* every digit of a word */
    oracle_prg(&g, 2);
    int8_t *again = mem_alloc(MANY, 1);
    sample_ternary(&g, again, MANY);
    ck_assert_mem_eq(u, again, MANY);
    mem_free(again);
    mem_free(u);
    mem_free(wide);
}
END_TEST

/* Bytes in planes of 64: ring_kern.h */
START_TEST(cbd_is_its_bits)
{
    int8_t e[2048];
    uint8_t bits[21 * 64];
    prg g, twin;
    oracle_prg(&g, 3);
    oracle_prg(&twin, 3);
    sample_cbd(&g, e, 2048);
    for (int i = 0; i < 2048; i++) {
        const int at = i % 256;
        if (!at) prg_bytes(&twin, bits, sizeof bits);
        int want = 0;
        for (int k = 0; k < 42; k++) {
            const int bit = k < 40 ? bits[(5 * (at / 64) + k / 8) * 64 + at % 64] >> k % 8 & 1 : bits[20 * 64 + at % 64] >> (2 * (at / 64) + k - 40) & 1;
            want += k < 21 ? bit : bit - 1;
        }
        ck_assert_int_eq(e[i], want);
    }
    ck_assert_uint_eq(prg_u64(&g), prg_u64(&twin)); /* nothing was drawn and thrown away */
}
END_TEST

START_TEST(cbd_statistics)
{
    prg g;
    if (!begin(&g, _i)) return;
    int8_t *e = mem_alloc(MANY, 1);
    int64_t *wide = mem_alloc(MANY, sizeof *wide);
    _Alignas(64) uint8_t bits[RING_CBD_BYTES];
    for (size_t i = 0; i < MANY; i += RING_CBD_GROUP) {
        prg_bytes(&g, bits, sizeof bits);
        kern->cbd(e + i, bits);
    }
    uint64_t count[43] = {0};
    double want[43], p = ldexp(1, -42); /* C(42, k) / 2^42 */
    for (unsigned i = 0; i < MANY; i++) {
        wide[i] = e[i];
        if (e[i] < -21 || e[i] > 21) ck_abort_msg("%d is out of range", e[i]);
        count[e[i] + 21]++;
    }
    oracle_cbd(wide, MANY);
    for (int k = 0; k <= 42; k++) {
        want[k] = p * MANY;
        p *= (42.0 - k) / (k + 1);
    }
    int lo = 0, hi = 42; /* cells that expect fewer than 8 join their neighbours */
    for (; want[lo] < 8; lo++) {
        want[lo + 1] += want[lo];
        count[lo + 1] += count[lo];
    }
    for (; want[hi] < 8; hi--) {
        want[hi - 1] += want[hi];
        count[hi - 1] += count[hi];
    }
    double x = oracle_chi2(count + lo, want + lo, (size_t)(hi - lo + 1));
    ck_assert_msg(hi - lo > 28 && hi - lo < 36 && x < 105, "chi-square %g over %d cells", x, hi - lo + 1);
    static const unsigned lags[] = {1, 8, 32, 64, 128}; /* neighbours, and those that share a byte or a vector */
    for (size_t k = 0; k < 5; k++) {
        double sum = 0;
        for (unsigned i = lags[k]; i < MANY; i++) sum += (double)e[i] * e[i - lags[k]] / MANY;
        ck_assert(fabs(sum) < 6 * 10.5 / sqrt(MANY));
    }
    mem_free(e);
    mem_free(wide);
}
END_TEST

START_TEST(wide_is_its_bits)
{
    enum { S = SAMPLE_WIDE };
    int32_t e[1024];
    int8_t c[256];
    uint32_t w[256];
    prg g, twin;
    oracle_prg(&g, 4);
    oracle_prg(&twin, 4);
    sample_wide(&g, e, 1024);
    for (int i = 0; i < 1024; i++) {
        if (i % 256 == 0) {
            sample_cbd(&twin, c, 256);
            prg_bytes(&twin, w, sizeof w);
        }
        ck_assert_int_eq(e[i], S * c[i % 256] + (int)(w[i % 256] % S) + (int)(w[i % 256] / (UINT32_C(1) << 21)) - (S - 1));
    }
    ck_assert_uint_eq(prg_u64(&g), prg_u64(&twin)); /* nothing was drawn and thrown away */
}
END_TEST

/* Straight lines between the probabilities of 42 bits: 16 cells from one to the next, and all that is not smooth in a cell of 2048. */
START_TEST(wide_statistics)
{
    enum { S = SAMPLE_WIDE, CELLS = 16 * 44, MOST = 22 * S };
    const unsigned many = MANY / 256 * 256;
    int32_t *e = mem_alloc(many, sizeof *e);
    uint64_t count[CELLS] = {0}, low[256] = {0}, bit[11] = {0};
    double b[46] = {0}, want[CELLS], p = ldexp(1, -42), mean = 0, square = 0, fourth = 0;
    prg g;
    oracle_prg(&g, 7);
    sample_wide(&g, e, many);
    for (int k = 0; k <= 42; k++) { /* b[k + 1] of c = k - 21 */
        b[k + 1] = p;
        p *= (42.0 - k) / (k + 1);
    }
    for (unsigned i = 0; i < many; i++) {
        if (e[i] < -45055 || e[i] > 45055) ck_abort_msg("%d is out of range", e[i]);
        const double x = (double)e[i];
        mean += x / many;
        square += x * x / many;
        fourth += x * x * x * x / many;
        count[(e[i] + MOST) / (S / 16)]++;
        low[(unsigned)e[i] % 256]++;
        for (int k = 0; k < 11; k++) bit[k] += (unsigned)e[i] >> k & 1;
    }
    const double var = SAMPLE_WIDE_VARIANCE, kurt = 3 - 0.0462890628; /* two uniform numbers and 42 bits */
    ck_assert(fabs(mean) < 6 * sqrt(var / many));
    ck_assert(fabs(square - var) < 6 * var * sqrt((kurt - 1) / many));
    ck_assert(fabs(fourth - kurt * var * var) < 6 * var * var * 10 / sqrt(many));
    for (int k = 0; k < 11; k++) ck_assert(fabs((double)bit[k] - many / 2.0) < 3 * sqrt(many));
    for (int i = 0; i < 256; i++) want[i] = many / 256.0;
    ck_assert(oracle_chi2(low, want, 256) < 420);
    for (int i = 0; i < CELLS; i++) { /* cell i: r in [128 (i % 16), 128 (i % 16) + 128) after node i / 16 */
        const double left = b[i / 16], right = b[i / 16 + 1], at = (i % 16 * 128 + 63.5) / S;
        want[i] = many * (left * (1 - at) + right * at) / 16;
    }
    int lo = 0, hi = CELLS - 1;
    for (; want[lo] < 8; lo++) {
        want[lo + 1] += want[lo];
        count[lo + 1] += count[lo];
    }
    for (; want[hi] < 8; hi--) {
        want[hi - 1] += want[hi];
        count[hi - 1] += count[hi];
    }
    const double cells = hi - lo, x = oracle_chi2(count + lo, want + lo, (size_t)(hi - lo + 1));
    ck_assert_msg(cells > 400 && cells < 560 && x < cells + 6.5 * sqrt(2 * cells), "chi-square %g over %g cells", x, cells);
    mem_free(e);
}
END_TEST

START_TEST(uniform_by_rejection)
{
    const size_t many = 1u << 20;
    uint64_t *r = mem_alloc(many, sizeof *r);
    modulus m;
    ck_assert_int_eq(modulus_init(&m, 786433), 0); /* a quarter of the 20-bit words is refused */
    prg g, twin;
    oracle_prg(&g, 5);
    oracle_prg(&twin, 5);
    sample_uniform_var(&g, &m, r, many);
    uint64_t refused = 0;
    for (unsigned i = 0; i < many; i++) { /* the words in order */
        uint64_t x;
        while ((x = prg_u64(&twin) % (1 << 20)) >= 786433) refused++;
        if (r[i] != x) ck_abort_msg("value %u is %llu, not %llu", i, (unsigned long long)r[i], (unsigned long long)x);
    }
    ck_assert(fabs((double)refused / (double)many - 1.0 / 3) < 0.01);
    ck_assert_uint_eq(prg_u64(&g), prg_u64(&twin)); /* nothing was drawn and thrown away */
    mem_free(r);
}
END_TEST

START_TEST(uniform_statistics)
{
    prg g;
    if (!begin(&g, _i)) return;
    modulus m;
    ck_assert_int_eq(modulus_init(&m, 786433), 0);
    uint64_t w[512], r[512], count[256] = {0}, lane[8] = {0}, total = 0;
    double want[256];
    while (total < MANY) {
        prg_bytes(&g, w, sizeof w);
        const size_t kept = kern->accept_var(r, w, 512, &m);
        for (size_t i = 0; i < kept; i++) {
            count[r[i] * 256 / 786433]++;
            lane[r[i] % 8]++;
        }
        total += kept;
    }
    for (uint64_t i = 0; i < 256; i++)
        want[i] = (double)total / 786433 * (double)((786433 * (i + 1) + 255) / 256 - (786433 * i + 255) / 256);
    ck_assert(oracle_chi2(count, want, 256) < 420); /* 255 degrees of freedom */
    for (int i = 0; i < 8; i++) want[i] = (double)total / 8;
    ck_assert(oracle_chi2(lane, want, 8) < 60);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sample");
    TCase *t = tcase_create("sample");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, ternary_digits);
    tcase_add_loop_test(t, ternary_statistics, 0, RING_KERNS);
    tcase_add_test(t, cbd_is_its_bits);
    tcase_add_loop_test(t, cbd_statistics, 0, RING_KERNS);
    tcase_add_test(t, wide_is_its_bits);
    tcase_add_test(t, wide_statistics);
    tcase_add_test(t, uniform_by_rejection);
    tcase_add_loop_test(t, uniform_statistics, 0, RING_KERNS);
    suite_add_tcase(s, t);
    return oracle_run(s);
}
