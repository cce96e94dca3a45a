// SPDX-License-Identifier: ISC
/* Slots to plaintexts and back: residues and the centred lift against big integers, slots against 256-bit arithmetic. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "ckks/encode.h"
#include "ckks/encode_kern.h"
#include "test/ckks_oracle.h"
#include "test/embed_input.h"
#include "test/embed_vectors.h"

#define SIZES (sizeof embed_vectors / sizeof *embed_vectors)
#define U 0x1p-53

/* Any degree and any primes: a set that ckks_params_create would refuse. */
static ckks_params *insecure_params(uint32_t n, uint32_t primes, const uint8_t *bits)
{
    ckks_params *p = mem_alloc(1, sizeof *p);
    ck_assert_ptr_nonnull(p);
    p->n = n;
    p->logn = (uint32_t)__builtin_ctz(n);
    p->primes = primes;
    for (uint32_t i = 0; i < primes; i++) {
        uint64_t top = UINT64_C(1) << bits[i];
        for (uint32_t j = 0; j < i; j++)
            if (bits[j] == bits[i]) top = p->q[j] - 1;
        p->q[i] = mod_prime_below_var(top, 0, 2 * (uint64_t)n);
        ck_assert_msg(ntt_create(&p->ntt[i], n, p->q[i]) == 0, "%s", err_text());
    }
    return p;
}

static void insecure_params_free(ckks_params *p)
{
    for (uint32_t i = 0; i < p->primes; i++) ntt_free(p->ntt[i]);
    mem_free(p);
}

typedef struct {
    ckks_params *p;
    ckks_encoder *e;
    ckks_pt *pt;
    uint32_t n, m;
    double *v, *z, *scratch; /* inputs, outputs: re[m], im[m] */
} job;

static job start(uint32_t n, uint32_t primes, const uint8_t *bits)
{
    job j = {.p = insecure_params(n, primes, bits), .n = n, .m = n / 2, .v = mem_alloc(n, 2 * sizeof(double))};
    ck_assert_ptr_nonnull(j.v);
    ck_assert_msg(ckks_encoder_create(&j.e, j.p) == 0, "%s", err_text());
    ck_assert_int_eq(ckks_pt_create(&j.pt, j.p, primes), 0);
    j.scratch = mem_alloc(ckks_encoder_scratch(j.e), sizeof *j.scratch);
    ck_assert_ptr_nonnull(j.scratch);
    j.z = j.v + n;
    for (uint32_t i = 0; i < n; i++) j.v[i] = vector_input(n, i);
    return j;
}

static void stop(job *j)
{
    mem_free(j->v);
    mem_free(j->scratch);
    ckks_pt_free(j->pt);
    ckks_encoder_free(j->e);
    insecure_params_free(j->p);
}

static void encode(job *j, double scale, uint32_t level)
{
    ck_assert_msg(ckks_encode(j->e, j->pt, j->v, j->v + j->m, j->m, scale, level, j->scratch) == 0, "%s", err_text());
}

static void decode(job *j) { ck_assert_msg(ckks_decode(j->e, j->z, j->z + j->m, j->m, j->pt, j->scratch) == 0, "%s", err_text()); }

static double fft_error(uint32_t m) { return (2.5 * log2(m) + 1.5) * U; }

static double norm(const double *v, uint32_t n)
{
    double s = 0;
    for (uint32_t i = 0; i < n; i++) s += v[i] * v[i];
    return sqrt(s);
}

/* round(x) modulo q by big integers; |x| < 2^200. */
static uint64_t round_mod(double x, uint64_t q)
{
    int e;
    const double f = frexp(fabs(x), &e); /* |x| = f 2^e */
    uint64_t w = (uint64_t)ldexp(f, 53);
    e -= 53;
    big r = e >= 0 ? big_shl(big_from(w), (unsigned)e) : big_from((uint64_t)llrint(fabs(x)));
    w = big_mod(r, q);
    return x < 0 && w ? q - w : w;
}

