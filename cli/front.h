// SPDX-License-Identifier: ISC
/** front.h: the server's parent process: accepts, drives all handshakes, gives each client that passed its own a
 *  process, gives out slots.
 *
 *  One thread and one loop.  What a stranger can make it hold is bounded: FRONT_HALF_OPEN connections in the
 *  handshake, each for FRONT_HANDSHAKE_MS; FRONT_ASKING processes that have not yet shown a good HELLO; of both the
 *  oldest makes room for the newest.  A slot, and the memory of a session, is taken only by a client that has said
 *  HELLO.  No model, share or key of a session is ever in this process's hands but the server's own static key,
 *  which children wipe. */
#ifndef TACIT_CLI_FRONT_H
#define TACIT_CLI_FRONT_H

#include "cli/keys.h"
#include "cli/session.h"

#define FRONT_HALF_OPEN 1024
#define FRONT_ASKING 128
#define FRONT_HANDSHAKE_MS 5000
#define FRONT_FIRST_MS 10000 /* until the first message is whole */

typedef struct {
    session_options session;
    noise_keypair *key;    /* NULL: plain connections */
    const char *allow;     /* file of admitted clients' keys, for SIGHUP; NULL: everybody */
    cli_allowed list;      /* what it holds; becomes front_run's */
    uint32_t sessions;     /* at once */
    uint32_t stop_after;   /* in all, 0: no limit */
    uint64_t memory;       /* bytes that all sessions may take; >= nn_server_bytes of one */
    uint32_t drain;        /* seconds */
    const char *metrics;   /* file, NULL: none */
    int json;
} front_options;

/** front_run: serves on the non-blocking listeners, which it closes, until SIGTERM or SIGINT (then it drains; the
 *  second one ends all at once) or the last of stop_after sessions.  SIGHUP reads the allow-list anew.
 *  Errors: ERR_ARG (metrics file), ERR_MEM, ERR_NET. */
int front_run(front_options *o, const int *listeners, unsigned count) MUST_CHECK;

#endif
