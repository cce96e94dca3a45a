// SPDX-License-Identifier: ISC
/* Ciphertexts: operations against integer polynomials, mismatches refused, the wire format and its malformations. */
#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ckks/ct.h"
#include "ckks/sample.h"
#include "test/ckks_oracle.h"

static const uint8_t session[32] = "session";

#define SCALE 0x1p20
#define NOISE 6000 /* above 20 standard deviations of any fresh encryption here */

static ckks_params *p;
static ckks_sk *sk;
static ckks_pk *pk;
static uint64_t *scratch;
static prg g;
static const uint8_t seed[PRG_SEED_BYTES] = {3};

static void setup_with(const ckks_literal *lit)
{
    ck_assert_int_eq(ckks_params_create(&p, lit), 0);
    oracle_prg(&g, 11);
    ck_assert_int_eq(ckks_sk_create(&sk, p, &g), 0);
    ck_assert_int_eq(ckks_pk_create(&pk, sk, session, &g), 0);
    scratch = mem_alloc(ckks_scratch_words(p), sizeof *scratch);
}

static void setup(void) { setup_with(&(const ckks_literal){4096, 3, {36, 35, 35}, 0}); }

static void teardown(void)
{
    mem_free(scratch);
    ckks_pk_free(pk);
    ckks_sk_free(sk);
    ckks_params_free(p);
}

static void random_values(int64_t *v, unsigned bits)
{
    for (uint32_t j = 0; j < p->n; j++) v[j] = (int64_t)prg_u64(&g) >> (64 - bits);
}

static ckks_pt *plain(const int64_t *v, double scale)
{
    ckks_pt *pt;
    ck_assert_int_eq(ckks_pt_create(&pt, p, p->primes), 0);
    ck_assert_int_eq(ckks_pt_set(pt, v, p->n, scale), 0);
    return pt;
}

static ckks_ct *encrypted(const int64_t *v, uint64_t index) /* even: seeded, odd: under the public key */
{
    ckks_pt *pt = plain(v, SCALE);
    ckks_ct *ct;
    ck_assert_int_eq(ckks_ct_create(&ct, p, p->primes), 0);
    if (index % 2)
        ck_assert_int_eq(ckks_ct_encrypt(ct, pk, pt, &g, scratch), 0);
    else
        ck_assert_int_eq(ckks_ct_encrypt_seeded(ct, sk, pt, seed, index, &g, scratch), 0);
    ck_assert_int_eq(ct->seeded, index % 2 == 0);
    ckks_pt_free(pt);
    return ct;
}

/* ct decrypts to want at that scale, to within `most`, and not exactly */
static void decrypts_to(const ckks_ct *ct, const int64_t *want, double scale, int64_t most)
{
    ckks_pt *pt;
    int64_t *v = mem_alloc(p->n, sizeof *v), worst = 0;
    ck_assert_int_eq(ckks_pt_create(&pt, p, p->primes), 0);
    ck_assert_int_eq(ckks_ct_decrypt(pt, sk, ct, scratch), 0);
    ck_assert_uint_eq(pt->at.level, ct->at.level);
    ck_assert(pt->at.scale == scale && pt->at.domain == CKKS_COEFF);
    ck_assert_int_eq(ckks_pt_get(pt, v, p->n), 0);
    for (uint32_t j = 0; j < p->n; j++) {
        int64_t e = llabs(v[j] - want[j]);
        worst = e > worst ? e : worst;
    }
    ck_assert_msg(worst > 0 && worst <= most, "largest error %lld", (long long)worst);
    ckks_pt_free(pt);
    mem_free(v);
}

