// SPDX-License-Identifier: ISC
/* The operations of the conversion layer against multi-word integers and schoolbook products, the distributions inside the
 * re-randomisation, and whole layers on shares. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "base/mem.h"
#include "ckks/sample.h"
#include "ckks/shares.h"
#include "test/ckks_oracle.h"

static const uint8_t session[32] = "session";

typedef struct {
    ckks_params *p;
    ckks_sk *sk;
    ckks_pk *pk;
    uint64_t *scratch;
    prg g;
} party;

static party begin(uint32_t n, uint32_t primes, const uint8_t *bits, uint64_t index)
{
    party a = {.p = oracle_params(n, primes, bits)};
    oracle_prg(&a.g, index);
    ck_assert_int_eq(ckks_sk_create(&a.sk, a.p, &a.g), 0);
    ck_assert_int_eq(ckks_pk_create(&a.pk, a.sk, session, &a.g), 0);
    a.scratch = mem_alloc(ckks_scratch_words(a.p), sizeof(uint64_t));
    return a;
}

static void end(party *a)
{
    mem_free(a->scratch);
    ckks_pk_free(a->pk);
    ckks_sk_free(a->sk);
    ckks_params_free(a->p);
}

static uint64_t *polys(const ckks_params *p, size_t count) { return mem_alloc(count * ckks_poly_words(p), sizeof(uint64_t)); }

static big modulus_of(const ckks_params *p)
{
    big q = big_from(1);
    for (uint32_t i = 0; i < p->primes; i++) q = big_mul(q, p->q[i]);
    return q;
}

static const struct {
    uint32_t n, primes;
    uint8_t bits[4];
} set[] = {{1024, 1, {26}}, {2048, 1, {50}}, {2048, 2, {26, 27}}, {4096, 1, {60}}, {4096, 2, {46, 60}}, {4096, 3, {35, 35, 36}},
           {8192, 4, {60, 60, 60, 34}}};
#define SETS (sizeof set / sizeof set[0])

/* floor((2 v Q + 2^l) / 2^(l+1)) modulo every prime */
START_TEST(encoding)
{
    for (size_t c = 0; c < SETS; c++) {
        ckks_params *p = oracle_params(set[c].n, set[c].primes, set[c].bits);
        const big q = modulus_of(p);
        uint64_t *v = mem_alloc(p->n, sizeof *v), *m = polys(p, 1);
        prg g;
        oracle_prg(&g, c);
        const size_t count = 64;
        for (unsigned l = 1; l <= 62; l++) {
            for (size_t j = 0; j < count; j++) v[j] = ct_low(j < 2 ? 0 - (uint64_t)j : j == 2 ? UINT64_C(1) << (l - 1) : prg_u64(&g), l);
            memset(m, 0xff, ckks_poly_words(p) * sizeof *m);
            ckks_encode_ring(p, l, m, v, count);
            for (size_t j = 0; j < p->n; j++) {
                big want = big_from(0);
                if (j < count) want = big_shr(big_add(big_shl(big_mul(q, v[j]), 1), big_shl(big_from(1), l)), l + 1);
                for (uint32_t i = 0; i < p->primes; i++) {
                    uint64_t x = j < count ? big_mod(want, p->q[i]) : 0;
                    if (m[i * p->n + j] != x) ck_abort_msg("set %zu, l = %u, coefficient %zu, prime %u", c, l, j, i);
                }
            }
        }
        mem_free(v);
        mem_free(m);
        ckks_params_free(p);
    }
}
END_TEST

