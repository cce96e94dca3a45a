// SPDX-License-Identifier: ISC
#include "cli/front.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/metrics.h"
#include "net/tcp.h"

#define METRICS_S 5       /* between two writings of the file */
#define KILL_S 2          /* from SIGTERM to SIGKILL for a child */
#define ACCEPTS 64        /* connections taken before other events have their turn */
#define NOTES 10          /* lines a second about connections that came to nothing */
#define ASKING_S 15       /* a child's own limits end it sooner, if it still keeps to them */

/** half: a connection in the handshake. */
typedef struct {
    int fd; /* -1: free */
    uint32_t older, newer;
    double until;
    size_t have;
    uint8_t in[NOISE_MAX];
    char from[TCP_ADDRESS_MAX];
    noise_handshake h;
} half;

/** kid: a session's process. */
typedef struct {
    pid_t pid; /* 0: free */
    int control, keyed, reported;
    enum { ASKING, ADMITTED, REFUSED } state;
    double since;
    uint8_t peer[32];
    char from[TCP_ADDRESS_MAX];
    session_report report;
} kid;

enum watched { LISTENER, SIGNALS, HALF, KID };

typedef struct {
    front_options *o;
    int epoll, signals, listener[TCP_LISTENERS];
    unsigned listeners;
    half *halves; /* [FRONT_HALF_OPEN] and the list's head, whose `newer` is the oldest and `older` the newest; free
                     ones follow `newer` from `free` */
    uint32_t free;
    kid *kids;
    uint32_t kid_count;
    uint64_t need; /* bytes of a session */
    prg rng;
    metrics m;
    int ending; /* 1: no new sessions; 2: SIGTERM was sent to all; 3: SIGKILL */
    double deadline, next_metrics;
    unsigned notes, hidden;
    double notes_since;
} front;

/** say: a line for people; counted where it is lost. */
static void vsay(front *f, const char *fmt, va_list args)
{
    char line[512];
    const int n = vsnprintf(line, sizeof line - 1, fmt, args);
    strcpy(line + (n < (int)sizeof line - 2 ? n : (int)sizeof line - 2), "\n");
    f->m.lines_lost += !cli_say(STDERR_FILENO, line);
}

static void __attribute__((format(printf, 2, 3))) say(front *f, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsay(f, fmt, args);
    va_end(args);
}

/** note: a line about a connection that came to nothing; strangers cannot fill the log with them. */
static void __attribute__((format(printf, 2, 3))) note(front *f, const char *fmt, ...)
{
    const double now = cli_now();
    va_list args;
    if (f->o->session.quiet)
        return;
    if (now - f->notes_since >= 1) {
        if (f->hidden)
            say(f, "(%u more lines of this kind)", f->hidden);
        f->notes_since = now;
        f->notes = f->hidden = 0;
    }
    if (f->notes++ >= NOTES) {
        f->hidden++;
        return;
    }
    va_start(args, fmt);
    vsay(f, fmt, args);
    va_end(args);
}

static int watch(front *f, int fd, enum watched what, uint32_t index)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)what << 32 | index};
    return epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &e) ? err_set(ERR_NET, "epoll: %s", strerror(errno)) : 0;
}

/** forget: closes here; a child that was just forked may hold the same description, so closing alone does not end the
 * watch. */
static void forget(front *f, int *fd)
{
    if (*fd < 0)
        return;
    epoll_ctl(f->epoll, EPOLL_CTL_DEL, *fd, NULL);
    close(*fd);
    *fd = -1;
}

/* ---- connections in the handshake ---- */

static void half_free(front *f, uint32_t i)
{
    half *h = &f->halves[i];
    if (h->fd >= 0)
        forget(f, &h->fd);
    f->halves[h->older].newer = h->newer;
    f->halves[h->newer].older = h->older;
    noise_wipe(&h->h);
    h->newer = f->free;
    f->free = i;
    f->m.half_open--;
}

static uint32_t half_oldest(const front *f) { return f->halves[FRONT_HALF_OPEN].newer; }

