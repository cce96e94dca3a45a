// SPDX-License-Identifier: ISC
/* Generic ciphertexts; the steps of a layer with weights are bench_convert's. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "ckks/encode.h"
#include "ckks/eval.h"
#include "ckks/ntt_kern.h"
#include "ckks/shares.h"

static const uint8_t session[32] = "session";

typedef struct {
    ckks_eval *e;
    ckks_sk *sk;
    ckks_pk *pk;
    ckks_evk *relin, *galois;
    ckks_pt *pt, *small, *out;
    ckks_ct *a, *b, *r;
    uint64_t *scratch, index;
    prg rng;
    int rc;
} evaluation;

static const uint8_t fixed[PRG_SEED_BYTES] = {1};

#define TIMED(name, call)            \
    static void name(void *arg)      \
    {                                \
        evaluation *v = arg;         \
        v->rc |= (call);             \
    }

TIMED(ct_public, ckks_ct_encrypt(v->a, v->pk, v->pt, &v->rng, v->scratch))
TIMED(ct_seeded, ckks_ct_encrypt_seeded(v->a, v->sk, v->pt, fixed, v->index++, &v->rng, v->scratch))
TIMED(ct_expand, (ckks_expand_c1(v->a->at.p, v->a->c1, fixed, v->index++), 0))
TIMED(ct_decrypt, ckks_ct_decrypt_ntt(v->out, v->sk, v->a))
TIMED(ct_add, ckks_ct_add(v->r, v->r, v->b))
TIMED(ct_multiply_plain, ckks_ct_multiply_plain(v->r, v->a, v->small))
TIMED(ct_rescale, ckks_rescale(v->e, v->r, v->a))
TIMED(ct_multiply, ckks_multiply_relin_rescale(v->e, v->r, v->a, v->b, v->relin))
TIMED(ct_rotate, ckks_automorphism(v->e, v->r, v->a, v->galois))

static void make_key(evaluation *v, uint32_t g)
{
    ckks_evk *k;
    v->rc |= ckks_evk_create(&k, v->sk, g, &v->rng);
    ckks_evk_free(k);
}
static void keygen_relin(void *arg) { make_key(arg, 0); }
static void keygen_galois(void *arg) { make_key(arg, 5); }

typedef struct {
    ckks_encoder *e;
    ckks_pt *pt;
    double *v, *scratch;
    size_t m;
    int rc;
} slots;

static void encode_slots(void *arg)
{
    slots *s = arg;
    s->rc |= ckks_encode(s->e, s->pt, s->v, s->v + s->m, s->m, 0x1p40, s->pt->at.room, s->scratch);
    ckks_pt_to_ntt(s->pt);
}

static void decode_slots(void *arg)
{
    slots *s = arg;
    s->pt->at.domain = CKKS_NTT; /* whatever it holds */
    ckks_pt_to_coeff(s->pt);
    s->rc |= ckks_decode(s->e, s->v, s->v + s->m, s->m, s->pt, s->scratch);
}

/* Slots to plaintext and back at the top level, the transform included: plaintexts are in the NTT domain on either side. */
static int bench_slots(const bench *b, const ckks_params *p, const char *params)
{
    slots s = {.m = p->n / 2};
    if (ckks_encoder_create(&s.e, p) || ckks_pt_create(&s.pt, p, p->primes))
        return ERR_MEM;
    s.v = mem_alloc(p->n, sizeof *s.v);
    s.scratch = mem_alloc(ckks_encoder_scratch(s.e), sizeof *s.scratch);
    if (!s.v || !s.scratch)
        return ERR_MEM;
    for (uint32_t i = 0; i < p->n; i++) s.v[i] = (double)(i * 2654435761u % 65536) / 65536 - 0.5;
    bench_time(b, "encode", params, ckks_encoder_kernel(s.e), "ns", 1, encode_slots, &s);
    bench_time(b, "decode", params, ckks_encoder_kernel(s.e), "ns", 1, decode_slots, &s);
    mem_free(s.v), mem_free(s.scratch);
    ckks_pt_free(s.pt);
    ckks_encoder_free(s.e);
    return s.rc;
}

