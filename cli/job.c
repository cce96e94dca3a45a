// SPDX-License-Identifier: ISC
#include "cli/job.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/prg.h"
#include "cli/cli.h"

/* Seconds before a new try; they double up to LONGEST_WAIT, and up to half of them is left to chance. */
#define FIRST_WAIT 0.05
#define LONGEST_WAIT 2.0

enum { UNASKED = 0, DONE = 1, TAKEN = 2 };

typedef struct {
    cli_job *job;
    pthread_mutex_t lock; /* all of what follows, and of the job what came out */
    pthread_cond_t given; /* images were given back, or the job ended */
    double begin;
    int rc, over;         /* the job's end; over: nobody starts anything */
    char text[256];
    uint32_t at_work;     /* servers whose thread has not given up */
    nn_plan plan;         /* of the first server that told one */
    int planned;
} shared;

typedef struct {
    shared *all;
    const char *address;
    chan *ch;             /* of the session under way, NULL: none */
    nn_client *client;
    prg rng;
    int reached;          /* a session was open once */
    double alive;         /* when the last batch was done, or the thread began */
    double wait;
    uint32_t taken;
} worker;

static int again(int rc) { return rc == ERR_NET || rc == ERR_BUSY || rc == ERR_LIMIT; }

/** end: the job ends with rc, whose text is this thread's.   In: the lock is held. */
static void end(shared *s, int rc)
{
    if (!s->over) {
        s->rc = rc;
        snprintf(s->text, sizeof s->text, "%s", err_text());
    }
    s->over = 1;
    pthread_cond_broadcast(&s->given);
}

/** take: the next run of images that nobody has, at most `most`; 0: none is left, or the job is over.  Waits while
 * others may give some back. */
