// SPDX-License-Identifier: ISC
/* Garbling: each side by itself in memory, and the two in processes of their own over TCP on loopback, after set-up. */
#include <sodium.h>
#include <stdio.h>

#include "base/aes_kern.h"
#include "base/cpu.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "convert/wires.h"
#include "gc/gadgets.h"
#include "gc/gate.h"
#include "gc/relu.h"
#include "net/chan.h"
#include "test/aes_circuit.h"
#include "test/sha256_circuit.h"

#define LANES 1024      /* in memory: rows that fit the last-level cache */
#define RELU_LANES 4096 /* over TCP: lanes of a message, as in a session */
#define WINDOW 8        /* messages that the evaluator asks for ahead */
#define WORD 32
#define PIECE ((size_t)1 << 20)

#define TRY(x) \
    do { \
        int rc_ = (x); \
        if (rc_) return rc_; \
    } while (0)

/* One party's view of one circuit, or of ReLU on shares if there is none. */
typedef struct {
    gc_session s;
    gc_circuit *c;
    unsigned n, l, k;
    size_t lanes;
    uint32_t chunks; /* a sample over TCP */
    block *in, *out;
    uint8_t *known, *rows, *u, *choices;
    uint64_t *v, *share;
    convert_garbler g;
    convert_evaluator e;
    block *labels[WINDOW];
    chan *ch;
    int rc;
} job;

static int relu32(gc_circuit **c) { return gc_relu_shares_circuit(c, WORD, 0); }
static int aes128(gc_circuit **c) { return test_aes_circuit(c, 0); }

/* Lanes of a message: about 1 MiB of rows, whole steps of the kernels. */
static size_t tcp_lanes(const gc_circuit *c)
{
    size_t lanes = (1u << 20) / gc_circuit_row_bytes(c, 1) / GC_GATE_LANES * GC_GATE_LANES;
    return lanes ? lanes : GC_GATE_LANES;
}

static void hash(void *arg)
{
    job *j = arg;
    crh_hash(&j->s.start, j->s.index, j->out, j->in, j->lanes);
    j->s.index += crh_keys(j->lanes);
}

static void hash_pair(void *arg)
{
    job *j = arg;
    crh_hash_pair(&j->s.start, j->s.index, j->out, j->out + j->lanes, j->in, &j->s.delta, j->lanes);
    j->s.index += crh_keys(j->lanes);
}

static void garble(void *arg)
{
    job *j = arg;
    j->rc |= gc_garble(&j->s, j->c, j->lanes, j->in, j->known, j->rows, j->out);
}

static void evaluate(void *arg)
{
    job *j = arg;
    j->rc |= gc_eval(&j->s, j->c, j->lanes, j->in, j->rows, j->out);
}

static void relu_garble(void *arg)
{
    job *j = arg;
    j->rc |= gc_relu_garble(&j->s, j->n, j->l, j->lanes, j->in, j->v, j->rows, j->share);
}

static void relu_eval(void *arg)
{
    job *j = arg;
    j->rc |= gc_relu_eval(&j->s, j->n, j->l, j->lanes, j->in, j->v, j->rows, j->share);
}

static void job_free(job *j)
{
    gc_circuit_free(j->c);
    mem_free(j->in), mem_free(j->out), mem_free(j->known), mem_free(j->rows), mem_free(j->u), mem_free(j->choices), mem_free(j->v);
    mem_free(j->share);
    ot_ext_sender_free(j->g.ot);
    ot_ext_receiver_free(j->e.ot);
    for (int i = 0; i < WINDOW; i++)
        mem_free(j->labels[i]);
}

static void session(job *j, prg *rng)
{
    prg_bytes(rng, &j->s.delta, sizeof(block));
    prg_bytes(rng, &j->s.start, sizeof(block));
    j->s.delta.w[0] |= 1;
}

/* A circuit over `lanes` lanes; the labels are dealt: the evaluator's bits are 0, so both parties have the same. */
static int circuit_job(job *j, gc_circuit *c, size_t lanes, prg *rng)
{
    *j = (job){.c = c, .lanes = lanes};
    session(j, rng);
    const size_t stride = gc_stride(lanes), outputs = c->outputs > WORD ? c->outputs : WORD;
    j->in = mem_alloc((c->eval_inputs + 1) * stride, sizeof *j->in);
    j->out = mem_alloc(outputs * stride, sizeof *j->out);
    j->known = mem_alloc(c->known_inputs + 1, stride);
    j->rows = mem_alloc(1, gc_circuit_row_bytes(c, lanes));
    if (!j->in || !j->out || !j->known || !j->rows)
        return ERR_MEM;
    prg_bytes(rng, j->in, (c->eval_inputs + 1) * stride * sizeof *j->in);
    return 0;
}