START_TEST(plaintext_round_trip)
{
    int64_t *v = mem_alloc(p->n, 2 * sizeof *v), *got = v + p->n;
    for (uint32_t level = 1; level <= 3; level++) {
        random_values(v, level == 1 ? 34 : 62);
        if (level > 1) v[0] = MOD_SIGNED_MAX, v[1] = -MOD_SIGNED_MAX;
        v[2] = 0, v[3] = -1, v[4] = 1;
        ckks_pt *pt;
        ck_assert_int_eq(ckks_pt_create(&pt, p, level), 0);
        ck_assert_int_eq(ckks_pt_set(pt, v, 100, 4.0), 0);
        ck_assert_int_eq(ckks_pt_set(pt, v, 50, 2.0), 0); /* what lay beyond is gone */
        ckks_pt_to_ntt(pt);
        ckks_pt_to_ntt(pt);
        ck_assert_int_eq(ckks_pt_get(pt, got, 1), ERR_ARG);
        ckks_pt_to_coeff(pt);
        ck_assert_int_eq(ckks_pt_get(pt, got, p->n), 0);
        for (uint32_t j = 0; j < p->n; j++) ck_assert_int_eq(got[j], j < 50 ? v[j] : 0);
        for (unsigned bad = 0; bad < 4; bad++) {
            static const int64_t out[] = {MOD_SIGNED_MAX + 1, -MOD_SIGNED_MAX - 1, INT64_MAX, INT64_MIN};
            int64_t one[2] = {0, out[bad]};
            ck_assert_int_eq(ckks_pt_set(pt, one, 2, 1), ERR_ARG);
        }
        ck_assert_int_eq(ckks_pt_set(pt, v, p->n + 1, 1), ERR_ARG);
        ck_assert_int_eq(ckks_pt_set(pt, v, 1, 0), ERR_ARG);
        ck_assert_int_eq(ckks_pt_set(pt, v, 1, -1), ERR_ARG);
        ck_assert_int_eq(ckks_pt_set(pt, v, 1, NAN), ERR_ARG);
        ck_assert_int_eq(ckks_pt_set(pt, v, 1, INFINITY), ERR_ARG);
        ck_assert_int_eq(ckks_pt_get(pt, got, p->n + 1), ERR_ARG);
        ck_assert_int_eq(ckks_pt_get(pt, got, 2), 0); /* errors changed nothing */
        ck_assert_int_eq(got[1], v[1]);
        ckks_pt_free(pt);
    }
    ckks_pt *none;
    ck_assert_int_eq(ckks_pt_create(&none, p, 0), ERR_ARG);
    ck_assert_int_eq(ckks_pt_create(&none, p, 4), ERR_ARG);
    mem_free(v);
}
END_TEST

START_TEST(operations)
{
    int64_t *v = mem_alloc(p->n, 3 * sizeof *v), *w = v + p->n, *want = v + 2 * p->n;
    random_values(v, 40);
    random_values(w, 40);
    ckks_ct *a = encrypted(v, 0), *b = encrypted(w, 1), *r;
    ckks_pt *pt = plain(w, SCALE);
    ck_assert_int_eq(ckks_ct_create(&r, p, p->primes), 0);
    ckks_pt_to_ntt(pt);
    for (int coeff = 0; coeff < 2; coeff++) {
        decrypts_to(a, v, SCALE, 21);
        decrypts_to(b, w, SCALE, NOISE);
        for (uint32_t j = 0; j < p->n; j++) want[j] = v[j] + w[j];
        ck_assert_int_eq(ckks_ct_add(r, a, b), 0);
        decrypts_to(r, want, SCALE, NOISE);
        ck_assert_int_eq(ckks_ct_add_plain(r, a, pt), 0);
        ck_assert_int_eq(r->seeded, !coeff);
        decrypts_to(r, want, SCALE, 21);
        ck_assert_int_eq(ckks_ct_sub(r, r, a), 0); /* in place */
        ck_assert_int_eq(r->seeded, 0);
        ck_assert_int_eq(ckks_ct_sub(r, r, b), 0);
        memset(want, 0, p->n * sizeof *want);
        decrypts_to(r, want, SCALE, NOISE);
        for (uint32_t j = 0; j < p->n; j++) want[j] = -12345 * v[j];
        ck_assert_int_eq(ckks_ct_multiply_scalar(r, a, -12345), 0);
        decrypts_to(r, want, SCALE, 21 * 12345);
        ck_assert_int_eq(ckks_ct_negate(r, a), 0);
        for (uint32_t j = 0; j < p->n; j++) want[j] = -v[j];
        decrypts_to(r, want, SCALE, 21);
        ck_assert_int_eq(ckks_ct_sub_plain(r, r, pt), 0);
        for (uint32_t j = 0; j < p->n; j++) want[j] -= w[j];
        decrypts_to(r, want, SCALE, 21);
        ckks_ct_to_coeff(a);
        ckks_ct_to_coeff(b);
        ckks_pt_to_coeff(pt);
        ck_assert_int_eq(a->seeded, 0);
    }
    ck_assert_int_eq(ckks_ct_multiply_scalar(r, a, MOD_SIGNED_MAX + 1), ERR_ARG);
    ck_assert_int_eq(ckks_ct_multiply_scalar(r, a, INT64_MIN), ERR_ARG);
    ckks_ct_to_ntt(a);
    decrypts_to(a, v, SCALE, 21);
    ckks_pt_free(pt);
    ckks_ct_free(a);
    ckks_ct_free(b);
    ckks_ct_free(r);
    mem_free(v);
}
END_TEST