/* Integers below Q: the ends, some about Q / 2, some 2^-45 beside a tie for 2^k, for one prime the two nearest to a tie; random ones. */
static void numbers(const ckks_params *p, big q, unsigned k, big *x, size_t count)
{
    prg g;
    oracle_prg(&g, 100 + k);
    const modulus *q0 = &p->ntt[0]->q;
    const uint64_t half = mod_pow_var(q0, (q0->q + 1) / 2, k); /* 2^-k */
    for (size_t j = 0; j < count; j++) {
        if (j < 4) x[j] = big_from(j);
        else if (j < 8) x[j] = big_sub(q, big_from(j - 3));
        else if (j < 16) x[j] = big_add(big_shr(q, 1), big_from(j - 8));
        else if (j == 16) x[j] = big_sub(big_shr(q, k + 1), big_shr(q, k + 45));
        else if (j == 17) x[j] = big_add(big_shr(q, k + 1), big_shr(q, k + 45));
        else if (j < 20 && p->primes == 1) x[j] = big_from(mod_mul(q0, half, q0->q / 2 + (j - 18)));
        else {
            prg_bytes(&g, x[j].w, sizeof x[j].w);
            while (!big_less(x[j], q)) x[j] = big_shr(x[j], 1);
        }
    }
}

/* floor((2 x 2^k + Q) / 2 Q) mod 2^k */
START_TEST(modulus_switch)
{
    static const unsigned ks[] = {1, 12, 26, 49, 60};
    for (size_t c = 0; c < SETS; c++) {
        ckks_params *p = oracle_params(set[c].n, set[c].primes, set[c].bits);
        const big q = modulus_of(p);
        big x[48];
        uint64_t *poly = polys(p, 1), *out = mem_alloc(p->n, sizeof *out);
        for (unsigned t = 0; t < 5; t++) {
            const unsigned k = ks[t];
            numbers(p, q, k, x, 48);
            for (size_t j = 0; j < 48; j++)
                for (uint32_t i = 0; i < p->primes; i++) poly[i * p->n + j] = big_mod(x[j], p->q[i]);
            ckks_switch_pow2(p, k, out, poly);
            for (size_t j = 0; j < 48; j++) {
                big want = big_div(big_add(big_shl(x[j], k + 1), q), big_add(q, q));
                if (out[j] != ct_low(big_low(want), k)) ck_abort_msg("set %zu, k = %u, coefficient %zu", c, k, j);
            }
        }
        mem_free(poly);
        mem_free(out);
        ckks_params_free(p);
    }
}
END_TEST

START_TEST(switch_in_place)
{
    ckks_params *p = oracle_params(4096, 2, (const uint8_t[]){53, 53});
    uint64_t *c = polys(p, 1), *out = mem_alloc(p->n, sizeof *out);
    ckks_expand_c1(p, c, (const uint8_t[PRG_SEED_BYTES]){1}, 0);
    ckks_switch_pow2(p, 30, out, c);
    ckks_switch_pow2(p, 30, c, c);
    ck_assert_mem_eq(out, c, p->n * sizeof *out);
    mem_free(c);
    mem_free(out);
    ckks_params_free(p);
}
END_TEST

START_TEST(expansion)
{
    ckks_params *p = oracle_params(4096, 2, (const uint8_t[]){53, 53});
    uint64_t *c = polys(p, 3);
    const size_t words = ckks_poly_words(p);
    uint8_t seed[PRG_SEED_BYTES] = {7};
    ckks_expand_c1(p, c, seed, 0);
    ckks_expand_c1(p, c + words, seed, 1);
    ckks_expand_c1(p, c + 2 * words, seed, 0);
    ck_assert_mem_eq(c, c + 2 * words, words * sizeof *c);
    ck_assert_mem_ne(c, c + words, words * sizeof *c);
    ck_assert_mem_ne(c, c + p->n, p->n * sizeof *c);
    seed[31] = 1;
    ckks_expand_c1(p, c + 2 * words, seed, 0);
    ck_assert_mem_ne(c, c + 2 * words, words * sizeof *c);
    for (uint32_t i = 0; i < p->primes; i++) {
        double mean = 0;
        for (uint32_t j = 0; j < p->n; j++) {
            ck_assert_uint_lt(c[i * p->n + j], p->q[i]);
            mean += (double)c[i * p->n + j] / (double)p->q[i] / p->n;
        }
        ck_assert(fabs(mean - 0.5) < 6 / sqrt(12.0 * p->n));
    }
    mem_free(c);
    ckks_params_free(p);
}
END_TEST