static uint32_t take(shared *s, uint32_t most, uint32_t *at)
{
    cli_job *job = s->job;
    uint32_t n = 0;
    pthread_mutex_lock(&s->lock);
    while (!s->over && job->done < job->count) {
        for (*at = 0; *at < job->count && job->state[*at] != UNASKED; ++*at)
            ;
        for (n = 0; n < most && *at + n < job->count && job->state[*at + n] == UNASKED; n++)
            job->state[*at + n] = TAKEN;
        if (n)
            break;
        pthread_cond_wait(&s->given, &s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return n;
}

static void give_back(shared *s, uint32_t at, uint32_t n)
{
    pthread_mutex_lock(&s->lock);
    memset(s->job->state + at, UNASKED, n);
    pthread_cond_broadcast(&s->given);
    pthread_mutex_unlock(&s->lock);
}

/** show: what is done and was not shown, in order.   In: the lock is held. */
static int show(cli_job *job)
{
    for (; job->shown < job->count && job->state[job->shown] == DONE; job->shown++)
        if (job->show)
            job->show(job->shown, job->predicted[job->shown]);
    return cli_flush();
}

static void finish(shared *s, uint32_t at, uint32_t n)
{
    cli_job *job = s->job;
    pthread_mutex_lock(&s->lock);
    memset(job->state + at, DONE, n);
    job->done += n;
    job->seconds = cli_now() - s->begin;
    int rc = job->journal ? cli_journal_add(job->journal, job->predicted, at, n) : 0;
    const int shown = show(job);
    if (rc || (rc = shown) || job->done == job->count)
        end(s, rc);
    pthread_mutex_unlock(&s->lock);
}

static void on_progress(void *arg, double fraction)
{
    worker *w = arg;
    shared *s = w->all;
    pthread_mutex_lock(&s->lock);
    cli_bar("private inference", (s->job->done + (fraction < 1 ? fraction * w->taken : 0)) / s->job->count);
    pthread_mutex_unlock(&s->lock);
}

/* ---- sessions ---- */

/** fits: whether an image of the job is what the plan takes. */
static int fits(const cli_job *job, const nn_plan *p)
{
    const uint32_t due[3] = {p->channels, p->height, p->width};
    char shape[64] = "";
    uint32_t skip = 0; /* leading ones that the file may leave out */
    while (skip < 2 && due[skip] == 1 && job->dims < 3 - skip)
        skip++;
    int same = job->dims == 3 - skip;
    for (uint32_t d = 0; d < job->dims; d++) {
        same &= d + skip < 3 && job->dim[d] == due[d + skip];
        snprintf(shape + strlen(shape), sizeof shape - strlen(shape), d ? " x %u" : "%u", job->dim[d]);
    }
    const int flat = job->dims <= 1 || (due[0] == 1 && due[1] == 1); /* at either end: no order of axes to get wrong */
    if (same || (flat && job->size == p->layer[0].in))
        return 0;
    return err_set(ERR_DATA, "an image is %s; the network takes %u x %u x %u (channels, height, width)", shape, due[0],
                   due[1], due[2]);
}

/** agree: the server's plan is what the images, the other servers, the reference and the journal want. */
static int agree(shared *s, const nn_plan *p, const uint8_t key[32])
{
    cli_job *job = s->job;
    int rc = fits(job, p);
    if (!rc && job->batch > p->max_batch)
        rc = err_set(ERR_ARG, "--batch %u: the plan allows at most %u images a batch", job->batch, p->max_batch);
    if (!rc && job->reference && !nn_plan_equal(&job->reference->plan, p))
        rc = err_set(ERR_DATA,
                     "--reference: this model's plan is not the server's (--wbits and --abits as it has them?)");
    const uint32_t classes = p->layer[p->layers - 1].out;
    for (uint32_t i = 0; i < job->count && job->labels && !rc; i++)
        if (job->labels[i] >= classes)
            rc = err_set(ERR_DATA, "--labels: number %u is %u; the network has %u classes, from 0 on", i,
                         job->labels[i], classes);
    pthread_mutex_lock(&s->lock);
    if (!rc && s->planned && !nn_plan_equal(&s->plan, p))
        rc = err_set(ERR_DATA, "the servers do not have the same model: their plans differ");
    if (!rc && !s->planned && job->journal)
        rc = cli_journal_plan(job->journal, p);
    if (!rc && job->journal)
        rc = cli_journal_server(job->journal, key);
    if (!rc && !s->planned) {
        s->plan = *p;
        s->planned = 1;
    }
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static void close_session(worker *w)
{
    shared *s = w->all;
    cli_job *job = s->job;
    nn_stats n = {0};
    chan_stats t = {0};

    if (w->client)
        nn_client_stats(w->client, &n);
    nn_client_close(w->client);
    if (w->ch)
        chan_get_stats(w->ch, &t);
    chan_free(w->ch);
    prg_wipe(&w->rng);
    w->client = NULL;
    w->ch = NULL;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < sizeof n.seconds / sizeof *n.seconds; i++)
        job->stats.seconds[i] += n.seconds[i];
    job->stats.images += n.images;
    job->stats.batches += n.batches;
    job->stats.flights = n.flights > job->stats.flights ? n.flights : job->stats.flights;
    job->unreadable += n.unreadable;
    job->traffic.bytes_sent += t.bytes_sent;
    job->traffic.bytes_received += t.bytes_received;
    job->traffic.messages_sent += t.messages_sent;
    job->traffic.messages_received += t.messages_received;
    pthread_mutex_unlock(&s->lock);
}

/** open_session: everything of a session is fresh: keys, seeds, Delta. */
static int open_session(worker *w)
{
    shared *s = w->all;
    cli_job *job = s->job;
    const double begin = cli_now();
    uint8_t key[32];
    int rc = prg_init_random(&w->rng);
    if (!rc)
        rc = cli_connect(&w->ch, key, &job->trust, w->address);
    if (!rc) {
        chan_stats t;
        rc = nn_client_open(&w->client, w->ch, job->ot, &w->rng);
        chan_get_stats(w->ch, &t);
        if (rc == ERR_NET && job->trust.plaintext && !t.bytes_received)
            rc = err_set(rc, "%s (if the server does encrypt, leave out --insecure-plaintext)", err_text());
    }
    if (!rc)
        rc = agree(s, nn_client_plan(w->client), key);
    if (rc)
        return rc;
    w->reached = 1;
    pthread_mutex_lock(&s->lock);
    if (!job->sessions++)
        job->setup_seconds = cli_now() - begin;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

/** one_batch: a batch in the session under way, after opening one if there is none; *idle: there was nothing to do. */
static int one_batch(worker *w, int *idle)
{
    shared *s = w->all;
    cli_job *job = s->job;
    uint32_t at = 0;
    int rc = w->client ? 0 : open_session(w);

    *idle = 0;
    if (rc)
        return rc;
    const uint32_t share = (job->count + job->server_count - 1) / job->server_count,
                   most = nn_client_plan(w->client)->max_batch;
    const double begin = cli_now();
    w->taken = take(s, job->batch ? job->batch : share < most ? share : most, &at);
    w->alive += cli_now() - begin; /* waiting for others is nobody's fault */
    if (!w->taken) {
        *idle = 1;
        return 0;
    }
    rc = nn_client_infer(w->client, job->pixels + (size_t)at * job->size, w->taken, job->predicted + at,
                         job->progress ? on_progress : NULL, w);
    if (rc) {
        give_back(s, at, w->taken);
        return rc;
    }
    w->alive = cli_now();
    w->wait = FIRST_WAIT;
    finish(s, at, w->taken);
    return 0;
}

/** wait_again: whether there is time for another try, and waits for its turn. */
static int wait_again(worker *w)
{
    shared *s = w->all;
    const double left = w->alive + s->job->retry - cli_now();
    uint32_t chance = 0;
    struct timespec until;

    if (left <= 0 || cli_stop)
        return 0;
    if (prg_entropy(&chance, sizeof chance))
        chance = 0; /* not for secrecy: only so that clients do not come back together */
    double wait = w->wait * (0.5 + chance / 8589934592.0);
    wait = wait < left ? wait : left;
    w->wait = w->wait < LONGEST_WAIT / 2 ? 2 * w->wait : LONGEST_WAIT;
    clock_gettime(CLOCK_REALTIME, &until);
    const double to = (double)until.tv_nsec * 1e-9 + wait;
    until.tv_sec += (time_t)to;
    until.tv_nsec = (long)((to - (double)(time_t)to) * 1e9);

    pthread_mutex_lock(&s->lock);
    s->job->retries++;
    fprintf(stderr, "tacit infer: %s; trying again in %.1f s (for another %.0f s)\n", err_text(), wait, left);
    while (!s->over && s->job->done < s->job->count && !cli_stop &&
           pthread_cond_timedwait(&s->given, &s->lock, &until) != ETIMEDOUT)
        ;
    const int go_on = !s->over && !cli_stop;
    pthread_mutex_unlock(&s->lock);
    return go_on;
}

/** blame: rc, its text with the server that it is about. */
static int blame(const worker *w, int rc)
{
    const int about = again(rc) || rc == ERR_PEER || rc == ERR_DENIED,
              named = !strncmp(err_text(), w->address, strlen(w->address));
    if (about && !named)
        err_set(rc, "%s: %s", w->address, err_text());
    if (rc == ERR_DENIED && !w->all->job->trust.own)
        err_set(rc, "%s (no key was given: --key FILE)", err_text());
    return rc;
}

static void *work(void *arg)
{
    worker *w = arg;
    shared *s = w->all;
    int rc = 0, idle = 0;

    w->alive = cli_now();
    w->wait = FIRST_WAIT;
    do {
        rc = blame(w, one_batch(w, &idle));
        if (rc || idle)
            close_session(w);
    } while (!idle && (!rc || (again(rc) && (w->reached || rc == ERR_BUSY || s->job->eager) && wait_again(w))));
    pthread_mutex_lock(&s->lock);
    if (!--s->at_work || !(idle || again(rc))) /* nobody is left, or what no other server mends */
        end(s, s->job->done == s->job->count ? 0 : rc);
    else if (!idle) /* the job may end well without it, but not in silence */
        fprintf(stderr, "tacit infer: given up: %s; the other servers go on\n", err_text());
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

int cli_job_run(cli_job *job)
{
    shared *s = mem_alloc(1, sizeof *s);
    worker w[CLI_SERVERS_MAX] = {0};
    pthread_t thread[CLI_SERVERS_MAX];
    uint32_t started = 0;

    if (!s)
        return err_set(ERR_MEM, "out of memory");
    s->job = job;
    s->begin = cli_now();
    s->at_work = job->server_count;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->given, NULL);
    pthread_mutex_lock(&s->lock);
    for (uint32_t i = 0; i < job->count; i++)
        job->done += job->state[i] == DONE;
    job->before = job->done;
    int rc = show(job);
    if (rc || job->done == job->count)
        end(s, rc);
    pthread_mutex_unlock(&s->lock);
    for (uint32_t i = 0; i < job->server_count; i++, started++) {
        pthread_mutex_lock(&s->lock);
        const int over = s->over;
        pthread_mutex_unlock(&s->lock);
        if (over)
            break;
        w[i] = (worker){.all = s, .address = job->servers[i]};
        if (i + 1 < job->server_count && pthread_create(&thread[i], NULL, work, &w[i])) {
            pthread_mutex_lock(&s->lock);
            end(s, err_set(ERR_MEM, "no thread could be started"));
            pthread_mutex_unlock(&s->lock);
            break;
        }
        if (i + 1 == job->server_count)
            work(&w[i]); /* the last one is this thread's */
    }
    for (uint32_t i = 0; i < started && i + 1 < job->server_count; i++)
        pthread_join(thread[i], NULL);
    if (job->progress)
        cli_bar_end();
    rc = s->rc ? err_set(s->rc, "%s", s->text) : 0;
    if (!rc && job->unreadable) /* after the goodbye: nothing that is sent may depend on what was decoded */
        rc = err_set(ERR_PEER, "output: the server's answer is no label for %llu images",
                     (unsigned long long)job->unreadable);
    pthread_cond_destroy(&s->given);
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
    return rc;
}
