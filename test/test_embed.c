// SPDX-License-Identifier: ISC
/* The canonical embedding against 256-bit arithmetic, against its definition, and every kernel against the portable one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "ckks/embed_kern.h"
#include "test/ckks_oracle.h"
#include "test/embed_input.h"
#include "test/embed_vectors.h"

#define SIZES (sizeof embed_vectors / sizeof *embed_vectors)

typedef struct {
    embed_table *t;
    uint32_t n, m;
    double *v, *c, *z, *scratch; /* n each: inputs, coefficients, slots (re, im) */
} job;

static job start(uint32_t n)
{
    job j = {.n = n, .m = n / 2, .v = mem_alloc(n, 4 * sizeof(double))};
    ck_assert_msg(embed_create(&j.t, n) == 0, "%s", err_text());
    ck_assert_ptr_nonnull(j.v);
    j.c = j.v + n;
    j.z = j.v + 2 * (size_t)n;
    j.scratch = j.v + 3 * (size_t)n;
    for (uint32_t i = 0; i < n; i++) j.v[i] = vector_input(n, i);
    return j;
}

static void stop(job *j)
{
    mem_free(j->v);
    embed_free(j->t);
}

static double norm(const double *v, uint32_t n)
{
    double s = 0;
    for (uint32_t i = 0; i < n; i++) s += v[i] * v[i];
    return sqrt(s);
}

/* What docs/PARAMS.md proves of the whole vector, relative, in the 2-norm. */
static double error_bound(uint32_t m) { return (2.5 * log2(m) + 1.5) * 0x1p-53; }

/* One number may take its even share of that. */
static void close_to(double got, const double want[2], double bound, uint32_t n, uint32_t at)
{
    const double error = fabs(got - want[0] - want[1]);
    if (!(error <= bound)) ck_abort_msg("n = %u, at %u: %.17g for %.17g, error %g above %g", n, at, got, want[0], error, bound);
}

START_TEST(high_precision)
{
    for (size_t i = 0; i < SIZES; i++) {
        job j = start(embed_vectors[i].n);
        const double bound = error_bound(j.m) * norm(j.v, j.n);
        embed_to_coeffs(j.t, j.c, j.v, j.v + j.m, j.scratch);
        embed_to_slots(j.t, j.z, j.z + j.m, j.v, j.scratch);
        for (unsigned k = 0; k < 4; k++) {
            uint32_t at = embed_vectors[i].coeff[k].at;
            close_to(j.c[at], embed_vectors[i].coeff[k].v, bound, j.n, at);
            at = embed_vectors[i].slot[k].at;
            close_to(j.z[at], embed_vectors[i].slot[k].re, bound, j.n, at);
            close_to(j.z[j.m + at], embed_vectors[i].slot[k].im, bound, j.n, at);
        }
        stop(&j);
    }
}
END_TEST

/* Every slot of every unit vector: x^k has the slots zeta^(5^j k). */
START_TEST(by_definition)
{
    for (uint32_t n = 16; n <= 256; n *= 2) {
        job j = start(n);
        for (uint32_t k = 0; k < n; k++) {
            memset(j.v, 0, n * sizeof *j.v);
            j.v[k] = 1;
            embed_to_slots(j.t, j.z, j.z + j.m, j.v, j.scratch);
            for (uint32_t s = 0, g = 1; s < j.m; s++, g = g * 5 % (2 * n)) {
                const long double angle = 3.14159265358979323846264L * (g * k % (2 * n)) / n;
                const long double off = fabsl(j.z[s] - cosl(angle)) + fabsl(j.z[j.m + s] - sinl(angle));
                ck_assert_msg(off < 0x1p-49L, "n %u, x^%u, slot %u", n, k, s);
            }
            embed_to_coeffs(j.t, j.c, j.z, j.z + j.m, j.scratch);
            for (uint32_t i = 0; i < n; i++)
                ck_assert_msg(fabs(j.c[i] / j.m - (i == k)) < 0x1p-48, "n %u, x^%u, coefficient %u", n, k, i);
        }
        stop(&j);
    }
}
END_TEST

START_TEST(there_and_back)
{
    for (uint32_t n = EMBED_MIN_N; n <= EMBED_MAX_N; n *= 2) {
        job j = start(n);
        embed_to_coeffs(j.t, j.c, j.v, j.v + j.m, j.scratch);
        embed_to_slots(j.t, j.z, j.z + j.m, j.c, j.scratch);
        const double size = norm(j.v, n);
        for (uint32_t i = 0; i < n; i++) j.z[i] = j.z[i] / j.m - j.v[i];
        ck_assert_double_le(norm(j.z, n), 2 * error_bound(j.m) * size);
        stop(&j);
    }
}
END_TEST

