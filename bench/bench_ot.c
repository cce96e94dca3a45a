// SPDX-License-Identifier: ISC
/* Base OT with both parties at work; each side of the extension by itself, in memory. */
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>

#include "base/aes.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "net/chan.h"
#include "ot/extend.h"
#include "ot/kern.h"

#define COUNT 65536

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

typedef struct {
    ot_ext_sender *s;
    ot_ext_receiver *r;
    block *t;
    uint8_t *u, *choice;
    int rc;
} job;

static void receive(void *arg) { ((job *)arg)->rc |= ot_ext_recv(((job *)arg)->r, ((job *)arg)->t, ((job *)arg)->u, ((job *)arg)->choice, COUNT); }
static void send_(void *arg) { ((job *)arg)->rc |= ot_ext_send(((job *)arg)->s, ((job *)arg)->t, ((job *)arg)->u, COUNT); }

int main(int argc, char **argv)
{
    static base_party sender, receiver;
    bench b;
    bench_init(&b, argc, argv);
    if (sodium_init() < 0)
        return 1;
    bench_yardstick_aes(&b);
    prg_init_random(&sender.rng);
    prg_init_random(&receiver.rng);
    prg_bytes(&receiver.rng, &receiver.delta, sizeof receiver.delta);
    receiver.delta.w[0] |= 1;
    job j = {.t = mem_alloc(COUNT, sizeof *j.t), .u = mem_alloc(1, ot_ext_bytes(1, COUNT)), .choice = mem_alloc(1, COUNT / 8)};
    if (!j.t || !j.u || !j.choice || bench_base(&b, &sender, &receiver))
        return 1;
    if (ot_ext_sender_create(&j.s, NULL, 1, (const uint8_t(*)[PRG_SEED_BYTES])receiver.chosen, &receiver.delta) ||
        ot_ext_receiver_create(&j.r, NULL, 1, (const uint8_t(*)[2][PRG_SEED_BYTES])sender.both))
        return 1;
    bench_time(&b, "ot_correlated", "\"ot\":\"iknp\",\"party\":\"receiver\",\"in\":\"memory\"", aes_kernel(), "OT/s", COUNT, receive, &j);
    bench_time(&b, "ot_correlated", "\"ot\":\"iknp\",\"party\":\"sender\",\"in\":\"memory\"", aes_kernel(), "OT/s", COUNT, send_, &j);
    ot_ext_sender_free(j.s);
    ot_ext_receiver_free(j.r);
    mem_free(j.t), mem_free(j.u), mem_free(j.choice);
    return j.rc != 0;
}
