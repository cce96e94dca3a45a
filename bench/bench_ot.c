// SPDX-License-Identifier: ISC
/* Base OT with both parties at work; extension between two processes over TCP on loopback, after set-up, and each side by itself in memory. */
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/aes.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "net/chan.h"
#include "net/tcp.h"
#include "ot/check.h"
#include "ot/kern.h"
#include "ot/random.h"

#define CHUNK (1u << 14)      /* OTs a message */
#define CHUNKS(k) (128 / (k))   /* a sample over TCP */

typedef struct {
    chan *ch;
    prg rng;
    block delta;
    uint8_t session[32];
    uint8_t message[OT_BASE_MESSAGE_BYTES], element[OT_BASE_ELEMENT_BYTES], challenge[OT_BASE_CHALLENGE_BYTES], answer[OT_BASE_ANSWER_BYTES];
    uint8_t both[OT_BASE_COUNT][2][PRG_SEED_BYTES], chosen[OT_BASE_COUNT][PRG_SEED_BYTES];
    int rc;
} base_party;

static void *base_receiver(void *arg)
{
    base_party *p = arg;
    ot_base_receiver *r = NULL;
    (void)((p->rc = ot_base_recv_start(&r, p->message, &p->delta, p->session, &p->rng)) ||
           (p->rc = chan_send(p->ch, CHAN_OT_BASE, 0, p->message, sizeof p->message)) ||
           (p->rc = chan_recv(p->ch, CHAN_OT_BASE, 1, p->element, sizeof p->element)) || (p->rc = ot_base_recv_element(r, p->element)) ||
           (p->rc = chan_recv(p->ch, CHAN_OT_BASE, 1, p->challenge, sizeof p->challenge)) ||
           (p->rc = ot_base_recv_finish(r, p->chosen, p->answer, p->challenge)) ||
           (p->rc = chan_send(p->ch, CHAN_OT_BASE, 2, p->answer, sizeof p->answer)) || (p->rc = chan_flush(p->ch)));
    ot_base_receiver_free(r);
    return NULL;
}

static void base_sender(base_party *p)
{
    ot_base_sender *s = NULL;
    (void)((p->rc = chan_recv(p->ch, CHAN_OT_BASE, 0, p->message, sizeof p->message)) ||
           (p->rc = ot_base_send_start(&s, p->element, p->message, p->session, &p->rng)) ||
           (p->rc = chan_send(p->ch, CHAN_OT_BASE, 1, p->element, sizeof p->element)) || (p->rc = chan_flush(p->ch)) ||
           (p->rc = ot_base_send_challenge(s, p->challenge, p->both)) ||
           (p->rc = chan_send(p->ch, CHAN_OT_BASE, 1, p->challenge, sizeof p->challenge)) ||
           (p->rc = chan_recv(p->ch, CHAN_OT_BASE, 2, p->answer, sizeof p->answer)) || (p->rc = ot_base_send_finish(s, p->answer)));
    ot_base_sender_free(s);
}

/** bench_base: wall clock from the first step until both parties hold their keys; one thread each, a socket between them. */
static int bench_base(const bench *b, base_party *s, base_party *r)
{
    double seconds[BENCH_SAMPLES];
    chan_stats now;
    if (chan_pair(&s->ch, &r->ch, 0))
        return 1;
    for (int i = -1; i < BENCH_SAMPLES && !s->rc && !r->rc; i++) {
        pthread_t t;
        const double begin = bench_now();
        if (pthread_create(&t, NULL, base_receiver, r))
            return 1;
        base_sender(s);
        pthread_join(t, NULL);
        if (i >= 0)
            seconds[i] = bench_now() - begin;
    }
    chan_get_stats(r->ch, &now);
    const bench_traffic traffic = {now.bytes_sent / (BENCH_SAMPLES + 1), now.bytes_received / (BENCH_SAMPLES + 1), 3};
    chan_free(s->ch);
    chan_free(r->ch);
    if (s->rc || r->rc)
        return 1;
    bench_row(b, "ot_base128", "\"parties\":\"both, a thread each\"", "libsodium", "ns", 1, seconds, BENCH_SAMPLES, &traffic);
    return 0;
}

