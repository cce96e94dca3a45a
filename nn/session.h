// SPDX-License-Identifier: ISC
/** session.h: what each party keeps of a session, and the steps that nn/exec.h strings together.  Inside nn/ (and its
 * tests) only.
 *
 *  Set-up, flights 0..4:   0 C -> S HELLO   1 S -> C PLAN   2 C -> S KEYS, OT_BASE   3 S -> C OT_BASE, OT_BASE
 *                          4 C -> S OT_BASE: the first batch's flight 0 goes the same way, so nothing waits for it. */
#ifndef TACIT_NN_SESSION_H
#define TACIT_NN_SESSION_H

#include "ckks/shares.h"
#include "convert/linear.h"
#include "convert/wires.h"
#include "nn/exec.h"
#include "nn/prepare.h"
#include "nn/size.h"

/** One step of a function that ends in `out:` and returns rc. */
#define TRY(step)         \
    do {                  \
        if ((rc = (step))) \
            goto out;     \
    } while (0)
#define TRY_MEM(pointer)     \
    do {                     \
        if (!(pointer)) {    \
            rc = ERR_MEM;    \
            goto out;        \
        }                    \
    } while (0)

typedef struct {
    chan *ch;
    prg *rng;
    const nn_plan *plan;           /* these three: of an nn_common; NULL before there is one */
    ckks_params *const *params;
    const gc_circuit *argmax;
    unsigned ot;                   /* k of ot/extend.h */
    uint64_t *scratch;
    uint8_t session[32];           /* hash of the channel and of both parties' first messages */
    uint32_t batch;                           /* images of the current batch */
    uint8_t seed[NN_MAX_LAYERS][PRG_SEED_BYTES]; /* of this batch's c1, a layer each: public */
    uint64_t *share;                          /* [element][batch]: this party's share of the current layer's input */
    nn_stats stats;
    uint64_t flight_seen[4];                  /* bit f: a message of flight f passed in this batch */
    int phase;
    double since;
} nn_session;

typedef struct {
    nn_session s;
    const nn_prepared *m;
    ckks_pk *pk[NN_MAX_LAYERS];
    convert_evaluator gc;
    convert_inputs *in; /* of the current layer, encrypted */
    uint64_t *sum;      /* [NN_WEIGH]: outputs [sum_first, sum_end) of the current layer, encrypted */
    uint32_t sum_first, sum_end;
    uint64_t *logits;   /* [element][batch]: share modulo 2^k of the last layer's output, of the batch before */
} nn_server;

struct nn_client {
    nn_session s;
    nn_common common;
    ckks_sk *sk[NN_MAX_LAYERS];
    convert_garbler gc;
    uint64_t *logits;
    void (*progress)(void *, double);
    void *progress_arg;
    uint64_t done, total; /* output elements */
    int dead;             /* the session failed: nothing more is sent */
};

/** nn_session_start: nothing but a channel.   nn_session_common: the plan, read-only, outlives the session; scratch.
 * Errors: ERR_MEM. nn_session_free: also after an error. */
void nn_session_start(nn_session *s, chan *ch, prg *rng);
int nn_session_common(nn_session *s, const nn_common *m) MUST_CHECK;
void nn_session_free(nn_session *s);

/** nn_put / nn_get: chan_send / chan_recv in pieces of NN_PIECE, which count flights and put waiting on the clock of
 * NN_PHASE_WAIT. */
int nn_put(nn_session *s, unsigned kind, unsigned flight, const void *data, size_t len) MUST_CHECK;
int nn_get(nn_session *s, unsigned kind, unsigned flight, void *data, size_t len) MUST_CHECK;
/** nn_phase: from now on time counts for `phase`; returns the one before. */
int nn_phase(nn_session *s, int phase);

/** Flights of a batch: responses and tables of layer i. */
static inline unsigned nn_flight_response(uint32_t layer) { return 2 * layer + 1; }
static inline unsigned nn_flight_tables(uint32_t layer) { return 2 * layer + 2; }

/** nn_server_input: takes over the encrypted inputs of the next layer. */
void nn_server_input(nn_server *v, convert_inputs *in);

/** Set-up of either party.  The _close functions free what _open made, also after an error. */
int nn_server_open(nn_server *v, chan *ch, const nn_prepared *m, const nn_serve_options *o, prg *rng) MUST_CHECK;
void nn_server_close(nn_server *v);
int nn_client_setup(nn_client *c, chan *ch, unsigned ot, prg *rng) MUST_CHECK;
void nn_client_teardown(nn_client *c);

/** nn_server_respond: layer i's outputs [first, first + n): the responses into wire, and the server's share[n][batch]
 * modulo 2^k with the bias added; every output once, in ascending order.   nn_client_unmask: the client's
 * share[n][batch] from those responses. */
int nn_server_respond(nn_server *v, uint32_t i, uint32_t first, uint32_t n, uint64_t *share, uint8_t *wire) MUST_CHECK;
int nn_client_unmask(nn_client *c, uint32_t i, uint32_t n, const uint8_t *wire, uint64_t *share) MUST_CHECK;

static inline uint32_t nn_min(uint32_t a, uint32_t b) { return a < b ? a : b; }

/** One batch, step by step, the two roles in step with each other. */
int nn_server_begin(nn_server *v) MUST_CHECK;                  /* BATCH, INPUT */
int nn_client_begin(nn_client *c, const uint8_t *pixels, uint32_t count) MUST_CHECK;
int nn_server_hidden(nn_server *v, uint32_t layer) MUST_CHECK; /* a weighted layer and its ReLU */
int nn_client_hidden(nn_client *c, uint32_t layer) MUST_CHECK;
int nn_server_last(nn_server *v) MUST_CHECK;                   /* the last weighted layer and argmax */
int nn_client_last(nn_client *c, int32_t *labels) MUST_CHECK;
void nn_batch_end(nn_session *s);

#endif