/* c0 + c1 s - m is centred binomial, the same for every prime, and fresh in every ciphertext */
START_TEST(encryption_noise)
{
    party a = begin(4096, 2, (const uint8_t[]){50, 53}, 5);
    const size_t n = a.p->n, words = ckks_poly_words(a.p);
    uint64_t *m = polys(a.p, 3), *c0 = m + words, *c1 = m + 2 * words, *v = mem_alloc(n, sizeof *v);
    int64_t *e = mem_alloc(n, 3 * sizeof *e);
    const uint8_t seed[PRG_SEED_BYTES] = {9};
    for (size_t j = 0; j < n; j++) v[j] = prg_u64(&a.g) & 0xffffff;
    ckks_encode_ring(a.p, 24, m, v, n);
    for (unsigned ct = 0; ct < 2; ct++) {
        memcpy(c0, m, words * sizeof *m);
        ckks_encrypt_seeded(a.sk, c0, ct ? c0 : m, seed, 40 + ct, &a.g, a.scratch);
        ckks_expand_c1(a.p, c1, seed, 40 + ct);
        for (uint32_t i = 0; i < 2; i++) {
            const uint64_t q = a.p->q[i];
            ntt_convolve(a.p->ntt[i], c1 + i * n, c1 + i * n, a.sk->s + i * n);
            int64_t *to = e + (ct ? 2 * n : i * n);
            for (size_t j = 0; j < n; j++) to[j] = oracle_centred((c0[i * n + j] + c1[i * n + j] + (q - m[i * n + j])) % q, q);
            oracle_cbd(to, n);
        }
        if (!ct) ck_assert_mem_eq(e, e + n, n * sizeof *e);
    }
    ck_assert_mem_ne(e, e + 2 * n, n * sizeof *e);
    mem_free(v);
    mem_free(e);
    mem_free(m);
    end(&a);
}
END_TEST

/* The wide error by its moments and by the equal weight of all its low bits; test_sample.c has the distribution itself. */
static void oracle_wide(const int64_t *e, size_t n)
{
    double mean = 0, square = 0;
    uint64_t low[16] = {0};
    double want[16];
    for (size_t i = 0; i < n; i++) {
        if (e[i] < -45055 || e[i] > 45055) ck_abort_msg("%lld is too wide", (long long)e[i]);
        mean += (double)e[i] / (double)n;
        square += (double)(e[i] * e[i]) / (double)n;
        low[e[i] & 15]++;
    }
    for (int i = 0; i < 16; i++) want[i] = (double)n / 16;
    ck_assert(fabs(mean) < 6 * sqrt(SAMPLE_WIDE_VARIANCE / (double)n));
    ck_assert(fabs(square - SAMPLE_WIDE_VARIANCE) < 6 * SAMPLE_WIDE_VARIANCE * sqrt(2 / (double)n));
    ck_assert(oracle_chi2(low, want, 16) < 75);
}

enum { KEY = 1 << 17 };

