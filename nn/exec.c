// SPDX-License-Identifier: ISC
/* The protocol of a batch, the two roles facing each other.  docs/PROTOCOL.md has the messages, docs/SECURITY.md the argument. */
#include "nn/exec.h"

#include <string.h>

#include "base/mem.h"
#include "nn/session.h"

#define INPUT_CHUNK 64 /* ciphertexts in one CHAN_INPUT */

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

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
        uint32_t n = smaller(INPUT_CHUNK, a->in - first);
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
    mem_free(v->ct);
    v->ct = mem_alloc(a->in, convert_ct_words(p) * sizeof *v->ct);
    wire = mem_alloc(INPUT_CHUNK, each);
    if (!v->ct || !wire)
        goto out;
    for (uint32_t first = 0; first < a->in; first += INPUT_CHUNK) {
        uint32_t n = smaller(INPUT_CHUNK, a->in - first);
        if ((rc = nn_get(s, CHAN_INPUT, 0, wire, n * each)))
            goto out;
        for (uint32_t e = 0; e < n; e++)
            if ((rc = convert_accept(p, a->l, v->ct + (first + e) * convert_ct_words(p), wire + e * each, s->seed[0], first + e, NULL,
                                     s->batch, s->scratch)))
                goto out;
    }
out:
    mem_free(wire);
    return rc;
}

/* ---- flight 2i + 1: responses ---- */

/** server_respond: layer i's outputs [first, first + n): wire, and the server's share modulo 2^k with the bias added. */
static int server_respond(nn_server *v, uint32_t i, uint32_t first, uint32_t n, uint64_t *ct, uint64_t *share, uint8_t *wire)
{
    nn_session *s = &v->s;
    const nn_plan_layer *a = &s->plan.layer[i];
    const nn_qlayer *q = &v->q->layer[i];
    const ckks_params *p = s->params[i];
    const uint64_t ring = (UINT64_C(1) << nn_k(a)) - 1;
    int before = nn_phase(s, NN_PHASE_LINEAR);

    int rc = convert_weigh(p, v->wbits, q->row + first, q->col, q->w, n, v->ct, ct);
    for (uint32_t e = 0; e < n && !rc; e++) {
        uint64_t *mine = share + (size_t)e * s->batch, bias = (uint64_t)q->bias[first + e] << a->g;
        convert_respond(v->pk[i], p, nn_k(a), ct + e * convert_ct_words(p), s->batch, wire, mine, s->rng, s->scratch);
        for (uint32_t j = 0; j < s->batch; j++)
            mine[j] = (mine[j] + bias) & ring;
        wire += convert_response_bytes(p, nn_k(a), s->batch);
    }
    nn_phase(s, before);
    return rc;
}

static int client_open(nn_client *c, uint32_t i, uint32_t n, const uint8_t *wire, uint64_t *share)
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
    uint64_t *ct, *v[NN_WINDOW];
    block *labels[NN_WINDOW];
    uint8_t *wire, *aux;
} hidden_bufs;

static void hidden_free(hidden_bufs *b)
{
    mem_free(b->ct);
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
    b->u = convert_u_bytes(n, b->lanes);
    b->rows = gc_relu_bytes(n, l, b->lanes);
    b->ct = slots > 1 ? mem_alloc(b->chunk, convert_ct_words(s->params[i]) * sizeof *b->ct) : NULL;
    b->wire = mem_alloc(1, b->chunk * (b->response > b->next ? b->response : b->next));
    b->aux = mem_alloc(1, (b->u > b->rows ? b->u : b->rows) + n * gc_stride(b->lanes) / 8);
    int ok = b->wire && b->aux && (slots == 1 || b->ct);
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
    const uint32_t first = at * b->chunk, n = smaller(b->chunk, a->out - first);
    const size_t lanes = (size_t)n * s->batch;
    uint64_t *mine = b->v[at % NN_WINDOW];
    uint8_t *choices = b->aux + b->u;

    int rc = server_respond(v, i, first, n, b->ct, mine, b->wire);
    if (rc || (rc = nn_put(s, CHAN_RESPONSE, nn_flight_response(i), b->wire, n * b->response)))
        return rc;
    nn_phase(s, NN_PHASE_OT);
    convert_truncate(mine, lanes, nn_drop(a));
    convert_choices(choices, mine, lanes, nn_n(a));
    rc = convert_ask(&v->gc, choices, nn_n(a), lanes, b->labels[at % NN_WINDOW], b->aux);
    return rc ? rc : nn_put(s, CHAN_OT_U, nn_flight_response(i), b->aux, convert_u_bytes(nn_n(a), lanes));
}

