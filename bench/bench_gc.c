// SPDX-License-Identifier: ISC
/* In memory: each side by itself. */
#include <stdio.h>
#include <sodium.h>

#include "base/aes.h"
#include "base/mem.h"
#include "base/prg.h"
#include "bench/bench.h"
#include "gc/gadgets.h"
#include "gc/relu.h"

#define LANES 1024
#define WORD 32

typedef struct {
    gc_session s;
    gc_circuit *c;
    unsigned n, l;
    block *in, *out;
    uint8_t *known, *rows;
    uint64_t *v, *share;
    int rc;
} job;

static void hash(void *arg) { crh_hash(&((job *)arg)->s.start, ((job *)arg)->s.index++, ((job *)arg)->in, ((job *)arg)->in, LANES); }
static void garble(void *arg)
{
    job *j = arg;
    j->rc |= gc_garble(&j->s, j->c, LANES, j->in, j->known, j->rows, j->out);
}
static void evaluate(void *arg)
{
    job *j = arg;
    j->rc |= gc_eval(&j->s, j->c, LANES, j->in, j->rows, j->out);
}
static void relu_garble(void *arg)
{
    job *j = arg;
    j->rc |= gc_relu_garble(&j->s, j->n, j->l, LANES, j->in, j->v, j->rows, j->share);
}
static void relu_eval(void *arg)
{
    job *j = arg;
    j->rc |= gc_relu_eval(&j->s, j->n, j->l, LANES, j->in, j->v, j->rows, j->share);
}

/** relu32: add, select, subtract a mask: the Boolean ReLU on shares that arithmetic half gates replace. */
static int relu32(gc_circuit **c)
{
    gc_wire a[WORD], b[WORD], m[WORD], sum[WORD], out[WORD], zero;
    if (gc_circuit_create(c, 3 * WORD, 0))
        return 1;
    for (gc_wire i = 0; i < WORD; i++)
        a[i] = i, b[i] = WORD + i, m[i] = 2 * WORD + i;
    gc_word_add(*c, sum, a, b, WORD);
    zero = gc_not(*c, sum[WORD - 1]);
    for (int i = 0; i < WORD; i++)
        sum[i] = gc_and(*c, zero, sum[i]);
    gc_word_add(*c, out, sum, m, WORD);
    for (int i = 0; i < WORD; i++)
        gc_output(*c, out[i]);
    return gc_circuit_finish(*c);
}

int main(int argc, char **argv)
{
    static const unsigned shapes[][2] = {{12, 24}, {14, 26}, {32, 32}};
    static job j;
    char params[80];
    bench b;
    prg rng;
    bench_init(&b, argc, argv);
    if (sodium_init() < 0 || relu32(&j.c))
        return 1;
    bench_yardstick_aes(&b);
    prg_init_random(&rng);
    prg_bytes(&rng, &j.s.delta, sizeof(block));
    prg_bytes(&rng, &j.s.start, sizeof(block));
    j.s.delta.w[0] |= 1;
    j.in = mem_alloc(3 * WORD * LANES, sizeof *j.in);
    j.out = mem_alloc(WORD * LANES, sizeof *j.out);
    j.known = mem_alloc(1, LANES);
    j.rows = mem_alloc(1, gc_circuit_row_bytes(j.c, LANES));
    j.v = mem_alloc(LANES, sizeof *j.v);
    j.share = mem_alloc(LANES, sizeof *j.share);
    if (!j.in || !j.out || !j.known || !j.rows || !j.v || !j.share)
        return 1;
    prg_bytes(&rng, j.in, 3 * WORD * LANES * sizeof *j.in);
    bench_time(&b, "hash", "\"lanes_a_key\":8", aes_kernel(), "hashes/s", LANES, hash, &j);
    snprintf(params, sizeof params, "\"circuit\":\"relu32\",\"ands\":%u", j.c->ands);
    bench_time(&b, "garble", params, aes_kernel(), "AND/s", (double)j.c->ands * LANES, garble, &j);
    bench_time(&b, "evaluate", params, aes_kernel(), "AND/s", (double)j.c->ands * LANES, evaluate, &j);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        j.n = shapes[i][0];
        j.l = shapes[i][1];
        snprintf(params, sizeof params, "\"n\":%u,\"l\":%u,\"count\":%d,\"bytes\":%.1f", j.n, j.l, LANES, (double)gc_relu_bytes(j.n, j.l, LANES) / LANES);
        bench_time(&b, "relu_shares_garble", params, aes_kernel(), "ReLU/s", LANES, relu_garble, &j);
        bench_time(&b, "relu_shares_evaluate", params, aes_kernel(), "ReLU/s", LANES, relu_eval, &j);
    }
    mem_free(j.in), mem_free(j.out), mem_free(j.known), mem_free(j.rows), mem_free(j.v), mem_free(j.share);
    gc_circuit_free(j.c);
    return j.rc != 0;
}