/* With the constant KEY for a and b, what is added to zero is KEY u + e0 and KEY u + e1: u and both errors can be read off. */
START_TEST(rerandomisation_distributions)
{
    party a = begin(4096, 2, (const uint8_t[]){53, 53}, 6);
    const size_t n = a.p->n, words = ckks_poly_words(a.p), rounds = 16;
    for (size_t j = 0; j < words; j++) a.pk->a[j] = a.pk->b[j] = KEY; /* the transform of a constant */
    uint64_t *c0 = polys(a.p, 2), *c1 = c0 + words;
    int64_t *u = mem_alloc(3 * rounds * n, sizeof *u), *e0 = u + rounds * n, *e1 = u + 2 * rounds * n;
    const int64_t *drawn[3] = {u, e0, e1};
    double cross[3] = {0};
    for (size_t k = 0; k < rounds; k++) {
        memset(c0, 0, 2 * words * sizeof *c0);
        ckks_rerandomise(a.pk, c0, c1, &a.g, a.scratch);
        for (size_t j = 0; j < n; j++) {
            int64_t x0 = oracle_centred(c0[j], a.p->q[0]), x1 = oracle_centred(c1[j], a.p->q[0]);
            ck_assert_int_eq(x0, oracle_centred(c0[n + j], a.p->q[1])); /* the same u, e0, e1 modulo every prime */
            ck_assert_int_eq(x1, oracle_centred(c1[n + j], a.p->q[1]));
            int64_t ux = (x0 + KEY / 2 + 2 * KEY) / KEY - 2;
            u[k * n + j] = ux;
            e0[k * n + j] = x0 - KEY * ux;
            e1[k * n + j] = x1 - KEY * ux; /* out of range if c1 had another u than c0 */
            cross[0] += (double)(e0[k * n + j] * e1[k * n + j]);
            cross[1] += (double)(e0[k * n + j] * ux);
            cross[2] += (double)(e1[k * n + j] * ux);
        }
        for (size_t i = 0; i < k; i++) { /* all three fresh in every call */
            size_t same[3] = {0};
            for (size_t j = 0; j < n; j++)
                for (int x = 0; x < 3; x++) same[x] += drawn[x][i * n + j] == drawn[x][k * n + j];
            ck_assert(fabs((double)same[0] - (double)n / 3) < 250); /* 8 standard deviations; two errors agree with 0.0868, two wide ones with 1 / 23,700 */
            ck_assert(same[1] < 8 && fabs((double)same[2] - 0.0868 * (double)n) < 160);
        }
    }
    const size_t all = rounds * n;
    oracle_ternary(u, all);
    oracle_wide(e0, all);
    oracle_cbd(e1, all);
    ck_assert(fabs(cross[0]) < 6 * sqrt(10.5 * SAMPLE_WIDE_VARIANCE * (double)all));
    ck_assert(fabs(cross[1]) < 6 * sqrt(SAMPLE_WIDE_VARIANCE * 2 / 3 * (double)all) && fabs(cross[2]) < 6 * sqrt(7.0 * (double)all));
    mem_free(c0);
    mem_free(u);
    end(&a);
}
END_TEST

/* Under a real key: (c0, c1) changes by an encryption of zero with noise e u + e0 + e1 s. */
START_TEST(rerandomisation_adds_zero)
{
    party a = begin(2048, 1, (const uint8_t[]){50}, 7);
    const size_t n = a.p->n;
    const uint64_t q = a.p->q[0];
    uint64_t *c = polys(a.p, 4), *c0 = c, *c1 = c + n, *d0 = c + 2 * n, *d1 = c + 3 * n;
    ckks_expand_c1(a.p, c0, (const uint8_t[PRG_SEED_BYTES]){1}, 0);
    ckks_expand_c1(a.p, c1, (const uint8_t[PRG_SEED_BYTES]){1}, 1);
    memcpy(d0, c0, 2 * n * sizeof *c);
    ckks_rerandomise(a.pk, d0, d1, &a.g, a.scratch);
    double var = 0;
    for (size_t j = 0; j < n; j++) {
        d0[j] = (d0[j] + q - c0[j]) % q;
        d1[j] = (d1[j] + q - c1[j]) % q;
    }
    ck_assert_mem_ne(d0, d1, n * sizeof *c);
    ntt_convolve(a.p->ntt[0], d1, d1, a.sk->s);
    for (size_t j = 0; j < n; j++) {
        double x = (double)oracle_centred((d0[j] + d1[j]) % q, q);
        var += x * x / (double)n;
    }
    double want = SAMPLE_WIDE_VARIANCE + 14 * (double)n; /* e0; e u, e1 s: n terms of variance 10.5 * 2/3 each */
    ck_assert_msg(var > 0.8 * want && var < 1.2 * want, "variance %g, not %g", var, want);
    mem_free(c);
    end(&a);
}
END_TEST

/* With n = 1024 a prime of 26 bits is enough up to k = 15; with n = 2048 one of 50 bits up to 38: the wide prime takes over. */
static const struct {
    uint32_t n;
    uint8_t bits;
    unsigned ks[6];
} exact[] = {{1024, 26, {1, 15, 16, 26, 48, 49}}, {2048, 50, {1, 19, 26, 38, 39, 48}}};

