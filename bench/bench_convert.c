// SPDX-License-Identifier: ISC
/* The steps of a layer with weights, N = 2048, one prime, a full batch, and what they are made of. */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/aes.h"
#include "base/bits.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "ckks/ring_kern.h"
#include "ckks/sample.h"
#include "convert/linear.h"

static const uint8_t session[32] = "session";

#define N 2048
#define INPUTS 845

typedef struct {
    unsigned l, width;
    ckks_params *p;
    ckks_sk *sk;
    ckks_pk *pk;
    prg rng;
    uint64_t *share, *out, *scratch, index;
    uint8_t *wire, *answer, *bytes, seed[PRG_SEED_BYTES];
    convert_inputs *in;
    convert_matrix *weights;
    const ring_kern *ring;
    const weigh_kern *weigh;
    int rc;
} job;

static void encrypt(void *arg)
{
    job *j = arg;
    convert_encrypt(j->sk, j->p, j->l, j->share, N, j->seed, j->index++, j->wire, &j->rng, j->scratch);
}

static void accept_(void *arg)
{
    job *j = arg;
    j->rc |= convert_accept(j->in, (uint32_t)(j->index++ % INPUTS), j->l, j->wire, j->seed, 0, j->share, N, j->scratch);
}

static void weigh(void *arg)
{
    job *j = arg;
    j->rc |= convert_weigh(j->weights, j->in, 0, j->weights->rows, j->out);
}

static void respond(void *arg)
{
    job *j = arg;
    memset(j->share, 0, N * sizeof *j->share); /* stays below 2^l */
    convert_respond(j->pk, j->p, j->l, j->out, N, j->answer, j->share, &j->rng, j->scratch);
}

static void open_(void *arg)
{
    job *j = arg;
    j->rc |= convert_open(j->sk, j->p, j->l, j->share, j->answer, N, j->scratch);
}

/* the sums alone: two rows over all tiles of a polynomial */
static void multiply(void *arg)
{
    job *j = arg;
    const weigh_term *const term[2] = {j->weights->term, j->weights->term + j->weights->row[1]};
    for (size_t tile = 0; tile < N / WEIGH_TILE; tile++)
        j->weigh->dot(j->out, N, term, 2, j->weights->row[1], weigh_burst(8), j->in->x + tile * j->in->stride, j->in->limbs, &j->p->ntt[0]->q);
}

static void ternary(void *arg)
{
    job *j = arg;
    sample_ternary(&j->rng, (int8_t *)j->bytes, N);
}

static void binomial(void *arg)
{
    job *j = arg;
    sample_cbd(&j->rng, (int8_t *)j->bytes, N);
}

static void wide(void *arg)
{
    job *j = arg;
    sample_wide(&j->rng, (int32_t *)j->scratch, N);
}

static void uniform(void *arg)
{
    job *j = arg;
    sample_uniform_var(&j->rng, &j->p->ntt[0]->q, j->scratch, N);
}

static void ring_ternary(void *arg) { ((job *)arg)->ring->ternary((int8_t *)((job *)arg)->bytes, ((job *)arg)->share, N / 8); }

static void ring_cbd(void *arg)
{
    job *j = arg;
    for (size_t i = 0; i < N; i += RING_CBD_GROUP) j->ring->cbd((int8_t *)j->bytes + i, (const uint8_t *)j->scratch + i / RING_CBD_GROUP * RING_CBD_BYTES);
}

static void ring_accept(void *arg)
{
    job *j = arg;
    j->rc |= j->ring->accept_var(j->scratch, j->scratch, N, &j->p->ntt[0]->q) > N;
}

static void ring_scale(void *arg) { ((job *)arg)->ring->scale(((job *)arg)->scratch, ((job *)arg)->share, N, &((job *)arg)->p->ntt[0]->q, ((job *)arg)->l); }
static void ring_switch(void *arg) { ((job *)arg)->ring->to_pow2(((job *)arg)->scratch + N, ((job *)arg)->scratch, N, &((job *)arg)->p->ntt[0]->q, ((job *)arg)->l); }
static void ring_noisy(void *arg)
{
    job *j = arg;
    j->ring->noisy_sub(j->scratch + N, j->scratch + N, j->scratch, (const int8_t *)j->bytes, N, &j->p->ntt[0]->q);
}

static void pack(void *arg) { bits_pack(((job *)arg)->bytes, ((job *)arg)->share, N, ((job *)arg)->width); }
static void unpack(void *arg) { bits_unpack(((job *)arg)->scratch, ((job *)arg)->bytes, N, ((job *)arg)->width); }

static int prepare(job *j, uint8_t bits)
{
    const ckks_literal lit = {.n = N, .primes = 1, .bits = {bits}};
    if (prg_init_random(&j->rng) || ckks_params_create(&j->p, &lit) || ckks_sk_create(&j->sk, j->p, &j->rng) ||
        ckks_pk_create(&j->pk, j->sk, session, &j->rng) || convert_inputs_create(&j->in, j->p, INPUTS))
        return 1;
    j->l = 26;
    j->share = mem_alloc(N, 8);
    j->out = mem_alloc(8, convert_ct_words(j->p) * 8);
    j->scratch = mem_alloc(convert_scratch_words(j->p), 8);
    j->wire = mem_alloc(1, ckks_poly_bytes(j->p));
    j->answer = mem_alloc(1, convert_response_bytes(j->p, j->l, N));
    j->bytes = mem_alloc(N, 8);
    return !j->share || !j->out || !j->scratch || !j->wire || !j->answer || !j->bytes;
}