/* Numbers at which digits carry, ties, the largest, and every size at random. */
static size_t edge_numbers(double *x, size_t room)
{
    static const double at[] = {0,       0.25,    0.5,     0.75,    1,       1.5,      2.5,      0x1p31,   0x1p32,   0x1p49, 0x1p50,
                                0x1p51,  0x1p52,  0x1p53,  0x1p79,  0x1p80,  0x1p81,   0x1p109,  0x1p110,  0x1p111,  0x1p119};
    static const double off[] = {0, 0.5, -0.5, 1, -1, 1.5, 0x1p29, -0x1p30, 0x1p49, -0x1p49};
    size_t count = 0;
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        for (size_t k = 0; k < sizeof off / sizeof *off; k++) {
            x[count++] = at[i] + off[k];
            x[count++] = -(at[i] + off[k]);
        }
        x[count++] = nextafter(at[i], 1e300);
        x[count++] = -nextafter(at[i], 0);
    }
    x[count++] = 0x1p120;
    x[count++] = -0x1p120;
    for (uint32_t i = 0; count < room; i++, count++) x[count] = ldexp(vector_input(7, i), (int)(i % 122) - 1);
    return count;
}

START_TEST(residues)
{
    enum { N = 8192 };
    static const uint8_t bits[] = {20, 21, 30, 31, 32, 33, 40, 50, 59, 60};
    const encode_kern *k = encode_kerns.of[_i];
    if ((cpu_features() & k->needs) != k->needs) return;
    const size_t primes = sizeof bits;
    double *x = mem_alloc(N, sizeof *x);
    uint64_t *r = mem_alloc(N * primes, sizeof *r);
    encode_prime p[sizeof bits];
    ck_assert(x && r);
    edge_numbers(x, N);
    for (size_t i = 0; i < primes; i++) {
        /* the largest prime of a size and the smallest are the edges of the quotient's bounds */
        uint64_t q = mod_prime_below_var(UINT64_C(1) << bits[i], 0, 32);
        if (i % 2 == 0)
            for (q = (UINT64_C(1) << (bits[i] - 1)) + 1; !mod_is_prime_var(q);) q += 2;
        ck_assert_int_eq(encode_prime_fill_var(&p[i], q), 0);
    }
    k->residues(r, x, N, p, primes);
    for (size_t i = 0; i < primes; i++)
        for (size_t j = 0; j < N; j++)
            if (r[i * N + j] != round_mod(x[j], p[i].m.q))
                ck_abort_msg("%s: %a modulo %llu", k->name, x[j], (unsigned long long)p[i].m.q);
    mem_free(x);
    mem_free(r);
}
END_TEST

START_TEST(scaling)
{
    const encode_kern *k = encode_kerns.of[_i];
    if ((cpu_features() & k->needs) != k->needs) return;
    const double bad[] = {NAN, INFINITY, -INFINITY, 1.0000001, -1.0000001, 1e300};
    for (unsigned b = 0; b < sizeof bad / sizeof *bad; b++) {
        for (unsigned at = 0; at < 24; at++) {
            double x[24];
            for (unsigned i = 0; i < 24; i++) x[i] = i % 2 ? -0.5 : 0.5;
            ck_assert_int_eq(k->scale(x, 24, 2, 1), 0);
            for (unsigned i = 0; i < 24; i++) ck_assert_double_eq(x[i], i % 2 ? -1 : 1);
            x[at] = bad[b];
            ck_assert_int_eq(k->scale(x, 24, 1, 1), 1);
        }
    }
}
END_TEST

/* A random number below 2^width, or Q/2 less that. */
static big random_big(prg *g, unsigned width)
{
    big r = {{0}};
    uint32_t w[BIG_LIMBS];
    prg_bytes(g, w, sizeof w);
    for (unsigned i = 0; i < BIG_LIMBS; i++) {
        const unsigned left = width > 32 * i ? width - 32 * i : 0;
        r.w[i] = left >= 32 ? w[i] : w[i] & ((1u << left) - 1);
    }
    return r;
}

static long double big_value(big x)
{
    long double v = 0;
    for (unsigned i = BIG_LIMBS; i-- > 0;) v = v * 0x1p32L + x.w[i];
    return v;
}

static void fill_primes(encode_prime *p, encode_pair *pair, const uint8_t *bits, size_t primes)
{
    for (size_t i = 0; i < primes; i++) {
        uint64_t top = UINT64_C(1) << bits[i];
        for (size_t j = 0; j < i; j++)
            if (bits[j] == bits[i]) top = p[j].m.q - 1;
        ck_assert_int_eq(encode_prime_fill_var(&p[i], mod_prime_below_var(top, 0, 32)), 0);
        encode_pairs_fill_var(p, pair + ENCODE_PAIRS(i), i);
    }
}