static void half_crowd_out(front *f)
{
    if (f->m.half_open) {
        f->m.crowded_out++;
        half_free(f, half_oldest(f));
    }
}

static void half_new(front *f, int fd, const char *from)
{
    half *all = f->halves, *head = &all[FRONT_HALF_OPEN];
    if (f->m.half_open == FRONT_HALF_OPEN)
        half_crowd_out(f);
    const uint32_t i = f->free;
    half *h = &all[i];
    f->free = h->newer;
    h->fd = fd;
    h->have = 0;
    h->until = cli_now() + 1e-3 * FRONT_HANDSHAKE_MS;
    snprintf(h->from, sizeof h->from, "%s", from);
    noise_server_start(&h->h, f->o->key, &f->rng);
    h->newer = FRONT_HALF_OPEN;
    h->older = head->older;
    all[h->older].newer = i;
    head->older = i;
    if (++f->m.half_open > f->m.half_open_peak)
        f->m.half_open_peak = f->m.half_open;
    if (watch(f, fd, HALF, i))
        half_free(f, i);
}

/* ---- sessions ---- */

static uint32_t asking(const front *f, uint32_t *oldest)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->kid_count; i++)
        if (f->kids[i].pid && f->kids[i].state != ADMITTED && (!n++ || f->kids[i].since < f->kids[*oldest].since))
            *oldest = i;
    return n;
}

