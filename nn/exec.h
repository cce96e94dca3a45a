// SPDX-License-Identifier: ISC
/** exec.h: the two parties' sessions: set-up, then batches.
 *
 *  Flights after set-up, for a network of L weighted layers: 0 C -> S inputs; then for each layer S -> C responses and OT corrections,
 *  C -> S tables and next shares; last S -> C output bits: 2L + 2. */
#ifndef TACIT_NN_EXEC_H
#define TACIT_NN_EXEC_H

#include "base/prg.h"
#include "net/chan.h"
#include "nn/plan.h"

typedef struct {
    double seconds[5];       /* per phase: set-up, linear, OT, garbling, waiting for the peer */
    uint64_t images, batches;
    uint32_t flights;        /* the most flights of any batch, as counted from the messages */
} nn_stats;
enum { NN_PHASE_SETUP, NN_PHASE_LINEAR, NN_PHASE_OT, NN_PHASE_GC, NN_PHASE_WAIT };

#define NN_DEFAULT_OT 2 /* k of ot/extend.h: as much AES as IKNP and half its bytes, so the fastest on loopback */

/** nn_serve: one session on a fresh channel, until the client says goodbye.  OT is extended with the client's k if it asks for one, else `ot`.
 *  Errors: what the channel gives, ERR_PEER, ERR_MEM, ERR_LIMIT; the peer has been told. */
int nn_serve(chan *ch, const nn_qmodel *q, unsigned ot, prg *rng, nn_stats *stats) MUST_CHECK;

typedef struct nn_client nn_client;

/** nn_client_open: hello, plan, keys, base OT.   ot: the k that it asks for, 0: as the server likes. */
int nn_client_open(nn_client **out, chan *ch, unsigned ot, prg *rng) MUST_CHECK;
unsigned nn_client_ot(const nn_client *c);
const nn_plan *nn_client_plan(const nn_client *c);

/** nn_client_infer: labels[count] of pixels[count][layer[0].in], count in [1, plan.max_batch].  After an error the client is dead (labels of
 *  earlier batches stand).   `progress`, may be NULL, is called with the done fraction of this batch in [0, 1]. */
int nn_client_infer(nn_client *c, const uint8_t *pixels, uint32_t count, int32_t *labels, void (*progress)(void *, double), void *arg) MUST_CHECK;

/** nn_client_close: says goodbye and frees (the channel stays the caller's); NULL is allowed. */
void nn_client_close(nn_client *c);
void nn_client_stats(const nn_client *c, nn_stats *out);

#endif
