// SPDX-License-Identifier: ISC
/* Keys: what their equations say, their wire form, and what is refused. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ckks/keys.h"
#include "ckks/sample.h"
#include "test/ckks_oracle.h"

static const uint8_t session[32] = "session";

static ckks_params *two_primes(void) { return oracle_params(4096, 2, (const uint8_t[]){50, 53}); }

/* Two primes, and two with a special one. */
static ckks_params *set(int i)
{
    static const ckks_literal special = {4096, 3, {36, 30, 37}, 1};
    ckks_params *p;
    if (i == 0) return two_primes();
    ck_assert_int_eq(ckks_params_create(&p, &special), 0);
    return p;
}

static void centred_coefficients(const ntt_table *t, int64_t *out, const uint64_t *ntt, uint64_t *tmp)
{
    ntt_inverse(t, tmp, ntt);
    for (uint32_t j = 0; j < t->n; j++) out[j] = oracle_centred(tmp[j], t->q.q);
}

START_TEST(secret_key_is_ternary)
{
    ckks_params *p = two_primes();
    prg g;
    oracle_prg(&g, 1);
    ckks_sk *sk, *other;
    ck_assert_int_eq(ckks_sk_create(&sk, p, &g), 0);
    ck_assert_int_eq(ckks_sk_create(&other, p, &g), 0);
    int64_t *s = mem_alloc(p->n, 2 * sizeof *s);
    uint64_t *tmp = mem_alloc(p->n, sizeof *tmp);
    for (uint32_t i = 0; i <= p->primes; i++) {
        centred_coefficients(i < p->primes ? p->ntt[i] : p->wide, s + (i ? p->n : 0), sk->s + (size_t)i * p->n, tmp);
        oracle_ternary(s, p->n);
        if (i) ck_assert_mem_eq(s, s + p->n, p->n * sizeof *s); /* one s for all primes */
    }
    centred_coefficients(p->ntt[0], s + p->n, other->s, tmp);
    unsigned same = 0;
    for (uint32_t j = 0; j < p->n; j++) same += s[j] == s[p->n + j];
    ck_assert(same > p->n / 4 && same < p->n / 2);
    mem_free(s);
    mem_free(tmp);
    ckks_sk_free(other);
    ckks_sk_free(sk);
    ckks_params_free(p);
}
END_TEST

/* b + a s = e modulo CKKS_PK_DIVISOR, in some coefficients; a is what the seed gives after the parts modulo the primes. */
static void low_part(const ckks_params *p, const ckks_sk *sk, const ckks_pk *pk, const int64_t *e, uint64_t *tmp)
{
    const size_t n = p->n;
    prg seed;
    modulus d;
    uint8_t both[PRG_SEED_BYTES];
    ckks_pk_seed(both, session, pk->seed);
    prg_init(&seed, both, PRG_CKKS_PK, 0);
    for (uint32_t i = 0; i < p->primes; i++) sample_uniform_var(&seed, &p->ntt[i]->q, tmp, n);
    int64_t *s = mem_alloc(n, 2 * sizeof *s);
    uint64_t *a = (uint64_t *)s + n;
    ck_assert_int_eq(modulus_init(&d, CKKS_PK_DIVISOR), 0);
    sample_uniform_var(&seed, &d, a, n);
    centred_coefficients(p->ntt[0], s, sk->s, tmp);
    for (size_t j = 0; j < n; j += 97) {
        int64_t sum = (int64_t)pk->b_low[j] - e[j];
        for (size_t l = 0; l < n; l++) sum += (l <= j ? 1 : -1) * s[l] * (int64_t)a[(j + n - l) % n];
        ck_assert_int_eq(sum % CKKS_PK_DIVISOR, 0);
        ck_assert_uint_lt(pk->b_low[j], CKKS_PK_DIVISOR);
    }
    mem_free(s);
}

START_TEST(public_key_equation)
{
    ckks_params *p = set(_i);
    const size_t n = p->n;
    prg g;
    oracle_prg(&g, 2);
    ckks_sk *sk;
    ckks_pk *pk, *other;
    ck_assert_int_eq(ckks_sk_create(&sk, p, &g), 0);
    ck_assert_int_eq(ckks_pk_create(&pk, sk, session, &g), 0);
    ck_assert_int_eq(ckks_pk_create(&other, sk, session, &g), 0);
    int64_t *e = mem_alloc(n, 3 * sizeof *e);
    uint64_t *tmp = mem_alloc(n, sizeof *tmp);
    for (uint32_t i = 0; i < p->primes; i++) { /* b + a s = e */
        memcpy(tmp, pk->b + i * n, n * sizeof *tmp);
        ntt_inner(p->ntt[i], tmp, tmp, (const uint64_t *[]){pk->a + i * n}, (const uint64_t *[]){sk->s + i * n}, 1);
        centred_coefficients(p->ntt[i], e + i * n, tmp, tmp);
        oracle_cbd(e + i * n, n);
        ck_assert_mem_ne(pk->a + i * n, other->a + i * n, n * sizeof *tmp);
    }
    for (uint32_t i = 1; i < p->primes; i++) ck_assert_mem_eq(e, e + i * n, n * sizeof *e);
    ck_assert_int_eq(pk->b_low != NULL, p->special > 0);
    if (p->special) low_part(p, sk, pk, e, tmp);
    ck_assert_mem_ne(pk->seed, other->seed, PRG_SEED_BYTES);
    mem_free(e);
    mem_free(tmp);
    ckks_pk_free(other);
    ckks_pk_free(pk);
    ckks_sk_free(sk);
    ckks_params_free(p);
}
END_TEST

