// SPDX-License-Identifier: ISC
#include "nn/session.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int nn_phase(nn_session *s, int phase)
{
    int before = s->phase;
    double t = now();
    s->stats.seconds[before] += t - s->since;
    s->since = t;
    s->phase = phase;
    return before;
}

static size_t piece(size_t left) { return left < NN_PIECE ? left : NN_PIECE; }

int nn_put(nn_session *s, unsigned kind, unsigned flight, const void *data, size_t len)
{
    const int before = nn_phase(s, NN_PHASE_WAIT);
    s->flight_seen[flight / 64 % 4] |= UINT64_C(1) << flight % 64;
    int rc = chan_send(s->ch, kind, flight, data, piece(len));
    for (size_t at = NN_PIECE; at < len && !rc; at += NN_PIECE)
        rc = chan_send(s->ch, kind, flight, (const uint8_t *)data + at, piece(len - at));
    nn_phase(s, before);
    return rc;
}

int nn_get(nn_session *s, unsigned kind, unsigned flight, void *data, size_t len)
{
    const int before = nn_phase(s, NN_PHASE_WAIT);
    s->flight_seen[flight / 64 % 4] |= UINT64_C(1) << flight % 64;
    int rc = chan_recv(s->ch, kind, flight, data, piece(len));
    for (size_t at = NN_PIECE; at < len && !rc; at += NN_PIECE)
        rc = chan_recv(s->ch, kind, flight, (uint8_t *)data + at, piece(len - at));
    nn_phase(s, before);
    return rc;
}

void nn_batch_end(nn_session *s)
{
    uint32_t flights = 0;
    for (int i = 0; i < 4; i++)
        flights += (uint32_t)__builtin_popcountll(s->flight_seen[i]);
    if (flights > s->stats.flights)
        s->stats.flights = flights;
    s->stats.images += s->batch;
    s->stats.batches++;
    memset(s->flight_seen, 0, sizeof s->flight_seen);
    mem_free(s->share);
    s->share = NULL;
}

void nn_session_start(nn_session *s, chan *ch, prg *rng)
{
    memset(s, 0, sizeof *s);
    s->ch = ch;
    s->rng = rng;
    s->phase = NN_PHASE_SETUP;
    s->since = now();
}

int nn_session_common(nn_session *s, const nn_common *m)
{
    s->plan = &m->plan;
    s->params = m->params;
    s->argmax = m->argmax;
    s->scratch = mem_alloc(m->scratch_words, sizeof *s->scratch);
    return s->scratch ? 0 : err_set(ERR_MEM, "out of memory for a session's scratch");
}

void nn_session_free(nn_session *s)
{
    mem_free(s->scratch);
    mem_free(s->share);
    s->scratch = s->share = NULL;
}
