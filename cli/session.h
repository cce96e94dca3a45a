// SPDX-License-Identifier: ISC
/** session.h: one session in a process of its own, and what it tells its parent (cli/front.h).
 *
 *  Parent and child share a SOCK_SEQPACKET pair.  The child asks once for a slot, after a good HELLO and before
 * anything of the session is allocated, and gets SESSION_GRANTED or SESSION_BUSY; before it exits it sends one
 * session_report.  The parent takes both as input of a stranger, since a hostile client may have taken the child over:
 * sizes are exact, a report is numbers only. */
#ifndef TACIT_CLI_SESSION_H
#define TACIT_CLI_SESSION_H

#include "net/chan.h"
#include "net/noise.h"
#include "nn/exec.h"

enum { SESSION_ASK = 'A', SESSION_GRANTED = 'G', SESSION_BUSY = 'B' };

typedef struct {
    nn_stats stats;
    chan_stats traffic;
    uint64_t peak_rss; /* bytes */
    int64_t code;      /* 0 or an ERR_ number */
} session_report;

typedef struct {
    const nn_prepared *model;
    unsigned ot;
    chan_limits limits;
    int quiet;
} session_options;

/** session_child: what the child does after fork; never returns.   fd: the connection; control: its end of the pair;
 * everything else above standard error is closed.   keys: of the handshake, NULL: a plain connection.   from: the
 * client's address, for stderr. SIGUSR1 ends the session at its next pause between batches (also sent when the parent
 * dies), SIGTERM at once. */
void session_child(const session_options *o, int fd, int control, noise_result *keys, const char *from)
    __attribute__((noreturn));

#endif
