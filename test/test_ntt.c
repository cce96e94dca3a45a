// SPDX-License-Identifier: ISC
/* The transform against its definition and against schoolbook products. */
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "ckks/ntt_kern.h"
#include "ckks/sample.h"
#include "test/ckks_oracle.h"
#include "test/embed_input.h"
#include "test/ntt_emulated.h"
#include "test/ntt_vectors.h"

/* The library's kernels and the emulated one. */
#define KERNS (NTT_KERNS + 1)
static const ntt_kern *kern(size_t i) { return i < NTT_KERNS ? ntt_kerns.of[i] : &ntt_kern_emulated; }

static ntt_table *table(uint32_t n, unsigned bits)
{
    ntt_table *t;
    uint64_t q = mod_prime_below_var(UINT64_C(1) << bits, 0, 2 * (uint64_t)n);
    ck_assert_msg(ntt_create(&t, n, q) == 0, "%s", err_text());
    return t;
}

/* The residues where carries and lazy bounds are tightest, then random ones. */
static void fill(uint64_t *a, const ntt_table *t, unsigned kind)
{
    prg g;
    oracle_prg(&g, kind);
    sample_uniform_var(&g, &t->q, a, t->n);
    for (uint32_t i = 0; kind < 3 && i < t->n; i++) a[i] = kind == 0 ? 0 : kind == 1 ? t->q.q - 1 : i % 2 * (t->q.q - 1);
}

START_TEST(unit_vectors)
{
    static const unsigned bits[] = {20, 50, 60, 61};
    for (unsigned k = 0; k < 4; k++) {
        for (uint32_t n = 16; n <= 64; n *= 2) {
            ntt_table *t = table(n, bits[k]);
            uint64_t a[64], b[64], want[64];
            for (uint32_t i = 0; i < n; i++) {
                for (uint32_t j = 0; j < n; j++) { /* x^i * x^j = x^(i+j), and x^n = -1 */
                    memset(a, 0, sizeof a);
                    memset(b, 0, sizeof b);
                    memset(want, 0, sizeof want);
                    a[i] = 1;
                    b[j] = 1;
                    want[(i + j) % n] = i + j < n ? 1 : t->q.q - 1;
                    ntt_forward(t, b, b);
                    ntt_convolve(t, a, a, b);
                    ck_assert_mem_eq(a, want, n * sizeof *a);
                }
            }
            ntt_free(t);
        }
    }
}
END_TEST

START_TEST(random_products)
{
    for (uint32_t n = 1024; n <= 8192; n *= 2) {
        ntt_table *t = table(n, n == 1024 ? 61 : n == 2048 ? 50 : 60);
        uint64_t *m = mem_alloc(n, 4 * sizeof *m), *a = m, *b = m + n, *want = m + 2 * n, *got = m + 3 * n;
        fill(a, t, n == 1024 ? 1 : 3);
        fill(b, t, n == 1024 ? 1 : 4);
        for (uint32_t i = 0; n > 2048 && i < n; i++) /* few terms keep the schoolbook quick */
            if (i % (n / 256) != n / 256 - 1) a[i] = 0;
        oracle_negacyclic(t->q.q, n, want, a, b);
        ntt_forward(t, b, b);
        ntt_convolve(t, got, a, b);
        ck_assert_mem_eq(got, want, n * sizeof *got);
        mem_free(m);
        ntt_free(t);
    }
}
END_TEST

START_TEST(round_trip)
{
    static const unsigned bits[] = {30, 50, 60, 61};
    for (uint32_t n = 16; n <= 32768; n *= 2) {
        uint64_t *m = mem_alloc(n, 3 * sizeof *m), *a = m, *b = m + n, *c = m + 2 * n;
        for (unsigned k = 0; k < 4; k++) {
            ntt_table *t = table(n, bits[k]);
            for (unsigned kind = 0; kind < 5; kind++) {
                fill(a, t, kind);
                ntt_forward(t, b, a);
                for (uint32_t i = 0; i < n; i++)
                    if (b[i] >= t->q.q) ck_abort_msg("n = %u: value %u is not reduced", n, i);
                ntt_inverse(t, c, b);
                ck_assert_mem_eq(a, c, n * sizeof *a);
                ntt_inverse(t, b, b); /* in place */
                ck_assert_mem_eq(a, b, n * sizeof *a);
            }
            ntt_free(t);
        }
        mem_free(m);
    }
}
END_TEST

