// SPDX-License-Identifier: ISC
#include <sodium.h>
#include <stdio.h>

#include "base/aes.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "ckks/encode.h"
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
static void expand(void *arg) { ckks_expand_c1(((job *)arg)->p, ((job *)arg)->c1, ((job *)arg)->seed, ((job *)arg)->index++); }
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
        bench_time(&b, "encrypt_seeded", params, aes_kernel(), "ns", 1, encrypt, &j);
        bench_time(&b, "expand_seeded", params, aes_kernel(), "ns", 1, expand, &j);
        bench_time(&b, "rerandomise", params, aes_kernel(), "ns", 1, rerandomise, &j);
        bench_time(&b, "switch_pow2", params, "portable", "ns", 1, to_pow2, &j);
        bench_time(&b, "decrypt", params, "portable", "ns", 1, decrypt, &j);
        bad |= j.rc | bench_slots(&b, j.p, params);
        mem_free(j.v), mem_free(j.c0), mem_free(j.c1), mem_free(j.scratch);
        ckks_pk_free(j.pk);
        ckks_sk_free(j.sk);
        ckks_params_free(j.p);
    }
    return bad != 0;
}
