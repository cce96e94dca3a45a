// SPDX-License-Identifier: ISC
/** exec.h: the two parties' sessions: set-up, then batches.
 *
 *  Flights after set-up, for a network of L weighted layers: 0 C -> S inputs; then for each layer S -> C responses and
 * OT corrections, C -> S tables and next shares; last S -> C output bits: 2L + 2. */
#ifndef TACIT_NN_EXEC_H
#define TACIT_NN_EXEC_H

#include "base/prg.h"
#include "net/chan.h"
#include "nn/plan.h"

typedef struct {
    double seconds[5];       /* per phase: set-up, linear, OT, garbling, waiting for the peer */
    uint64_t images, batches;
    uint64_t unreadable;     /* images whose output was no label (client) */
    uint32_t flights;        /* the most flights of any batch, as counted from the messages */
} nn_stats;
enum { NN_PHASE_SETUP, NN_PHASE_LINEAR, NN_PHASE_OT, NN_PHASE_GC, NN_PHASE_WAIT };

#define NN_DEFAULT_OT 2 /* k of ot/extend.h: as much AES as IKNP and half its bytes, so the fastest on loopback */

/** nn_prepared: all that belongs to a model and not to a session: plan, parameters, weights, the argmax circuit.
 * Read-only: any number of sessions, threads and forked processes use one at the same time. */
typedef struct nn_prepared nn_prepared;

/** nn_prepare: from a quantised model, which may go then.   names: 1 tells clients the layers' names, 0 leaves them an
 * index. Errors: ERR_MEM; *out is then NULL.   nn_prepared_free: NULL is allowed. */
int nn_prepare(nn_prepared **out, const nn_qmodel *q, int names) MUST_CHECK;
void nn_prepared_free(nn_prepared *m);
/** nn_prepared_plan: what a client is told, to the last field. */
const nn_plan *nn_prepared_plan(const nn_prepared *m);

typedef struct {
    unsigned ot;              /* k of OT extension for clients that ask for none */
    int (*admit)(void *arg); /* may be NULL; called once HELLO is good and before anything is allocated for the session:
                              * not 0 turns the client away with that code (ERR_BUSY: no room) */
    void *arg;
} nn_serve_options;

/** nn_serve: one session on a fresh channel, until the client says goodbye.
 *  Errors: what the channel or `admit` gives, ERR_PEER, ERR_MEM, ERR_LIMIT; the peer has been told the code. */
int nn_serve(chan *ch, const nn_prepared *m, const nn_serve_options *o, prg *rng, nn_stats *stats) MUST_CHECK;

typedef struct nn_client nn_client;

/** nn_client_open: hello, plan, keys, base OT.   ot: the k that it asks for, 0: as the server likes. */
int nn_client_open(nn_client **out, chan *ch, unsigned ot, prg *rng) MUST_CHECK;
unsigned nn_client_ot(const nn_client *c);
const nn_plan *nn_client_plan(const nn_client *c);

#define NN_NO_LABEL (-1)

/** nn_client_infer: labels[count] of pixels[count][layer[0].in], count in [1, plan.max_batch].  After an error the
 * client is dead (labels of earlier batches stand).   `progress`, may be NULL, is called with the done fraction of this
 * batch in [0, 1]. What the server's last message decodes to is the client's secret, so nothing that is sent may depend
 * on it: an output that is no label gives NN_NO_LABEL for its image, counts in nn_stats.unreadable, and is no error of
 * the session.  A caller goes on as after any batch, says goodbye, and only then reports that the server is broken or
 * worse; it does not ask again for these images. */
int nn_client_infer(nn_client *c, const uint8_t *pixels, uint32_t count, int32_t *labels,
                    void (*progress)(void *, double), void *arg) MUST_CHECK;

/** nn_client_close: says goodbye and frees (the channel stays the caller's); NULL is allowed. */
void nn_client_close(nn_client *c);
void nn_client_stats(const nn_client *c, nn_stats *out);

#endif