#define DIVISOR ((uint64_t)CKKS_PK_DIVISOR)

/* (coefficient j of k u) + e modulo all primes of ciphertexts and DIVISOR, as one number; k in coefficients, prime by prime, the part
 * modulo DIVISOR last. */
static big undivided(const uint64_t *k, const int8_t *u, const int8_t *e, size_t j)
{
    const size_t n = p->n;
    big whole = big_from(DIVISOR), x = big_from(0);
    for (uint32_t i = 0; i < p->primes; i++) whole = big_mul(whole, p->q[i]);
    for (uint32_t i = 0; i <= p->primes; i++) {
        const uint64_t q = i < p->primes ? p->q[i] : DIVISOR;
        __int128 sum = e[j];
        for (size_t l = 0; l < n; l++) sum += (l <= j ? 1 : -1) * (__int128)u[l] * k[i * n + (j + n - l) % n];
        const big others = big_div(whole, big_from(q));
        const uint64_t r = (uint64_t)((sum % q + q) % q), rest = big_mod(others, q);
        uint64_t inv = 1;
        if (i < p->primes) inv = mod_inv_var(&p->ntt[i]->q, rest);
        else while (inv * rest % q != 1) inv++;
        x = big_add(x, big_mul(others, (uint64_t)((unsigned __int128)r * inv % q)));
    }
    while (!big_less(x, whole)) x = big_sub(x, whole);
    return x;
}

/* Both halves of the public key in coefficients; the parts modulo DIVISOR out of pk->low, which is DIVISOR (b + 2^shift a). */
static void open_key(uint64_t *b, uint64_t *a)
{
    const size_t n = p->n, last = p->primes * n;
    for (uint32_t i = 0; i < p->primes; i++) {
        ntt_inverse(p->ntt[i], b + i * n, pk->b + i * n);
        ntt_inverse(p->ntt[i], a + i * n, pk->a + i * n);
    }
    const ntt_table *t = ckks_pk_prime(p) < p->primes ? p->ntt[ckks_pk_prime(p)] : p->wide;
    ntt_inverse(t, a + last, pk->low);
    for (size_t j = 0; j < n; j++) {
        const int64_t both = oracle_centred(a[last + j], t->q.q), shift = INT64_C(1) << ckks_pk_shift(p);
        ck_assert_int_eq(both % (int64_t)DIVISOR, 0);
        int64_t y = both / (int64_t)DIVISOR, low = y % shift;
        if (2 * llabs(low) > shift) low += low < 0 ? shift : -shift;
        b[last + j] = (uint64_t)(low + (int64_t)DIVISOR) % DIVISOR;
        a[last + j] = (uint64_t)((y - low) / shift + (int64_t)DIVISOR) % DIVISOR;
        ck_assert_uint_eq(b[last + j], pk->b_low[j]);
    }
}

/* With special primes: what is sent is exactly round((k u + e) / DIVISOR) + m, u and e drawn again from the same generator, and its noise
 * is that of the rounding, delta_0 + delta_1 s, and of the key, divided. */