START_TEST(lift)
{
    enum { N = 1024, MOST = 6 };
    static const uint8_t sets[][MOST] = {
        {60, 60, 60, 60, 60, 60}, {20, 20, 20, 20, 20, 20}, {60, 40, 40, 60, 20, 30}, {50, 50, 50, 50, 31, 33}};
    const encode_kern *k = encode_kerns.of[_i];
    if ((cpu_features() & k->needs) != k->needs) return;
    prg g;
    oracle_prg(&g, 70);
    double *x = mem_alloc(N, sizeof *x);
    uint64_t *m = mem_alloc(N * MOST, sizeof *m);
    big *want = mem_alloc(N, sizeof *want);
    encode_prime p[MOST];
    encode_pair pair[ENCODE_PAIRS(MOST)];
    ck_assert(x && m && want);
    for (size_t set = 0; set < sizeof sets / sizeof *sets; set++) {
        fill_primes(p, pair, sets[set], MOST);
        big product = big_from(1);
        unsigned log_q = 0;
        for (size_t level = 1; level <= MOST; level++) {
            product = big_mul(product, p[level - 1].m.q);
            log_q += sets[set][level - 1];
            const big half = big_shr(product, 1); /* (Q-1)/2 */
            for (uint32_t j = 0; j < N; j++) {
                want[j] = random_big(&g, j % (log_q - 1));
                if (big_less(half, want[j])) want[j] = half;
                if (j % 3 == 2) want[j] = big_sub(half, want[j]); /* the upper edge */
                for (size_t i = 0; i < level; i++) {
                    const uint64_t w = big_mod(want[j], p[i].m.q);
                    m[i * N + j] = j % 2 && w ? p[i].m.q - w : w;
                }
            }
            k->lift(x, m, N, p, pair, level, 0.125);
            for (uint32_t j = 0; j < N; j++) {
                const long double y = (j % 2 ? -1 : 1) * big_value(want[j]), error = fabsl(8 * (long double)x[j] - y);
                /* fl of a long double holds 64 bits, so the comparison itself is off by less than U/100 */
                if (error > 7.01L * U * fabsl(y) || (fabsl(y) < 0x1p53L && error != 0))
                    ck_abort_msg("%s, set %zu, level %zu: %.20Lg comes out as %.20g", k->name, set, level, y, 8 * x[j]);
            }
        }
    }
    mem_free(x);
    mem_free(m);
    mem_free(want);
}
END_TEST

/* Twenty primes, any residues: the kernels give the same bits; small numbers come out as they are. */
START_TEST(lift_of_twenty)
{
    enum { N = 256, MOST = 20 };
    static const uint8_t sets[][MOST] = {{60, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 60},
                                         {50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50}};
    const encode_kern *k = encode_kerns.of[_i];
    if ((cpu_features() & k->needs) != k->needs) return;
    prg g;
    oracle_prg(&g, 71);
    double *x = mem_alloc(N, 2 * sizeof *x), *y = x + N;
    uint64_t *m = mem_alloc(N * MOST, sizeof *m);
    encode_prime p[MOST];
    encode_pair pair[ENCODE_PAIRS(MOST)];
    ck_assert(x && m);
    for (size_t set = 0; set < 2; set++) {
        fill_primes(p, pair, sets[set], MOST);
        for (size_t i = 0; i < MOST; i++)
            for (size_t j = 0; j < N; j++) prg_bytes(&g, &m[i * N + j], 8), m[i * N + j] = mod_reduce(&p[i].m, m[i * N + j]);
        k->lift(x, m, N, p, pair, MOST, 0x1p-40);
        encode_kern_portable.lift(y, m, N, p, pair, MOST, 0x1p-40);
        ck_assert_mem_eq(x, y, N * sizeof *x);
        for (size_t j = 0; j < N; j++) y[j] = ldexp(vector_input(9, (uint32_t)j), 52);
        k->residues(m, y, N, p, MOST);
        k->lift(x, m, N, p, pair, MOST, 1);
        ck_assert_mem_eq(x, y, N * sizeof *x);
    }
    mem_free(x);
    mem_free(m);
}
END_TEST

