// SPDX-License-Identifier: ISC
/* The steps of a layer with weights, N = 2048, one 50-bit prime, a full batch. */
#include <sodium.h>
#include <stdio.h>

#include "base/aes.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "convert/linear.h"

#define FAN_IN 25

typedef struct {
    ckks_params *p;
    ckks_sk *sk;
    ckks_pk *pk;
    prg rng;
    uint64_t *share, *ct, *out, *scratch, index;
    uint8_t *wire, *answer, seed[PRG_SEED_BYTES];
    uint32_t row[2], col[FAN_IN];
    int16_t w[FAN_IN];
    int rc;
} job;

static void encrypt(void *arg)
{
    job *j = arg;
    convert_encrypt(j->sk, j->p, 26, j->share, j->p->n, j->seed, j->index++, j->wire, &j->rng, j->scratch);
}

static void accept_(void *arg)
{
    job *j = arg;
    j->rc |= convert_accept(j->p, 26, j->ct, j->wire, j->seed, 0, j->share, j->p->n, j->scratch);
}

static void weigh(void *arg)
{
    job *j = arg;
    j->rc |= convert_weigh(j->p, 8, j->row, j->col, j->w, 1, j->ct, j->out);
}

static void respond(void *arg)
{
    job *j = arg;
    convert_respond(j->pk, j->p, 26, j->out, j->p->n, j->answer, j->share, &j->rng, j->scratch);
}

static void open_(void *arg)
{
    job *j = arg;
    j->rc |= convert_open(j->sk, j->p, 26, j->share, j->answer, j->p->n, j->scratch);
}

int main(int argc, char **argv)
{
    static const ckks_literal lit = {.n = 2048, .primes = 1, .bits = {50}};
    static const char *const params = "\"n\":2048,\"log_q\":50,\"k\":26,\"batch\":2048";
    static job j;
    bench b;
    bench_init(&b, argc, argv);
    if (sodium_init() < 0)
        return 1;
    bench_yardstick_aes(&b);
    bench_yardstick_shoup(&b);
    prg_init_random(&j.rng);
    if (ckks_params_create(&j.p, &lit) || ckks_sk_create(&j.sk, j.p, &j.rng) || ckks_pk_create(&j.pk, j.sk, &j.rng))
        return 1;
    j.share = mem_alloc(2048, 8);
    j.ct = mem_alloc(FAN_IN, convert_ct_words(j.p) * 8);
    j.out = mem_alloc(convert_ct_words(j.p), 8);
    j.scratch = mem_alloc(convert_scratch_words(j.p), 8);
    j.wire = mem_alloc(1, ckks_poly_bytes(j.p));
    j.answer = mem_alloc(1, convert_response_bytes(j.p, 26, 2048));
    if (!j.share || !j.ct || !j.out || !j.scratch || !j.wire || !j.answer)
        return 1;
    j.row[1] = FAN_IN;
    for (uint32_t i = 0; i < FAN_IN; i++) {
        j.col[i] = i;
        j.w[i] = (int16_t)(i * 10 - 120);
    }
    bench_time(&b, "convert_encrypt", params, aes_kernel(), "ns", 1, encrypt, &j);
    bench_time(&b, "convert_accept", params, aes_kernel(), "ns", 1, accept_, &j);
    bench_time(&b, "convert_weigh", "\"n\":2048,\"log_q\":50,\"fan_in\":25", "portable", "ns", 1, weigh, &j);
    bench_time(&b, "convert_respond", params, aes_kernel(), "ns", 1, respond, &j);
    bench_time(&b, "convert_open", params, "portable", "ns", 1, open_, &j);
    mem_free(j.share), mem_free(j.ct), mem_free(j.out), mem_free(j.scratch), mem_free(j.wire), mem_free(j.answer);
    ckks_pk_free(j.pk);
    ckks_sk_free(j.sk);
    ckks_params_free(j.p);
    return j.rc != 0;
}