/** server_take: flight 2i + 2: evaluates a chunk's ReLUs and adds the outcome to the client's encrypted share. */
static int server_take(nn_server *v, uint32_t i, hidden_bufs *b, uint32_t at, uint64_t *next)
{
    nn_session *s = &v->s;
    const nn_plan_layer *a = &s->plan.layer[i], *to = a + 1;
    const ckks_params *p = s->params[i + 1];
    const uint32_t first = at * b->chunk, n = smaller(b->chunk, a->out - first);
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
        rc = convert_accept(p, to->l, next + (first + e) * convert_ct_words(p), b->wire + e * b->next, s->seed[i + 1], first + e,
                            share + (size_t)e * s->batch, s->batch, s->scratch);
    return rc;
}

int nn_server_hidden(nn_server *v, uint32_t i)
{
    nn_session *s = &v->s;
    const nn_plan_layer *a = &s->plan.layer[i];
    hidden_bufs b;
    uint64_t *next = NULL;
    int rc = hidden_alloc(&b, s, i, NN_WINDOW);
    if (rc)
        goto out;
    const uint32_t chunks = (a->out + b.chunk - 1) / b.chunk;

    rc = ERR_MEM;
    mem_free(s->share);
    s->share = mem_alloc((size_t)a->out * s->batch, sizeof *s->share);
    next = mem_alloc(a->out, convert_ct_words(s->params[i + 1]) * sizeof *next);
    if (!s->share || !next)
        goto out;
    for (uint32_t at = 0; at < chunks + NN_WINDOW; at++) {
        if (at >= NN_WINDOW && at - NN_WINDOW < chunks && (rc = server_take(v, i, &b, at - NN_WINDOW, next)))
            goto out;
        if (at < chunks && (rc = server_ask(v, i, &b, at)))
            goto out;
    }
    mem_free(v->ct);
    v->ct = next;
    next = NULL;
    rc = 0;
out:
    mem_free(next);
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
        const uint32_t n = smaller(b.chunk, a->out - first);
        const size_t lanes = (size_t)n * s->batch;
        uint64_t *share = s->share + (size_t)first * s->batch, *mine = b.v[0];

        if ((rc = nn_get(s, CHAN_RESPONSE, nn_flight_response(i), b.wire, n * b.response)) || (rc = client_open(c, i, n, b.wire, mine)))
            goto out;
        convert_truncate(mine, lanes, nn_drop(a));
        if ((rc = nn_get(s, CHAN_OT_U, nn_flight_response(i), b.aux, convert_u_bytes(nn_n(a), lanes))))
            goto out;
        nn_phase(s, NN_PHASE_OT);
        if ((rc = ot_iknp_send(c->gc.ot, b.labels[0], b.aux, nn_n(a) * gc_stride(lanes))))
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

/* ---- the last layer: weights, then argmax over the full shares, flights 2L - 1, 2L and 2L + 1 ---- */

typedef struct {
    uint32_t lanes; /* images garbled together */
    size_t wires, rows, u;
    block *in[NN_WINDOW], *out;
    uint8_t *bits, *aux;
} last_bufs;

static void last_free(last_bufs *b)
{
    for (int i = 0; i < NN_WINDOW; i++)
        mem_free(b->in[i]);
    mem_free(b->out);
    mem_free(b->bits);
    mem_free(b->aux);
}

/** last_alloc: labels for `slots` chunks under way; `bit` is how many bits of memory one input bit takes: 1 as a choice, 8 as a known input. */
static int last_alloc(last_bufs *b, const nn_session *s, int slots, unsigned bit)
{
    const nn_plan_layer *a = &s->plan.layer[s->plan.layers - 1];

    memset(b, 0, sizeof *b);
    b->lanes = nn_argmax_lanes(a, s->batch);
    b->wires = (size_t)a->out * nn_k(a);
    b->u = convert_u_bytes(b->wires, b->lanes);
    b->rows = gc_circuit_row_bytes(s->argmax, b->lanes);
    b->out = mem_alloc(s->argmax->outputs * gc_stride(b->lanes), sizeof *b->out);
    b->bits = mem_alloc(b->wires, gc_stride(b->lanes) / 8 * bit);
    b->aux = mem_alloc(1, b->u > b->rows ? b->u : b->rows);
    int ok = b->out && b->bits && b->aux;
    for (int i = 0; i < slots && ok; i++)
        ok = (b->in[i] = mem_alloc(convert_labels(b->wires, b->lanes), sizeof **b->in)) != NULL;
    return ok ? 0 : err_set(ERR_MEM, "out of memory for argmax");
}

/** last_bits: the bits of images [at, at + lanes) of every logit's share, in the argmax circuit's order. */
static void last_bits(const nn_session *s, const uint64_t *logits, uint32_t at, uint32_t lanes, uint8_t *bits, size_t row,
                      void (*spread)(uint8_t *, const uint64_t *, size_t, unsigned))
{
    const nn_plan_layer *a = &s->plan.layer[s->plan.layers - 1];
    for (uint32_t e = 0; e < a->out; e++)
        spread(bits + e * nn_k(a) * row, logits + (size_t)e * s->batch + at, lanes, nn_k(a));
}

static int server_last_responses(nn_server *v)
{
    nn_session *s = &v->s;
    const uint32_t i = s->plan.layers - 1;
    const nn_plan_layer *a = &s->plan.layer[i];
    const uint32_t chunk = nn_chunk(a, s->batch);
    const size_t response = convert_response_bytes(s->params[i], nn_k(a), s->batch);
    int rc = ERR_MEM;

    mem_free(v->logits);
    v->logits = mem_alloc((size_t)a->out * s->batch, sizeof *v->logits);
    uint64_t *ct = mem_alloc(chunk, convert_ct_words(s->params[i]) * sizeof *ct);
    uint8_t *wire = mem_alloc(chunk, response);
    if (!v->logits || !ct || !wire)
        goto out;
    for (uint32_t first = 0; first < a->out; first += chunk) {
        uint32_t n = smaller(chunk, a->out - first);
        if ((rc = server_respond(v, i, first, n, ct, v->logits + (size_t)first * s->batch, wire)) ||
            (rc = nn_put(s, CHAN_RESPONSE, nn_flight_response(i), wire, n * response)))
            goto out;
    }
out:
    mem_free(ct);
    mem_free(wire);
    return rc;
}

static int client_last_responses(nn_client *c)
{
    nn_session *s = &c->s;
    const uint32_t i = s->plan.layers - 1;
    const nn_plan_layer *a = &s->plan.layer[i];
    const uint32_t chunk = nn_chunk(a, s->batch);
    const size_t response = convert_response_bytes(s->params[i], nn_k(a), s->batch);
    int rc = ERR_MEM;

    mem_free(c->logits);
    c->logits = mem_alloc((size_t)a->out * s->batch, sizeof *c->logits);
    uint8_t *wire = mem_alloc(chunk, response);
    if (!c->logits || !wire)
        goto out;
    for (uint32_t first = 0; first < a->out; first += chunk) {
        uint32_t n = smaller(chunk, a->out - first);
        if ((rc = nn_get(s, CHAN_RESPONSE, nn_flight_response(i), wire, n * response)) ||
            (rc = client_open(c, i, n, wire, c->logits + (size_t)first * s->batch)))
            goto out;
    }
out:
    mem_free(wire);
    return rc;
}

static int server_argmax_ask(nn_server *v, last_bufs *b, uint32_t at)
{
    nn_session *s = &v->s;
    const uint32_t first = at * b->lanes, lanes = smaller(b->lanes, s->batch - first);

    nn_phase(s, NN_PHASE_OT);
    last_bits(s, v->logits, first, lanes, b->bits, gc_stride(lanes) / 8, convert_choices);
    int rc = convert_ask(&v->gc, b->bits, b->wires, lanes, b->in[at % NN_WINDOW], b->aux);
    return rc ? rc : nn_put(s, CHAN_OT_U, nn_flight_response(s->plan.layers - 1), b->aux, convert_u_bytes(b->wires, lanes));
}

static int server_argmax_take(nn_server *v, last_bufs *b, uint32_t at, uint8_t *colours)
{
    nn_session *s = &v->s;
    const uint32_t lanes = smaller(b->lanes, s->batch - at * b->lanes);

    int rc = nn_get(s, CHAN_TABLES, nn_flight_tables(s->plan.layers - 1), b->aux, gc_circuit_row_bytes(s->argmax, lanes));
    if (rc)
        return rc;
    nn_phase(s, NN_PHASE_GC);
    rc = gc_eval(&v->gc.gc, s->argmax, lanes, b->in[at % NN_WINDOW], b->aux, b->out);
    if (!rc)
        gc_colours(colours, b->out, s->argmax->outputs, lanes);
    return rc;
}

/** Colour bits of a batch: chunk after chunk, outputs * stride / 8 bytes each; every chunk but the last has a multiple of 8 lanes. */
static size_t colour_bytes(const nn_session *s) { return s->argmax->outputs * (gc_stride(s->batch) / 8); }

int nn_server_last(nn_server *v)
{
    nn_session *s = &v->s;
    last_bufs b;
    uint8_t *answer = NULL;
    int rc = last_alloc(&b, s, NN_WINDOW, 1);
    if (rc || (rc = server_last_responses(v)))
        goto out;
    const uint32_t chunks = (s->batch + b.lanes - 1) / b.lanes;

    rc = ERR_MEM;
    answer = mem_alloc(1, colour_bytes(s));
    if (!answer)
        goto out;
    for (uint32_t at = 0; at < chunks + NN_WINDOW; at++) {
        if (at >= NN_WINDOW && at - NN_WINDOW < chunks &&
            (rc = server_argmax_take(v, &b, at - NN_WINDOW, answer + (size_t)(at - NN_WINDOW) * (b.lanes / 8) * s->argmax->outputs)))
            goto out;
        if (at < chunks && (rc = server_argmax_ask(v, &b, at)))
            goto out;
    }
    if (!(rc = nn_put(s, CHAN_OUTPUT, nn_flight_tables(s->plan.layers - 1) + 1, answer, colour_bytes(s))))
        rc = chan_flush(s->ch);
out:
    mem_free(answer);
    last_free(&b);
    return rc;
}

/** client_decode: label bits = own colours XOR the server's. */
static int client_decode(const nn_client *c, uint32_t lanes, const uint8_t *colours, const uint8_t *answer, int32_t *labels)
{
    const gc_circuit *f = c->s.argmax;
    const size_t row = gc_stride(lanes) / 8;
    const uint32_t classes = c->s.plan.layer[c->s.plan.layers - 1].out;

    for (uint32_t j = 0; j < lanes; j++) {
        int32_t label = 0;
        for (uint32_t o = 0; o < f->outputs; o++)
            label |= ((colours[o * row + j / 8] ^ answer[o * row + j / 8]) >> j % 8 & 1) << o;
        if ((uint32_t)label >= classes)
            return err_set(ERR_PEER, "output: label %d is not below %u", label, classes);
        labels[j] = label;
    }
    return 0;
}

int nn_client_last(nn_client *c, int32_t *labels)
{
    nn_session *s = &c->s;
    const uint32_t i = s->plan.layers - 1;
    const gc_circuit *f = s->argmax;
    last_bufs b;
    uint8_t *colours = NULL, *answer;
    int rc = last_alloc(&b, s, 1, 8);
    if (rc || (rc = client_last_responses(c)))
        goto out;
    rc = ERR_MEM;
    colours = mem_alloc(2, colour_bytes(s));
    if (!colours)
        goto out;
    answer = colours + colour_bytes(s);
    for (uint32_t at = 0; at < s->batch; at += b.lanes) {
        const uint32_t lanes = smaller(b.lanes, s->batch - at);

        if ((rc = nn_get(s, CHAN_OT_U, nn_flight_response(i), b.aux, convert_u_bytes(b.wires, lanes))))
            goto out;
        nn_phase(s, NN_PHASE_OT);
        if ((rc = ot_iknp_send(c->gc.ot, b.in[0], b.aux, b.wires * gc_stride(lanes))))
            goto out;
        nn_phase(s, NN_PHASE_GC);
        last_bits(s, c->logits, at, lanes, b.bits, gc_stride(lanes), convert_known);
        if ((rc = gc_garble(&c->gc.gc, f, lanes, b.in[0], b.bits, b.aux, b.out)) ||
            (rc = nn_put(s, CHAN_TABLES, nn_flight_tables(i), b.aux, gc_circuit_row_bytes(f, lanes))))
            goto out;
        gc_colours(colours + (size_t)at / 8 * f->outputs, b.out, f->outputs, lanes);
    }
    if ((rc = nn_get(s, CHAN_OUTPUT, nn_flight_tables(i) + 1, answer, colour_bytes(s))))
        goto out;
    for (uint32_t at = 0; at < s->batch && !rc; at += b.lanes)
        rc = client_decode(c, smaller(b.lanes, s->batch - at), colours + (size_t)at / 8 * f->outputs, answer + (size_t)at / 8 * f->outputs,
                           labels + at);
    c->done = c->total;
out:
    mem_free(colours);
    last_free(&b);
    return rc;
}

/* ---- sessions ---- */

/** with_text: a bare ERR_MEM gets its text here, where every allocation of the executor ends up. */
static int with_text(int rc) { return rc == ERR_MEM ? err_set(ERR_MEM, "out of memory") : rc; }

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

int nn_serve(chan *ch, const nn_qmodel *q, prg *rng, nn_stats *stats)
{
    nn_server *v = mem_alloc(1, sizeof *v);
    unsigned kind = CHAN_BYE;
    int rc = ERR_MEM;

    memset(stats, 0, sizeof *stats);
    if (!v)
        return with_text(rc);
    rc = nn_server_open(v, ch, q, rng);
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
    rc = with_text(rc);
    if (rc)
        chan_fail(ch, rc, err_text());
    nn_server_close(v);
    *stats = v->s.stats;
    mem_free(v);
    return rc;
}

int nn_client_open(nn_client **out, chan *ch, prg *rng)
{
    nn_client *c = mem_alloc(1, sizeof *c);
    int rc = ERR_MEM;

    *out = NULL;
    if (!c)
        return with_text(rc);
    rc = with_text(nn_client_setup(c, ch, rng));
    if (rc) {
        chan_fail(ch, rc, err_text());
        nn_client_teardown(c);
        mem_free(c);
        return rc;
    }
    nn_phase(&c->s, NN_PHASE_WAIT);
    *out = c;
    return 0;
}

const nn_plan *nn_client_plan(const nn_client *c) { return &c->s.plan; }

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
    rc = with_text(rc);
    if (rc) {
        memset(labels, 0, count * sizeof *labels);
        chan_fail(s->ch, rc, err_text());
    } else if (progress) {
        progress(arg, 1.0);
    }
    return rc;
}

void nn_client_close(nn_client *c)
{
    if (!c)
        return;
    if (!chan_send(c->s.ch, CHAN_BYE, 0, NULL, 0))
        (void)!chan_flush(c->s.ch);
    nn_client_teardown(c);
    mem_free(c);
}

void nn_client_stats(const nn_client *c, nn_stats *out) { *out = c->s.stats; }
