// SPDX-License-Identifier: ISC
/* Keys, samplers, transforms, encryption, decryption and encoding on secrets. */
#include "test/ct_cases.h"

#include <stdlib.h>

#include "base/mem.h"
#include "ckks/ct.h"
#include "ckks/encode.h"
#include "ckks/eval.h"
#include "ckks/sample.h"
#include "ckks/shares.h"
#include "test/secret.h"

static const uint8_t session[32] = "session";

static const ckks_literal literals[] = {{4096, 1, {50}, 0}, {2048, 2, {26, 27}, 0}, {4096, 3, {35, 35, 36}, 0}, {4096, 3, {42, 30, 34}, 1},
                                        {4096, 4, {30, 26, 24, 26}, 2}};
#define LITERALS (sizeof literals / sizeof literals[0])

static void samplers(void)
{
    prg rng;
    int8_t small[1024];
    ct_secret_prg(&rng, 1);
    sample_ternary(&rng, small, 1024);
    ct_secret("ternary", small, sizeof small);
    sample_cbd(&rng, small, 1024);
    ct_secret("binomial", small, sizeof small);
    prg_wipe(&rng);
}

/* Every size and kind of prime that has loops of its own: small and large, the borders of 50 bits included. */
static void transforms(void)
{
    static const struct {
        uint32_t n;
        unsigned bits;
    } set[] = {{16, 20}, {1024, 26}, {1024, 47}, {2048, 50}, {4096, 60}};
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++) {
        const uint32_t n = set[i].n;
        const uint64_t top = UINT64_C(1) << set[i].bits, q = mod_prime_below_var(top, top / 2, 2 * n);
        ntt_table *t;
        ct_must(ntt_create(&t, n, q));
        uint64_t *a = mem_alloc(2 * n, sizeof *a), *b = a + n;
        if (!a) abort();
        for (uint32_t j = 0; j < n; j++) a[j] = q - 1 - j, b[j] = j;
        secret_hide(a, 2 * n * sizeof *a);
        ntt_forward(t, a, a);
        ntt_multiply(t, b, a, b);
        ntt_inner(t, b, b, (const uint64_t *[]){a}, (const uint64_t *[]){a}, 1);
        ntt_inverse(t, a, b);
        ntt_convolve(t, a, a, b);
        ct_secret("product", a, n * sizeof *a);
        mem_free(a);
        ntt_free(t);
    }
}

typedef struct {
    ckks_params *p;
    ckks_sk *sk;
    ckks_pk *pk;
    prg rng;
    uint64_t *scratch;
    ckks_pt *pt, *back;
    ckks_ct *ct, *other;
} party;

static void begin(party *a, size_t literal)
{
    ct_must(ckks_params_create(&a->p, &literals[literal]));
    ct_secret_prg(&a->rng, 2);
    ct_must(ckks_sk_create(&a->sk, a->p, &a->rng));
    ct_secret("secret key", a->sk->s, a->p->n * sizeof *a->sk->s);
    ct_must(ckks_pk_create(&a->pk, a->sk, session, &a->rng));
    secret_show(a->pk->b, ckks_poly_words(a->p) * sizeof *a->pk->b);
    if (a->pk->b_low) secret_show(a->pk->b_low, 2 * a->p->n * sizeof *a->pk->b_low); /* the public key is sent */
    a->scratch = mem_alloc(ckks_scratch_words(a->p), sizeof *a->scratch);
    if (!a->scratch) abort();
    ct_must(ckks_pt_create(&a->pt, a->p, a->p->primes));
    ct_must(ckks_pt_create(&a->back, a->p, a->p->primes));
    ct_must(ckks_ct_create(&a->ct, a->p, a->p->primes));
    ct_must(ckks_ct_create(&a->other, a->p, a->p->primes));
}

static void end(party *a)
{
    ckks_ct_free(a->other);
    ckks_ct_free(a->ct);
    ckks_pt_free(a->back);
    ckks_pt_free(a->pt);
    mem_free(a->scratch);
    ckks_pk_free(a->pk);
    ckks_sk_free(a->sk);
    ckks_params_free(a->p);
    prg_wipe(&a->rng);
}