/* Centred coefficient of a plaintext whose Q is below 2^126. */
static __int128 coefficient(const job *j, uint32_t at)
{
    const uint64_t q0 = j->p->q[0], q1 = j->p->q[1];
    const uint64_t r0 = j->pt->m[at], r1 = j->pt->m[j->n + at];
    const modulus *m = &j->p->ntt[1]->q;
    const uint64_t t = mod_mul(m, mod_sub(m, r1, r0 % q1), mod_inv_var(m, q0 % q1));
    const u128 x = (u128)t * q0 + r0, q = (u128)q0 * q1;
    return x > q / 2 ? (__int128)x - (__int128)q : (__int128)x;
}

START_TEST(encode_vectors)
{
    static const double scales[] = {0x1p20, 0x1p40, 0x1p60, 0x1p100};
    for (size_t i = 0; i < SIZES; i++) {
        job j = start(embed_vectors[i].n, 2, (const uint8_t[]){60, 59});
        for (unsigned s = 0; s < 4; s++) {
            encode(&j, scales[s], 2);
            ck_assert(j.pt->at.scale == scales[s] && j.pt->at.level == 2 && j.pt->at.domain == CKKS_COEFF);
            /* rounding, and of the transform's error an even share */
            const long double bound = 0.5L + scales[s] / j.m * (fft_error(j.m) * norm(j.v, j.n));
            for (unsigned k = 0; k < 4; k++) {
                const uint32_t at = embed_vectors[i].coeff[k].at;
                const long double f = scales[s] / j.m, got = (long double)coefficient(&j, at);
                const long double want = embed_vectors[i].coeff[k].v[0] * f + embed_vectors[i].coeff[k].v[1] * f;
                const long double error = fabsl(got - want);
                ck_assert_msg(error <= bound * (1 + 0x1p-40L), "n %u, scale %g, at %u: %Lg for %Lg", j.n, scales[s], at, got, want);
            }
        }
        stop(&j);
    }
}
END_TEST

START_TEST(decode_vectors)
{
    for (size_t i = 0; i < SIZES; i++) {
        job j = start(embed_vectors[i].n, 3, (const uint8_t[]){50, 40, 50});
        int64_t *a = mem_alloc(j.n, sizeof *a);
        ck_assert_ptr_nonnull(a);
        for (uint32_t k = 0; k < j.n; k++) a[k] = (int64_t)(j.v[k] * 0x1p52);
        ck_assert_int_eq(ckks_pt_set(j.pt, a, j.n, 0x1p52), 0);
        decode(&j);
        const double bound = fft_error(j.m) * norm(j.v, j.n); /* the lift of 53 bits is exact */
        for (unsigned k = 0; k < 4; k++) {
            const uint32_t at = embed_vectors[i].slot[k].at;
            ck_assert_double_le(fabs(j.z[at] - embed_vectors[i].slot[k].re[0]), bound);
            ck_assert_double_le(fabs(j.z[j.m + at] - embed_vectors[i].slot[k].im[0]), bound);
        }
        mem_free(a);
        stop(&j);
    }
}
END_TEST

/* The worst slot of a round trip against the bounds of docs/PARAMS.md. */
START_TEST(round_trip)
{
    static const double scales[] = {0x1p30, 0x1p40, 0x1p90};
    for (uint32_t n = 16; n <= 32768; n *= 2) {
        job j = start(n, 3, (const uint8_t[]){50, 40, 50});
        for (unsigned s = 0; s < 3; s++) {
            for (uint32_t level = s == 2 ? 3 : 1; level <= 3; level++) {
                encode(&j, scales[s], level);
                decode(&j);
                double worst = 0;
                for (uint32_t i = 0; i < n; i++) worst = fmax(worst, fabs(j.z[i] - j.v[i]));
                const double floats = (2 * fft_error(j.m) + 10 * U) * norm(j.v, n) / sqrt(j.m); /* the even share again */
                const double rounding = 9.3 * sqrt(n / 24.0) / scales[s];
                ck_assert_msg(worst <= rounding + floats, "n %u, scale %g: %g above %g + %g", n, scales[s], worst, rounding, floats);
                ck_assert_double_gt(worst, 0.01 * (rounding + floats)); /* and the bound says something */
            }
        }
        stop(&j);
    }
}
END_TEST