START_TEST(wire_form)
{
    ckks_params *p = set(_i);
    prg g;
    oracle_prg(&g, 3);
    ckks_sk *sk;
    ckks_pk *pk, *got;
    ck_assert_int_eq(ckks_sk_create(&sk, p, &g), 0);
    ck_assert_int_eq(ckks_pk_create(&pk, sk, session, &g), 0);
    ck_assert_uint_eq(ckks_pk_bytes(p), 32 + 4096 / 8 * (_i ? 36 + 30 + 7 : 50 + 53));
    uint8_t *wire = mem_alloc(ckks_pk_bytes(p), 2), *again = wire + ckks_pk_bytes(p);
    ckks_pk_write(pk, wire);
    ck_assert_mem_eq(wire, pk->seed, 32);
    ck_assert_int_eq(ckks_pk_read(&got, p, session, wire), 0);
    const size_t words = p->primes * (size_t)p->n;
    ck_assert_mem_eq(got->a, pk->a, words * sizeof *pk->a); /* a from the seed */
    ck_assert_mem_eq(got->b, pk->b, words * sizeof *pk->b);
    if (p->special) ck_assert_mem_eq(got->low, pk->low, p->n * sizeof *pk->low);
    ckks_pk *elsewhere; /* the same bytes in another session: another a */
    ck_assert_int_eq(ckks_pk_read(&elsewhere, p, (const uint8_t[32]){1}, wire), 0);
    for (size_t j = 0; j < words; j += p->n) ck_assert_mem_ne(elsewhere->a + j, pk->a + j, p->n * sizeof *pk->a);
    ckks_pk_free(elsewhere);
    ckks_pk_write(got, again);
    ck_assert_mem_eq(wire, again, ckks_pk_bytes(p));
    ckks_pk_free(got);

    uint64_t *b = pk->b; /* one residue outside its range at a time */
    for (uint32_t i = 0; i < p->primes; i++) {
        static const uint32_t where[] = {0, 1, 777, 4095};
        for (unsigned k = 0; k < 4; k++) {
            uint64_t *r = &b[i * p->n + where[k]], keep = *r;
            for (uint64_t bad = p->q[i];; bad = (UINT64_C(1) << p->ntt[i]->q.bits) - 1) {
                *r = bad;
                ckks_pk_write(pk, wire);
                got = (ckks_pk *)1;
                ck_assert_int_eq(ckks_pk_read(&got, p, session, wire), ERR_PEER);
                ck_assert_ptr_null(got);
                ck_assert_msg(strstr(err_text(), "residue"), "%s", err_text());
                if (bad != p->q[i]) break;
            }
            *r = p->q[i] - 1; /* the largest one that may be */
            ckks_pk_write(pk, wire);
            ck_assert_int_eq(ckks_pk_read(&got, p, session, wire), 0);
            ckks_pk_free(got);
            *r = keep;
        }
    }
    for (uint32_t j = 0; p->special && j < p->n; j += 1365) {
        const uint64_t keep = pk->b_low[j];
        pk->b_low[j] = CKKS_PK_DIVISOR;
        ckks_pk_write(pk, wire);
        got = (ckks_pk *)1;
        ck_assert_int_eq(ckks_pk_read(&got, p, session, wire), ERR_PEER);
        ck_assert_ptr_null(got);
        ck_assert_msg(strstr(err_text(), "residue modulo 127"), "%s", err_text());
        pk->b_low[j] = keep;
    }
    mem_free(wire);
    ckks_pk_free(pk);
    ckks_sk_free(sk);
    ckks_params_free(p);
}
END_TEST

START_TEST(refused_polynomial_is_zero)
{
    ckks_params *p = oracle_params(1024, 1, (const uint8_t[]){26});
    uint64_t *poly = mem_alloc(p->n, sizeof *poly);
    uint8_t *wire = mem_alloc(ckks_poly_bytes(p), 1);
    memset(wire, 0xff, ckks_poly_bytes(p));
    ck_assert_int_eq(ckks_poly_read(p, poly, wire), ERR_PEER);
    for (uint32_t j = 0; j < p->n; j++) ck_assert_uint_eq(poly[j], 0);
    mem_free(poly);
    mem_free(wire);
    ckks_params_free(p);
}
END_TEST

START_TEST(out_of_memory)
{
    ckks_params *p = two_primes();
    prg g;
    oracle_prg(&g, 4);
    ckks_sk *sk = NULL;
    ckks_pk *pk = NULL, *got = NULL;
    EACH_ALLOCATION_FAILS(sk, ckks_sk_create(&sk, p, &g), 3);
    EACH_ALLOCATION_FAILS(pk, ckks_pk_create(&pk, sk, session, &g), 3);
    uint8_t *wire = mem_alloc(ckks_pk_bytes(p), 1);
    ckks_pk_write(pk, wire);
    EACH_ALLOCATION_FAILS(got, ckks_pk_read(&got, p, session, wire), 3);
    ck_assert_mem_eq(got->b, pk->b, ckks_poly_bytes(p));
    mem_free(wire);
    ckks_pk_free(got);
    ckks_pk_free(pk);
    ckks_sk_free(sk);
    ckks_params_free(p);
    ckks_sk_free(NULL);
    ckks_pk_free(NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("keys");
    TCase *t = tcase_create("keys");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, secret_key_is_ternary);
    tcase_add_loop_test(t, public_key_equation, 0, 2);
    tcase_add_loop_test(t, wire_form, 0, 2);
    tcase_add_test(t, refused_polynomial_is_zero);
    tcase_add_test(t, out_of_memory);
    suite_add_tcase(s, t);
    return oracle_run(s);
}