/* Every kernel against the portable one: sizes, primes around 2^47 and 2^50, edges and random residues, in place and not. */
START_TEST(kernels_agree)
{
    static const unsigned bits[] = {20, 30, 47, 49, 50, 51};
    int compared = 0;
    for (size_t k = 0; k < KERNS; k++) {
        if ((cpu_features() & kern(k)->needs) != kern(k)->needs) continue;
        for (uint32_t n = 16; n <= 32768; n *= 2) {
            uint64_t *m = mem_alloc(n, 4 * sizeof *m), *a = m, *b = m + n, *want = m + 2 * n, *got = m + 3 * n;
            for (size_t i = 0; i < sizeof bits / sizeof *bits; i++) {
                const uint64_t q = mod_prime_below_var(UINT64_C(1) << bits[i], 0, 2 * (uint64_t)n);
                ntt_table *p, *t;
                const int serves = n >= kern(k)->least && q < kern(k)->below;
                ck_assert_int_eq(ntt_create_with(&t, n, q, kern(k)), serves ? 0 : ERR_ARG);
                if (!serves) continue;
                ck_assert_int_eq(ntt_create_with(&p, n, q, &ntt_kern_portable), 0);
                for (unsigned kind = 0; kind < 6; kind++, compared++) {
                    fill(a, p, kind);
                    fill(b, p, kind == 1 ? 1 : kind + 7);
                    ntt_forward(p, want, a);
                    ntt_forward(t, got, a);
                    ck_assert_mem_eq(got, want, n * sizeof *got);
                    ntt_inverse(t, got, want);
                    ck_assert_mem_eq(got, a, n * sizeof *got);
                    ntt_inverse(p, want, a);
                    memcpy(got, a, n * sizeof *got);
                    ntt_inverse(t, got, got);
                    ck_assert_mem_eq(got, want, n * sizeof *got);
                    ntt_multiply(p, want, a, b);
                    ntt_multiply(t, got, a, b);
                    ck_assert_mem_eq(got, want, n * sizeof *got);
                    ntt_multiply_sub(p, want, a, b);
                    ntt_multiply_sub(t, got, a, b);
                    ck_assert_mem_eq(got, want, n * sizeof *got);
                    static const size_t counts[] = {1, 2, 3, 9, 15, 16, 20};
                    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
                        const uint64_t *x[20], *y[20];
                        for (size_t j = 0; j < 20; j++) {
                            x[j] = j % 3 ? a : b;
                            y[j] = j % 2 ? a : b;
                        }
                        ntt_inner(p, want, c % 2 ? NULL : a, x, y, counts[c]);
                        memcpy(got, a, n * sizeof *got);
                        ntt_inner(t, got, c % 2 ? NULL : c % 4 ? a : got, x, y, counts[c]);
                        ck_assert_mem_eq(got, want, n * sizeof *got);
                    }
                    const uint64_t w[] = {0, 1, q / 2, q / 2 + 1, q - 1, a[n - 1]};
                    ntt_scale_add(p, want, a, w[kind], b);
                    ntt_scale_add(t, got, a, w[kind], b);
                    ck_assert_mem_eq(got, want, n * sizeof *got);
                    int8_t e[32768];
                    for (uint32_t j = 0; j < n; j++) e[j] = (int8_t)(kind == 0 ? 100 : kind == 1 ? -100 : (int)((a[j] * 37 + j) % 201) - 100);
                    ntt_forward_small(p, want, e, w[kind], b, NULL, NULL);
                    ntt_forward_small(t, got, e, w[kind], b, NULL, NULL);
                    ck_assert_mem_eq(got, want, n * sizeof *got);
                    ntt_inner(p, want, want, (const uint64_t *[]){a}, (const uint64_t *[]){b}, 1);
                    memcpy(got, b, n * sizeof *got);
                    ntt_forward_small(t, got, e, w[kind], got, a, b);
                    ck_assert_mem_eq(got, want, n * sizeof *got);
                    ntt_forward_small(p, want, e, w[kind], NULL, NULL, NULL);
                    ntt_forward_small(t, got, e, w[kind], NULL, NULL, NULL);
                    ck_assert_mem_eq(got, want, n * sizeof *got);
                    ntt_sub_scale(p, want, a, b, a[1]);
                    ntt_sub_scale(t, got, a, b, a[1]);
                    ck_assert_mem_eq(got, want, n * sizeof *got);
                    for (uint64_t from = q + 2; from > 40000; from = from / 4096 | 1) { /* larger than q and smaller */
                        modulus m2;
                        ck_assert_int_eq(modulus_init(&m2, from), 0);
                        for (uint32_t j = 0; j < n; j++) {
                            const uint64_t x = j == 0 ? from / 2 : j == 1 ? from / 2 + 1 : j == 2 ? from - 1 : (a[j] + b[j]) % from;
                            const __int128 y = x > from / 2 ? (__int128)x - from : (__int128)x;
                            got[j] = x;
                            want[j] = (uint64_t)((y % (__int128)q + (__int128)q) % (__int128)q);
                        }
                        memcpy(b, got, n * sizeof *got);
                        ntt_lift(t, got, got, &m2);
                        ck_assert_mem_eq(got, want, n * sizeof *got);
                        ntt_forward(p, want, want);
                        ntt_forward_lifted(t, got, b, &m2);
                        ck_assert_mem_eq(got, want, n * sizeof *got);
                        ntt_forward_lifted(t, b, b, &m2);
                        ck_assert_mem_eq(b, want, n * sizeof *got);
                    }
                }
                ntt_free(p);
                ntt_free(t);
            }
            mem_free(m);
        }
    }
    ck_assert_int_ge(compared, (12 * 5 + 8 * 4) * 6);
}
END_TEST