/** kid_read: what a child has said.  Whatever it may not say ends it. */
static void kid_read(front *f, kid *k)
{
    union {
        uint8_t kind;
        session_report report;
        uint8_t room[sizeof(session_report) + 1];
    } in;
    ssize_t n;
    while (k->control >= 0 && (n = recv(k->control, &in, sizeof in.room, MSG_DONTWAIT)) >= 0) {
        if (n == 1 && in.kind == SESSION_ASK && k->state == ASKING) {
            const int room = !f->ending && f->m.active < f->o->sessions && f->m.reserved + f->need <= f->m.memory;
            const uint8_t answer = room ? SESSION_GRANTED : SESSION_BUSY;
            k->state = room ? ADMITTED : REFUSED;
            if (room) {
                f->m.reserved += f->need;
                f->m.started++;
                if (++f->m.active > f->m.active_peak)
                    f->m.active_peak = f->m.active;
                if (f->o->stop_after && f->m.started == f->o->stop_after)
                    f->ending = 1;
            } else
                f->m.busy++;
            (void)!send(k->control, &answer, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        } else if (n == (ssize_t)sizeof in.report && !k->reported) {
            k->reported = 1;
            k->report = in.report;
        } else {
            forget(f, &k->control);
            if (n)
                kill(k->pid, SIGKILL);
        }
    }
    if (k->control >= 0 && errno != EAGAIN && errno != EINTR)
        forget(f, &k->control);
}

static void kid_ended(front *f, kid *k, int status)
{
    kid_read(f, k);
    forget(f, &k->control);
    k->pid = 0;
    if (WIFSIGNALED(status)) {
        k->reported = 0;
        k->report = (session_report){0};
    }
    if (k->state == ADMITTED) {
        const metrics_session s = {.from = k->from,
                                   .peer = k->keyed ? k->peer : NULL,
                                   .seconds = cli_now() - k->since,
                                   .reported = k->reported,
                                   .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                                   .report = &k->report};
        const enum metrics_outcome outcome = metrics_add(&f->m, &s);
        f->m.active--;
        f->m.reserved -= f->need;
        if (!f->o->session.quiet)
            metrics_line(&f->m, &s, outcome, f->o->json);
    } else if (k->state == ASKING) {
        f->m.no_hello++;
        if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
            note(f, "%s: before the session began its process died by signal %d (%s)", k->from, WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    }
}

static void reap(front *f)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (uint32_t i = 0; i < f->kid_count; i++)
            if (f->kids[i].pid == pid)
                kid_ended(f, &f->kids[i], status);
}

static void kid_kill(front *f, kid *k)
{
    int status;
    kill(k->pid, SIGKILL);
    while (waitpid(k->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    kid_ended(f, k, status);
}

/** child: what the parent has and a session must not. */
static void __attribute__((noreturn)) child(front *f, int fd, int control, noise_result *keys, const char *from)
{
    for (uint32_t i = half_oldest(f); i != FRONT_HALF_OPEN; i = f->halves[i].newer)
        noise_wipe(&f->halves[i].h);
    if (f->o->key)
        mem_wipe(f->o->key, sizeof *f->o->key);
    prg_wipe(&f->rng);
    session_child(&f->o->session, fd, control, keys, from);
}

/** start: a process for a connection, which stays the caller's to close. */
static void start(front *f, int fd, noise_result *keys, const char *from)
{
    uint32_t i = 0;
    int pair[2] = {-1, -1};
    if (asking(f, &i) >= FRONT_ASKING) {
        f->m.crowded_out++;
        kid_kill(f, &f->kids[i]);
    }
    for (i = 0; f->kids[i].pid; i++) /* admitted ones are fewer than o->sessions, so one is free */
        continue;
    kid *k = &f->kids[i];
    memset(k, 0, sizeof *k);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        note(f, "%s: no process for it: %s", from, strerror(errno));
        return;
    }
    const pid_t pid = fork();
    if (pid == 0)
        child(f, fd, pair[1], keys, from);
    close(pair[1]);
    k->control = pair[0];
    if (pid < 0 || watch(f, k->control, KID, i)) {
        note(f, "%s: no process for it: %s", from, strerror(errno));
        close(pair[0]);
        if (pid > 0) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
        }
        return;
    }
    k->pid = pid;
    k->since = cli_now();
    k->keyed = keys != NULL;
    if (keys)
        memcpy(k->peer, keys->peer, sizeof k->peer);
    snprintf(k->from, sizeof k->from, "%s", from);
}

/* ---- events ---- */

/** deny: tells a client that it is not on the list.  A fresh socket's buffer takes that little at once. */
static void deny(front *f, half *h, const noise_result *keys)
{
    chan *ch;
    f->m.denied++;
    note(f, "%s: its key is not on the allow-list", h->from);
    epoll_ctl(f->epoll, EPOLL_CTL_DEL, h->fd, NULL);
    if (!chan_open(&ch, h->fd)) {
        if (!chan_secure(ch, keys))
            chan_fail(ch, ERR_DENIED);
        chan_free(ch);
    }
    h->fd = -1;
}

static void half_event(front *f, uint32_t i)
{
    half *h = &f->halves[i];
    uint8_t out[NOISE_MAX];
    int rc = 0;
    while (h->fd >= 0 && !rc) {
        size_t out_len = 0;
        const size_t want = noise_wants(&h->h);
        const ssize_t n = want > h->have ? recv(h->fd, h->in + h->have, want - h->have, 0) : 0;
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0 || (n == 0 && want > h->have)) { /* gone: a port scan, a health check */
            f->m.handshakes_failed += h->have > 0;
            half_free(f, i);
            return;
        }
        h->have += (size_t)n;
        if (h->have < want)
            continue;
        h->have = 0;
        rc = noise_step(&h->h, h->in, out, &out_len);
        if (out_len && send(h->fd, out, out_len, MSG_NOSIGNAL) != (ssize_t)out_len && rc >= 0)
            rc = err_set(ERR_NET, "the connection takes no bytes");
    }
    if (rc < 0) {
        f->m.handshakes_failed++;
        note(f, "%s: %s", h->from, err_text());
    } else if (rc > 0) {
        noise_result keys = *noise_finished(&h->h); /* a child wipes all handshakes, this one too */
        if (f->o->allow && !cli_allowed_has(&f->o->list, keys.peer))
            deny(f, h, &keys);
        else
            start(f, h->fd, &keys, h->from);
        mem_wipe(&keys, sizeof keys);
    }
    half_free(f, i);
}