START_TEST(few_and_real_slots)
{
    job j = start(2048, 2, (const uint8_t[]){60, 40});
    static const uint32_t counts[] = {0, 1, 7, 1000, 1023, 1024};
    double *got = mem_alloc(j.m, 2 * sizeof *got);
    ck_assert_ptr_nonnull(got);
    for (unsigned c = 0; c < 6; c++) {
        for (int real = 0; real < 2; real++) {
            memset(j.scratch, 0xff, ckks_encoder_scratch(j.e) * sizeof *j.scratch); /* not a number */
            ck_assert_int_eq(ckks_encode(j.e, j.pt, j.v, real ? NULL : j.v + j.m, counts[c], 0x1p50, 2, j.scratch), 0);
            decode(&j);
            for (uint32_t i = 0; i < j.m; i++) {
                ck_assert_double_le(fabs(j.z[i] - (i < counts[c] ? j.v[i] : 0)), 1e-11);
                ck_assert_double_le(fabs(j.z[j.m + i] - (i < counts[c] && !real ? j.v[j.m + i] : 0)), 1e-11);
            }
            /* only the slots that are asked for, with or without imaginary parts */
            for (uint32_t i = 0; i < j.n; i++) got[i] = 77;
            ck_assert_int_eq(ckks_decode(j.e, got, real ? NULL : got + j.m, counts[c], j.pt, j.scratch), 0);
            for (uint32_t i = 0; i < j.m; i++) {
                ck_assert(got[i] == (i < counts[c] ? j.z[i] : 77));
                ck_assert(got[j.m + i] == (i < counts[c] && !real ? j.z[j.m + i] : 77));
            }
        }
    }
    mem_free(got);
    stop(&j);
}
END_TEST

/* The product of polynomials is the product of slots; a substitution x -> x^5 moves them by one. */
START_TEST(product_and_rotation)
{
    for (uint32_t n = 16; n <= 8192; n *= 8) {
        job j = start(n, 2, (const uint8_t[]){60, 50});
        const size_t words = 2 * (size_t)n;
        uint64_t *a = mem_alloc(words, sizeof *a), *b = mem_alloc(words, sizeof *b);
        double *w = mem_alloc(n, sizeof *w);
        ck_assert(a && b && w);
        encode(&j, 0x1p40, 2);
        memcpy(a, j.pt->m, words * sizeof *a);
        for (uint32_t i = 0; i < n; i++) w[i] = vector_input(n + 1, i);
        ck_assert_int_eq(ckks_encode(j.e, j.pt, w, w + j.m, j.m, 0x1p40, 2, j.scratch), 0);
        memcpy(b, j.pt->m, words * sizeof *b);
        for (uint32_t i = 0; i < 2; i++) {
            ntt_forward(j.p->ntt[i], b + i * n, b + i * n);
            ntt_convolve(j.p->ntt[i], j.pt->m + i * n, a + i * n, b + i * n);
        }
        j.pt->at.scale = 0x1p80;
        decode(&j);
        for (uint32_t i = 0; i < j.m; i++) {
            ck_assert_double_le(fabs(j.z[i] - (j.v[i] * w[i] - j.v[j.m + i] * w[j.m + i])), 2e-9);
            ck_assert_double_le(fabs(j.z[j.m + i] - (j.v[i] * w[j.m + i] + j.v[j.m + i] * w[i])), 2e-9);
        }
        for (uint32_t i = 0; i < 2; i++) {
            for (uint32_t k = 0; k < n; k++) {
                const uint32_t to = 5 * k % (2 * n);
                j.pt->m[i * n + to % n] = to < n ? a[i * n + k] : mod_neg(&j.p->ntt[i]->q, a[i * n + k]);
            }
        }
        j.pt->at.scale = 0x1p40;
        decode(&j);
        for (uint32_t i = 0; i < j.m; i++) {
            ck_assert_double_le(fabs(j.z[i] - j.v[(i + 1) % j.m]), 1e-9);
            ck_assert_double_le(fabs(j.z[j.m + i] - j.v[j.m + (i + 1) % j.m]), 1e-9);
        }
        mem_free(a);
        mem_free(b);
        mem_free(w);
        stop(&j);
    }
}
END_TEST