enum op { CORRELATED, RANDOM, CHOSEN, CHECKED };
static const struct {
    const char *row;
    uint32_t flights;
} ops[] = {{"ot_correlated", 1}, {"ot_random", 1}, {"ot_chosen", 2}, {"ot_correlated_checked", 3}};

static const char *name_of(unsigned k) { return k == 1 ? "iknp" : k == 2 ? "softspoken2" : k == 4 ? "softspoken4" : "softspoken8"; }

/* What a party has; the keys are dealt before the fork, as base OT would. */
typedef struct {
    unsigned k;
    chan *ch;
    ot_ext_sender *s;
    ot_ext_receiver *r;
    ot_check check;
    prg rng;
    block start, *a, *b; /* q or x0, x1; t or x */
    block *m0, *m1;
    uint8_t *u, *y, *choice;
    uint64_t index;
} party;

#define TRY(x) \
    do { \
        int rc_ = (x); \
        if (rc_) return rc_; \
    } while (0)

static int sender_chunk(party *p, enum op op)
{
    uint8_t challenge[OT_CHECK_CHALLENGE_BYTES], proof[OT_CHECK_PROOF_BYTES];
    TRY(chan_recv(p->ch, CHAN_OT_U, 0, p->u, op == CHECKED ? ot_ext_checked_bytes(p->k, CHUNK) : ot_ext_bytes(p->k, CHUNK)));
    if (op == CORRELATED) return ot_ext_send(p->s, p->a, p->u, CHUNK);
    if (op == CHECKED) {
        TRY(ot_ext_send_checked(p->s, &p->check, p->a, challenge, p->u, CHUNK, &p->rng));
        TRY(chan_send(p->ch, CHAN_OT_BASE, 1, challenge, sizeof challenge));
        TRY(chan_recv(p->ch, CHAN_OT_BASE, 2, proof, sizeof proof));
        return ot_ext_verify(p->s, &p->check, p->a, p->u, CHUNK, proof);
    }
    TRY(ot_random_send(p->s, p->a, p->b, &p->start, p->index, p->u, CHUNK));
    p->index += crh_keys(CHUNK);
    if (op == RANDOM) return 0;
    ot_chosen_seal(p->y, p->m0, p->m1, p->a, p->b, NULL, CHUNK);
    return chan_send(p->ch, CHAN_TABLES, 1, p->y, (size_t)OT_CHOSEN_BYTES * CHUNK);
}

/* The first half of the receiver's chunk; the rows of `chosen` that come back are taken two chunks later. */
static int receiver_chunk(party *p, enum op op, block *x)
{
    uint8_t challenge[OT_CHECK_CHALLENGE_BYTES], proof[OT_CHECK_PROOF_BYTES];
    if (op == CORRELATED) TRY(ot_ext_recv(p->r, x, p->u, p->choice, CHUNK));
    if (op == CHECKED) TRY(ot_ext_recv_checked(p->r, &p->check, x, p->u, p->choice, CHUNK, &p->rng));
    if (op == RANDOM || op == CHOSEN) {
        TRY(ot_random_recv(p->r, x, p->u, &p->start, p->index, p->choice, CHUNK));
        p->index += crh_keys(CHUNK);
    }
    TRY(chan_send(p->ch, CHAN_OT_U, 0, p->u, op == CHECKED ? ot_ext_checked_bytes(p->k, CHUNK) : ot_ext_bytes(p->k, CHUNK)));
    if (op != CHECKED) return 0;
    TRY(chan_recv(p->ch, CHAN_OT_BASE, 1, challenge, sizeof challenge));
    TRY(ot_ext_prove(p->r, &p->check, proof, x, p->u, p->choice, CHUNK, challenge));
    return chan_send(p->ch, CHAN_OT_BASE, 2, proof, sizeof proof);
}

