// SPDX-License-Identifier: ISC
#include <sodium.h>
#include <stdio.h>

#include "base/aes.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "ckks/encode.h"
#include "ckks/eval.h"
#include "ckks/ntt_kern.h"
#include "ckks/shares.h"

typedef struct {
    ckks_params *p;
    ckks_sk *sk;
    ckks_pk *pk;
    prg rng;
    uint64_t *v, *c0, *c1, *scratch, index;
    uint8_t seed[PRG_SEED_BYTES];
    int rc;
} job;

static void encode(void *arg) { ckks_encode_ring(((job *)arg)->p, 26, ((job *)arg)->c0, ((job *)arg)->v, ((job *)arg)->p->n); }
static void encrypt(void *arg)
{
    job *j = arg;
    ckks_encrypt_seeded(j->sk, j->c0, j->c0, j->seed, j->index++, &j->rng, j->scratch);
}
static void rerandomise(void *arg) { ckks_rerandomise(((job *)arg)->pk, ((job *)arg)->c0, ((job *)arg)->c1, &((job *)arg)->rng, ((job *)arg)->scratch); }
static void to_pow2(void *arg) { ckks_switch_pow2(((job *)arg)->p, 26, ((job *)arg)->v, ((job *)arg)->c1); }
static void decrypt(void *arg)
{
    job *j = arg;
    j->rc |= ckks_decrypt_pow2(j->sk, 26, j->v, j->v, j->p->n, j->v, j->scratch);
}

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

/* Generic ciphertexts, special primes where the budget has room for one: log_q and primes without it. */
static int bench_evaluation(const bench *b, const ckks_literal *lit)
{
    evaluation v = {0};
    ckks_params *p;
    char params[80];
    prg_init_random(&v.rng);
    int rc = ckks_params_create(&p, lit);
    if (rc < 0) return rc;
    const uint32_t l = p->primes;
    rc |= ckks_sk_create(&v.sk, p, &v.rng) | ckks_pk_create(&v.pk, v.sk, &v.rng) | ckks_eval_create(&v.e, p);
    if (p->special) rc |= ckks_evk_create(&v.relin, v.sk, 0, &v.rng) | ckks_evk_create(&v.galois, v.sk, 5, &v.rng);
    rc |= ckks_pt_create(&v.pt, p, l) | ckks_pt_create(&v.small, p, l) | ckks_pt_create(&v.out, p, l);
    rc |= ckks_ct_create(&v.a, p, l) | ckks_ct_create(&v.b, p, l) | ckks_ct_create(&v.r, p, l);
    v.scratch = mem_alloc(ckks_scratch_words(p), sizeof *v.scratch);
    if (rc || !v.scratch) return ERR_MEM;
    const int64_t one = 1 << 20;
    rc |= ckks_pt_set(v.pt, &one, 1, 0x1p20) | ckks_pt_set(v.small, &one, 1, 0x1p20);
    ckks_pt_to_ntt(v.small);
    rc |= ckks_ct_encrypt(v.b, v.pk, v.pt, &v.rng, v.scratch) | ckks_ct_add(v.r, v.b, v.b);
    snprintf(params, sizeof params, "\"n\":%u,\"log_q\":%u,\"primes\":%u", p->n, p->log_q, l);
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
}

static void decode_slots(void *arg)
{
    slots *s = arg;
    s->rc |= ckks_decode(s->e, s->v, s->v + s->m, s->m, s->pt, s->scratch);
}

/* Slots to plaintext and back at the top level, by every kernel. */
static int bench_slots(const bench *b, const ckks_params *p, const char *params)
{
    static const unsigned features[] = {0, CPU_AVX2, CPU_AVX2 | CPU_AVX512};
    static const char *const names[] = {"portable", "avx2", "avx512"};
    slots s = {.m = p->n / 2};
    for (size_t k = 0; k < 3; k++) {
        if ((cpu_features() & features[k]) != features[k]) {
            for (int i = 0; i < 2 && !b->json; i++) printf("%-26s %-44s %-12s UNAVAILABLE\n", i ? "decode" : "encode", params, names[k]);
            continue;
        }
        if (ckks_encoder_create_with(&s.e, p, features[k]) || ckks_pt_create(&s.pt, p, p->primes))
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
    }
    return s.rc;
}

int main(int argc, char **argv)
{
    static const ckks_literal sets[] = {{2048, 1, {50}, 0}, {4096, 2, {50, 50}, 0}, {8192, 4, {50, 50, 50, 50}, 0}};
    bench b;
    char params[80];
    int bad = 0;
    bench_init(&b, argc, argv);
    if (sodium_init() < 0)
        return 1;
    bench_yardstick_aes(&b);
    bench_yardstick_shoup(&b);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        job j = {0};
        if (!bench_wants(&b, sets[i].n))
            continue;
        prg_init_random(&j.rng);
        if (ckks_params_create(&j.p, &sets[i]) || ckks_sk_create(&j.sk, j.p, &j.rng) || ckks_pk_create(&j.pk, j.sk, &j.rng))
            return 1;
        j.v = mem_alloc(j.p->n, 8);
        j.c0 = mem_alloc(ckks_poly_words(j.p), 8);
        j.c1 = mem_alloc(ckks_poly_words(j.p), 8);
        j.scratch = mem_alloc(ckks_scratch_words(j.p), 8);
        if (!j.v || !j.c0 || !j.c1 || !j.scratch)
            return 1;
        snprintf(params, sizeof params, "\"n\":%u,\"log_q\":%u,\"primes\":%u", j.p->n, j.p->log_q, j.p->primes);
        bench_time(&b, "encode_ring", params, "portable", "ns", 1, encode, &j);
        bench_time(&b, "encrypt_shares", params, aes_kernel(), "ns", 1, encrypt, &j);
        bench_time(&b, "rerandomise", params, aes_kernel(), "ns", 1, rerandomise, &j);
        bench_time(&b, "switch_pow2", params, "portable", "ns", 1, to_pow2, &j);
        bench_time(&b, "decrypt_pow2", params, "portable", "ns", 1, decrypt, &j);
        bad |= j.rc | bench_slots(&b, j.p, params);
        mem_free(j.v), mem_free(j.c0), mem_free(j.c1), mem_free(j.scratch);
        ckks_pk_free(j.pk);
        ckks_sk_free(j.sk);
        ckks_params_free(j.p);
    }
    static const ckks_literal chains[] = {
        {2048, 1, {50}, 0}, {4096, 3, {36, 34, 36}, 1}, {8192, 4, {50, 50, 50, 50}, 1}, {16384, 8, {50, 50, 50, 50, 50, 50, 50, 50}, 1},
        {32768, 16, {50, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 49, 50}, 1}};
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
        if (bench_wants(&b, chains[i].n)) bad |= bench_evaluation(&b, &chains[i]);
    return bad != 0;
}