static int accept_some(front *f, int listener)
{
    for (int i = 0; i < ACCEPTS; i++) {
        char from[TCP_ADDRESS_MAX];
        int fd, rc = tcp_accept_now(listener, &fd, from, sizeof from);
        if (rc == ERR_LIMIT && f->m.half_open) {
            half_crowd_out(f);
            continue;
        }
        if (rc == ERR_LIMIT) {
            note(f, "%s", err_text());
            usleep(10000); /* nothing of ours can be closed for it, and it would wake us at once */
            return 0;
        }
        if (rc)
            return rc < 0 ? rc : 0;
        f->m.connections++;
        if (f->o->key)
            half_new(f, fd, from);
        else {
            start(f, fd, NULL, from);
            close(fd);
        }
    }
    return 0;
}

static void signal_all(front *f, int sig)
{
    for (uint32_t i = 0; i < f->kid_count; i++)
        if (f->kids[i].pid)
            kill(f->kids[i].pid, sig);
}

static void stop(front *f)
{
    const double now = cli_now();
    if (f->ending < 2 && !f->deadline) {
        f->ending = 1;
        f->deadline = now + f->o->drain;
        signal_all(f, SIGUSR1);
        if (!f->o->session.quiet && f->m.active)
            say(f, "stopping: %u sessions have %u s to end; a second signal ends them now", f->m.active, f->o->drain);
    } else
        f->deadline = now;
}

static void reload(front *f)
{
    if (!f->o->allow)
        return;
    if (cli_allowed_load(&f->o->list, f->o->allow))
        say(f, "tacit serve: the list of clients stays as it was: %s", err_text());
    else
        say(f, "%s: read anew, %zu keys", f->o->allow, f->o->list.count);
}

static void signal_event(front *f)
{
    struct signalfd_siginfo s;
    while (read(f->signals, &s, sizeof s) == (ssize_t)sizeof s)
        switch (s.ssi_signo) {
        case SIGCHLD: reap(f); break;
        case SIGHUP: reload(f); break;
        default: stop(f);
        }
}

static int event(front *f, uint64_t what)
{
    const uint32_t i = (uint32_t)what;
    switch ((enum watched)(what >> 32)) {
    case LISTENER: return f->listeners ? accept_some(f, f->listener[i]) : 0;
    case SIGNALS: signal_event(f); return 0;
    case HALF:
        if (f->halves[i].fd >= 0) /* else an earlier event of this round freed it */
            half_event(f, i);
        return 0;
    case KID:
        if (f->kids[i].pid)
            kid_read(f, &f->kids[i]);
        return 0;
    }
    return 0;
}

/* ---- time ---- */

/** expire: what is due by now; returns when the next thing is. */
static double expire(front *f)
{
    const double now = cli_now();
    double next = f->o->metrics ? f->next_metrics : now + 3600;
    uint32_t i = 0;
    while (f->m.half_open && f->halves[half_oldest(f)].until <= now) {
        f->m.timed_out++;
        half_free(f, half_oldest(f));
    }
    if (f->m.half_open && f->halves[half_oldest(f)].until < next)
        next = f->halves[half_oldest(f)].until;
    while (asking(f, &i) && f->kids[i].since + ASKING_S <= now)
        kid_kill(f, &f->kids[i]);
    const double most = 1e-3 * f->o->session.limits.session_ms + KILL_S; /* a child that keeps to it is gone by then */
    for (uint32_t k = 0; k < f->kid_count && f->o->session.limits.session_ms; k++) {
        if (f->kids[k].pid && f->kids[k].since + most <= now)
            kid_kill(f, &f->kids[k]);
        else if (f->kids[k].pid && f->kids[k].since + most < next)
            next = f->kids[k].since + most;
    }
    if (asking(f, &i) && f->kids[i].since + ASKING_S < next)
        next = f->kids[i].since + ASKING_S;
    if (f->deadline && f->deadline <= now) {
        f->ending = f->ending < 2 ? 2 : 3;
        signal_all(f, f->ending == 2 ? SIGTERM : SIGKILL);
        f->deadline = now + KILL_S;
    }
    if (f->deadline && f->deadline < next)
        next = f->deadline;
    if (f->o->metrics && f->next_metrics <= now) {
        f->next_metrics = now + METRICS_S;
        if (metrics_write(&f->m, f->o->metrics))
            note(f, "%s", err_text());
        next = next < f->next_metrics ? next : f->next_metrics;
    }
    return next;
}

