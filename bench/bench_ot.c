// SPDX-License-Identifier: ISC
/* In memory: each side of the extension by itself. */
#include <sodium.h>
#include <stdio.h>

#include "base/aes.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "ot/iknp.h"
#include "ot/transpose.h"

#define COUNT 65536

typedef struct {
    prg rng;
    ot_iknp_sender *s;
    ot_iknp_receiver *r;
    block delta, *t;
    uint8_t *u, *choice;
    uint8_t question[OT_BASE_RECV_BYTES], reply[OT_BASE_SEND_BYTES], session[32];
    uint8_t both[OT_BASE_COUNT][2][PRG_SEED_BYTES], chosen[OT_BASE_COUNT][PRG_SEED_BYTES];
    int rc;
} job;

static void base(void *arg)
{
    job *j = arg;
    ot_base_receiver *r = NULL;
    j->rc |= ot_base_recv_start(&r, j->question, &j->delta, j->session, &j->rng);
    j->rc |= ot_base_send(j->reply, j->both, j->question, j->session, &j->rng);
    j->rc |= ot_base_recv_finish(r, j->chosen, j->reply);
    ot_base_receiver_free(r);
}

static void receive(void *arg) { ((job *)arg)->rc |= ot_iknp_recv(((job *)arg)->r, ((job *)arg)->t, ((job *)arg)->u, ((job *)arg)->choice, COUNT); }
static void send_(void *arg) { ((job *)arg)->rc |= ot_iknp_send(((job *)arg)->s, ((job *)arg)->t, ((job *)arg)->u, COUNT); }

int main(int argc, char **argv)
{
    static job j;
    bench b;
    bench_init(&b, argc, argv);
    if (sodium_init() < 0)
        return 1;
    bench_yardstick_aes(&b);
    prg_init_random(&j.rng);
    prg_bytes(&j.rng, &j.delta, sizeof j.delta);
    j.delta.w[0] |= 1;
    j.t = mem_alloc(COUNT, sizeof *j.t);
    j.u = mem_alloc(1, ot_iknp_bytes(COUNT));
    j.choice = mem_alloc(1, COUNT / 8);
    if (!j.t || !j.u || !j.choice)
        return 1;
    bench_time(&b, "ot_base128", "\"parties\":\"both, one after the other\"", "libsodium", "ns", 1, base, &j);
    if (ot_iknp_sender_create(&j.s, (const uint8_t(*)[PRG_SEED_BYTES])j.chosen, &j.delta) ||
        ot_iknp_receiver_create(&j.r, (const uint8_t(*)[2][PRG_SEED_BYTES])j.both))
        return 1;
    bench_time(&b, "ot_correlated", "\"ot\":\"iknp\",\"party\":\"receiver\",\"in\":\"memory\"", aes_kernel(), "OT/s", COUNT, receive, &j);
    bench_time(&b, "ot_correlated", "\"ot\":\"iknp\",\"party\":\"sender\",\"in\":\"memory\"", aes_kernel(), "OT/s", COUNT, send_, &j);
    ot_iknp_sender_free(j.s);
    ot_iknp_receiver_free(j.r);
    mem_free(j.t), mem_free(j.u), mem_free(j.choice);
    return j.rc != 0;
}