START_TEST(public_encryption_divides)
{
    static const ckks_literal set[] = {{2048, 2, {26, 27}, 1}, {4096, 3, {36, 30, 36}, 1}, {4096, 4, {36, 20, 24, 26}, 2},
                                       {8192, 6, {50, 40, 40, 41, 20, 22}, 3}, {8192, 4, {40, 50, 43, 41}, 1}};
    teardown();
    setup_with(&set[_i]);
    ck_assert_uint_eq(ckks_pk_prime(p), _i == 3 ? 0 : _i == 4 ? 1 : p->primes + p->special);
    const size_t n = p->n, key = (p->primes + 1) * n;
    int64_t *v = mem_alloc(n, 2 * sizeof *v), *got = v + n;
    int8_t *u = mem_alloc(n, 3), *e0 = u + n, *e1 = u + 2 * n;
    random_values(v, 20);
    prg again = g;
    ckks_ct *ct = encrypted(v, 1);
    sample_ternary(&again, u, n);
    sample_cbd(&again, e0, n);
    sample_cbd(&again, e1, n);
    ckks_pt *pt;
    ck_assert_int_eq(ckks_pt_create(&pt, p, p->primes), 0);
    ck_assert_int_eq(ckks_ct_decrypt(pt, sk, ct, scratch), 0);
    ck_assert_int_eq(ckks_pt_get(pt, got, n), 0);
    double var = 0;
    for (size_t j = 0; j < n; j++) var += pow((double)(got[j] - v[j]), 2) / (double)n;
    const double want = (1 + 2 * (double)n / 3) / 12 + 10.5 * (1 + 4 * (double)n / 3) / (double)(DIVISOR * DIVISOR);
    /* a standard error is sqrt(6 / n) of it: |s|^2 is not the same at all roots of one */
    ck_assert_msg(fabs(var / want - 1) < 6 * sqrt(6 / (double)n), "variance %g, not %g", var, want);

    uint64_t *b = mem_alloc(key, 2 * sizeof *b), *a = b + key;
    open_key(b, a);
    ckks_ct_to_coeff(ct);
    for (size_t j = 0; j < n; j += j < 8 ? 1 : n / 64 - 1) {
        for (int h = 0; h < 2; h++) {
            big x = undivided(h ? a : b, u, h ? e1 : e0, j);
            x = big_div(big_add(x, big_from(DIVISOR / 2)), big_from(DIVISOR)); /* odd: never a tie */
            for (uint32_t i = 0; i < p->primes; i++) {
                const uint64_t m = h ? 0 : mod_from_signed(&p->ntt[i]->q, v[j]);
                ck_assert_uint_eq((h ? ct->c1 : ct->c0)[i * n + j], (big_mod(x, p->q[i]) + m) % p->q[i]);
            }
        }
    }
    mem_free(b);
    ckks_pt_free(pt);
    ckks_ct_free(ct);
    mem_free(u);
    mem_free(v);
}
END_TEST

/* A remainder that is -1/2 in the mean, as by an even divisor, adds up in the slot of exp(i pi / n): 0.4 of a deviation at n = 2048.  The
 * mean of 1,000 errors there is within 5 of its own deviations, exp(-25). */
START_TEST(public_encryption_is_centred)
{
    enum { TIMES = 1000 };
    teardown();
    setup_with(&(const ckks_literal){2048, 2, {26, 27}, 1});
    const size_t n = p->n;
    int64_t *v = mem_alloc(n, sizeof *v);
    ckks_pt *zero, *back;
    ckks_ct *ct;
    ck_assert_int_eq(ckks_pt_create(&zero, p, p->primes) | ckks_pt_create(&back, p, p->primes) | ckks_ct_create(&ct, p, p->primes), 0);
    complex double sum = 0;
    double square = 0;
    for (int t = 0; t < TIMES; t++) {
        ck_assert_int_eq(ckks_ct_encrypt(ct, pk, zero, &g, scratch), 0);
        ck_assert_int_eq(ckks_ct_decrypt(back, sk, ct, scratch), 0);
        ck_assert_int_eq(ckks_pt_get(back, v, n), 0);
        complex double slot = 0;
        for (size_t j = 0; j < n; j++) slot += (double)v[j] * cexp(I * M_PI * (double)j / (double)n);
        sum += slot;
        square += creal(slot * conj(slot));
    }
    ck_assert_msg(cabs(sum) < 5 * sqrt(square), "mean %g of a deviation", cabs(sum) / sqrt(square * TIMES));
    ckks_ct_free(ct);
    ckks_pt_free(zero), ckks_pt_free(back);
    mem_free(v);
}
END_TEST