START_TEST(constants)
{
    job j = start(1024, 3, (const uint8_t[]){60, 20, 40});
    static const double c[] = {0, 1, -1, 0.1, -2.75, 3.14159265, 1e9, -1e-20}, scales[] = {1, 0x1p20, 0x1p40, 0x1.8p55};
    uint64_t r[3];
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned s = 0; s < 4; s++) {
            ck_assert_int_eq(ckks_encode_constant(j.e, r, c[i], scales[s], 3), 0);
            for (unsigned k = 0; k < 3; k++) ck_assert_uint_eq(r[k], round_mod(c[i] * scales[s], j.p->q[k]));
        }
    }
    /* the same polynomial as by the transform */
    for (uint32_t i = 0; i < j.m; i++) j.v[i] = -2.75;
    ck_assert_int_eq(ckks_encode(j.e, j.pt, j.v, NULL, j.m, 0x1p40, 3, j.scratch), 0);
    ck_assert_int_eq(ckks_encode_constant(j.e, r, -2.75, 0x1p40, 3), 0);
    for (uint32_t i = 0; i < j.n; i++)
        for (unsigned k = 0; k < 3; k++) ck_assert_uint_eq(j.pt->m[k * j.n + i], i ? 0 : r[k]);
    ck_assert_int_eq(ckks_encode_constant(j.e, r, NAN, 1, 3), ERR_ARG);
    ck_assert_int_eq(ckks_encode_constant(j.e, r, 1, 1, 0), ERR_ARG);
    ck_assert_int_eq(ckks_encode_constant(j.e, r, 1, 1, 4), ERR_ARG);
    ck_assert_int_eq(ckks_encode_constant(j.e, r, 1, -1, 3), ERR_ARG);
    ck_assert_int_eq(ckks_encode_constant(j.e, r, 0x1p59, 2, 1), ERR_ARG);
    ck_assert_int_eq(ckks_encode_constant(j.e, r, 0x1p58, 2, 2), 0);
    stop(&j);
}
END_TEST

/* What the slots of c0 are (c1 = 0 times s would add nothing), and both halves bit for bit as by a plaintext with c in all slots. */
static void constant_on(job *j, ckks_ct *r, const ckks_ct *a, double c)
{
    ckks_ct *want;
    const uint32_t level = a->at.level;
    const size_t bytes = level * (size_t)j->n * sizeof *r->c0;
    double *re = j->z;
    ck_assert_int_eq(ckks_ct_create(&want, j->p, level), 0);
    for (int product = 0; product < 2; product++) {
        for (uint32_t i = 0; i < j->m; i++) re[i] = c;
        const double scale = product ? 0x1p25 : a->at.scale;
        ck_assert_int_eq(ckks_encode(j->e, j->pt, re, NULL, j->m, scale, level, j->scratch), 0);
        if (a->at.domain == CKKS_NTT) ckks_pt_to_ntt(j->pt);
        if (product) {
            ck_assert_int_eq(ckks_ct_multiply_real(j->e, r, a, c, scale), 0);
            ck_assert(!r->seeded && r->at.scale == a->at.scale * scale);
        } else {
            ck_assert_int_eq(ckks_ct_add_real(j->e, r, a, c), 0);
            ck_assert(r->seeded == a->seeded && r->index == a->index && r->at.scale == a->at.scale && !memcmp(r->seed, a->seed, sizeof r->seed));
        }
        ck_assert(r->at.level == level && r->at.domain == a->at.domain);
        if (!product)
            ck_assert_int_eq(ckks_ct_add_plain(want, a, j->pt), 0);
        else if (a->at.domain == CKKS_NTT)
            ck_assert_int_eq(ckks_ct_multiply_plain(want, a, j->pt), 0);
        if (!product || a->at.domain == CKKS_NTT) {
            ck_assert_mem_eq(r->c0, want->c0, bytes);
            ck_assert_mem_eq(r->c1, want->c1, bytes);
        }
        memcpy(j->pt->m, r->c0, bytes);
        j->pt->at.level = level, j->pt->at.domain = r->at.domain, j->pt->at.scale = r->at.scale;
        ckks_pt_to_coeff(j->pt);
        decode(j);
        for (uint32_t i = 0; i < j->m; i++) {
            ck_assert_double_le(fabs(re[i] - (product ? c * j->v[i] : j->v[i] + c)), 1e-6);
            ck_assert_double_le(fabs(re[j->m + i] - j->v[j->m + i] * (product ? c : 1)), 1e-6);
        }
    }
    ckks_ct_free(want);
}