static int receiver_open(party *p, block *x)
{
    TRY(chan_recv(p->ch, CHAN_TABLES, 1, p->y, (size_t)OT_CHOSEN_BYTES * CHUNK));
    ot_chosen_open(x, p->y, x, p->choice, CHUNK);
    return 0;
}

/* The child: CHUNKS(k) messages of OTs after each word from the parent, a word back at the end. */
static int receiver_main(party *p, enum op op)
{
    block *x[2] = {p->a, p->b};
    uint8_t word;
    for (;;) {
        TRY(chan_recv(p->ch, CHAN_BATCH, 0, &word, 1));
        if (!word) return 0;
        for (unsigned i = 0; i < CHUNKS(p->k); i++) {
            TRY(receiver_chunk(p, op, x[i % 2]));
            if (op == CHOSEN && i) TRY(receiver_open(p, x[(i - 1) % 2]));
        }
        if (op == CHOSEN) TRY(receiver_open(p, x[(CHUNKS(p->k) - 1) % 2]));
        TRY(chan_send(p->ch, CHAN_OUTPUT, 0, &word, 1));
        TRY(chan_flush(p->ch));
    }
}

static int sender_main(const bench *b, party *p, enum op op)
{
    double seconds[BENCH_SAMPLES];
    char params[64];
    chan_stats before, after;
    uint8_t word = 1;
    for (int i = -1; i < BENCH_SAMPLES; i++) {
        chan_get_stats(p->ch, &before);
        const double begin = bench_now();
        TRY(chan_send(p->ch, CHAN_BATCH, 0, &word, 1));
        for (unsigned c = 0; c < CHUNKS(p->k); c++) TRY(sender_chunk(p, op));
        TRY(chan_recv(p->ch, CHAN_OUTPUT, 0, &word, 1));
        if (i >= 0) seconds[i] = bench_now() - begin;
        chan_get_stats(p->ch, &after);
    }
    word = 0;
    TRY(chan_send(p->ch, CHAN_BATCH, 0, &word, 1));
    TRY(chan_flush(p->ch));
    const bench_traffic traffic = {after.bytes_sent - before.bytes_sent, after.bytes_received - before.bytes_received, ops[op].flights};
    snprintf(params, sizeof params, "\"ot\":\"%s\",\"over\":\"tcp\",\"count\":%u", name_of(p->k), CHUNKS(p->k) * CHUNK);
    bench_row(b, ops[op].row, params, aes_kernel(), "OT/s", CHUNKS(p->k) * CHUNK, seconds, BENCH_SAMPLES, &traffic);
    return 0;
}

static void party_free(party *p)
{
    ot_ext_sender_free(p->s);
    ot_ext_receiver_free(p->r);
    mem_free(p->a), mem_free(p->b), mem_free(p->m0), mem_free(p->m1), mem_free(p->u), mem_free(p->y), mem_free(p->choice);
}

static int party_make(party *p, unsigned k, const base_party *sender, const base_party *receiver)
{
    static uint8_t setup[OT_EXT_SETUP_MAX];
    *p = (party){.k = k, .rng = sender->rng};
    p->a = mem_alloc(CHUNK, sizeof *p->a), p->b = mem_alloc(CHUNK, sizeof *p->b), p->m0 = mem_alloc(CHUNK, sizeof *p->m0);
    p->m1 = mem_alloc(CHUNK, sizeof *p->m1), p->u = mem_alloc(1, ot_ext_checked_bytes(k, CHUNK)), p->y = mem_alloc(CHUNK, OT_CHOSEN_BYTES);
    p->choice = mem_alloc(1, CHUNK / 8);
    if (!p->a || !p->b || !p->m0 || !p->m1 || !p->u || !p->y || !p->choice) return ERR_MEM;
    prg_bytes(&p->rng, p->choice, CHUNK / 8);
    TRY(ot_ext_receiver_create(&p->r, setup, k, (const uint8_t(*)[2][PRG_SEED_BYTES])sender->both));
    return ot_ext_sender_create(&p->s, setup, k, (const uint8_t(*)[PRG_SEED_BYTES])receiver->chosen, &receiver->delta);
}