static void show_ct(const ckks_ct *ct) /* what is sent to the other party */
{
    const size_t bytes = ct->at.level * (size_t)ct->at.p->n * sizeof *ct->c0;
    secret_show(ct->c0, bytes);
    secret_show(ct->c1, bytes);
}

static void round_trip(party *a, ckks_ct *ct)
{
    show_ct(ct);
    uint8_t *wire = malloc(ckks_ct_bytes(ct));
    if (!wire) abort();
    ckks_ct_write(ct, wire);
    ckks_ct *read;
    ct_must(ckks_ct_read(&read, a->p, wire, ckks_ct_bytes(ct)));
    ct_must(ckks_ct_decrypt(a->back, a->sk, read, a->scratch));
    ct_secret("decrypted", a->back->m, a->p->n * sizeof *a->back->m);
    ckks_ct_free(read);
    free(wire);
}

/* Public ciphertexts would show nothing: the operands are taken as secret too, as intermediate results of a server with weights are. */
static void evaluate(party *a)
{
    const size_t bytes = a->ct->at.level * (size_t)a->p->n * sizeof *a->ct->c0;
    secret_hide(a->ct->c0, bytes);
    secret_hide(a->ct->c1, bytes);
    ct_must(ckks_ct_add(a->other, a->ct, a->ct));
    ct_must(ckks_ct_sub(a->other, a->ct, a->ct));
    ckks_pt_to_ntt(a->pt);
    ct_must(ckks_ct_add_plain(a->other, a->ct, a->pt));
    ct_must(ckks_ct_multiply_plain(a->other, a->ct, a->pt));
    ckks_ct_to_coeff(a->other);
    ckks_pt_to_coeff(a->pt);
    ct_secret("product", a->other->c0, bytes);
}

static void encryption(void)
{
    static const uint8_t seed[PRG_SEED_BYTES] = "the public half";
    int64_t v[1000];
    for (size_t i = 0; i < LITERALS; i++) {
        party a;
        begin(&a, i);
        for (int j = 0; j < 1000; j++) v[j] = j * j - 300;
        secret_hide(v, sizeof v);
        ct_must(ckks_pt_set(a.pt, v, 1000, 1));
        ct_must(ckks_ct_encrypt_seeded(a.ct, a.sk, a.pt, seed, 7, &a.rng, a.scratch));
        round_trip(&a, a.ct);
        ct_must(ckks_ct_encrypt(a.ct, a.pk, a.pt, &a.rng, a.scratch));
        round_trip(&a, a.ct);
        ct_must(ckks_pt_get(a.back, v, 1000));
        ct_secret("numbers", v, sizeof v);
        evaluate(&a);
        end(&a);
    }
}

/* Keys for products and rotations come from the secret key; operands are taken as secret, as in evaluate. */
static void evaluation(void)
{
    party a;
    begin(&a, LITERALS - 1);
    const size_t n = a.p->n, rows = (size_t)a.p->primes * (a.p->primes + a.p->special);
    ckks_evk *relin, *galois;
    ckks_eval *e;
    ct_must(ckks_evk_create(&relin, a.sk, 0, &a.rng));
    ct_must(ckks_evk_create(&galois, a.sk, 5, &a.rng));
    ct_secret("evaluation key", galois->b, n * sizeof *galois->b);
    secret_show(relin->b, rows * n * sizeof *relin->b); /* they are sent */
    secret_show(galois->b, rows * n * sizeof *galois->b);
    ct_must(ckks_eval_create(&e, a.p));
    secret_hide(a.ct->c0, a.p->primes * n * sizeof *a.ct->c0);
    secret_hide(a.ct->c1, a.p->primes * n * sizeof *a.ct->c1);
    a.ct->at.domain = CKKS_NTT;
    ct_must(ckks_multiply_relin(e, a.other, a.ct, a.ct, relin));
    ct_must(ckks_automorphism(e, a.other, a.other, galois));
    ct_must(ckks_rescale(e, a.other, a.other));
    ct_secret("product", a.other->c0, n * sizeof *a.other->c0);
    ckks_eval_free(e);
    ckks_evk_free(relin);
    ckks_evk_free(galois);
    end(&a);
}