START_TEST(decryption_is_exact)
{
    party a = begin(exact[_i].n, 1, &exact[_i].bits, 8);
    const size_t n = a.p->n;
    const unsigned last = 59 - a.p->logn;
    uint64_t *s = mem_alloc(n, 5 * sizeof *s), *c0 = s + n, *c1 = s + 2 * n, *v = s + 3 * n, *want = s + 4 * n;
    ntt_inverse(a.p->wide, s, a.sk->s + n);
    for (unsigned t = 0; t < 6; t++) {
        const unsigned k = exact[_i].ks[t];
        for (unsigned kind = 0; kind < 3; kind++) { /* random; all -2^(k-1); the signs of s, so that one sum is the largest there is */
            for (size_t j = 0; j < n; j++) {
                c0[j] = ct_low(prg_u64(&a.g), k);
                uint64_t top = UINT64_C(1) << (k - 1), sj = s[j ? n - j : 0];
                c1[j] = kind == 0 ? ct_low(prg_u64(&a.g), k) : kind == 1 || (sj == 1) == (j == 0) ? top : top - 1;
            }
            memcpy(want, c0, n * sizeof *want);
            for (size_t i = 0; i < n; i++)
                for (size_t j = 0; s[i] && j < n; j++) want[(i + j) % n] += (s[i] == 1) == (i + j < n) ? c1[j] : 0 - c1[j];
            ck_assert_int_eq(ckks_decrypt_pow2(a.sk, k, v, c0, n, c1, a.scratch), 0);
            for (size_t j = 0; j < n; j++)
                if (v[j] != ct_low(want[j], k)) ck_abort_msg("k = %u, kind %u, coefficient %zu", k, kind, j);
            for (size_t count = 3; count < 20; count += 8) {
                v[count] = 12345;
                ck_assert_int_eq(ckks_decrypt_pow2(a.sk, k, v, c0, count, c1, a.scratch), 0); /* no further than count */
                for (size_t j = 0; j < count; j++) ck_assert_uint_eq(v[j], ct_low(want[j], k));
                ck_assert_uint_eq(v[count], 12345);
            }
        }
    }
    for (int sign = 0; sign < 2; sign++) { /* s all ones, or all minus ones: the last coefficient reaches the bound n 2^(k-1) */
        for (unsigned i = 0; i < 2; i++) {
            const ntt_table *ntt = i ? a.p->wide : a.p->ntt[0];
            uint64_t *at = a.sk->s + i * n;
            for (size_t j = 0; j < n; j++) at[j] = sign ? ntt->q.q - 1 : 1;
            ntt_forward(ntt, at, at);
        }
        const unsigned largest[2] = {exact[_i].bits - 1u - a.p->logn, last};
        for (unsigned i = 0; i < 2; i++) {
            const unsigned k = largest[i];
            for (size_t j = 0; j < n; j++) {
                c1[j] = UINT64_C(1) << (k - 1);
                c0[j] = j;
            }
            ck_assert_int_eq(ckks_decrypt_pow2(a.sk, k, v, c0, n, c1, a.scratch), 0);
            for (size_t j = 0; j < n; j++) /* 2 j + 2 - n terms of 2^(k-1): half a turn each */
                if (v[j] != ct_low(j + (2 * j + 2 - n) * c1[0], k)) ck_abort_msg("s of one sign, k = %u, coefficient %zu", k, j);
        }
    }
    ck_assert_int_eq(ckks_decrypt_pow2(a.sk, last + 1, v, c0, n, c1, a.scratch), ERR_ARG);
    ck_assert_int_eq(ckks_decrypt_pow2(a.sk, 0, v, c0, n, c1, a.scratch), ERR_ARG);
    ck_assert_int_eq(ckks_decrypt_pow2(a.sk, 20, v, c0, n + 1, c1, a.scratch), ERR_ARG);
    mem_free(s);
    end(&a);
}
END_TEST