static int bench_tcp(const bench *b, party *p, enum op op)
{
    char bound[96];
    int listening, fd;
    if (tcp_listen("127.0.0.1:0", &listening, bound, sizeof bound)) return 1;
    fflush(stdout);
    const pid_t child = fork();
    if (!child) _exit(tcp_connect(bound, 10000, &fd) || chan_open(&p->ch, fd) || receiver_main(p, op));
    int rc = child < 0 || tcp_accept(listening, &fd, NULL) || chan_open(&p->ch, fd);
    if (!rc) rc = sender_main(b, p, op);
    chan_free(p->ch);
    p->ch = NULL;
    close(listening);
    int status = 0;
    return child < 0 || waitpid(child, &status, 0) < 0 || status || rc;
}

static int failed;
static void receive(void *arg) { failed |= ot_ext_recv(((party *)arg)->r, ((party *)arg)->a, ((party *)arg)->u, ((party *)arg)->choice, CHUNK); }
static void send_(void *arg) { failed |= ot_ext_send(((party *)arg)->s, ((party *)arg)->a, ((party *)arg)->u, CHUNK); }

static void bench_memory(const bench *b, party *p)
{
    char params[64];
    snprintf(params, sizeof params, "\"ot\":\"%s\",\"in\":\"memory\",\"party\":\"receiver\"", name_of(p->k));
    bench_time(b, "ot_correlated", params, aes_kernel(), "OT/s", CHUNK, receive, p);
    snprintf(params, sizeof params, "\"ot\":\"%s\",\"in\":\"memory\",\"party\":\"sender\"", name_of(p->k));
    bench_time(b, "ot_correlated", params, aes_kernel(), "OT/s", CHUNK, send_, p);
}

typedef struct {
    const ot_kern *kern;
    block out[OT_EXT_TILE];
    uint8_t rows[128 * (OT_EXT_TILE / 8 + 64)];
} matrix;

static void transpose(void *arg)
{
    matrix *m = arg;
    m->kern->transpose(m->out, m->rows, OT_EXT_TILE / 8 + 64, OT_EXT_TILE);
    m->rows[0] ^= (uint8_t)m->out[1].w[0];
}

static void bench_transpose(const bench *b)
{
    static matrix m;
    for (unsigned i = 0; i < OT_KERNS; i++) {
        m.kern = ot_kerns.of[i];
        if (kern_usable(&ot_kerns, i, cpu_features()))
            bench_time(b, "transpose", "\"rows\":128,\"columns\":4096", m.kern->name, "bit/s", 128.0 * OT_EXT_TILE,
                       transpose, &m);
        else if (!b->json)
            printf("%-26s %-60s UNAVAILABLE\n", "transpose", m.kern->name);
    }
}

int main(int argc, char **argv)
{
    static base_party sender, receiver;
    static party p;
    bench b;
    bench_init(&b, argc, argv);
    if (sodium_init() < 0)
        return 1;
    bench_yardstick_aes(&b);
    bench_yardstick_tcp(&b);
    if (prg_init_random(&sender.rng) || prg_init_random(&receiver.rng))
        return 1;
    prg_bytes(&receiver.rng, &receiver.delta, sizeof receiver.delta);
    receiver.delta.w[0] |= 1;
    if (bench_base(&b, &sender, &receiver))
        return 1;
    for (unsigned k = 1; k <= 8 && !failed; k *= 2) {
        for (enum op op = CORRELATED; op <= CHECKED && !failed; op++) {
            failed = party_make(&p, k, &sender, &receiver) || bench_tcp(&b, &p, op);
            if (!failed && op == CHECKED)
                bench_memory(&b, &p);
            party_free(&p);
        }
    }
    bench_transpose(&b);
    return failed != 0;
}