static uint64_t power(uint64_t a, uint64_t e, uint64_t q) /* the compiler's arithmetic, not ours */
{
    uint64_t r = 1;
    for (; e; e /= 2, a = (uint64_t)((u128)a * a % q))
        if (e % 2) r = (uint64_t)((u128)r * a % q);
    return r;
}

/* r[j] = sum_i a[i] psi^(i (2 rev(j) + 1)), with the root that ntt.h defines */
START_TEST(by_definition)
{
    for (uint32_t n = 16; n <= 256; n *= 4) {
        ntt_table *t = table(n, 55);
        const uint64_t q = t->q.q;
        uint64_t a[256], got[256], psi = 0;
        for (uint64_t x = 2; power(psi, n, q) != q - 1; x++) psi = power(x, (q - 1) / (2 * n), q);
        fill(a, t, 9);
        ntt_forward(t, got, a);
        for (uint32_t j = 0; j < n; j++) {
            uint32_t rev = 0;
            for (uint32_t bit = 1; bit < n; bit *= 2) rev = 2 * rev + (j / bit & 1);
            uint64_t at = power(psi, 2 * rev + 1, q), want = 0;
            for (uint32_t i = n; i-- > 0;) want = (uint64_t)(((u128)want * at + a[i]) % q);
            ck_assert_uint_eq(got[j], want);
        }
        ntt_free(t);
    }
}
END_TEST

static int usable(const ntt_kern *k, uint32_t n, uint64_t q)
{
    return (cpu_features() & k->needs) == k->needs && n >= k->least && q < k->below;
}