/* Generic ciphertexts, special primes where the budget has room for one: log_q and primes without it. */
static int bench_evaluation(const bench *b, const ckks_literal *lit)
{
    evaluation v = {0};
    ckks_params *p;
    char params[80];
    int rc = prg_init_random(&v.rng);
    if (!rc) rc = ckks_params_create(&p, lit);
    if (rc < 0) return rc;
    const uint32_t l = p->primes;
    rc |= ckks_sk_create(&v.sk, p, &v.rng) | ckks_pk_create(&v.pk, v.sk, session, &v.rng) | ckks_eval_create(&v.e, p);
    if (p->special) rc |= ckks_evk_create(&v.relin, v.sk, 0, &v.rng) | ckks_evk_create(&v.galois, v.sk, 5, &v.rng);
    rc |= ckks_pt_create(&v.pt, p, l) | ckks_pt_create(&v.small, p, l) | ckks_pt_create(&v.out, p, l);
    rc |= ckks_ct_create(&v.a, p, l) | ckks_ct_create(&v.b, p, l) | ckks_ct_create(&v.r, p, l);
    v.scratch = mem_alloc(ckks_scratch_words(p), sizeof *v.scratch);
    if (rc || !v.scratch) return ERR_MEM;
    const int64_t one = 1 << 20;
    rc |= ckks_pt_set(v.pt, &one, 1, 0x1p20) | ckks_pt_set(v.small, &one, 1, 0x1p20);
    ckks_pt_to_ntt(v.small);
    rc |= ckks_ct_encrypt(v.b, v.pk, v.pt, &v.rng, v.scratch) | ckks_ct_add(v.r, v.b, v.b);
    unsigned log_q = 0;
    for (uint32_t i = 0; i < l; i++) log_q += lit->bits[i];
    snprintf(params, sizeof params, "\"n\":%u,\"log_q\":%u,\"primes\":%u", p->n, log_q, l);
    rc |= bench_slots(b, p, params);
    const char *kern = p->ntt[0]->kern->name;
    const struct {
        const char *row;
        void (*run)(void *);
        int needs; /* 1: two primes, 2: a special prime, 3: both */
    } rows[] = {{"encrypt_public", ct_public, 0}, {"encrypt_seeded", ct_seeded, 0}, {"expand_seeded", ct_expand, 0},
                {"decrypt", ct_decrypt, 0}, {"add", ct_add, 0}, {"multiply_plain", ct_multiply_plain, 0}, {"rescale", ct_rescale, 1},
                {"multiply_relin_rescale", ct_multiply, 3}, {"rotate", ct_rotate, 2}, {"keygen_relin", keygen_relin, 2},
                {"keygen_galois", keygen_galois, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if ((!(rows[i].needs & 1) || l > 1) && (!(rows[i].needs & 2) || p->special))
            bench_time(b, rows[i].row, params, kern, "ns", 1, rows[i].run, &v);
    ckks_ct_free(v.a), ckks_ct_free(v.b), ckks_ct_free(v.r);
    ckks_pt_free(v.pt), ckks_pt_free(v.small), ckks_pt_free(v.out);
    mem_free(v.scratch);
    ckks_evk_free(v.relin), ckks_evk_free(v.galois);
    ckks_eval_free(v.e);
    ckks_pk_free(v.pk);
    ckks_sk_free(v.sk);
    ckks_params_free(p);
    return rc | v.rc;
}

int main(int argc, char **argv)
{
    static const ckks_literal chains[] = {
        {2048, 1, {50}, 0}, {2048, 2, {27, 26}, 0}, {2048, 2, {26, 27}, 1}, /* no room for a product's three */
        {4096, 3, {36, 34, 36}, 1}, {8192, 4, {47, 47, 47, 47}, 1}, {16384, 8, {50, 50, 50, 50, 50, 50, 50, 50}, 1},
        {32768, 16, {50, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 50}, 1}};
    bench b;
    int bad = 0;
    bench_init(&b, argc, argv);
    const int asked = b.kernel != NULL;
    bench_each_kernel(&b, CPU_AVX2 | CPU_AVX512 | CPU_IFMA);
    if (sodium_init() < 0)
        return 1;
    bench_yardstick_aes(&b);
    bench_yardstick_ifma(&b);
    bench_yardstick_shoup(&b);
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
        if (bench_wants(&b, chains[i].n) && (asked || chains[i].n <= 8192 || strcmp(b.kernel, "portable")))
            bad |= bench_evaluation(&b, &chains[i]);
    if (!asked && !b.json && !strcmp(b.kernel, "portable"))
        puts("(portable beyond n = 8192 takes minutes: --kernel portable)");
    return bad != 0;
}
