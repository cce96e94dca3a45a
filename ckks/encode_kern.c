// SPDX-License-Identifier: ISC
#include "ckks/encode_kern.h"

#include <string.h>

#include "base/ct.h"
#include "base/mem.h"

static int64_t centred(const modulus *m, uint64_t x) { return x > m->q / 2 ? (int64_t)x - (int64_t)m->q : (int64_t)x; }
static int64_t high(int64_t x) { return (x + (INT64_C(1) << 31)) >> 32; }
static double over(int64_t x, uint64_t q) { return (double)((long double)x / (long double)q); }

int encode_prime_fill_var(encode_prime *p, uint64_t q)
{
    static const unsigned e[ENCODE_DIGITS] = {0, 50, 80, 110};
    int rc = modulus_init(&p->m, q);
    if (rc < 0) return rc;
    p->q = (int64_t)q;
    p->q_hi = high(p->q);
    p->half = (int64_t)(q - 1) / 2;
    p->power = 1;
    for (unsigned k = 0; k < ENCODE_DIGITS; k++) {
        p->c[k] = centred(&p->m, mod_pow_var(&p->m, 2, e[k]));
        p->c_hi[k] = high(p->c[k]);
        p->f[k] = over(p->c[k], q) / (double)((u128)1 << e[k]);
    }
    return 0;
}

void encode_pairs_fill_var(encode_prime *p, encode_pair *pair, size_t i)
{
    const modulus *m = &p[i].m;
    uint64_t b = 1; /* from the last: -1 / q_(i-1), -1 / (q_(i-2) q_(i-1)), ... and without the sign for the first of all */
    long double power = 1;
    for (size_t j = i + 1; j-- > 0;) {
        if (j < i) {
            pair[j].inv = mod_inv_var(m, mod_reduce(m, p[j].m.q));
            b = mod_mul(m, b, pair[j].inv);
            power *= (long double)p[j].m.q;
        }
        pair[j].b = centred(m, j < i ? mod_neg(m, b) : 0);
    }
    pair[i].b = centred(m, b);
    for (size_t j = 0; j <= i; j++) {
        const uint64_t c = mod_from_signed(m, pair[j].b);
        pair[j].b2 = centred(m, mod_mul(m, c, UINT64_C(1) << 32));
        pair[j].b_hi = high(pair[j].b);
        pair[j].b2_hi = high(pair[j].b2);
        pair[j].f = over(pair[j].b, m->q);
        pair[j].f2 = over(pair[j].b2, m->q);
    }
    p[i].power = (double)power;
}

static int scale(double *x, size_t n, double factor, double bound)
{
    uint64_t bad = 0;
    for (size_t j = 0; j < n; j++) {
        x[j] *= factor;
        bad |= !((x[j] <= bound) & (x[j] >= -bound));
    }
    return bad != 0;
}

static inline uint64_t word(double x)
{
    uint64_t w;
    memcpy(&w, &x, sizeof w);
    return w;
}

/* The signed low half of the word: a digit after its magic number was added. */
static inline uint64_t digit(double x) { return (uint64_t)(int64_t)(int32_t)word(x); }

static void residues(uint64_t *r, const double *x, size_t n, const encode_prime *p, size_t primes)
{
    for (size_t i = 0; i < primes; i++) {
        const uint64_t q = p[i].m.q, c1 = (uint64_t)p[i].c[1], c2 = (uint64_t)p[i].c[2], c3 = (uint64_t)p[i].c[3];
        for (size_t j = 0; j < n; j++) {
            double y = x[j];
            const double s3 = y + ENCODE_MAGIC_3, h3 = s3 - ENCODE_MAGIC_3, s2 = (y -= h3) + ENCODE_MAGIC_2, h2 = s2 - ENCODE_MAGIC_2;
            const double s1 = (y -= h2) + ENCODE_MAGIC_1, h1 = s1 - ENCODE_MAGIC_1, s0 = (y -= h1) + ENCODE_MAGIC, h0 = s0 - ENCODE_MAGIC;
            const double k = h0 * p[i].f[0] + h1 * p[i].f[1] + h2 * p[i].f[2] + h3 * p[i].f[3] + ENCODE_MAGIC;
            uint64_t v = word(s0) - word(ENCODE_MAGIC) + digit(s1) * c1 + digit(s2) * c2 + digit(s3) * c3 - digit(k) * q;
            r[i * n + j] = v + (q & (uint64_t)((int64_t)v >> 63));
        }
    }
}

/* Garner: v_i = (...((r_i - v_0) / q_0 - v_1) / q_1 - ...) mod q_i. */
static void lift(double *x, const uint64_t *m, size_t n, const encode_prime *p, const encode_pair *pair, size_t primes, double factor)
{
    int64_t v[32];
    for (size_t j = 0; j < n; j++) {
        double sum = 0;
        for (size_t i = 0; i < primes; i++) {
            const encode_pair *b = pair + ENCODE_PAIRS(i);
            uint64_t u = m[i * n + j];
            for (size_t k = 0; k < i; k++) u = mod_mul(&p[i].m, b[k].inv, mod_from_signed(&p[i].m, (int64_t)u - v[k]));
            v[i] = (int64_t)u - (p[i].q & (int64_t)ct_barrier((uint64_t)((p[i].half - (int64_t)u) >> 63))); /* else clang branches */
            sum += (double)v[i] * p[i].power;
        }
        x[j] = sum * factor;
    }
    mem_wipe(v, sizeof v);
}

const encode_kern encode_kern_portable = {"portable", 0, scale, residues, lift};

static int answer(const void *kern, uint64_t *sum)
{
    enum { N = 200, PRIMES = 3 };
    static const uint64_t primes[PRIMES] = {1125899906826241, 4294828033, 1152921504606830593};
    const encode_kern *k = kern;
    encode_prime p[PRIMES];
    encode_pair pair[ENCODE_PAIRS(PRIMES)];
    double x[N];
    uint64_t r[PRIMES * N] = {0};
    int64_t word[N];
    for (size_t i = 0; i < PRIMES; i++) {
        const int rc = encode_prime_fill_var(&p[i], primes[i]);
        if (rc) return rc;
        encode_pairs_fill_var(p, pair + ENCODE_PAIRS(i), i);
    }
    kern_fill(word, sizeof word, 18);
    for (int shift = 0; shift < 60; shift += 19) { /* up to 2^120 */
        for (size_t j = 0; j < N; j++) x[j] = (double)word[j];
        const int big = k->scale(x, N - 8, 0x1p-3 * (double)(INT64_C(1) << shift), 0x1p61);
        kern_mix(sum, &big, sizeof big);
        kern_mix(sum, x, sizeof x);
        k->residues(r, x, N, p, PRIMES);
        kern_mix(sum, r, sizeof r);
        k->lift(x, r, N, p, pair, PRIMES, 0x1p-30);
        kern_mix(sum, x, sizeof x);
    }
    return 0;
}

kern_set encode_kerns = {.what = "encode", .of = {&encode_kern_portable, &encode_kern_avx2, &encode_kern_avx512},
                         .answer = answer, .right = UINT64_C(0x201f44406a6ed54a)};