static void check_vector(const uint64_t *r, uint32_t n, uint64_t q, const uint64_t want[5])
{
    const uint32_t at[] = {0, 1, n * 3 / 5, n - 1};
    uint64_t print = 0;
    for (int i = 0; i < 4; i++) ck_assert_uint_eq(r[at[i]], want[i]);
    for (uint32_t j = n; j-- > 0;) print = (uint64_t)(((u128)print * (NTT_POINT % q) + r[j]) % q);
    ck_assert_uint_eq(print, want[4]);
}

/* Primes, roots and values that a script worked out from the definition, for each kernel. */
START_TEST(script_vectors)
{
    for (size_t v = 0; v < sizeof ntt_vectors / sizeof *ntt_vectors; v++) {
        const uint32_t n = ntt_vectors[v].n;
        const uint64_t q = ntt_vectors[v].q;
        uint64_t *a = mem_alloc(n, 2 * sizeof *a), *r = a + n;
        ck_assert_ptr_nonnull(a);
        ck_assert_uint_eq(mod_prime_below_var(UINT64_C(1) << ntt_vectors[v].bits, 0, 2 * (uint64_t)n), q);
        for (uint32_t i = 0; i < n; i++) a[i] = vector_word(n, i) % q;
        for (size_t k = 0; k < KERNS; k++) {
            ntt_table *t;
            if (!usable(kern(k), n, q)) continue;
            ck_assert_int_eq(ntt_create_with(&t, n, q, kern(k)), 0);
            ck_assert_uint_eq(t->root[n / 2], ntt_vectors[v].psi);
            ntt_forward(t, r, a);
            check_vector(r, n, q, ntt_vectors[v].forward);
            ntt_inverse(t, r, a);
            check_vector(r, n, q, ntt_vectors[v].inverse);
            ntt_free(t);
        }
        mem_free(a);
    }
}
END_TEST

static uint32_t reverse8(uint32_t x)
{
    uint32_t r = 0;
    for (int i = 0; i < 8; i++) r |= (x >> i & 1) << (7 - i);
    return r;
}

/* The transform of ML-DSA is this one for zeta = 1753, NTT(a)[j] = a(zeta^(2 brv(j) + 1)) [FIPS-204, 7.5]: the standard prints the powers
 * below 256, those from there on are their negatives, so every value of every x^k is there.  zeta = psi^e here: places move, values do not. */
START_TEST(fips_204)
{
    const uint64_t q = MLDSA_Q;
    int run = 0;
    for (size_t k = 0; k < KERNS; k++) {
        ntt_table *t;
        uint64_t a[256], r[256];
        uint32_t e = 1;
        if (!usable(kern(k), 256, q)) continue;
        ck_assert_int_eq(ntt_create_with(&t, 256, q, kern(k)), 0);
        while (e < 512 && power(t->root[128], e, q) != MLDSA_ZETA) e += 2;
        ck_assert_uint_lt(e, 512);
        for (uint32_t i = 0; i < 256; i++) {
            memset(a, 0, sizeof a);
            a[i] = 1;
            ntt_forward(t, r, a);
            for (uint32_t j = 0; j < 256; j++, run++) {
                const uint32_t at = 2 * reverse8(j) + 1, exponent = i * at % 512, zeta = mldsa_zetas[reverse8(exponent % 256)];
                ck_assert_uint_eq(r[reverse8(e * at % 512 / 2)], exponent < 256 ? zeta : q - zeta);
            }
            ntt_inverse(t, r, r);
            ck_assert_mem_eq(r, a, sizeof a);
        }
        ntt_free(t);
    }
    ck_assert_int_ge(run, 65536);
}
END_TEST