static void close_listeners(front *f)
{
    while (f->listeners)
        forget(f, &f->listener[--f->listeners]);
}

static int loop(front *f)
{
    struct epoll_event e[64];
    while (!f->ending || f->m.active) {
        const double wait = expire(f) - cli_now();
        const int n = epoll_wait(f->epoll, e, sizeof e / sizeof *e, wait <= 0 ? 0 : (int)(wait * 1000) + 1);
        if (n < 0 && errno != EINTR)
            return err_set(ERR_NET, "epoll: %s", strerror(errno));
        for (int i = 0; i < n; i++) {
            const int rc = event(f, e[i].data.u64);
            if (rc)
                return rc;
        }
        if (f->ending)
            close_listeners(f);
    }
    return 0;
}

/* ---- begin and end ---- */

/** raise_descriptors: room for the whole table. */
static void raise_descriptors(const front_options *o)
{
    struct rlimit l;
    const rlim_t need = FRONT_HALF_OPEN + FRONT_ASKING + o->sessions + 64;
    if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur >= need)
        return;
    l.rlim_cur = l.rlim_max < need ? l.rlim_max : need;
    if (setrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur < need)
        fprintf(stderr,
                "tacit serve: %" PRIu64 " open files are allowed, %" PRIu64
                " would do (ulimit -n): fewer clients can connect at once\n",
                (uint64_t)l.rlim_cur, (uint64_t)need);
}

static int set_up(front *f, const int *listeners, unsigned count)
{
    sigset_t set;
    int rc = 0;
    raise_descriptors(f->o);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1); /* means something to children, once they have said what */
    sigprocmask(SIG_BLOCK, &set, NULL);
    f->ending = cli_stop; /* what came before */
    sigdelset(&set, SIGUSR1);
    if (!f->halves || !f->kids)
        return err_set(ERR_MEM, "out of memory");
    for (uint32_t i = 0; i <= FRONT_HALF_OPEN; i++) {
        f->halves[i].fd = -1;
        f->halves[i].newer = i == FRONT_HALF_OPEN ? i : i + 1;
    }
    f->halves[FRONT_HALF_OPEN].older = FRONT_HALF_OPEN;
    f->epoll = epoll_create1(EPOLL_CLOEXEC);
    f->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (f->epoll < 0 || f->signals < 0)
        return err_set(ERR_NET, "epoll: %s", strerror(errno));
    for (; !rc && f->listeners < count; f->listeners++)
        rc = watch(f, f->listener[f->listeners] = listeners[f->listeners], LISTENER, f->listeners);
    if (!rc)
        rc = watch(f, f->signals, SIGNALS, 0);
    if (!rc)
        rc = prg_init_random(&f->rng);
    return rc;
}

int front_run(front_options *o, const int *listeners, unsigned count)
{
    const nn_plan *p = nn_prepared_plan(o->session.model);
    front f = {.o = o,
               .epoll = -1,
               .signals = -1,
               .need = nn_server_bytes(p, p->max_batch),
               .m.memory = o->memory};
    f.kid_count = o->sessions + FRONT_ASKING;
    f.halves = mem_alloc(FRONT_HALF_OPEN + 1, sizeof *f.halves);
    f.kids = mem_alloc(f.kid_count, sizeof *f.kids);
    int rc = set_up(&f, listeners, count);
    if (!rc)
        rc = loop(&f);
    close_listeners(&f);
    while (f.m.half_open)
        half_free(&f, half_oldest(&f));
    for (uint32_t i = 0; f.kids && i < f.kid_count; i++)
        if (f.kids[i].pid)
            kid_kill(&f, &f.kids[i]);
    if (o->metrics && !rc)
        rc = metrics_write(&f.m, o->metrics);
    if (f.epoll >= 0)
        close(f.epoll);
    if (f.signals >= 0)
        close(f.signals);
    cli_allowed_free(&o->list);
    prg_wipe(&f.rng);
    mem_free(f.halves);
    mem_free(f.kids);
    return rc;
}
