// SPDX-License-Identifier: ISC
/* The protocol of a batch, the two roles facing each other.  docs/PROTOCOL.md has the messages, docs/SECURITY.md the
 * argument. */
#include "nn/exec.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "nn/session.h"

/* ---- flight 0: the client's inputs ---- */

int nn_client_begin(nn_client *c, const uint8_t *pixels, uint32_t count)
{
    nn_session *s = &c->s;
    const nn_plan_layer *a = &s->plan->layer[0];
    const size_t seeds = s->plan->layers * (size_t)PRG_SEED_BYTES;
    uint8_t head[4 + sizeof s->seed], *wire = NULL;
    nn_size z;
    int rc;

    s->batch = count;
    nn_size_layer(&z, s->plan, 0, count, s->ot);
    mem_free(s->share);
    TRY_MEM(s->share = mem_alloc((size_t)a->in * count, sizeof *s->share));
    TRY_MEM(wire = mem_alloc(z.input_chunk, z.ct));
    for (uint32_t e = 0; e < a->in; e++)
        for (uint32_t j = 0; j < count; j++)
            s->share[(size_t)e * count + j] = pixels[(size_t)j * a->in + e];

    /* 0 -> BATCH */
    prg_bytes(s->rng, s->seed, seeds);
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(count >> 8 * i);
    memcpy(head + 4, s->seed, seeds);
    TRY(nn_put(s, CHAN_BATCH, 0, head, nn_size_batch(s->plan)));
    /* 0 -> INPUT ... */
    for (uint32_t first = 0; first < a->in; first += z.input_chunk) {
        const uint32_t n = nn_min(z.input_chunk, a->in - first);
        for (uint32_t e = 0; e < n; e++)
            convert_encrypt(c->sk[0], s->params[0], a->l, s->share + (size_t)(first + e) * count, count, s->seed[0],
                            first + e, wire + e * z.ct, s->rng, s->scratch);
        TRY(nn_put(s, CHAN_INPUT, 0, wire, n * z.ct));
    }
out:
    mem_free(wire);
    return rc;
}

int nn_server_begin(nn_server *v)
{
    nn_session *s = &v->s;
    const nn_plan_layer *a = &s->plan->layer[0];
    uint8_t head[4 + sizeof s->seed], *wire = NULL;
    nn_size z;
    int rc;

    /* 0 <- BATCH */
    TRY(nn_get(s, CHAN_BATCH, 0, head, nn_size_batch(s->plan)));
    s->batch = head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 24;
    memcpy(s->seed, head + 4, s->plan->layers * (size_t)PRG_SEED_BYTES);
    if (s->batch < 1 || s->batch > s->plan->max_batch)
        TRY(err_set(ERR_PEER, "batch: %u images; the plan allows 1 to %u", s->batch, s->plan->max_batch));
    nn_size_layer(&z, s->plan, 0, s->batch, s->ot);
    nn_server_input(v, NULL);
    TRY_MEM(wire = mem_alloc(z.input_chunk, z.ct));
    TRY(convert_inputs_create(&v->in, s->params[0], a->in));
    /* 0 <- INPUT ... */
    for (uint32_t first = 0; first < a->in; first += z.input_chunk) {
        const uint32_t n = nn_min(z.input_chunk, a->in - first);
        TRY(nn_get(s, CHAN_INPUT, 0, wire, n * z.ct));
        for (uint32_t e = 0; e < n; e++)
            TRY(convert_accept(v->in, first + e, a->l, wire + e * z.ct, s->seed[0], first + e, NULL, s->batch,
                               s->scratch));
    }
out:
    mem_free(wire);
    return rc;
}

/* ---- flight 2i + 1: responses ---- */

void nn_server_input(nn_server *v, convert_inputs *in)
{
    convert_inputs_free(v->in);
    v->in = in;
    v->sum_first = v->sum_end = 0;
}

int nn_server_respond(nn_server *v, uint32_t i, uint32_t first, uint32_t n, uint64_t *share, uint8_t *wire)
{
    nn_session *s = &v->s;
    const nn_plan_layer *a = &s->plan->layer[i];
    const ckks_params *p = s->params[i];
    const uint64_t ring = (UINT64_C(1) << nn_k(a)) - 1;
    int rc = 0, before = nn_phase(s, NN_PHASE_LINEAR);

    for (uint32_t e = first; e < first + n && !rc; e++) {
        if (e == v->sum_end) {
            v->sum_first = e;
            v->sum_end = e + nn_min(NN_WEIGH, a->out - e);
            if ((rc = convert_weigh(v->m->weights[i], v->in, e, v->sum_end - e, v->sum)))
                break;
        }
        convert_respond(v->pk[i], p, nn_k(a), v->sum + (e - v->sum_first) * convert_ct_words(p), s->batch, wire, share,
                        s->rng, s->scratch);
        const uint64_t bias = (uint64_t)v->m->bias[i][e] << a->g;
        for (uint32_t j = 0; j < s->batch; j++)
            share[j] = (share[j] + bias) & ring;
        share += s->batch;
        wire += convert_response_bytes(p, nn_k(a), s->batch);
    }
    nn_phase(s, before);
    return rc;
}

