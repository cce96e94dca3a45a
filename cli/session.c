// SPDX-License-Identifier: ISC
#include "cli/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/prg.h"
#include "cli/cli.h"

static volatile int draining;

static void on_drain(int sig)
{
    (void)sig;
    draining = 1;
}

static void on_stop(int sig)
{
    (void)sig;
    cli_stop = 1;
}

static void take_signals(void)
{
    static const int ignored[] = {SIGINT, SIGHUP, SIGPIPE}; /* the terminal's go to all processes: the parent decides */
    struct sigaction act = {.sa_handler = SIG_IGN};
    sigset_t none;
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        sigaction(ignored[i], &act, NULL);
    act.sa_handler = on_drain;
    sigaction(SIGUSR1, &act, NULL);
    act.sa_handler = on_stop;
    sigaction(SIGTERM, &act, NULL);
    act.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &act, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
}

static void close_range_of(unsigned first, unsigned last)
{
    if (first > last)
        return;
#ifdef SYS_close_range
    if (!syscall(SYS_close_range, first, last, 0))
        return;
#endif
    for (unsigned fd = first; fd <= last && fd < 65536; fd++)
        close((int)fd);
}

/** keep_only: closes all descriptors from 3 on but a and b; what is printed by mistake goes nowhere. */
static void keep_only(int a, int b)
{
    const unsigned low = (unsigned)(a < b ? a : b), high = (unsigned)(a < b ? b : a);
    close_range_of(3, low - 1);
    close_range_of(low + 1, high - 1);
    close_range_of(high + 1, ~0u);
    const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere >= 0) {
        dup2(nowhere, STDIN_FILENO);
        dup2(nowhere, STDOUT_FILENO);
        close(nowhere);
    }
}

/** admit: asks the parent for a slot; it answers at once, or is dead. */
static int admit(void *arg)
{
    const int control = *(const int *)arg;
    const uint8_t ask = SESSION_ASK;
    uint8_t answer = 0;
    ssize_t n = send(control, &ask, 1, MSG_NOSIGNAL);
    while (n == 1 && (n = recv(control, &answer, 1, 0)) < 0 && errno == EINTR && !cli_stop)
        n = 1;
    if (n != 1)
        return err_set(ERR_INTERRUPTED, "the server ends");
    return answer == SESSION_GRANTED ? 0 : err_set(ERR_BUSY, "no slot is free");
}

static int run(const session_options *o, int fd, int *control, noise_result *keys, session_report *r)
{
    const nn_serve_options options = {.ot = o->ot, .admit = admit, .arg = control};
    chan *ch;
    prg rng;
    int rc = chan_open(&ch, fd);
    if (rc)
        return rc;
    chan_set_stop(ch, &cli_stop);
    chan_set_drain(ch, &draining);
    chan_set_limits(ch, &o->limits);
    if (keys) {
        rc = chan_secure(ch, keys);
        mem_wipe(keys, sizeof *keys); /* what re-keying leaves behind is gone, then */
    }
    if (!rc && !(rc = prg_init_random(&rng))) { /* fresh for every session */
        rc = nn_serve(ch, o->model, &options, &rng, &r->stats);
        prg_wipe(&rng);
    }
    chan_get_stats(ch, &r->traffic);
    chan_free(ch);
    return rc;
}

void session_child(const session_options *o, int fd, int control, noise_result *keys, const char *from)
{
    session_report r = {0};
    take_signals();
    keep_only(fd, control);
    const int rc = run(o, fd, &control, keys, &r);
    if (rc && !o->quiet) {
        char line[512];
        const int n = snprintf(line, sizeof line, "%s: %s\n", from, err_text());
        (void)!write(STDERR_FILENO, line, n < (int)sizeof line ? (size_t)n : sizeof line - 1);
    }
    r.code = rc;
    r.peak_rss = cli_peak_rss();
    (void)!send(control, &r, sizeof r, MSG_NOSIGNAL);
    _exit(rc ? EXIT_FAILED : EXIT_OK);
}