START_TEST(pointwise)
{
    ntt_table *t = table(64, 61);
    uint64_t a[64], b[64], r[64], s[64];
    for (unsigned kind = 0; kind < 6; kind++) {
        fill(a, t, kind);
        fill(b, t, kind == 1 ? 1 : kind + 1);
        fill(s, t, kind == 1 ? 1 : kind + 2);
        ntt_multiply(t, r, a, b);
        for (int i = 0; i < 64; i++) ck_assert_uint_eq(r[i], (uint64_t)((u128)a[i] * b[i] % t->q.q));
        memcpy(r, s, sizeof r);
        ntt_inner(t, r, r, (const uint64_t *[]){a}, (const uint64_t *[]){b}, 1);
        for (int i = 0; i < 64; i++) ck_assert_uint_eq(r[i], (uint64_t)(((u128)a[i] * b[i] + s[i]) % t->q.q));
        ntt_inner(t, r, s, (const uint64_t *[]){a, b, a}, (const uint64_t *[]){b, b, s}, 3);
        for (int i = 0; i < 64; i++) {
            const u128 x = (u128)a[i] * b[i] % t->q.q, y = (u128)b[i] * b[i] % t->q.q, z = (u128)a[i] * s[i] % t->q.q;
            ck_assert_uint_eq(r[i], (uint64_t)((x + y + z + s[i]) % t->q.q));
        }
        memcpy(r, s, sizeof r);
        ntt_multiply_sub(t, r, a, b);
        for (int i = 0; i < 64; i++) ck_assert_uint_eq(r[i], (uint64_t)(((u128)(t->q.q - a[i]) * b[i] + s[i]) % t->q.q));
        int8_t e[64];
        for (int i = 0; i < 64; i++) e[i] = (int8_t)(3 * i - 95);
        ntt_forward_small(t, r, e, b[5], s, NULL, NULL);
        ntt_inverse(t, r, r);
        for (int i = 0; i < 64; i++) ck_assert_uint_eq(r[i], (uint64_t)(((u128)(t->q.q + (uint64_t)(int64_t)e[i]) * b[5] + s[i]) % t->q.q));
        ntt_scale_add(t, r, a, b[5], s);
        for (int i = 0; i < 64; i++) ck_assert_uint_eq(r[i], (uint64_t)(((u128)a[i] * b[5] + s[i]) % t->q.q));
        ntt_sub_scale(t, r, a, b, s[9]);
        for (int i = 0; i < 64; i++) ck_assert_uint_eq(r[i], (uint64_t)((u128)(a[i] + t->q.q - b[i]) * s[9] % t->q.q));
    }
    ntt_free(t);
}
END_TEST

START_TEST(refusals)
{
    ntt_table *t = NULL;
    ck_assert_int_eq(ntt_create(&t, 8, 97), ERR_ARG);
    ck_assert_int_eq(ntt_create(&t, 24, 97), ERR_ARG);
    ck_assert_int_eq(ntt_create(&t, 65536, 786433), ERR_ARG);
    ck_assert_int_eq(ntt_create(&t, 16, 33), ERR_ARG);                                  /* = 1 mod 32, not prime */
    ck_assert_int_eq(ntt_create(&t, 16, 101), ERR_ARG);                                 /* prime, not = 1 mod 32 */
    ck_assert_int_eq(ntt_create(&t, 16, (UINT64_C(1) << 61) + 32 * 7 + 1), ERR_ARG);
    ck_assert_ptr_null(t);
    ck_assert_int_eq(ntt_create(&t, 16, 97), 0);
    ntt_free(t);
    ntt_free(NULL);
}
END_TEST

START_TEST(out_of_memory)
{
    ntt_table *t = NULL;
    EACH_ALLOCATION_FAILS(t, ntt_create(&t, 16, 97), 2);
    ntt_free(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ntt");
    TCase *t = tcase_create("ntt");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, unit_vectors);
    tcase_add_test(t, random_products);
    tcase_add_test(t, round_trip);
    tcase_add_test(t, kernels_agree);
    tcase_add_test(t, by_definition);
    tcase_add_test(t, script_vectors);
    tcase_add_test(t, fips_204);
    tcase_add_test(t, pointwise);
    tcase_add_test(t, refusals);
    tcase_add_test(t, out_of_memory);
    suite_add_tcase(s, t);
    return oracle_run(s);
}