int nn_client_unmask(nn_client *c, uint32_t i, uint32_t n, const uint8_t *wire, uint64_t *share)
{
    nn_session *s = &c->s;
    const unsigned k = nn_k(&s->plan->layer[i]);
    int rc = 0, before = nn_phase(s, NN_PHASE_LINEAR);

    for (uint32_t e = 0; e < n && !rc; e++)
        rc = convert_open(c->sk[i], s->params[i], k, share + (size_t)e * s->batch,
                          wire + e * convert_response_bytes(s->params[i], k, s->batch), s->batch, s->scratch);
    nn_phase(s, before);
    return rc;
}

/* ---- a hidden layer: weights, truncation, ReLU, in chunks of output elements, flights 2i + 1 and 2i + 2 ---- */

/** hidden_bufs: one allocation a buffer for a whole layer; a server has a set of labels and shares for each chunk under
 * way. */
typedef struct {
    nn_size z;
    uint64_t *v[NN_WINDOW];
    block *labels[NN_WINDOW];
    uint8_t *wire, *aux, *choices;
} hidden_bufs;

static void hidden_free(hidden_bufs *b)
{
    mem_free(b->wire);
    mem_free(b->aux);
    for (int i = 0; i < NN_WINDOW; i++) {
        mem_free(b->v[i]);
        mem_free(b->labels[i]);
    }
}

static int hidden_alloc(hidden_bufs *b, const nn_session *s, uint32_t i, int server)
{
    nn_size *z = &b->z;
    int rc = 0;

    memset(b, 0, sizeof *b);
    nn_size_layer(z, s->plan, i, s->batch, s->ot);
    const size_t rows = z->u > z->rows ? z->u : z->rows;
    TRY_MEM(b->wire = mem_alloc(z->chunk, z->response > z->next ? z->response : z->next));
    TRY_MEM(b->aux = mem_alloc(1, rows + z->wires * gc_stride(z->lanes) / 8));
    b->choices = b->aux + rows;
    for (uint32_t j = 0; j < (server ? z->window : 1); j++) {
        TRY_MEM(b->v[j] = mem_alloc(z->lanes, sizeof **b->v));
        TRY_MEM(b->labels[j] = mem_alloc(convert_labels(z->wires, z->lanes), sizeof **b->labels));
    }
out:
    return rc;
}

/** server_ask: flight 2i + 1: responses for a chunk, and the OT message for the bits of the server's share, which it
 * chose itself. */
static int server_ask(nn_server *v, uint32_t i, hidden_bufs *b, uint32_t at)
{
    nn_session *s = &v->s;
    const nn_plan_layer *a = &s->plan->layer[i];
    const uint32_t first = at * b->z.chunk, n = nn_min(b->z.chunk, a->out - first), slot = at % b->z.window;
    const size_t lanes = (size_t)n * s->batch;
    int rc;

    /* 2i + 1 -> RESPONSE */
    TRY(nn_server_respond(v, i, first, n, b->v[slot], b->wire));
    TRY(nn_put(s, CHAN_RESPONSE, nn_flight_response(i), b->wire, n * b->z.response));
    /* 2i + 1 -> OT_U */
    nn_phase(s, NN_PHASE_OT);
    convert_truncate(b->v[slot], lanes, nn_drop(a));
    convert_choices(b->choices, b->v[slot], lanes, nn_n(a));
    TRY(convert_ask(&v->gc, b->choices, nn_n(a), lanes, b->labels[slot], b->aux));
    TRY(nn_put(s, CHAN_OT_U, nn_flight_response(i), b->aux, nn_size_u(s->plan, i, lanes, s->ot)));
out:
    return rc;
}