/* x -> x^g on coefficients. */
static void substitute(double *r, const double *a, uint32_t n, uint32_t g)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t to = (uint32_t)((uint64_t)i * g % (2 * n));
        r[to % n] = to < n ? a[i] : -a[i];
    }
}

START_TEST(rotation_and_conjugation)
{
    for (uint32_t n = EMBED_MIN_N; n <= EMBED_MAX_N; n *= 4) {
        job j = start(n);
        const double bound = 2 * error_bound(j.m) * norm(j.v, n);
        const uint32_t by[] = {1, 3, j.m - 1};
        double *got = mem_alloc(n, sizeof *got);
        ck_assert_ptr_nonnull(got);
        embed_to_slots(j.t, j.z, j.z + j.m, j.v, j.scratch);
        for (unsigned k = 0; k < 4; k++) {
            uint32_t g = 1, shift = k < 3 ? by[k] : 0;
            for (uint32_t i = 0; i < shift; i++) g = g * 5 % (2 * n);
            if (k == 3) g = 2 * n - 1;
            substitute(j.c, j.v, n, g);
            embed_to_slots(j.t, got, got + j.m, j.c, j.scratch);
            for (uint32_t s = 0; s < j.m; s++) {
                const uint32_t from = (s + shift) % j.m;
                ck_assert_double_le(fabs(got[s] - j.z[from]), bound);
                ck_assert_double_le(fabs(got[j.m + s] - (k < 3 ? 1 : -1) * j.z[j.m + from]), bound);
            }
        }
        mem_free(got);
        stop(&j);
    }
}
END_TEST

/* Numbers of like size, of sizes far apart, few among zeros. */
static void fill(double *v, uint32_t n, unsigned kind)
{
    for (uint32_t i = 0; i < n; i++) {
        v[i] = vector_input(n + kind, i);
        if (kind == 1) v[i] = ldexp(v[i], (int)(i * 37 % 801) - 400);
        if (kind == 2 && i % 61 != 7) v[i] = i & 1 ? 0 : -0.0;
    }
}

START_TEST(kernels_agree)
{
    const embed_kern *k = embed_kerns.of[_i];
    for (uint32_t n = EMBED_MIN_N; n <= EMBED_MAX_N; n *= 2) {
        job j = start(n);
        embed_table *portable, *t;
        double *want = mem_alloc(n, 2 * sizeof *want);
        ck_assert_ptr_nonnull(want);
        ck_assert_int_eq(embed_create_with(&portable, n, &embed_kern_portable), 0);
        const int usable = (cpu_features() & k->needs) == k->needs && n >= k->least_n;
        ck_assert_int_eq(embed_create_with(&t, n, k), usable ? 0 : ERR_ARG);
        ck_assert(usable == (t != NULL));
        for (unsigned kind = 0; usable && kind < 3; kind++) {
            fill(j.v, n, kind);
            embed_to_coeffs(portable, want, j.v, j.v + j.m, j.scratch);
            embed_to_slots(portable, want + n, want + n + j.m, j.v, j.scratch);
            embed_to_coeffs(t, j.c, j.v, j.v + j.m, j.scratch);
            embed_to_slots(t, j.z, j.z + j.m, j.v, j.scratch);
            ck_assert_mem_eq(j.c, want, n * sizeof *want);
            ck_assert_mem_eq(j.z, want + n, n * sizeof *want);
        }
        mem_free(want);
        embed_free(portable);
        embed_free(t);
        stop(&j);
    }
}
END_TEST

START_TEST(refusals)
{
    static const uint32_t bad[] = {0, 8, 17, 24, 65536, UINT32_MAX};
    embed_table *t = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(embed_create(&t, bad[i]), ERR_ARG);
        ck_assert_ptr_null(t);
        ck_assert_ptr_nonnull(strstr(err_text(), "n = "));
    }
    EACH_ALLOCATION_FAILS(t, embed_create(&t, 64), 2);
    embed_free(t);
    embed_free(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("embed");
    TCase *c = tcase_create("embed");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, high_precision);
    tcase_add_test(c, by_definition);
    tcase_add_test(c, there_and_back);
    tcase_add_test(c, rotation_and_conjugation);
    tcase_add_loop_test(c, kernels_agree, 0, EMBED_KERNS);
    tcase_add_test(c, refusals);
    suite_add_tcase(s, c);
    return oracle_run(s);
}