START_TEST(product_with_plaintext)
{
    int64_t *v = mem_alloc(p->n, 3 * sizeof *v), *w = v + p->n, *want = v + 2 * p->n;
    random_values(v, 30);
    random_values(w, 8);
    for (uint32_t i = 0; i < p->n; i++) {
        if (i % 64) w[i] = 0; /* 64 terms */
        for (uint32_t j = 0; w[i] && j < p->n; j++) want[(i + j) % p->n] += (i + j < p->n ? 1 : -1) * w[i] * v[j];
    }
    ckks_ct *a = encrypted(v, 0);
    ckks_pt *pt = plain(w, 16);
    ckks_ct_to_coeff(a);
    ck_assert_int_eq(ckks_ct_multiply_plain(a, a, pt), ERR_ARG); /* coefficients */
    ckks_pt_to_ntt(pt);
    ck_assert_int_eq(ckks_ct_multiply_plain(a, a, pt), ERR_ARG); /* one of each */
    ckks_ct_to_ntt(a);
    pt->at.scale = 0x1p1020;
    ck_assert_int_eq(ckks_ct_multiply_plain(a, a, pt), ERR_ARG);
    ck_assert(strstr(err_text(), "scale"));
    pt->at.scale = 16;
    ck_assert_int_eq(ckks_ct_multiply_plain(a, a, pt), 0);
    decrypts_to(a, want, 16 * SCALE, 64 * 128 * 21);
    ckks_pt_free(pt);
    ckks_ct_free(a);
    mem_free(v);
}
END_TEST

START_TEST(drop)
{
    int64_t *v = mem_alloc(p->n, sizeof *v);
    random_values(v, 30);
    ckks_ct *a = encrypted(v, 2), *b = encrypted(v, 3), *small;
    ck_assert_int_eq(ckks_ct_drop(a, 0), ERR_ARG);
    ck_assert_int_eq(ckks_ct_drop(a, 4), ERR_ARG);
    ck_assert_int_eq(ckks_ct_drop(a, 3), 0);
    ck_assert_int_eq(a->seeded, 1);
    ck_assert_int_eq(ckks_ct_drop(a, 2), 0);
    ck_assert_int_eq(a->seeded, 0);
    decrypts_to(a, v, SCALE, 21);
    ck_assert_int_eq(ckks_ct_add(a, a, b), ERR_ARG);
    ck_assert(strstr(err_text(), "level"));
    ck_assert_int_eq(ckks_ct_drop(a, 1), 0);
    ck_assert_int_eq(ckks_ct_drop(a, 2), ERR_ARG); /* and never up again */
    decrypts_to(a, v, SCALE, 21);
    ck_assert_int_eq(ckks_ct_create(&small, p, 1), 0);
    ck_assert_int_eq(ckks_ct_multiply_scalar(small, b, 1), ERR_ARG); /* no room */
    ck_assert_int_eq(ckks_ct_multiply_scalar(small, a, 1), 0);
    decrypts_to(small, v, SCALE, 21);
    ckks_ct_free(small);
    ckks_ct_free(a);
    ckks_ct_free(b);
    mem_free(v);
}
END_TEST

static void mismatch(int rc, const char *field)
{
    ck_assert_int_eq(rc, ERR_ARG);
    ck_assert_msg(strstr(err_text(), field), "\"%s\" does not name %s", err_text(), field);
}