/** server_take: flight 2i + 2: evaluates a chunk's ReLUs and adds the outcome to the client's encrypted share. */
static int server_take(nn_server *v, uint32_t i, hidden_bufs *b, uint32_t at, convert_inputs *next)
{
    nn_session *s = &v->s;
    const nn_plan_layer *a = &s->plan->layer[i], *to = a + 1;
    const uint32_t first = at * b->z.chunk, n = nn_min(b->z.chunk, a->out - first), slot = at % b->z.window;
    const size_t lanes = (size_t)n * s->batch;
    uint64_t *share = s->share + (size_t)first * s->batch;
    int rc;

    /* 2i + 2 <- TABLES */
    TRY(nn_get(s, CHAN_TABLES, nn_flight_tables(i), b->aux, nn_size_rows(s->plan, i, lanes)));
    nn_phase(s, NN_PHASE_GC);
    TRY(convert_relu_eval(&v->gc, nn_n(a), to->l, lanes, b->labels[slot], b->v[slot], b->aux, share));
    /* 2i + 2 <- SHARE */
    TRY(nn_get(s, CHAN_SHARE, nn_flight_tables(i), b->wire, n * b->z.next));
    nn_phase(s, NN_PHASE_LINEAR);
    for (uint32_t e = 0; e < n; e++)
        TRY(convert_accept(next, first + e, to->l, b->wire + e * b->z.next, s->seed[i + 1], first + e,
                           share + (size_t)e * s->batch, s->batch, s->scratch));
out:
    return rc;
}

int nn_server_hidden(nn_server *v, uint32_t i)
{
    nn_session *s = &v->s;
    const nn_plan_layer *a = &s->plan->layer[i];
    hidden_bufs b;
    convert_inputs *next = NULL;
    int rc;

    TRY(hidden_alloc(&b, s, i, 1));
    mem_free(s->share);
    TRY_MEM(s->share = mem_alloc((size_t)a->out * s->batch, sizeof *s->share));
    TRY(convert_inputs_create(&next, s->params[i + 1], a->out));
    for (uint32_t at = 0; at < b.z.chunks + b.z.window; at++) {
        if (at >= b.z.window && at - b.z.window < b.z.chunks)
            TRY(server_take(v, i, &b, at - b.z.window, next));
        if (at < b.z.chunks)
            TRY(server_ask(v, i, &b, at));
    }
    nn_server_input(v, next);
    next = NULL;
out:
    convert_inputs_free(next);
    hidden_free(&b);
    return rc;
}

/** client_chunk: flights 2i + 1 and 2i + 2 of output elements [first, first + n). */
static int client_chunk(nn_client *c, uint32_t i, hidden_bufs *b, uint32_t first, uint32_t n)
{
    nn_session *s = &c->s;
    const nn_plan_layer *a = &s->plan->layer[i], *to = a + 1;
    const size_t lanes = (size_t)n * s->batch;
    uint64_t *share = s->share + (size_t)first * s->batch;
    int rc;

    /* 2i + 1 <- RESPONSE */
    TRY(nn_get(s, CHAN_RESPONSE, nn_flight_response(i), b->wire, n * b->z.response));
    TRY(nn_client_unmask(c, i, n, b->wire, b->v[0]));
    convert_truncate(b->v[0], lanes, nn_drop(a));
    /* 2i + 1 <- OT_U */
    TRY(nn_get(s, CHAN_OT_U, nn_flight_response(i), b->aux, nn_size_u(s->plan, i, lanes, s->ot)));
    nn_phase(s, NN_PHASE_OT);
    TRY(ot_ext_send(c->gc.ot, b->labels[0], b->aux, nn_n(a) * gc_stride(lanes)));
    /* 2i + 2 -> TABLES */
    nn_phase(s, NN_PHASE_GC);
    TRY(gc_relu_garble(&c->gc.gc, nn_n(a), to->l, lanes, b->labels[0], b->v[0], b->aux, share));
    TRY(nn_put(s, CHAN_TABLES, nn_flight_tables(i), b->aux, nn_size_rows(s->plan, i, lanes)));
    /* 2i + 2 -> SHARE */
    nn_phase(s, NN_PHASE_LINEAR);
    for (uint32_t e = 0; e < n; e++)
        convert_encrypt(c->sk[i + 1], s->params[i + 1], to->l, share + (size_t)e * s->batch, s->batch, s->seed[i + 1],
                        first + e, b->wire + e * b->z.next, s->rng, s->scratch);
    TRY(nn_put(s, CHAN_SHARE, nn_flight_tables(i), b->wire, n * b->z.next));
out:
    return rc;
}