/* design.md 3.2: `outputs` rows of a layer with `fan_in` inputs on shares modulo 2^k.  The error is checked for size and spread. */
static void layer(uint32_t n, uint32_t primes, const uint8_t *bits, unsigned k, unsigned fan_in, unsigned outputs, double most)
{
    party a = begin(n, primes, bits, 900 + n);
    const size_t words = ckks_poly_words(a.p);
    uint64_t *m = polys(a.p, 3 + 2 * fan_in), *r0 = m + words, *r1 = m + 2 * words, *ct = m + 3 * words;
    uint64_t *v = mem_alloc(n, (fan_in + 3) * sizeof *v), *share = v + (size_t)fan_in * n, *pad = share + n, *got = share + 2 * n;
    const uint8_t seed[PRG_SEED_BYTES] = {77};
    for (unsigned i = 0; i < fan_in; i++) { /* client: its share encrypted; server: its own added */
        uint64_t *c0 = ct + 2 * i * words, *c1 = c0 + words;
        for (size_t j = 0; j < n; j++) {
            v[i * n + j] = prg_u64(&a.g) & 0xfff;
            pad[j] = ct_low(prg_u64(&a.g), k);
            share[j] = ct_low(v[i * n + j] - pad[j], k);
        }
        ckks_encode_ring(a.p, k, m, share, n);
        ckks_encrypt_seeded(a.sk, c0, m, seed, i, &a.g, a.scratch);
        ckks_expand_c1(a.p, c1, seed, i);
        ckks_encode_ring(a.p, k, m, pad, n);
        for (size_t j = 0; j < words; j++) c0[j] = mod_add(&a.p->ntt[j / n]->q, c0[j], m[j]);
    }
    double sum = 0, squares = 0;
    int64_t worst = 0;
    for (unsigned o = 0; o < outputs; o++) {
        memset(r0, 0, 2 * words * sizeof *r0);
        memset(share, 0, n * sizeof *share);
        for (unsigned i = 0; i < fan_in; i++) {
            int64_t w = (int64_t)(prg_u64(&a.g) % 255) - 127;
            const uint64_t *c = ct + 2 * i * words;
            for (size_t j = 0; j < 2 * words; j++) {
                const modulus *q = &a.p->ntt[j / n % primes]->q;
                r0[j] = mod_add(q, r0[j], mod_mul(q, c[j], mod_from_signed(q, w)));
            }
            for (size_t j = 0; j < n; j++) share[j] += (uint64_t)w * v[i * n + j];
        }
        ckks_rerandomise(a.pk, r0, r1, &a.g, a.scratch);
        ckks_switch_pow2(a.p, k, r0, r0);
        ckks_switch_pow2(a.p, k, r1, r1);
        for (size_t j = 0; j < n; j++) {
            pad[j] = ct_low(prg_u64(&a.g), k);
            r0[j] = ct_low(r0[j] + pad[j], k);
        }
        ck_assert_int_eq(ckks_decrypt_pow2(a.sk, k, got, r0, n, r1, a.scratch), 0);
        for (size_t j = 0; j < n; j++) {
            int64_t e = ct_signed(ct_low(got[j] - pad[j] - share[j], k), k);
            sum += (double)e;
            squares += (double)(e * e);
            worst = e > worst ? e : -e > worst ? -e : worst;
        }
    }
    const double count = (double)n * outputs, want = sqrt((1 + 2.0 * n / 3) / 12), sd = sqrt(squares / count);
    ck_assert_msg(fabs(sd / want - 1) < 0.06, "standard deviation %g, not %g", sd, want);
    ck_assert_msg(fabs(sum / count) < 6 * want / sqrt(count), "mean %g", sum / count);
    ck_assert_msg((double)worst <= most, "largest error %lld", (long long)worst);
    mem_free(m);
    mem_free(v);
    end(&a);
}