/* rows of weights over `fan` columns: the same for all rows (a dense layer), or moving by two (a convolution) */
static int matrix(job *j, uint32_t rows, uint32_t fan, uint32_t step)
{
    uint32_t *row = mem_alloc(rows + 1, sizeof *row), *col = mem_alloc((size_t)rows * fan, sizeof *col);
    int16_t *w = mem_alloc((size_t)rows * fan, sizeof *w);
    if (!row || !col || !w)
        return 1;
    for (uint32_t o = 0; o < rows; o++) {
        row[o + 1] = (o + 1) * fan;
        for (uint32_t e = 0; e < fan; e++) {
            col[o * fan + e] = step ? o * step + e / 5 * 28 + e % 5 : e;
            w[o * fan + e] = (int16_t)((o * 7 + e * 10) % 255) - 127;
        }
    }
    convert_matrix_free(j->weights);
    int rc = convert_matrix_create(&j->weights, 8, rows, row, col, w);
    mem_free(row), mem_free(col), mem_free(w);
    return rc;
}

static void finish(job *j)
{
    mem_free(j->share), mem_free(j->out), mem_free(j->scratch), mem_free(j->wire), mem_free(j->answer), mem_free(j->bytes);
    convert_inputs_free(j->in);
    convert_matrix_free(j->weights);
    ckks_pk_free(j->pk);
    ckks_sk_free(j->sk);
    ckks_params_free(j->p);
}

static void parts(const bench *b, job *j)
{
    static const unsigned widths[] = {16, 24, 26, 47, 50};
    j->ring = ring_kern_best();
    bench_time(b, "sample_ternary", "\"n\":2048", j->ring->name, "ns", 1, ternary, j);
    bench_time(b, "sample_cbd", "\"n\":2048", j->ring->name, "ns", 1, binomial, j);
    bench_time(b, "sample_wide", "\"n\":2048", j->ring->name, "ns", 1, wide, j);
    bench_time(b, "sample_uniform", "\"n\":2048", j->ring->name, "ns", 1, uniform, j);
    bench_time(b, "ring_ternary", "\"n\":2048", j->ring->name, "ns", 1, ring_ternary, j);
    bench_time(b, "ring_cbd", "\"n\":2048", j->ring->name, "ns", 1, ring_cbd, j);
    bench_time(b, "ring_accept", "\"n\":2048", j->ring->name, "ns", 1, ring_accept, j);
    bench_time(b, "ring_noisy_sub", "\"n\":2048", j->ring->name, "ns", 1, ring_noisy, j);
    bench_time(b, "ring_scale", "\"n\":2048,\"l\":26", j->ring->name, "ns", 1, ring_scale, j);
    bench_time(b, "ring_to_pow2", "\"n\":2048,\"k\":26", j->ring->name, "ns", 1, ring_switch, j);
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        char params[48];
        j->width = widths[i];
        snprintf(params, sizeof params, "\"count\":2048,\"w\":%u", j->width);
        bench_time(b, "bits_pack", params, bits_kernel(), "ns", 1, pack, j);
        bench_time(b, "bits_unpack", params, bits_kernel(), "ns", 1, unpack, j);
    }
}

int main(int argc, char **argv)
{
    static const uint8_t sizes[] = {47, 50};
    bench b;
    int rc = 0;
    bench_init(&b, argc, argv);
    bench_each_kernel(&b, CPU_AESNI | CPU_VAES | CPU_AVX2 | CPU_AVX512);
    if (sodium_init() < 0)
        return 1;
    bench_yardstick_aes(&b);
    bench_yardstick_shoup(&b);
    for (size_t i = 0; i < sizeof sizes && bench_wants(&b, N) && !rc; i++) {
        job *j = mem_alloc(1, sizeof *j);
        char params[96], fan[96];
        if (!j || prepare(j, sizes[i]))
            return 1;
        if (!i)
            parts(&b, j);
        snprintf(params, sizeof params, "\"n\":%u,\"log_q\":%u,\"k\":26,\"batch\":%u", N, sizes[i], N);
        memset(j->share, 0, N * sizeof *j->share);
        bench_time(&b, "convert_encrypt", params, aes_kernel(), "ns", 1, encrypt, j);
        bench_time(&b, "convert_accept", params, aes_kernel(), "ns", 1, accept_, j);
        rc |= matrix(j, 8, 25, 2);
        snprintf(fan, sizeof fan, "\"n\":%u,\"log_q\":%u,\"fan_in\":25,\"rows\":8", N, sizes[i]);
        bench_time(&b, "convert_weigh", fan, weigh_kern_best()->name, "MAC/s", 8 * 25 * 2.0 * N, weigh, j);
        rc |= matrix(j, 8, INPUTS, 0);
        snprintf(fan, sizeof fan, "\"n\":%u,\"log_q\":%u,\"fan_in\":%u,\"rows\":8", N, sizes[i], INPUTS);
        bench_time(&b, "convert_weigh", fan, weigh_kern_best()->name, "MAC/s", 8.0 * INPUTS * 2 * N, weigh, j);
        rc |= matrix(j, 2, 100, 0);
        snprintf(fan, sizeof fan, "\"n\":%u,\"log_q\":%u,\"fan_in\":100,\"rows\":2", N, sizes[i]);
        j->weigh = weigh_kern_best();
        bench_time(&b, "weigh_dot", fan, j->weigh->name, "MAC/s", 2 * 100.0 * N, multiply, j);
        memset(j->out, 0, convert_ct_words(j->p) * sizeof *j->out);
        bench_time(&b, "convert_respond", params, aes_kernel(), "ns", 1, respond, j);
        bench_time(&b, "convert_open", params, ring_kern_best()->name, "ns", 1, open_, j);
        rc |= j->rc;
        finish(j);
        mem_free(j);
    }
    return rc != 0;
}