static void encoding(void)
{
    for (size_t i = 0; i < LITERALS; i++) {
        party a;
        begin(&a, i);
        ckks_encoder *e;
        ct_must(ckks_encoder_create(&e, a.p));
        const size_t m = a.p->n / 2;
        double *re = mem_alloc(2 * m, sizeof *re), *im = re + m, *scratch = mem_alloc(ckks_encoder_scratch(e), sizeof *scratch);
        if (!re || !scratch) abort();
        for (size_t j = 0; j < 2 * m; j++) re[j] = 1.0 / (double)(j + 1);
        for (int part = 0; part < 2; part++) {
            const size_t count = part ? 100 : m;
            secret_hide(re, 2 * m * sizeof *re);
            ct_must(ckks_encode(e, a.pt, re, part ? NULL : im, count, 0x1p20, a.p->primes, scratch));
            ct_secret("encoded", a.pt->m, m * sizeof *a.pt->m); /* coefficient m is the sum of the imaginary parts, which may be known */
            ct_must(ckks_decode(e, re, im, count, a.pt, scratch));
            ct_secret("decoded", re, count * sizeof *re);
        }
        double c = 0.25;
        uint64_t r[CKKS_MAX_PRIMES];
        secret_hide(&c, sizeof c);
        ct_must(ckks_encode_constant(e, r, c, 0x1p20, a.p->primes));
        ct_secret("constant", r, a.p->primes * sizeof *r);
        ct_must(ckks_ct_add_real(e, a.ct, a.ct, c));
        ct_secret("sum with a constant", a.ct->c0, sizeof *a.ct->c0); /* in coefficients, the first one */
        a.ct->at.domain = CKKS_NTT;
        ct_must(ckks_ct_add_real(e, a.other, a.ct, c));
        ct_secret("sum with a constant", a.other->c0, m * sizeof *a.ct->c0);
        ct_must(ckks_ct_multiply_real(e, a.other, a.other, 0.5, 0x1p20));
        mem_free(scratch);
        mem_free(re);
        ckks_encoder_free(e);
        end(&a);
    }
}

/* The two ends of a layer with weights. */
static void shares(void)
{
    static const uint8_t seed[PRG_SEED_BYTES] = "the public half";
    const unsigned l = 20, k = 22;
    for (size_t i = 0; i < LITERALS; i++) {
        party a;
        begin(&a, i);
        const size_t n = a.p->n, words = ckks_poly_words(a.p);
        uint64_t *v = mem_alloc(n, sizeof *v), *c0 = mem_alloc(2 * words, sizeof *c0), *c1 = c0 + words;
        if (!v || !c0) abort();
        for (size_t j = 0; j < n; j++) v[j] = j;
        secret_hide(v, n * sizeof *v);
        ckks_encode_ring(a.p, l, c0, v, n);
        ct_secret("encoded", c0, words * sizeof *c0);
        ckks_encrypt_seeded(a.sk, c0, c0, seed, 3, &a.rng, a.scratch);
        secret_show(c0, words * sizeof *c0); /* sent */
        ckks_expand_c1(a.p, c1, seed, 3);
        secret_hide(c0, 2 * words * sizeof *c0); /* the server's product with weights */
        ckks_rerandomise(a.pk, c0, c1, &a.rng, a.scratch);
        ckks_switch_pow2(a.p, k, c0, c0);
        ckks_switch_pow2(a.p, k, c1, c1);
        ct_secret("switched", c1, n * sizeof *c1);
        secret_show(c0, n * sizeof *c0); /* sent, under a mask */
        secret_show(c1, n * sizeof *c1); /* sent, re-randomised */
        ct_must(ckks_decrypt_pow2(a.sk, k, v, c0, n, c1, a.scratch));
        ct_secret("share", v, n * sizeof *v);
        mem_free(c0);
        mem_free(v);
        end(&a);
    }
}

const ct_case ct_ckks[] = {{"samplers", samplers}, {"transforms", transforms}, {"encryption", encryption},
                           {"evaluation", evaluation}, {"encoding", encoding}, {"shares", shares},       {NULL, NULL}};
