// SPDX-License-Identifier: ISC
/* The protocol of a batch, the two roles facing each other.  docs/PROTOCOL.md has the messages, docs/SECURITY.md the argument. */
#include "nn/exec.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "nn/session.h"

#define INPUT_CHUNK 64 /* ciphertexts in one CHAN_INPUT */

/* ---- flight 0: the client's inputs ---- */

int nn_client_begin(nn_client *c, const uint8_t *pixels, uint32_t count)
{
    nn_session *s = &c->s;
    const nn_plan_layer *a = &s->plan.layer[0];
    const ckks_params *p = s->params[0];
    const size_t each = ckks_poly_bytes(p);
    uint8_t head[4 + sizeof s->seed];
    int rc = ERR_MEM;

    s->batch = count;
    mem_free(s->share);
    s->share = mem_alloc((size_t)a->in * count, sizeof *s->share);
    uint8_t *wire = mem_alloc(INPUT_CHUNK, each);
    if (!s->share || !wire)
        goto out;
    for (uint32_t e = 0; e < a->in; e++)
        for (uint32_t j = 0; j < count; j++)
            s->share[(size_t)e * count + j] = pixels[(size_t)j * a->in + e];

    const size_t seeds = s->plan.layers * (size_t)PRG_SEED_BYTES;
    prg_bytes(s->rng, s->seed, seeds);
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(count >> 8 * i);
    memcpy(head + 4, s->seed, seeds);
    if ((rc = nn_put(s, CHAN_BATCH, 0, head, 4 + seeds)))
        goto out;
    for (uint32_t first = 0; first < a->in; first += INPUT_CHUNK) {
        uint32_t n = nn_min(INPUT_CHUNK, a->in - first);
        for (uint32_t e = 0; e < n; e++)
            convert_encrypt(c->sk[0], p, a->l, s->share + (size_t)(first + e) * count, count, s->seed[0], first + e, wire + e * each, s->rng,
                            s->scratch);
        if ((rc = nn_put(s, CHAN_INPUT, 0, wire, n * each)))
            goto out;
    }
out:
    mem_free(wire);
    return rc;
}