int nn_client_hidden(nn_client *c, uint32_t i)
{
    nn_session *s = &c->s;
    const nn_plan_layer *a = &s->plan->layer[i];
    hidden_bufs b;
    int rc;

    TRY(hidden_alloc(&b, s, i, 0));
    mem_free(s->share);
    TRY_MEM(s->share = mem_alloc((size_t)a->out * s->batch, sizeof *s->share));
    for (uint32_t first = 0; first < a->out; first += b.z.chunk) {
        const uint32_t n = nn_min(b.z.chunk, a->out - first);
        TRY(client_chunk(c, i, &b, first, n));
        c->done += n;
        if (c->progress)
            c->progress(c->progress_arg, (double)c->done / (double)c->total);
    }
out:
    hidden_free(&b);
    return rc;
}

/* ---- sessions ---- */

/** give_up: the peer is told the code and nothing else (what this party knows may be in the text), which survives the
 * telling. */
static int give_up(chan *ch, int rc)
{
    char why[256];
    snprintf(why, sizeof why, "%s", rc == ERR_MEM ? "out of memory" : err_text());
    chan_fail(ch, rc);
    return err_set(rc, "%s", why);
}

static int serve_batch(nn_server *v)
{
    int rc = nn_server_begin(v);
    for (uint32_t i = 0; i + 1 < v->s.plan->layers && !rc; i++)
        rc = nn_server_hidden(v, i);
    if (!rc)
        rc = nn_server_last(v);
    if (!rc)
        nn_batch_end(&v->s);
    return rc;
}

int nn_serve(chan *ch, const nn_prepared *m, const nn_serve_options *o, prg *rng, nn_stats *stats)
{
    nn_server *v = mem_alloc(1, sizeof *v);
    unsigned kind = CHAN_BYE;
    int rc = ERR_MEM;

    memset(stats, 0, sizeof *stats);
    if (!v)
        return err_set(ERR_MEM, "out of memory");
    rc = nn_server_open(v, ch, m, o, rng);
    while (!rc) {
        nn_phase(&v->s, NN_PHASE_WAIT);
        if ((rc = chan_peek(ch, &kind)))
            break;
        if (kind == CHAN_BYE) {
            rc = chan_recv(ch, CHAN_BYE, 0, NULL, 0);
            break;
        }
        rc = serve_batch(v);
    }
    if (rc)
        rc = give_up(ch, rc);
    nn_server_close(v);
    *stats = v->s.stats;
    mem_free(v);
    return rc;
}

int nn_client_open(nn_client **out, chan *ch, unsigned ot, prg *rng)
{
    nn_client *c = mem_alloc(1, sizeof *c);

    *out = NULL;
    if (!c)
        return err_set(ERR_MEM, "out of memory");
    int rc = nn_client_setup(c, ch, ot, rng);
    if (rc) {
        rc = give_up(ch, rc);
        nn_client_teardown(c);
        mem_free(c);
        return rc;
    }
    nn_phase(&c->s, NN_PHASE_WAIT);
    *out = c;
    return 0;
}

const nn_plan *nn_client_plan(const nn_client *c) { return c->s.plan; }
unsigned nn_client_ot(const nn_client *c) { return c->s.ot; }

int nn_client_infer(nn_client *c, const uint8_t *pixels, uint32_t count, int32_t *labels,
                    void (*progress)(void *, double), void *arg)
{
    nn_session *s = &c->s;

    if (c->dead)
        return err_set(ERR_ARG, "the session failed before");
    if (count < 1 || count > s->plan->max_batch)
        return err_set(ERR_ARG, "batch: %u images; the plan allows 1 to %u", count, s->plan->max_batch);
    c->progress = progress;
    c->progress_arg = arg;
    c->done = c->total = 0;
    for (uint32_t i = 0; i < s->plan->layers; i++)
        c->total += s->plan->layer[i].out;
    nn_phase(s, NN_PHASE_LINEAR);
    int rc = nn_client_begin(c, pixels, count);
    for (uint32_t i = 0; i + 1 < s->plan->layers && !rc; i++)
        rc = nn_client_hidden(c, i);
    if (!rc)
        rc = nn_client_last(c, labels);
    if (!rc)
        nn_batch_end(s);
    nn_phase(s, NN_PHASE_WAIT);
    if (rc) {
        for (uint32_t i = 0; i < count; i++)
            labels[i] = NN_NO_LABEL;
        rc = give_up(s->ch, rc);
        c->dead = 1;
    } else if (progress) {
        progress(arg, 1.0);
    }
    return rc;
}

void nn_client_close(nn_client *c)
{
    if (!c)
        return;
    if (!c->dead && !chan_send(c->s.ch, CHAN_BYE, 0, NULL, 0))
        (void)!chan_flush(c->s.ch);
    nn_client_teardown(c);
    mem_free(c);
}

void nn_client_stats(const nn_client *c, nn_stats *out) { *out = c->s.stats; }
