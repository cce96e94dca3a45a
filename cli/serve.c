// SPDX-License-Identifier: ISC
#include <unistd.h>

#include "base/prg.h"
#include "cli/cli.h"
#include "net/tcp.h"
#include "nn/onnx.h"

#define IDLE_MS (10 * 60 * 1000) /* a client that stays silent for so long is dropped */

static const char about[] =
    "usage: tacit serve MODEL.onnx [options]\n"
    "\n"
    "Answers clients until SIGINT or SIGTERM.\n";

static void report(const nn_stats *s, const chan_stats *t, int rc, int json)
{
    if (json) {
        printf("{\"session\":{\"images\":%llu,\"batches\":%llu,\"flights\":%u,\"bytes_sent\":%llu,\"bytes_received\":%llu,\"seconds_setup\":%.4f,"
               "\"seconds_linear\":%.4f,\"seconds_ot\":%.4f,\"seconds_gc\":%.4f,\"seconds_wait\":%.4f,\"peak_rss_bytes\":%llu,\"error\":",
               (unsigned long long)s->images, (unsigned long long)s->batches, s->flights, (unsigned long long)t->bytes_sent,
               (unsigned long long)t->bytes_received, s->seconds[NN_PHASE_SETUP], s->seconds[NN_PHASE_LINEAR], s->seconds[NN_PHASE_OT],
               s->seconds[NN_PHASE_GC], s->seconds[NN_PHASE_WAIT], (unsigned long long)cli_peak_rss());
        if (rc)
            cli_json_text(stdout, err_text());
        else
            printf("null");
        printf("}}\n");
        fflush(stdout);
    }
    fprintf(stderr, "session: %llu images in %llu batches, %.1f MB sent, %.1f MB received; seconds: linear %.2f, OT %.2f, garbling %.2f%s%s\n",
            (unsigned long long)s->images, (unsigned long long)s->batches, (double)t->bytes_sent / 1e6, (double)t->bytes_received / 1e6,
            s->seconds[NN_PHASE_LINEAR], s->seconds[NN_PHASE_OT], s->seconds[NN_PHASE_GC], rc ? "; ended by: " : "", rc ? err_text() : "");
}

int cli_serve_loop(int listen_fd, const nn_prepared *m, unsigned ot, uint32_t sessions, int json, int quiet)
{
    const nn_serve_options options = {.ot = ot};
    for (uint32_t served = 0; !cli_stop && (!sessions || served < sessions); served++) {
        nn_stats stats = {0};
        chan_stats traffic = {0};
        chan *ch;
        prg rng;
        int fd, rc = tcp_accept(listen_fd, &fd, &cli_stop);
        if (rc)
            return rc;
        if (!(rc = chan_open(&ch, fd))) {
            chan_set_stop(ch, &cli_stop);
            chan_set_timeout(ch, IDLE_MS);
            if (!(rc = prg_init_random(&rng))) /* fresh for every session */
                rc = nn_serve(ch, m, &options, &rng, &stats);
            chan_get_stats(ch, &traffic);
            prg_wipe(&rng);
            chan_free(ch);
        }
        if (!quiet)
            report(&stats, &traffic, rc, json);
    }
    return 0;
}

int cli_serve(int argc, char **argv)
{
    cli_args a;
    nn_model *m = NULL;
    nn_qmodel *q = NULL;
    nn_prepared *ready = NULL;
    char bound[96];
    int fd, code = cli_parse(&a, argc, argv, CLI_SERVE, "MODEL.onnx", about);
    if (code >= 0)
        return code;
    cli_catch_signals();
    int rc = nn_onnx_load(&m, a.operand);
    if (!rc)
        rc = nn_quantise(&q, m, &a.quant);
    nn_model_free(m);
    if (!rc)
        rc = nn_prepare(&ready, q, 0);
    nn_qmodel_free(q);
    if (!rc)
        rc = tcp_listen(a.listen ? a.listen : "127.0.0.1:0", &fd, bound, sizeof bound);
    if (rc) {
        nn_prepared_free(ready);
        return cli_fail("serve", rc);
    }
    if (a.json)
        printf("{\"listening\":\"%s\"}\n", bound);
    fprintf(stderr, "listening on %s\n*** NOT ENCRYPTED, NOT AUTHENTICATED: whoever is on the network between can read the traffic and alter it. ***\n",
            bound);
    fflush(stdout);
    rc = cli_serve_loop(fd, ready, a.ot ? a.ot : NN_DEFAULT_OT, a.stop_after, a.json, 0);
    close(fd);
    nn_prepared_free(ready);
    if (rc && rc != ERR_INTERRUPTED)
        return cli_fail("serve", rc);
    return cli_close_stdout(EXIT_OK);
}
