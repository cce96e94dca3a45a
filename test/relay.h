// SPDX-License-Identifier: ISC
/** relay.h: a man in the middle of two plain channels: carries whole messages one way, may alter or hold back each, and
 * keeps a copy. */
#ifndef TACIT_TEST_RELAY_H
#define TACIT_TEST_RELAY_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "net/chan.h"

enum { RELAY_PASS, RELAY_CUT, RELAY_HANG_UP }; /* CUT: half of it, then it hangs up */

typedef struct relay relay;
struct relay {
    int from, to;
    int (*alter)(relay *r, uint8_t head[CHAN_HEADER_BYTES], uint8_t *body, size_t len); /* NULL: passes all */
    int passed;      /* messages forwarded whole; while alter runs: the number of this one */
    uint8_t *copy;   /* of what was forwarded, if `keep` */
    size_t copied, room;
    int keep;
    pthread_t thread;
};

/** relay_between: r[0] carries from the client's end to the server's, r[1] back; *client and *server are the channels.
 * Asserts success. */
void relay_between(relay r[2], chan **client, chan **server);
/** relay_end: once both channels are closed.   relay_free: the copies. */
void relay_end(relay r[2]);
void relay_free(relay r[2]);

/** relay_next: the message at *at of a copy, and steps over it; 0 at the end. */
typedef struct {
    unsigned kind, flight;
    size_t len;
    const uint8_t *body;
} relay_message;
int relay_next(const relay *r, size_t *at, relay_message *m);

#endif