/* ReLU on shares over `lanes` lanes, OT with parameter k; base keys are dealt. */
static int relu_job(job *j, unsigned n, unsigned l, unsigned k, size_t lanes, prg *rng)
{
    static uint8_t setup[OT_EXT_SETUP_MAX], both[OT_BASE_COUNT][2][PRG_SEED_BYTES], chosen[OT_BASE_COUNT][PRG_SEED_BYTES];
    *j = (job){.n = n, .l = l, .k = k, .lanes = lanes};
    session(j, rng);
    j->in = mem_alloc(convert_labels(n, lanes), sizeof *j->in);
    j->rows = mem_alloc(1, gc_relu_bytes(n, l, lanes));
    j->u = mem_alloc(1, convert_u_bytes(k, n, lanes));
    j->choices = mem_alloc(n, gc_stride(lanes) / 8);
    j->v = mem_alloc(lanes, sizeof *j->v);
    j->share = mem_alloc(lanes, sizeof *j->share);
    int ok = j->in && j->rows && j->u && j->choices && j->v && j->share;
    for (int i = 0; i < WINDOW && ok; i++)
        ok = (j->labels[i] = mem_alloc(convert_labels(n, lanes), sizeof **j->labels)) != NULL;
    if (!ok)
        return ERR_MEM;
    prg_bytes(rng, j->in, convert_labels(n, lanes) * sizeof *j->in);
    prg_bytes(rng, j->v, lanes * sizeof *j->v);
    for (size_t i = 0; i < lanes; i++)
        j->v[i] &= (UINT64_C(1) << n) - 1;
    convert_choices(j->choices, j->v, lanes, n);
    prg_bytes(rng, both, sizeof both);
    for (unsigned i = 0; i < OT_BASE_COUNT; i++)
        for (unsigned b = 0; b < PRG_SEED_BYTES; b++)
            chosen[i][b] = both[i][j->s.delta.w[i / 64] >> i % 64 & 1][b];
    TRY(ot_ext_receiver_create(&j->e.ot, setup, k, (const uint8_t(*)[2][PRG_SEED_BYTES])both));
    TRY(ot_ext_sender_create(&j->g.ot, setup, k, (const uint8_t(*)[PRG_SEED_BYTES])chosen, &j->s.delta));
    j->g.gc = j->e.gc = j->s;
    j->e.gc.delta = (block){{0, 0}};
    return 0;
}

/* Rows in messages of at most 1 MiB. */
static int rows_of(job *j, int send)
{
    const size_t bytes = gc_circuit_row_bytes(j->c, j->lanes);
    for (size_t at = 0; at < bytes; at += PIECE) {
        const size_t n = bytes - at < PIECE ? bytes - at : PIECE;
        TRY(send ? chan_send(j->ch, CHAN_TABLES, 0, j->rows + at, n) : chan_recv(j->ch, CHAN_TABLES, 0, j->rows + at, n));
    }
    return 0;
}

/* ---- the two over TCP: the garbler is a child, which answers each word of the parent with a sample ---- */

static int garbler_chunk(job *j)
{
    if (j->c) {
        TRY(gc_garble(&j->s, j->c, j->lanes, j->in, j->known, j->rows, j->out));
        return rows_of(j, 1);
    }
    TRY(chan_recv(j->ch, CHAN_OT_U, 0, j->u, convert_u_bytes(j->k, j->n, j->lanes)));
    TRY(convert_relu_garble(&j->g, j->n, j->l, j->lanes, j->v, j->u, j->in, j->rows, j->share));
    return chan_send(j->ch, CHAN_TABLES, 1, j->rows, gc_relu_bytes(j->n, j->l, j->lanes));
}

static int garbler_main(job *j)
{
    uint8_t word;
    for (;;) {
        TRY(chan_recv(j->ch, CHAN_BATCH, 0, &word, 1));
        if (!word)
            return 0;
        for (uint32_t i = 0; i < j->chunks; i++)
            TRY(garbler_chunk(j));
        TRY(chan_flush(j->ch));
    }
}

static int relu_ask(job *j, uint32_t i)
{
    TRY(convert_ask(&j->e, j->choices, j->n, j->lanes, j->labels[i % WINDOW], j->u));
    return chan_send(j->ch, CHAN_OT_U, 0, j->u, convert_u_bytes(j->k, j->n, j->lanes));
}

static int relu_take(job *j, uint32_t i)
{
    TRY(chan_recv(j->ch, CHAN_TABLES, 1, j->rows, gc_relu_bytes(j->n, j->l, j->lanes)));
    return convert_relu_eval(&j->e, j->n, j->l, j->lanes, j->labels[i % WINDOW], j->v, j->rows, j->share);
}

static int evaluator_sample(job *j)
{
    uint8_t word = 1;
    TRY(chan_send(j->ch, CHAN_BATCH, 0, &word, 1));
    TRY(chan_flush(j->ch));
    for (uint32_t i = 0; j->c && i < j->chunks; i++) {
        TRY(rows_of(j, 0));
        TRY(gc_eval(&j->s, j->c, j->lanes, j->in, j->rows, j->out));
    }
    for (uint32_t i = 0; !j->c && i < j->chunks + WINDOW; i++) {
        if (i >= WINDOW && i - WINDOW < j->chunks)
            TRY(relu_take(j, i - WINDOW));
        if (i < j->chunks)
            TRY(relu_ask(j, i));
    }
    return 0;
}

