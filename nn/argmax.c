// SPDX-License-Identifier: ISC
/* The last layer: weights, then argmax over the full shares, flights 2L - 1, 2L and 2L + 1.  Not truncated locally: the circuit drops the bits. */
#include <string.h>

#include "base/mem.h"
#include "nn/session.h"


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
    b->u = convert_u_bytes(s->ot, b->wires, b->lanes);
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
    uint8_t *wire = mem_alloc(chunk, response);
    if (!v->logits || !wire)
        goto out;
    for (uint32_t first = 0; first < a->out; first += chunk) {
        uint32_t n = nn_min(chunk, a->out - first);
        if ((rc = nn_server_respond(v, i, first, n, v->logits + (size_t)first * s->batch, wire)) ||
            (rc = nn_put(s, CHAN_RESPONSE, nn_flight_response(i), wire, n * response)))
            goto out;
    }
out:
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
        uint32_t n = nn_min(chunk, a->out - first);
        if ((rc = nn_get(s, CHAN_RESPONSE, nn_flight_response(i), wire, n * response)) ||
            (rc = nn_client_unmask(c, i, n, wire, c->logits + (size_t)first * s->batch)))
            goto out;
    }
out:
    mem_free(wire);
    return rc;
}

static int server_argmax_ask(nn_server *v, last_bufs *b, uint32_t at)
{
    nn_session *s = &v->s;
    const uint32_t first = at * b->lanes, lanes = nn_min(b->lanes, s->batch - first);

    nn_phase(s, NN_PHASE_OT);
    last_bits(s, v->logits, first, lanes, b->bits, gc_stride(lanes) / 8, convert_choices);
    int rc = convert_ask(&v->gc, b->bits, b->wires, lanes, b->in[at % NN_WINDOW], b->aux);
    return rc ? rc : nn_put(s, CHAN_OT_U, nn_flight_response(s->plan.layers - 1), b->aux, convert_u_bytes(s->ot, b->wires, lanes));
}

static int server_argmax_take(nn_server *v, last_bufs *b, uint32_t at, uint8_t *colours)
{
    nn_session *s = &v->s;
    const uint32_t lanes = nn_min(b->lanes, s->batch - at * b->lanes);

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
        const uint32_t lanes = nn_min(b.lanes, s->batch - at);

        if ((rc = nn_get(s, CHAN_OT_U, nn_flight_response(i), b.aux, convert_u_bytes(s->ot, b.wires, lanes))))
            goto out;
        nn_phase(s, NN_PHASE_OT);
        if ((rc = ot_ext_send(c->gc.ot, b.in[0], b.aux, b.wires * gc_stride(lanes))))
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
        rc = client_decode(c, nn_min(b.lanes, s->batch - at), colours + (size_t)at / 8 * f->outputs, answer + (size_t)at / 8 * f->outputs,
                           labels + at);
    c->done = c->total;
out:
    mem_free(colours);
    last_free(&b);
    return rc;
}