START_TEST(constants_on_ciphertexts)
{
    job j = start(1024, 3, (const uint8_t[]){50, 50, 40}), other = start(1024, 3, (const uint8_t[]){50, 50, 40});
    static const double c[] = {0, 1, -1, 0.1, -2.75, 3.14159265};
    ckks_ct *a, *r, *small;
    ck_assert_int_eq(ckks_ct_create(&a, j.p, 3), 0);
    ck_assert_int_eq(ckks_ct_create(&r, j.p, 3), 0);
    ck_assert_int_eq(ckks_ct_create(&small, j.p, 2), 0);
    for (uint32_t level = 3; level >= 2; level--) {
        for (int domain = CKKS_COEFF; domain <= CKKS_NTT; domain++) {
            encode(&j, 0x1p40, level);
            if (domain == CKKS_NTT) ckks_pt_to_ntt(j.pt);
            memcpy(a->c0, j.pt->m, level * (size_t)j.n * sizeof *a->c0);
            for (uint32_t i = 0; i < level * j.n; i++) a->c1[i] = j.p->q[i / j.n] - 1 - i;
            a->at.level = level, a->at.domain = domain, a->at.scale = 0x1p40;
            a->seeded = domain == CKKS_NTT && level == 3;
            a->index = 5;
            a->seed[3] = 9;
            for (unsigned i = 0; i < sizeof c / sizeof *c; i++) constant_on(&j, r, a, c[i]);
        }
    }
    ck_assert_int_eq(ckks_ct_multiply_real(j.e, r, a, 2.5, 0x1p20), 0);
    ck_assert_int_eq(ckks_ct_add_real(j.e, r, r, 1.25), 0);
    ck_assert_int_eq(ckks_ct_add_real(j.e, a, a, 0.5), 0); /* 2.5 (x + 0.5) = 2.5 x + 1.25; in place */
    ck_assert_int_eq(ckks_ct_multiply_real(j.e, a, a, 2.5, 0x1p20), 0);
    ck_assert_mem_eq(r->c0, a->c0, 2 * j.n * sizeof *a->c0);
    ck_assert_mem_eq(r->c1, a->c1, 2 * j.n * sizeof *a->c1);
    ck_assert_int_eq(ckks_ct_multiply_real(other.e, r, a, 1, 1), ERR_ARG);
    ck_assert_int_eq(ckks_ct_add_real(other.e, r, a, 1), ERR_ARG);
    ck_assert_int_eq(ckks_ct_multiply_real(j.e, r, a, NAN, 1), ERR_ARG);
    ck_assert_int_eq(ckks_ct_add_real(j.e, r, a, INFINITY), ERR_ARG);
    ck_assert_int_eq(ckks_ct_multiply_real(j.e, r, a, 1, 0), ERR_ARG);
    ck_assert_int_eq(ckks_ct_multiply_real(j.e, r, a, 0x1p100, 1), ERR_ARG); /* above Q */
    a->at.scale = 0x1p1020;
    ck_assert_int_eq(ckks_ct_multiply_real(j.e, r, a, 1, 0x1p20), ERR_ARG);
    ck_assert(strstr(err_text(), "scales"));
    a->at.level = 3, a->at.scale = 1;
    ck_assert_int_eq(ckks_ct_multiply_real(j.e, small, a, 1, 1), ERR_ARG);
    ck_assert_int_eq(ckks_ct_add_real(j.e, small, a, 1), ERR_ARG);
    ck_assert(strstr(err_text(), "room"));
    a->at.level = 2, a->at.scale = 0x1p40 * 0x1p20;
    ck_assert(r->at.level == 2 && r->at.scale == a->at.scale);
    ck_assert_mem_eq(r->c0, a->c0, 2 * j.n * sizeof *a->c0); /* errors left it as it was */
    ckks_ct_free(a), ckks_ct_free(r), ckks_ct_free(small);
    stop(&j), stop(&other);
}
END_TEST