static int evaluator_main(const bench *b, job *j, const char *row, const char *params, const char *unit, double amount)
{
    double seconds[BENCH_SAMPLES];
    chan_stats before, after;
    uint8_t word = 0;
    for (int i = -1; i < BENCH_SAMPLES; i++) {
        chan_get_stats(j->ch, &before);
        const double begin = bench_now();
        TRY(evaluator_sample(j));
        if (i >= 0)
            seconds[i] = bench_now() - begin;
        chan_get_stats(j->ch, &after);
    }
    TRY(chan_send(j->ch, CHAN_BATCH, 0, &word, 1));
    TRY(chan_flush(j->ch));
    const bench_traffic traffic = {after.bytes_sent - before.bytes_sent, after.bytes_received - before.bytes_received, j->c ? 1 : 2};
    bench_row(b, row, params, gc_gate_best()->name, unit, amount, seconds, BENCH_SAMPLES, &traffic);
    return 0;
}

static int bench_tcp(const bench *b, job *j, const char *row, const char *params, const char *unit, double amount)
{
    int child = 0, rc = bench_two(&j->ch, &child);
    if (!rc && !child)
        bench_exit(garbler_main(j));
    if (!rc)
        rc = evaluator_main(b, j, row, params, unit, amount);
    return bench_join(j->ch, child) || rc;
}

/* ---- rows ---- */

/* Bitsliced AES is a thousand times slower: a few lanes in memory say enough. */
static int slow(void) { return aes_kern_best() == &aes_kern_portable; }

static int bench_circuit(const bench *b, const char *name, int (*make)(gc_circuit **), prg *rng)
{
    char params[80];
    gc_circuit *c;
    job j;
    TRY(make(&c));
    size_t lanes = tcp_lanes(c);
    TRY(circuit_job(&j, c, lanes < LANES || slow() ? LANES / 8 : LANES, rng));
    snprintf(params, sizeof params, "\"circuit\":\"%s\"", name);
    if (c->ands < 1000) {
        job h = j; /* its labels are more than 2 * LANES either way */
        h.lanes = slow() ? LANES / 8 : LANES;
        bench_time(b, "hash", "\"lanes_a_key\":8", aes_kernel(), "hashes/s", (double)h.lanes, hash, &h);
        bench_time(b, "hash_pair", "\"lanes_a_key\":8", aes_kernel(), "hashes/s", 2 * (double)h.lanes, hash_pair, &h);
    }
    bench_time(b, "garble", params, gc_gate_best()->name, "AND/s", (double)c->ands * (double)j.lanes, garble, &j);
    bench_time(b, "evaluate", params, gc_gate_best()->name, "AND/s", (double)c->ands * (double)j.lanes, evaluate, &j);
    j.lanes = lanes < j.lanes ? lanes : j.lanes;
    j.chunks = (uint32_t)((1u << 26) / gc_circuit_row_bytes(c, j.lanes)) + 1;
    int rc = j.rc || slow() ? j.rc : bench_tcp(b, &j, "garble_evaluate_tcp", params, "AND/s", (double)c->ands * (double)j.lanes * j.chunks);
    job_free(&j);
    return rc;
}

static int bench_relu(const bench *b, unsigned n, unsigned l, prg *rng)
{
    char params[96];
    job j;
    TRY(relu_job(&j, n, l, 1, LANES, rng));
    snprintf(params, sizeof params, "\"n\":%u,\"l\":%u,\"count\":%d,\"bytes\":%.1f", n, l, LANES, (double)gc_relu_bytes(n, l, LANES) / LANES);
    bench_time(b, "relu_shares_garble", params, gc_gate_best()->name, "ReLU/s", LANES, relu_garble, &j);
    bench_time(b, "relu_shares_evaluate", params, gc_gate_best()->name, "ReLU/s", LANES, relu_eval, &j);
    int rc = j.rc;
    job_free(&j);
    for (unsigned k = 1; k <= 4 && !rc; k *= 4) {
        TRY(relu_job(&j, n, l, k, RELU_LANES, rng));
        j.chunks = 25;
        snprintf(params, sizeof params, "\"n\":%u,\"l\":%u,\"count\":%u,\"ot\":\"%s\"", n, l, j.chunks * RELU_LANES, k == 1 ? "iknp" : "softspoken4");
        rc = bench_tcp(b, &j, "relu_shares", params, "ReLU/s", (double)j.chunks * RELU_LANES);
        job_free(&j);
    }
    return rc;
}

int main(int argc, char **argv)
{
    bench b;
    prg rng;
    bench_init(&b, argc, argv);
    bench_each_kernel(&b, CPU_AESNI | CPU_VAES | CPU_AVX512);
    if (sodium_init() < 0)
        return 1;
    bench_yardstick_aes(&b);
    bench_yardstick_tcp(&b);
    if (prg_init_random(&rng))
        return 1;
    return bench_circuit(&b, "relu32", relu32, &rng) || (slow() ? 0 : bench_circuit(&b, "aes128", aes128, &rng) ||
           bench_circuit(&b, "sha256", test_sha256_circuit, &rng) || bench_relu(&b, 12, 24, &rng) || bench_relu(&b, 14, 26, &rng) ||
           bench_relu(&b, 32, 32, &rng));
}
