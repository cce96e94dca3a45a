// SPDX-License-Identifier: ISC
/* The last layer: weights, then argmax over the full shares, flights 2L - 1, 2L and 2L + 1.  Not truncated locally: the
 * circuit drops the bits. */
#include <string.h>

#include "base/mem.h"
#include "nn/session.h"

typedef struct {
    nn_size z;
    block *in[NN_WINDOW], *out;
    uint8_t *bits, *aux, *wire; /* wire: responses */
} last_bufs;

static void last_free(last_bufs *b)
{
    for (int i = 0; i < NN_WINDOW; i++)
        mem_free(b->in[i]);
    mem_free(b->out);
    mem_free(b->bits);
    mem_free(b->aux);
    mem_free(b->wire);
}

/** last_alloc: a server has labels for each chunk under way.  An input bit is a bit of memory as a choice, a byte as a
 * known input. */
static int last_alloc(last_bufs *b, const nn_session *s, int server)
{
    nn_size *z = &b->z;
    int rc = 0;

    memset(b, 0, sizeof *b);
    nn_size_layer(z, s->plan, s->plan->layers - 1, s->batch, s->ot);
    TRY_MEM(b->out = mem_alloc(s->argmax->outputs * gc_stride(z->lanes), sizeof *b->out));
    TRY_MEM(b->bits = mem_alloc(z->wires, gc_stride(z->lanes) / (server ? 8 : 1)));
    TRY_MEM(b->aux = mem_alloc(1, z->u > z->rows ? z->u : z->rows));
    TRY_MEM(b->wire = mem_alloc(z->chunk, z->response));
    for (uint32_t i = 0; i < (server ? z->window : 1); i++)
        TRY_MEM(b->in[i] = mem_alloc(convert_labels(z->wires, z->lanes), sizeof **b->in));
out:
    return rc;
}

/** last_bits: the bits of images [at, at + lanes) of every logit's share, in the argmax circuit's order. */
static void last_bits(const nn_session *s, const uint64_t *logits, uint32_t at, uint32_t lanes, uint8_t *bits,
                      size_t row, void (*spread)(uint8_t *, const uint64_t *, size_t, unsigned))
{
    const nn_plan_layer *a = &s->plan->layer[s->plan->layers - 1];
    for (uint32_t e = 0; e < a->out; e++)
        spread(bits + e * nn_k(a) * row, logits + (size_t)e * s->batch + at, lanes, nn_k(a));
}

static int server_last_responses(nn_server *v, last_bufs *b)
{
    nn_session *s = &v->s;
    const uint32_t i = s->plan->layers - 1;
    const nn_plan_layer *a = &s->plan->layer[i];
    int rc = 0;

    mem_free(v->logits);
    TRY_MEM(v->logits = mem_alloc((size_t)a->out * s->batch, sizeof *v->logits));
    for (uint32_t first = 0; first < a->out; first += b->z.chunk) {
        const uint32_t n = nn_min(b->z.chunk, a->out - first);
        TRY(nn_server_respond(v, i, first, n, v->logits + (size_t)first * s->batch, b->wire));
        TRY(nn_put(s, CHAN_RESPONSE, nn_flight_response(i), b->wire, n * b->z.response));
    }
out:
    return rc;
}

static int client_last_responses(nn_client *c, last_bufs *b)
{
    nn_session *s = &c->s;
    const uint32_t i = s->plan->layers - 1;
    const nn_plan_layer *a = &s->plan->layer[i];
    int rc = 0;

    mem_free(c->logits);
    TRY_MEM(c->logits = mem_alloc((size_t)a->out * s->batch, sizeof *c->logits));
    for (uint32_t first = 0; first < a->out; first += b->z.chunk) {
        const uint32_t n = nn_min(b->z.chunk, a->out - first);
        TRY(nn_get(s, CHAN_RESPONSE, nn_flight_response(i), b->wire, n * b->z.response));
        TRY(nn_client_unmask(c, i, n, b->wire, c->logits + (size_t)first * s->batch));
    }
out:
    return rc;
}

static int server_argmax_ask(nn_server *v, last_bufs *b, uint32_t at)
{
    nn_session *s = &v->s;
    const uint32_t i = s->plan->layers - 1, first = at * (uint32_t)b->z.lanes,
                   lanes = nn_min((uint32_t)b->z.lanes, s->batch - first);
    int rc;

    /* 2L - 1 -> OT_U */
    nn_phase(s, NN_PHASE_OT);
    last_bits(s, v->logits, first, lanes, b->bits, gc_stride(lanes) / 8, convert_choices);
    TRY(convert_ask(&v->gc, b->bits, b->z.wires, lanes, b->in[at % b->z.window], b->aux));
    TRY(nn_put(s, CHAN_OT_U, nn_flight_response(i), b->aux, nn_size_u(s->plan, i, lanes, s->ot)));
out:
    return rc;
}

