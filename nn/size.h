// SPDX-License-Identifier: ISC
/** size.h: lengths of messages and memory of a session, from the plan alone.  Both parties take their lengths from here
 * and nowhere else, and nn_plan_check holds them to their limits before anything is allocated.   Inside nn/, cli/plan.c
 * and tests only. */
#ifndef TACIT_NN_SIZE_H
#define TACIT_NN_SIZE_H

#include "nn/plan.h"

#define NN_PIECE (64u << 20) /* a longer payload of a batch travels in pieces of this size, the last one shorter */
#define NN_CHUNK_BYTES (16u << 20)  /* ciphertexts that travel together, unless one alone is larger */
#define NN_WINDOW 16                /* the most chunks that the server asks for ahead of the client's tables */
#define NN_WINDOW_BYTES (64u << 20) /* ... and what they may amount to, unless one alone is larger */
#define NN_WEIGH 128                /* outputs weighed at once: all inputs pass through the caches once for that many */

/** nn_size: one layer of a batch.  A chunk is `chunk` output elements with all images (hidden layers), or `lanes`
 * images with all outputs (the last layer's argmax; its responses go by `chunk` all the same).  Bytes. */
typedef struct {
    uint32_t chunk, chunks, window;      /* window: chunks that the server asks for before it takes the first answer */
    uint32_t input_chunk;                /* ciphertexts in one INPUT */
    size_t lanes;                        /* of a full chunk */
    size_t wires;                        /* OTs a lane: n, or k times the outputs */
    size_t ct, next, response; /* a ciphertext of this layer's input, of the next one's; the response for one element */
    size_t u, rows;                      /* of a full chunk */
} nn_size;
void nn_size_layer(nn_size *z, const nn_plan *p, uint32_t layer, uint32_t batch, unsigned ot);

/** For a chunk of other lanes: OT corrections and garbled rows. */
size_t nn_size_u(const nn_plan *p, uint32_t layer, size_t lanes, unsigned ot);
size_t nn_size_rows(const nn_plan *p, uint32_t layer, size_t lanes);

/** nn_size_rows_argmax: rows of one lane of gc_argmax_circuit(count, k, drop), 16 bytes each. */
uint64_t nn_size_rows_argmax(uint32_t count, unsigned k, unsigned drop);

size_t nn_size_keys(const nn_plan *p);                     /* KEYS */
size_t nn_size_batch(const nn_plan *p);                    /* BATCH */
size_t nn_size_output(const nn_plan *p, uint32_t batch);   /* OUTPUT */

/** nn_size_inbox: bytes of the other party's that may have to wait while this one writes (chan_set_inbox). */
size_t nn_size_inbox(const nn_plan *p, uint32_t batch, int server);

/** nn_size_check: 0, or `code` with a text, unless every message fits its cap and neither party needs more than
 * NN_MEMORY_MAX at the plan's largest batch.   In: nn_plan_check holds but for that. */
int nn_size_check(const nn_plan *p, int code) MUST_CHECK;

/** nn_size_traffic: bytes of a batch, headers apart: what the client sends and what it receives for a layer (the last
 * one: OUTPUT too). */
void nn_size_traffic(const nn_plan *p, uint32_t layer, uint32_t batch, unsigned ot, uint64_t *up, uint64_t *down);

#endif