START_TEST(mismatches)
{
    ckks_params *p2 = oracle_params(4096, 3, (const uint8_t[]){36, 35, 35}); /* equal, but not the same */
    int64_t *v = mem_alloc(p->n, sizeof *v);
    ckks_ct *a = encrypted(v, 4), *b = encrypted(v, 5), *r, *foreign;
    ckks_pt *pt = plain(v, SCALE), *low, *other;
    ck_assert_int_eq(ckks_ct_create(&r, p, 3), 0);
    ck_assert_int_eq(ckks_ct_create(&foreign, p2, 3), 0);
    ck_assert_int_eq(ckks_pt_create(&low, p, 2), 0);
    ck_assert_int_eq(ckks_pt_create(&other, p2, 3), 0);
    ckks_pt_to_ntt(pt);
    b->at.scale *= 2;
    mismatch(ckks_ct_add(r, a, b), "scale");
    mismatch(ckks_ct_sub(r, a, b), "scale");
    mismatch(ckks_ct_add_plain(r, b, pt), "scale");
    b->at.scale /= 2;
    ckks_ct_to_coeff(b);
    mismatch(ckks_ct_decrypt_ntt(pt, sk, b), "domain");
    mismatch(ckks_ct_add(r, a, b), "domain");
    mismatch(ckks_ct_sub(r, a, b), "domain");
    mismatch(ckks_ct_add_plain(r, b, pt), "domain");
    mismatch(ckks_ct_add(r, a, foreign), "parameters");
    mismatch(ckks_ct_add(foreign, a, a), "parameters");
    mismatch(ckks_ct_add_plain(r, a, low), "level");
    mismatch(ckks_ct_decrypt(other, sk, a, scratch), "parameters");
    mismatch(ckks_ct_decrypt(pt, sk, foreign, scratch), "parameters");
    mismatch(ckks_ct_decrypt(low, sk, a, scratch), "room");
    ckks_pt_to_coeff(pt);
    mismatch(ckks_ct_encrypt(r, pk, low, &g, scratch), "level");
    mismatch(ckks_ct_encrypt(r, pk, other, &g, scratch), "parameters");
    mismatch(ckks_ct_encrypt(foreign, pk, pt, &g, scratch), "parameters");
    ckks_pt_to_ntt(pt);
    mismatch(ckks_ct_encrypt_seeded(r, sk, pt, seed, 9, &g, scratch), "domain");
    for (size_t j = 0; j < ckks_poly_words(p); j++) ck_assert_uint_eq(r->c0[j] | r->c1[j], 0); /* errors left it as it was */
    ckks_pt_free(pt);
    ckks_pt_free(low);
    ckks_pt_free(other);
    ckks_ct_free(a);
    ckks_ct_free(b);
    ckks_ct_free(r);
    ckks_ct_free(foreign);
    mem_free(v);
    ckks_params_free(p2);
}
END_TEST

START_TEST(wire_round_trip)
{
    int64_t *v = mem_alloc(p->n, sizeof *v);
    random_values(v, 30);
    const size_t poly = 4096 / 8 * (36 + 35 + 35);
    for (unsigned kind = 0; kind < 4; kind++) { /* seeded; full; full in coefficients; of two primes */
        ckks_ct *a = encrypted(v, kind ? 7 : 6), *b;
        if (kind == 2) ckks_ct_to_coeff(a);
        if (kind == 3) ck_assert_int_eq(ckks_ct_drop(a, 2), 0);
        const size_t len = ckks_ct_bytes(a), want = kind == 0 ? 56 + poly : kind == 3 ? 16 + 4096 / 4 * 71 : 16 + 2 * poly;
        ck_assert_uint_eq(len, want);
        ck_assert(kind || len <= poly + 64);
        uint8_t *wire = mem_alloc(len, 2);
        ckks_ct_write(a, wire);
        ck_assert_int_eq(ckks_ct_read(&b, p, wire, len), 0);
        ck_assert_uint_eq(b->at.level, a->at.level);
        ck_assert(b->at.scale == a->at.scale && b->at.domain == a->at.domain && b->seeded == a->seeded);
        ck_assert_mem_eq(a->c0, b->c0, a->at.level * p->n * sizeof *a->c0);
        ck_assert_mem_eq(a->c1, b->c1, a->at.level * p->n * sizeof *a->c0);
        decrypts_to(b, v, SCALE, NOISE);
        ckks_ct_write(b, wire + len);
        ck_assert_mem_eq(wire, wire + len, len);
        mem_free(wire);
        ckks_ct_free(a);
        ckks_ct_free(b);
    }
    mem_free(v);
}
END_TEST

static void malformed(const uint8_t *wire, size_t len, const char *field)
{
    ckks_ct *ct = (ckks_ct *)1;
    uint8_t *exact = malloc(len ? len : 1); /* not one byte more than said: a sanitizer sees a read beyond */
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, wire, len);
    ck_assert_int_eq(ckks_ct_read(&ct, p, exact, len), ERR_PEER);
    ck_assert_ptr_null(ct);
    ck_assert_msg(strstr(err_text(), field), "\"%s\" does not name %s", err_text(), field);
    free(exact);
}