int nn_server_begin(nn_server *v)
{
    nn_session *s = &v->s;
    const nn_plan_layer *a = &s->plan.layer[0];
    const ckks_params *p = s->params[0];
    const size_t each = ckks_poly_bytes(p), seeds = s->plan.layers * (size_t)PRG_SEED_BYTES;
    uint8_t head[4 + sizeof s->seed];
    uint8_t *wire = NULL;
    int rc = nn_get(s, CHAN_BATCH, 0, head, 4 + seeds);
    if (rc)
        return rc;
    s->batch = head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16 | (uint32_t)head[3] << 24;
    memcpy(s->seed, head + 4, seeds);
    if (s->batch < 1 || s->batch > s->plan.max_batch)
        return err_set(ERR_PEER, "batch: %u images; the plan allows 1 to %u", s->batch, s->plan.max_batch);

    rc = ERR_MEM;
    nn_server_input(v, NULL);
    wire = mem_alloc(INPUT_CHUNK, each);
    if (!wire || (rc = convert_inputs_create(&v->in, p, a->in)))
        goto out;
    for (uint32_t first = 0; first < a->in; first += INPUT_CHUNK) {
        uint32_t n = nn_min(INPUT_CHUNK, a->in - first);
        if ((rc = nn_get(s, CHAN_INPUT, 0, wire, n * each)))
            goto out;
        for (uint32_t e = 0; e < n; e++)
            if ((rc = convert_accept(v->in, first + e, a->l, wire + e * each, s->seed[0], first + e, NULL, s->batch, s->scratch)))
                goto out;
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
    const nn_plan_layer *a = &s->plan.layer[i];
    const nn_qlayer *q = &v->q->layer[i];
    const ckks_params *p = s->params[i];
    const uint64_t ring = (UINT64_C(1) << nn_k(a)) - 1;
    int rc = 0, before = nn_phase(s, NN_PHASE_LINEAR);

    for (uint32_t e = first; e < first + n && !rc; e++) {
        if (e == v->sum_end) {
            v->sum_first = e;
            v->sum_end = e + nn_min(NN_WEIGH, a->out - e);
            if ((rc = convert_weigh(v->weights[i], v->in, e, v->sum_end - e, v->sum)))
                break;
        }
        convert_respond(v->pk[i], p, nn_k(a), v->sum + (e - v->sum_first) * convert_ct_words(p), s->batch, wire, share, s->rng, s->scratch);
        const uint64_t bias = (uint64_t)q->bias[e] << a->g;
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
    const unsigned k = nn_k(&s->plan.layer[i]);
    int rc = 0, before = nn_phase(s, NN_PHASE_LINEAR);

    for (uint32_t e = 0; e < n && !rc; e++)
        rc = convert_open(c->sk[i], s->params[i], k, share + (size_t)e * s->batch,
                          wire + e * convert_response_bytes(s->params[i], k, s->batch), s->batch, s->scratch);
    nn_phase(s, before);
    return rc;
}

/* ---- a hidden layer: weights, truncation, ReLU, in chunks of output elements, flights 2i + 1 and 2i + 2 ---- */

/** hidden_bufs: one allocation a buffer for a whole layer; a server has a set of labels and shares for each chunk under way. */
typedef struct {
    uint32_t chunk;
    size_t lanes, response, u, rows, next; /* lanes and bytes of a full chunk; `next`: of one ciphertext of the next layer */
    uint64_t *v[NN_WINDOW];
    block *labels[NN_WINDOW];
    uint8_t *wire, *aux;
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

static int hidden_alloc(hidden_bufs *b, const nn_session *s, uint32_t i, int slots)
{
    const nn_plan_layer *a = &s->plan.layer[i];
    const unsigned n = nn_n(a), l = s->plan.layer[i + 1].l;

    memset(b, 0, sizeof *b);
    b->chunk = nn_chunk(a, s->batch);
    b->lanes = (size_t)b->chunk * s->batch;
    b->response = convert_response_bytes(s->params[i], nn_k(a), s->batch);
    b->next = ckks_poly_bytes(s->params[i + 1]);
    b->u = convert_u_bytes(s->ot, n, b->lanes);
    b->rows = gc_relu_bytes(n, l, b->lanes);
    b->wire = mem_alloc(1, b->chunk * (b->response > b->next ? b->response : b->next));
    b->aux = mem_alloc(1, (b->u > b->rows ? b->u : b->rows) + n * gc_stride(b->lanes) / 8);
    int ok = b->wire && b->aux;
    for (int j = 0; j < slots && ok; j++) {
        b->v[j] = mem_alloc(b->lanes, sizeof **b->v);
        b->labels[j] = mem_alloc(convert_labels(n, b->lanes), sizeof **b->labels);
        ok = b->v[j] && b->labels[j];
    }
    return ok ? 0 : err_set(ERR_MEM, "out of memory for layer %s", a->name);
}

/** server_ask: flight 2i + 1: responses for a chunk, and the OT message for the bits of the server's share, which it chose itself. */
static int server_ask(nn_server *v, uint32_t i, hidden_bufs *b, uint32_t at)
{
    nn_session *s = &v->s;
    const nn_plan_layer *a = &s->plan.layer[i];
    const uint32_t first = at * b->chunk, n = nn_min(b->chunk, a->out - first);
    const size_t lanes = (size_t)n * s->batch;
    uint64_t *mine = b->v[at % NN_WINDOW];
    uint8_t *choices = b->aux + b->u;

    int rc = nn_server_respond(v, i, first, n, mine, b->wire);
    if (rc || (rc = nn_put(s, CHAN_RESPONSE, nn_flight_response(i), b->wire, n * b->response)))
        return rc;
    nn_phase(s, NN_PHASE_OT);
    convert_truncate(mine, lanes, nn_drop(a));
    convert_choices(choices, mine, lanes, nn_n(a));
    rc = convert_ask(&v->gc, choices, nn_n(a), lanes, b->labels[at % NN_WINDOW], b->aux);
    return rc ? rc : nn_put(s, CHAN_OT_U, nn_flight_response(i), b->aux, convert_u_bytes(s->ot, nn_n(a), lanes));
}

/** server_take: flight 2i + 2: evaluates a chunk's ReLUs and adds the outcome to the client's encrypted share. */
static int server_take(nn_server *v, uint32_t i, hidden_bufs *b, uint32_t at, convert_inputs *next)
{
    nn_session *s = &v->s;
    const nn_plan_layer *a = &s->plan.layer[i], *to = a + 1;
    const uint32_t first = at * b->chunk, n = nn_min(b->chunk, a->out - first);
    const size_t lanes = (size_t)n * s->batch;
    uint64_t *share = s->share + (size_t)first * s->batch;

    int rc = nn_get(s, CHAN_TABLES, nn_flight_tables(i), b->aux, gc_relu_bytes(nn_n(a), to->l, lanes));
    if (rc)
        return rc;
    nn_phase(s, NN_PHASE_GC);
    rc = convert_relu_eval(&v->gc, nn_n(a), to->l, lanes, b->labels[at % NN_WINDOW], b->v[at % NN_WINDOW], b->aux, share);
    if (rc || (rc = nn_get(s, CHAN_SHARE, nn_flight_tables(i), b->wire, n * b->next)))
        return rc;
    nn_phase(s, NN_PHASE_LINEAR);
    for (uint32_t e = 0; e < n && !rc; e++)
        rc = convert_accept(next, first + e, to->l, b->wire + e * b->next, s->seed[i + 1], first + e, share + (size_t)e * s->batch, s->batch,
                            s->scratch);
    return rc;
}

int nn_server_hidden(nn_server *v, uint32_t i)
{
    nn_session *s = &v->s;
    const nn_plan_layer *a = &s->plan.layer[i];
    hidden_bufs b;
    convert_inputs *next = NULL;
    int rc = hidden_alloc(&b, s, i, NN_WINDOW);
    if (rc)
        goto out;
    const uint32_t chunks = (a->out + b.chunk - 1) / b.chunk;

    rc = ERR_MEM;
    mem_free(s->share);
    s->share = mem_alloc((size_t)a->out * s->batch, sizeof *s->share);
    if (!s->share || (rc = convert_inputs_create(&next, s->params[i + 1], a->out)))
        goto out;
    for (uint32_t at = 0; at < chunks + NN_WINDOW; at++) {
        if (at >= NN_WINDOW && at - NN_WINDOW < chunks && (rc = server_take(v, i, &b, at - NN_WINDOW, next)))
            goto out;
        if (at < chunks && (rc = server_ask(v, i, &b, at)))
            goto out;
    }
    nn_server_input(v, next);
    next = NULL;
    rc = 0;
out:
    convert_inputs_free(next);
    hidden_free(&b);
    return rc;
}

int nn_client_hidden(nn_client *c, uint32_t i)
{
    nn_session *s = &c->s;
    const nn_plan_layer *a = &s->plan.layer[i], *to = a + 1;
    hidden_bufs b;
    int rc = hidden_alloc(&b, s, i, 1);
    if (rc)
        goto out;
    rc = ERR_MEM;
    mem_free(s->share);
    s->share = mem_alloc((size_t)a->out * s->batch, sizeof *s->share);
    if (!s->share)
        goto out;
    for (uint32_t first = 0; first < a->out; first += b.chunk) {
        const uint32_t n = nn_min(b.chunk, a->out - first);
        const size_t lanes = (size_t)n * s->batch;
        uint64_t *share = s->share + (size_t)first * s->batch, *mine = b.v[0];

        if ((rc = nn_get(s, CHAN_RESPONSE, nn_flight_response(i), b.wire, n * b.response)) || (rc = nn_client_unmask(c, i, n, b.wire, mine)))
            goto out;
        convert_truncate(mine, lanes, nn_drop(a));
        if ((rc = nn_get(s, CHAN_OT_U, nn_flight_response(i), b.aux, convert_u_bytes(s->ot, nn_n(a), lanes))))
            goto out;
        nn_phase(s, NN_PHASE_OT);
        if ((rc = ot_ext_send(c->gc.ot, b.labels[0], b.aux, nn_n(a) * gc_stride(lanes))))
            goto out;
        nn_phase(s, NN_PHASE_GC);
        if ((rc = gc_relu_garble(&c->gc.gc, nn_n(a), to->l, lanes, b.labels[0], mine, b.aux, share)) ||
            (rc = nn_put(s, CHAN_TABLES, nn_flight_tables(i), b.aux, gc_relu_bytes(nn_n(a), to->l, lanes))))
            goto out;
        nn_phase(s, NN_PHASE_LINEAR);
        for (uint32_t e = 0; e < n; e++)
            convert_encrypt(c->sk[i + 1], s->params[i + 1], to->l, share + (size_t)e * s->batch, s->batch, s->seed[i + 1], first + e,
                            b.wire + e * b.next, s->rng, s->scratch);
        if ((rc = nn_put(s, CHAN_SHARE, nn_flight_tables(i), b.wire, n * b.next)))
            goto out;
        c->done += n;
        if (c->progress)
            c->progress(c->progress_arg, (double)c->done / (double)c->total);
    }
out:
    hidden_free(&b);
    return rc;
}

/* ---- sessions ---- */

/** give_up: a bare ERR_MEM gets its text, the peer is told why, and the text survives the telling. */
static int give_up(chan *ch, int rc)
{
    char why[256];
    snprintf(why, sizeof why, "%s", rc == ERR_MEM ? "out of memory" : err_text());
    chan_fail(ch, rc, why);
    return err_set(rc, "%s", why);
}

static int serve_batch(nn_server *v)
{
    int rc = nn_server_begin(v);
    for (uint32_t i = 0; i + 1 < v->s.plan.layers && !rc; i++)
        rc = nn_server_hidden(v, i);
    if (!rc)
        rc = nn_server_last(v);
    if (!rc)
        nn_batch_end(&v->s);
    return rc;
}

int nn_serve(chan *ch, const nn_qmodel *q, unsigned ot, prg *rng, nn_stats *stats)
{
    nn_server *v = mem_alloc(1, sizeof *v);
    unsigned kind = CHAN_BYE;
    int rc = ERR_MEM;

    memset(stats, 0, sizeof *stats);
    if (!v)
        return err_set(ERR_MEM, "out of memory");
    rc = nn_server_open(v, ch, q, ot, rng);
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

const nn_plan *nn_client_plan(const nn_client *c) { return &c->s.plan; }
unsigned nn_client_ot(const nn_client *c) { return c->s.ot; }

int nn_client_infer(nn_client *c, const uint8_t *pixels, uint32_t count, int32_t *labels, void (*progress)(void *, double), void *arg)
{
    nn_session *s = &c->s;

    if (count < 1 || count > s->plan.max_batch)
        return err_set(ERR_ARG, "batch: %u images; the plan allows 1 to %u", count, s->plan.max_batch);
    c->progress = progress;
    c->progress_arg = arg;
    c->done = c->total = 0;
    for (uint32_t i = 0; i < s->plan.layers; i++)
        c->total += s->plan.layer[i].out;
    nn_phase(s, NN_PHASE_LINEAR);
    int rc = nn_client_begin(c, pixels, count);
    for (uint32_t i = 0; i + 1 < s->plan.layers && !rc; i++)
        rc = nn_client_hidden(c, i);
    if (!rc)
        rc = nn_client_last(c, labels);
    if (!rc)
        nn_batch_end(s);
    nn_phase(s, NN_PHASE_WAIT);
    if (rc) {
        memset(labels, 0, count * sizeof *labels);
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
