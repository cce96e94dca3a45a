// SPDX-License-Identifier: ISC
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/prg.h"
#include "cli/cli.h"
#include "cli/front.h"
#include "cli/keys.h"
#include "cli/metrics.h"
#include "net/tcp.h"
#include "nn/onnx.h"

#define FIRST_SOCKET 3 /* of socket activation: SD_LISTEN_FDS_START */
#define IDLE_S 600
#define MIN_RATE 4096
#define DRAIN_S 30

static const char about[] = "usage: tacit serve MODEL.onnx [options]\n"
                            "\n"
                            "Answers clients, each in a process of its own, until SIGINT or SIGTERM: then running "
                            "sessions may end, a second signal ends them at once.\n"
                            "With --json a line {\"listening\":..,\"server_key\":..}, then a line a session.  Sockets "
                            "that systemd passes (LISTEN_FDS) are used in place of\n"
                            "--listen.  docs/DEPLOY.md is about keys, limits, metrics and several servers.\n";

typedef struct {
    int fd[TCP_LISTENERS];
    unsigned count;
    char bound[TCP_ADDRESS_MAX];
} listeners;

static uint32_t cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) ? 1 : (uint32_t)CPU_COUNT(&set);
}

/** passed: the sockets of LISTEN_FDS, if they are for this process; the variables go. */
static int passed(listeners *l)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    const long count = pid && fds && atol(pid) == (long)getpid() ? atol(fds) : 0;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    if (count < 0 || count > TCP_LISTENERS)
        return err_set(ERR_ARG, "LISTEN_FDS: %ld sockets; at most %d", count, TCP_LISTENERS);
    for (l->count = 0; l->count < (unsigned)count; l->count++) {
        const int fd = FIRST_SOCKET + (int)l->count, flags = fcntl(fd, F_GETFL);
        int is = 0;
        socklen_t len = sizeof is;
        if (flags < 0 || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is, &len) || !is ||
            fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
            return err_set(ERR_ARG, "LISTEN_FDS: descriptor %d is no listening socket", fd);
        l->fd[l->count] = fd;
    }
    return count ? tcp_name(l->fd[0], l->bound, sizeof l->bound) : 0;
}

/** listen_on: sockets from systemd or from --listen; plain connections only where nobody else can be on the network
 * between. */
static int listen_on(listeners *l, const cli_args *a)
{
    int rc = passed(l);
    if (!rc && l->count && a->listen)
        return err_set(ERR_ARG, "--listen has no effect beside the sockets of LISTEN_FDS");
    if (!rc && !l->count)
        rc = tcp_listen_all(a->listen ? a->listen : "127.0.0.1:0", l->fd, &l->count, l->bound, sizeof l->bound);
    for (unsigned i = 0; !rc && a->plaintext && i < l->count; i++)
        if (!tcp_is_loopback(l->fd[i]))
            rc = err_set(ERR_ARG, "--insecure-plaintext: %s is not loopback; without it the channel is encrypted",
                         l->bound);
    return rc;
}

/** budget: what sessions may take together: --memory, or half of this machine's, but at least one session's. */
static int budget(front_options *o, const cli_args *a)
{
    const nn_plan *p = nn_prepared_plan(o->session.model);
    const uint64_t need = nn_server_bytes(p, p->max_batch),
                   half = (uint64_t)sysconf(_SC_PHYS_PAGES) / 2 * (uint64_t)sysconf(_SC_PAGESIZE);
    const unsigned long long need_mib = (need >> 20) + 1;
    if (a->memory && a->memory < need)
        return err_set(ERR_ARG, "--memory: a session of this model may take %llu MiB; give %lluM at least", need_mib,
                       need_mib);
    o->memory = a->memory ? a->memory : half > need ? half : need;
    if (o->memory / need < o->sessions)
        fprintf(stderr, "memory for %llu sessions at once, not %u: each may take %llu MiB\n",
                (unsigned long long)(o->memory / need), o->sessions, need_mib);
    return 0;
}

static int say_where(const listeners *l, const noise_keypair *k, const cli_args *a)
{
    char hex[CLI_HEX_BYTES] = "";
    if (k)
        cli_hex(hex, k->public);
    if (a->json && k)
        printf("{\"listening\":\"%s\",\"server_key\":\"%s\"}\n", l->bound, hex);
    else if (a->json)
        printf("{\"listening\":\"%s\",\"server_key\":null}\n", l->bound);
    const int rc = cli_flush();
    if (rc) /* nobody would learn where */
        return rc;
    fprintf(stderr, "listening on %s\n", l->bound);
    if (k)
        fprintf(stderr, "public key %s%s\n", hex,
                a->key ? ""
                       : "\n(fresh, gone when this server ends: tacit keygen FILE makes one to keep, for --key FILE)");
    else
        fprintf(stderr, "*** NOT ENCRYPTED, NOT AUTHENTICATED: for tests on this machine. ***\n");
    return 0;
}

static int prepare(nn_prepared **ready, const cli_args *a)
{
    nn_model *m = NULL;
    nn_qmodel *q = NULL;
    int rc = nn_onnx_load(&m, a->operand);
    if (!rc)
        rc = nn_quantise(&q, m, &a->quant);
    nn_model_free(m);
    if (!rc)
        rc = nn_prepare(ready, q, a->names);
    nn_qmodel_free(q);
    return rc;
}

int cli_serve(int argc, char **argv)
{
    cli_args a;
    nn_prepared *ready = NULL;
    noise_keypair key = {0};
    listeners l = {0};
    int code = cli_parse(&a, argc, argv, CLI_SERVE, "MODEL.onnx", about);
    if (code >= 0)
        return code;
    sigset_t hangup; /* the front's, later; a reload while the model is prepared must not end it */
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    sigprocmask(SIG_BLOCK, &hangup, NULL);
    cli_catch_signals();
    int rc = prepare(&ready, &a);
    front_options o = {.session = {ready,
                                   a.ot ? a.ot : NN_DEFAULT_OT,
                                   {.idle_ms = 1000 * (a.idle ? a.idle : IDLE_S),
                                    .first_ms = FRONT_FIRST_MS,
                                    .session_ms = 1000 * a.session_limit,
                                    .min_rate = a.min_rate ? a.min_rate : MIN_RATE},
                                   0},
                       .key = a.plaintext ? NULL : &key,
                       .allow = a.allow,
                       .sessions = a.sessions ? a.sessions : cores(),
                       .stop_after = a.stop_after,
                       .drain = a.drain ? a.drain : DRAIN_S,
                       .metrics = a.metrics,
                       .json = a.json};
    if (!rc)
        rc = budget(&o, &a);
    if (!rc && !a.plaintext)
        rc = a.key ? cli_key_load(&key, a.key) : cli_key_fresh(&key);
    if (!rc && a.allow && !(rc = cli_allowed_load(&o.list, a.allow)) && !o.list.count)
        fprintf(stderr, "%s lists no keys: nobody is admitted until it does, and SIGHUP\n", a.allow);
    if (!rc && a.metrics) /* a file that cannot be written is better known now */
        rc = metrics_write(&(metrics){.memory = o.memory}, a.metrics);
    if (!rc)
        rc = listen_on(&l, &a);
    if (!rc)
        rc = say_where(&l, o.key, &a);
    if (!rc)
        rc = front_run(&o, l.fd, l.count);
    else
        cli_allowed_free(&o.list);
    mem_wipe(&key, sizeof key);
    nn_prepared_free(ready);
    code = rc ? cli_fail("serve", rc) : EXIT_OK;
    return cli_close_stdout(code);
}