START_TEST(wire_malformed)
{
    int64_t *v = mem_alloc(p->n, sizeof *v);
    for (unsigned kind = 0; kind < 2; kind++) {
        ckks_ct *a = encrypted(v, kind ? 9 : 8);
        const size_t len = ckks_ct_bytes(a);
        uint8_t *wire = mem_alloc(len + 1, 1);
        ckks_ct_write(a, wire);
        for (size_t cut = 0; cut < len; cut += cut < 80 ? 1 : 977) malformed(wire, cut, "length");
        malformed(wire, len + 1, "length");
        static const struct {
            uint8_t at, value;
            const char *field;
        } bad[] = {{0, 'X', "magic"}, {1, 0, "magic"},   {2, 't', "magic"},  {3, 0, "version"}, {3, 2, "version"}, {4, 2, "kind"},
                   {4, 255, "kind"},  {5, 11, "log2 n"}, {5, 255, "log2 n"}, {6, 0, "level"},   {6, 4, "level"},   {6, 255, "level"},
                   {7, 2, "domain"},  {7, 255, "domain"}};
        for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            uint8_t keep = wire[bad[i].at];
            wire[bad[i].at] = bad[i].value;
            malformed(wire, len, bad[i].field);
            wire[bad[i].at] = keep;
        }
        static const double scales[] = {0, -1, NAN, INFINITY, -INFINITY};
        uint8_t keep[8];
        memcpy(keep, wire + 8, 8);
        for (unsigned i = 0; i < 5; i++) {
            memcpy(wire + 8, &scales[i], 8);
            malformed(wire, len, "scale");
        }
        memcpy(wire + 8, keep, 8);
        if (!kind) { /* seeded: only whole, only in the NTT domain */
            wire[6] = 2;
            malformed(wire, len, "level");
            wire[6] = 3;
            wire[7] = CKKS_COEFF;
            malformed(wire, len, "domain");
            wire[7] = CKKS_NTT;
        }
        wire[4] ^= 1; /* the other kind's length */
        malformed(wire, len, "length");
        wire[4] ^= 1;
        for (unsigned half = 0; half <= kind; half++) {
            for (uint32_t i = 0; i < 3; i++) {
                uint64_t *r = &(half ? a->c1 : a->c0)[i * p->n + 4095], was = *r;
                *r = p->q[i];
                ckks_ct_write(a, wire);
                malformed(wire, len, "residue 4095");
                *r = was;
            }
        }
        mem_free(wire);
        ckks_ct_free(a);
    }
    mem_free(v);
}
END_TEST

START_TEST(out_of_memory)
{
    ckks_pt *pt = NULL;
    ckks_ct *ct = NULL;
    int64_t v[2] = {5, 5}, *done = NULL;
    EACH_ALLOCATION_FAILS(pt, ckks_pt_create(&pt, p, 2), 2);
    EACH_ALLOCATION_FAILS(ct, ckks_ct_create(&ct, p, 2), 2);
    EACH_ALLOCATION_FAILS(done, (done = ckks_pt_get(pt, v, 1) ? NULL : v) ? 0 : ERR_MEM, 1);
    ck_assert(v[0] == 0 && v[1] == 5);
    uint8_t *wire = mem_alloc(ckks_ct_bytes(ct), 1);
    ckks_ct_write(ct, wire);
    const size_t len = ckks_ct_bytes(ct);
    ckks_ct_free(ct);
    EACH_ALLOCATION_FAILS(ct, ckks_ct_read(&ct, p, wire, len), 2);
    wire[3] = 9; /* refused before anything is allocated */
    test_alloc_fail_at(0);
    ckks_ct *none;
    ck_assert_int_eq(ckks_ct_read(&none, p, wire, len), ERR_PEER);
    ck_assert_int_eq(test_alloc_count(), 0);
    mem_free(wire);
    ckks_pt_free(pt);
    ckks_ct_free(ct);
    ckks_pt_free(NULL);
    ckks_ct_free(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ct");
    TCase *t = tcase_create("ct");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, plaintext_round_trip);
    tcase_add_test(t, operations);
    tcase_add_loop_test(t, public_encryption_divides, 0, 5);
    tcase_add_test(t, public_encryption_is_centred);
    tcase_add_test(t, product_with_plaintext);
    tcase_add_test(t, drop);
    tcase_add_test(t, mismatches);
    tcase_add_test(t, wire_round_trip);
    tcase_add_test(t, wire_malformed);
    tcase_add_test(t, out_of_memory);
    suite_add_tcase(s, t);
    return oracle_run(s);
}
