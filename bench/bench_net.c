// SPDX-License-Identifier: ISC
#include <pthread.h>
#include <stdio.h>

#include "base/mem.h"
#include "bench/bench.h"
#include "net/chan.h"

#define SIZE (1u << 20)
#define MESSAGES 128

static void *sink(void *arg)
{
    uint8_t *x = mem_alloc(1, SIZE);
    while (x && !chan_recv(arg, CHAN_TABLES, 0, x, SIZE))
        ;
    mem_free(x);
    return NULL;
}

typedef struct {
    chan *c;
    uint8_t *x;
    int rc;
} job;

static void send_all(void *arg)
{
    job *j = arg;
    for (int i = 0; i < MESSAGES; i++)
        j->rc |= chan_send(j->c, CHAN_TABLES, 0, j->x, SIZE);
}

int main(int argc, char **argv)
{
    bench b;
    chan *other;
    pthread_t t;
    job j = {.x = mem_alloc(1, SIZE)};
    bench_init(&b, argc, argv);
    bench_yardstick_tcp(&b);
    if (!j.x || chan_pair(&j.c, &other, 0) || pthread_create(&t, NULL, sink, other))
        return 1;
    bench_time(&b, "channel_stream", "\"message\":1048576", "socketpair", "B/s", (double)MESSAGES * SIZE, send_all, &j);
    chan_free(j.c);
    pthread_join(t, NULL);
    chan_free(other);
    mem_free(j.x);
    return j.rc != 0;
}
