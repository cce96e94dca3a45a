// SPDX-License-Identifier: ISC
/* Evaluation keys: what each digit encrypts, by schoolbook products of integers; the wire format and its malformations. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ckks/evk.h"
#include "test/ckks_oracle.h"

static ckks_params *p;
static ckks_sk *sk;
static prg g;

static void setup(void)
{
    const ckks_literal ok = {.n = 2048, .primes = 2, .bits = {26, 27}, .special = 1};
    ck_assert_int_eq(ckks_params_create(&p, &ok), 0);
    oracle_prg(&g, 31);
    ck_assert_int_eq(ckks_sk_create(&sk, p, &g), 0);
}

static void teardown(void)
{
    ckks_sk_free(sk);
    ckks_params_free(p);
}

/* r(x) = a(x^g) modulo q, coefficient by coefficient */
static void substitute(uint64_t q, uint64_t *r, const uint64_t *a, uint32_t by)
{
    for (uint32_t j = 0; j < p->n; j++) {
        uint32_t k = (uint32_t)((uint64_t)j * by % (2 * p->n));
        r[k % p->n] = k < p->n ? a[j] : (q - a[j]) % q;
    }
}

START_TEST(digits)
{
    const uint32_t n = p->n, galois[] = {0, 5, 2 * n - 1, ckks_galois_rotation(p, -3)};
    uint64_t *m = mem_alloc(n, 6 * sizeof *m), *s = m, *under = m + n, *t = m + 2 * n, *want = m + 3 * n;
    int64_t *e = (int64_t *)(m + 4 * n);
    for (int c = 0; c < 4; c++) {
        ckks_evk *k;
        ck_assert_int_eq(ckks_evk_create(&k, sk, galois[c], &g), 0);
        uint32_t inverse = 1; /* 1 / g modulo 2n */
        while (galois[c] && (uint64_t)inverse * galois[c] % (2 * n) != 1) inverse += 2;
        for (uint32_t i = 0; i < 2; i++) {
            const uint64_t q = p->q[i], big_p = p->q[1];
            ntt_inverse(p->ntt[i], s, sk->s + i * n);
            substitute(q, under, s, galois[c] ? inverse : 1);
            ntt_inverse(p->ntt[i], t, k->a + i * n);
            oracle_negacyclic(q, n, want, under, t);
            ntt_inverse(p->ntt[i], t, k->b + i * n);
            for (uint32_t j = 0; j < n; j++) t[j] = (t[j] + want[j]) % q; /* e + P s' */
            if (galois[c])
                memcpy(want, s, n * sizeof *want);
            else
                oracle_negacyclic(q, n, want, s, s);
            for (uint32_t j = 0; j < n; j++)
                e[j] = oracle_centred((t[j] + (i == 0 ? (uint64_t)((unsigned __int128)(q - want[j]) * (big_p % q) % q) : 0)) % q, q);
            oracle_cbd(e, n);
        }
        if (galois[c]) { /* the permutation is the substitution */
            ntt_inverse(p->ntt[0], s, sk->s);
            substitute(p->q[0], t, s, galois[c]);
            ntt_forward(p->ntt[0], t, t);
            for (uint32_t j = 0; j < n; j++) ck_assert_uint_eq(t[j], sk->s[k->from[j]]);
            for (uint32_t b = 2; b <= 8; b *= 2) /* what ring_kern's permute relies on */
                for (uint32_t j = 0; j < n; j++) ck_assert_uint_eq(k->from[j] / b, k->from[j / b * b] / b);
        }
        ckks_evk_free(k);
    }
    mem_free(m);
}
END_TEST

START_TEST(refusals)
{
    ckks_evk *k = (ckks_evk *)1;
    ck_assert_int_eq(ckks_evk_create(&k, sk, 4, &g), ERR_ARG);
    ck_assert_ptr_null(k);
    ck_assert_int_eq(ckks_evk_create(&k, sk, 2 * p->n + 1, &g), ERR_ARG);
    ckks_params *plain = oracle_params(2048, 2, (const uint8_t[]){26, 27});
    ckks_sk *other;
    ck_assert_int_eq(ckks_sk_create(&other, plain, &g), 0);
    ck_assert_int_eq(ckks_evk_create(&k, other, 0, &g), ERR_ARG);
    ck_assert(strstr(err_text(), "special"));
    ck_assert_int_eq(ckks_evk_read(&k, plain, (const uint8_t *)"", 0), ERR_ARG);
    ckks_sk_free(other);
    ckks_params_free(plain);
}
END_TEST

static void malformed(const uint8_t *wire, size_t len, const char *field)
{
    ckks_evk *k = (ckks_evk *)1;
    uint8_t *exact = malloc(len ? len : 1);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, wire, len);
    ck_assert_int_eq(ckks_evk_read(&k, p, exact, len), ERR_PEER);
    ck_assert_ptr_null(k);
    ck_assert_msg(strstr(err_text(), field), "\"%s\" does not name %s", err_text(), field);
    free(exact);
}

START_TEST(wire)
{
    const size_t len = ckks_evk_bytes(p), words = (size_t)p->primes * (p->primes + p->special) * p->n;
    ck_assert_uint_eq(len, 44 + 2048 / 8 * (26 + 27));
    uint8_t *out = mem_alloc(len + 1, 2), *again = out + len + 1;
    for (uint32_t galois = 0; galois <= 25; galois += 25) {
        ckks_evk *k, *b = NULL;
        ck_assert_int_eq(ckks_evk_create(&k, sk, galois, &g), 0);
        ckks_evk_write(k, out);
        EACH_ALLOCATION_FAILS(b, ckks_evk_read(&b, p, out, len), galois ? 3 : 2);
        ck_assert_uint_eq(b->galois, galois);
        ck_assert_mem_eq(b->a, k->a, words * sizeof *k->a);
        ck_assert_mem_eq(b->b, k->b, words * sizeof *k->b);
        if (galois) ck_assert_mem_eq(b->from, k->from, p->n * sizeof *k->from);
        ckks_evk_write(b, again);
        ck_assert_mem_eq(out, again, len);
        for (size_t cut = 0; cut < len; cut += cut < 64 ? 1 : 977) malformed(out, cut, "length");
        malformed(out, len + 1, "length");
        static const struct {
            uint8_t at, value;
            const char *field;
        } bad[] = {{0, 'X', "magic"}, {1, 0, "magic"},   {2, 0, "magic"},    {3, 2, "version"}, {4, 12, "log2 n"}, {5, 2, "primes"},
                   {6, 0, "special"}, {7, 1, "reserved"}, {8, 2, "galois"}, {9, 16, "galois"}, {11, 1, "galois"}};
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            const uint8_t was = out[bad[i].at];
            out[bad[i].at] = bad[i].value;
            malformed(out, len, bad[i].field);
            out[bad[i].at] = was;
        }
        for (uint32_t i = 0; i < 2; i++) {
            uint64_t *r = k->b + i * p->n + 2047, was = *r;
            *r = p->q[i];
            ckks_evk_write(k, out);
            malformed(out, len, "residue 2047");
            *r = was;
        }
        ckks_evk_free(k);
        ckks_evk_free(b);
        k = NULL;
        EACH_ALLOCATION_FAILS(k, ckks_evk_create(&k, sk, galois, &g), galois ? 5 : 4);
        ckks_evk_free(k);
    }
    mem_free(out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("evk");
    TCase *t = tcase_create("evk");
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, digits);
    tcase_add_test(t, refusals);
    tcase_add_test(t, wire);
    suite_add_tcase(s, t);
    return oracle_run(s);
}