static int server_argmax_take(nn_server *v, last_bufs *b, uint32_t at, uint8_t *answer)
{
    nn_session *s = &v->s;
    const uint32_t i = s->plan->layers - 1, first = at * (uint32_t)b->z.lanes,
                   lanes = nn_min((uint32_t)b->z.lanes, s->batch - first);
    int rc;

    /* 2L <- TABLES */
    TRY(nn_get(s, CHAN_TABLES, nn_flight_tables(i), b->aux, nn_size_rows(s->plan, i, lanes)));
    nn_phase(s, NN_PHASE_GC);
    TRY(gc_eval(&v->gc.gc, s->argmax, lanes, b->in[at % b->z.window], b->aux, b->out));
    gc_colours(answer + (size_t)first / 8 * s->argmax->outputs, b->out, s->argmax->outputs, lanes);
out:
    return rc;
}

int nn_server_last(nn_server *v)
{
    nn_session *s = &v->s;
    last_bufs b;
    uint8_t *answer = NULL;
    int rc;

    TRY(last_alloc(&b, s, 1));
    TRY(server_last_responses(v, &b));
    const size_t len = nn_size_output(s->plan, s->batch);
    TRY_MEM(answer = mem_alloc(1, len));
    for (uint32_t at = 0; at < b.z.chunks + b.z.window; at++) {
        if (at >= b.z.window && at - b.z.window < b.z.chunks)
            TRY(server_argmax_take(v, &b, at - b.z.window, answer));
        if (at < b.z.chunks)
            TRY(server_argmax_ask(v, &b, at));
    }
    /* 2L + 1 -> OUTPUT: colour bits, chunk after chunk; every chunk but the last has a multiple of 8 lanes */
    TRY(nn_put(s, CHAN_OUTPUT, nn_flight_tables(s->plan->layers - 1) + 1, answer, len));
    TRY(chan_flush(s->ch));
out:
    mem_free(answer);
    last_free(&b);
    return rc;
}

/** client_decode: label bits = own colours XOR the server's; NN_NO_LABEL for what is no label.  No image's time depends
 * on its outcome, and nothing fails: what happens from here on must not depend on the answer (exec.h). */
static void client_decode(nn_client *c, uint32_t lanes, const uint8_t *colours, const uint8_t *answer, int32_t *labels)
{
    const gc_circuit *f = c->s.argmax;
    const size_t row = gc_stride(lanes) / 8;
    const uint32_t classes = c->s.plan->layer[c->s.plan->layers - 1].out;

    for (uint32_t j = 0; j < lanes; j++) {
        uint32_t label = 0;
        for (uint32_t o = 0; o < f->outputs; o++)
            label |= (uint32_t)((colours[o * row + j / 8] ^ answer[o * row + j / 8]) >> j % 8 & 1) << o;
        const uint32_t bad = (classes - 1 - label) >> 31; /* both below 2^13 */
        labels[j] = (int32_t)(label | (0 - bad));
        c->s.stats.unreadable += bad;
    }
}

/** client_argmax: flights 2L - 1 and 2L of images [first, first + lanes). */
static int client_argmax(nn_client *c, last_bufs *b, uint32_t first, uint32_t lanes, uint8_t *colours)
{
    nn_session *s = &c->s;
    const gc_circuit *f = s->argmax;
    const uint32_t i = s->plan->layers - 1;
    int rc;

    /* 2L - 1 <- OT_U */
    TRY(nn_get(s, CHAN_OT_U, nn_flight_response(i), b->aux, nn_size_u(s->plan, i, lanes, s->ot)));
    nn_phase(s, NN_PHASE_OT);
    TRY(ot_ext_send(c->gc.ot, b->in[0], b->aux, b->z.wires * gc_stride(lanes)));
    /* 2L -> TABLES */
    nn_phase(s, NN_PHASE_GC);
    last_bits(s, c->logits, first, lanes, b->bits, gc_stride(lanes), convert_known);
    TRY(gc_garble(&c->gc.gc, f, lanes, b->in[0], b->bits, b->aux, b->out));
    TRY(nn_put(s, CHAN_TABLES, nn_flight_tables(i), b->aux, nn_size_rows(s->plan, i, lanes)));
    gc_colours(colours + (size_t)first / 8 * f->outputs, b->out, f->outputs, lanes);
out:
    return rc;
}

int nn_client_last(nn_client *c, int32_t *labels)
{
    nn_session *s = &c->s;
    const uint32_t outputs = s->argmax->outputs;
    last_bufs b;
    uint8_t *colours = NULL, *answer;
    int rc;

    TRY(last_alloc(&b, s, 0));
    TRY(client_last_responses(c, &b));
    const size_t len = nn_size_output(s->plan, s->batch);
    const uint32_t lanes = (uint32_t)b.z.lanes;
    TRY_MEM(colours = mem_alloc(2, len));
    answer = colours + len;
    for (uint32_t at = 0; at < s->batch; at += lanes)
        TRY(client_argmax(c, &b, at, nn_min(lanes, s->batch - at), colours));
    /* 2L + 1 <- OUTPUT */
    TRY(nn_get(s, CHAN_OUTPUT, nn_flight_tables(s->plan->layers - 1) + 1, answer, len));
    for (uint32_t at = 0; at < s->batch; at += lanes)
        client_decode(c, nn_min(lanes, s->batch - at), colours + (size_t)at / 8 * outputs,
                      answer + (size_t)at / 8 * outputs, labels + at);
    c->done = c->total;
out:
    mem_free(colours);
    last_free(&b);
    return rc;
}
