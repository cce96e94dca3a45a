// SPDX-License-Identifier: ISC
/* CryptoNets with ReLU (models/demo.onnx), two processes over loopback TCP, one thread each.  Run from the top of the tree. */
#include <sodium.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/aes.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "net/tcp.h"
#include "nn/exec.h"
#include "nn/onnx.h"

static int serve(int listening, const nn_prepared *m, int sessions)
{
    const nn_serve_options options = {.ot = NN_DEFAULT_OT};
    while (sessions--) {
        nn_stats stats;
        chan *ch;
        prg rng;
        int fd;
        if (prg_init_random(&rng) || tcp_accept(listening, &fd, NULL) || chan_open(&ch, fd) ||
            nn_serve(ch, m, &options, &rng, &stats))
            return 1;
        chan_free(ch);
    }
    return 0;
}

/** batches: one session, BENCH_SAMPLES batches of `n` images after one that warms up. */
static int batches(const bench *b, const char *address, uint32_t n, uint8_t *pixels, int32_t *labels, prg *rng)
{
    double s[BENCH_SAMPLES];
    char params[64];
    chan_stats before, after;
    nn_stats stats;
    nn_client *c;
    chan *ch;
    int fd;
    if (tcp_connect(address, 0, &fd) || chan_open(&ch, fd) || nn_client_open(&c, ch, 0, rng))
        return 1;
    int rc = 0;
    for (int i = -1; i < BENCH_SAMPLES && !rc; i++) {
        const double begin = bench_now();
        chan_get_stats(ch, &before);
        rc = nn_client_infer(c, pixels, n, labels, NULL, NULL);
        chan_get_stats(ch, &after);
        if (i >= 0)
            s[i] = bench_now() - begin;
    }
    nn_client_stats(c, &stats);
    nn_client_close(c);
    chan_free(ch);
    if (rc)
        return rc;
    const bench_traffic t = {after.bytes_sent - before.bytes_sent, after.bytes_received - before.bytes_received, stats.flights};
    snprintf(params, sizeof params, "\"model\":\"cryptonets-relu\",\"batch\":%u", n);
    bench_row(b, "inference", params, aes_kernel(), "images/s", n, s, BENCH_SAMPLES, &t);
    return 0;
}

static int setups(const bench *b, const char *address, prg *rng)
{
    double s[BENCH_SAMPLES];
    for (int i = 0; i < BENCH_SAMPLES; i++) {
        const double begin = bench_now();
        nn_client *c;
        chan *ch;
        int fd;
        if (tcp_connect(address, 0, &fd) || chan_open(&ch, fd) || nn_client_open(&c, ch, 0, rng))
            return 1;
        s[i] = bench_now() - begin;
        nn_client_close(c);
        chan_free(ch);
    }
    bench_row(b, "session_setup", "\"model\":\"cryptonets-relu\"", aes_kernel(), "ns", 1, s, BENCH_SAMPLES, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    static const uint32_t sizes[] = {1, 20, 256, 2048};
    bench b;
    nn_model *m;
    nn_qmodel *q;
    nn_prepared *ready;
    char bound[96];
    prg rng;
    int listening, rc = 0, sessions = BENCH_SAMPLES;
    bench_init(&b, argc, argv);
    if (sodium_init() < 0 || nn_onnx_load(&m, "models/demo.onnx") || nn_quantise(&q, m, NULL) ||
        nn_prepare(&ready, q, 0) || tcp_listen("127.0.0.1:0", &listening, bound, sizeof bound)) {
        fprintf(stderr, "bench_nn: %s\n", err_text());
        return 1;
    }
    nn_model_free(m);
    bench_yardstick_aes(&b);
    bench_yardstick_tcp(&b);
    /* a full batch takes half a minute of samples: only when asked for */
    for (size_t i = 0; i < 4; i++)
        sessions += b.n ? b.n == sizes[i] : sizes[i] <= 256;
    const pid_t child = fork();
    if (!child)
        _exit(serve(listening, ready, sessions));
    close(listening);
    uint8_t *pixels = mem_alloc(2048, q->plan.layer[0].in);
    int32_t *labels = mem_alloc(2048, sizeof *labels);
    if (prg_init_random(&rng) || !pixels || !labels)
        return 1;
    prg_bytes(&rng, pixels, (size_t)2048 * q->plan.layer[0].in);
    rc = setups(&b, bound, &rng);
    for (size_t i = 0; i < 4 && !rc; i++)
        if (b.n ? b.n == sizes[i] : sizes[i] <= 256)
            rc = batches(&b, bound, sizes[i], pixels, labels, &rng);
    if (rc)
        fprintf(stderr, "bench_nn: %s\n", err_text());
    waitpid(child, NULL, 0);
    mem_free(pixels), mem_free(labels);
    nn_prepared_free(ready);
    nn_qmodel_free(q);
    return rc != 0;
}