static void refused(job *j, double scale, uint32_t level, size_t count, const char *text)
{
    ck_assert_int_eq(ckks_encode(j->e, j->pt, j->v, j->v + j->m, count, scale, level, j->scratch), ERR_ARG);
    ck_assert_msg(strstr(err_text(), text) != NULL, "%s", err_text());
}

START_TEST(refusals)
{
    job j = start(1024, 3, (const uint8_t[]){50, 50, 60}), other = start(1024, 1, (const uint8_t[]){60});
    const size_t words = 3 * (size_t)j.n;
    uint64_t *before = mem_alloc(words, sizeof *before);
    ck_assert_ptr_nonnull(before);
    encode(&j, 0x1p40, 3);
    memcpy(before, j.pt->m, words * sizeof *before);
    const double bad[] = {NAN, INFINITY, -INFINITY, 1e308};
    for (unsigned i = 0; i < 4; i++) {
        for (uint32_t at = 0; at < j.n; at += 93) {
            const double keep = j.v[at];
            j.v[at] = bad[i];
            refused(&j, 0x1p40, 3, j.m, "coefficient");
            j.v[at] = keep;
        }
    }
    const double scales[] = {0, -1, NAN, INFINITY, 0x1p-1070};
    for (unsigned i = 0; i < 5; i++) refused(&j, scales[i], 3, j.m, "scale");
    refused(&j, 0x1p40, 0, j.m, "level");
    refused(&j, 0x1p40, 4, j.m, "level");
    refused(&j, 0x1p40, 3, j.m + 1, "slots");
    ck_assert_mem_eq(j.pt->m, before, words * sizeof *before); /* nothing was written */
    ck_assert(j.pt->at.scale == 0x1p40 && j.pt->at.level == 3);
    /* the bound is half of Q, or 2^120: one constant slot value is one coefficient */
    for (uint32_t i = 0; i < j.n; i++) j.v[i] = i < j.m;
    refused(&j, 0x1p50, 1, j.m, "coefficient");
    encode(&j, 0x1p48, 1);
    refused(&j, (double)(j.p->q[0] / 2 + 1), 1, j.m, "coefficient");
    encode(&j, (double)(j.p->q[0] / 2), 1);
    ck_assert_uint_eq(j.pt->m[0], j.p->q[0] / 2);
    refused(&j, 0x1.0001p120, 3, j.m, "coefficient");
    encode(&j, 0x1p120, 3);

    ck_assert_int_eq(ckks_encode(other.e, j.pt, j.v, NULL, 1, 1, 1, j.scratch), ERR_ARG);
    ck_assert_int_eq(ckks_decode(other.e, j.z, NULL, 1, j.pt, j.scratch), ERR_ARG);
    ck_assert_int_eq(ckks_decode(j.e, j.z, NULL, j.m + 1, j.pt, j.scratch), ERR_ARG);
    j.pt->at.domain = CKKS_NTT;
    ck_assert_int_eq(ckks_decode(j.e, j.z, NULL, 1, j.pt, j.scratch), ERR_ARG);
    ck_assert_ptr_nonnull(strstr(err_text(), "coefficients"));
    mem_free(before);
    stop(&j);
    stop(&other);
}
END_TEST

START_TEST(memory)
{
    ckks_params *p = insecure_params(64, 2, (const uint8_t[]){40, 40});
    ckks_encoder *e = NULL;
    EACH_ALLOCATION_FAILS(e, ckks_encoder_create(&e, p), 5);
    ckks_encoder_free(e);
    ckks_encoder_free(NULL);
    insecure_params_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("encode");
    TCase *c = tcase_create("encode");
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, residues, 0, ENCODE_KERNS);
    tcase_add_loop_test(c, scaling, 0, ENCODE_KERNS);
    tcase_add_loop_test(c, lift, 0, ENCODE_KERNS);
    tcase_add_loop_test(c, lift_of_twenty, 0, ENCODE_KERNS);
    tcase_add_test(c, encode_vectors);
    tcase_add_test(c, decode_vectors);
    tcase_add_test(c, round_trip);
    tcase_add_test(c, few_and_real_slots);
    tcase_add_test(c, product_and_rotation);
    tcase_add_test(c, constants);
    tcase_add_test(c, constants_on_ciphertexts);
    tcase_add_test(c, refusals);
    tcase_add_test(c, memory);
    suite_add_tcase(s, c);
    return oracle_run(s);
}