/* docs/PARAMS.md, "The hint": how much e u + s e1 + e0 can say of u and e1, from keys of each set that the planner takes. */
static const struct {
    uint32_t n, primes;
    uint8_t bits[4];
    double t, loss;
} hints[] = {{2048, 1, {47}, 40.1, 0.52}, {2048, 1, {50}, 40.1, 0.52}, {4096, 2, {50, 50}, 40.8, 0.54}, {8192, 4, {50, 50, 50, 50}, 41.5, 0.58}};

static void coefficients(const ckks_params *p, double *out, uint64_t *x)
{
    ntt_inverse(p->ntt[0], x, x);
    for (size_t j = 0; j < p->n; j++) out[j] = (double)oracle_centred(x[j], p->q[0]);
}

START_TEST(the_hint_costs_less_than_the_table_leaves)
{
    party a = begin(hints[_i].n, hints[_i].primes, hints[_i].bits, 60);
    const size_t n = a.p->n;
    uint64_t *x = mem_alloc(n, sizeof *x);
    double *e = mem_alloc(4 * n, sizeof *e), *s = e + n, *root = e + 2 * n, largest = 0, mean = 0, information = 0; /* root[j]: cos(pi j / n) */
    ntt_multiply(a.p->ntt[0], x, a.pk->a, a.sk->s);
    for (size_t j = 0; j < n; j++) x[j] = (x[j] + a.pk->b[j]) % a.p->q[0];
    coefficients(a.p, e, x);
    memcpy(x, a.sk->s, n * sizeof *x);
    coefficients(a.p, s, x);
    for (size_t j = 0; j < 2 * n; j++) root[j] = cos(M_PI * (double)j / (double)n);
    for (size_t i = 1; i < n; i += 2) { /* zeta^i, one of each pair of conjugates */
        double er = 0, ei = 0, sr = 0, si = 0;
        for (size_t j = 0; j < n; j++) {
            const double re = root[i * j % (2 * n)], im = root[(i * j + 3 * n / 2) % (2 * n)];
            er += e[j] * re;
            ei += e[j] * im;
            sr += s[j] * re;
            si += s[j] * im;
        }
        const double gain = (2.0 / 3 * (er * er + ei * ei) + 10.5 * (sr * sr + si * si)) / SAMPLE_WIDE_VARIANCE;
        largest = fmax(largest, gain);
        mean += gain / (double)(n / 2);
        information += log2(1 + gain); /* two real slots */
    }
    const double due = 14 * (double)n / SAMPLE_WIDE_VARIANCE, bound = due * hints[_i].t;
    ck_assert_msg(fabs(mean / due - 1) < 0.15, "mean gain %g, not %g", mean, due);
    ck_assert_msg(largest < bound, "largest gain %g above %g", largest, bound);
    ck_assert(0.5 * log2(2 * (1 + bound)) <= hints[_i].loss);
    ck_assert(a.p->log_q + hints[_i].loss <= ckks_max_log_q(hints[_i].n));
    ck_assert_msg(information < 1.15 * (double)n / 2 * log2(1 + due), "%g bits", information);
    mem_free(e);
    mem_free(x);
    end(&a);
}
END_TEST

START_TEST(layer_of_one_prime) { layer(2048, 1, (const uint8_t[]){50}, 26, 200, 4, 99); }
END_TEST
START_TEST(layer_of_two_primes) { layer(4096, 2, (const uint8_t[]){53, 53}, 44, 20, 4, 140); }
END_TEST

int main(void)
{
    Suite *s = suite_create("shares");
    TCase *t = tcase_create("shares");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, encoding);
    tcase_add_test(t, modulus_switch);
    tcase_add_test(t, switch_in_place);
    tcase_add_test(t, expansion);
    tcase_add_test(t, encryption_noise);
    tcase_add_test(t, rerandomisation_distributions);
    tcase_add_test(t, rerandomisation_adds_zero);
    tcase_add_loop_test(t, decryption_is_exact, 0, 2);
    tcase_add_loop_test(t, the_hint_costs_less_than_the_table_leaves, 0, 4);
    tcase_add_test(t, layer_of_one_prime);
    tcase_add_test(t, layer_of_two_primes);
    suite_add_tcase(s, t);
    return oracle_run(s);
}
