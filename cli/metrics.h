// SPDX-License-Identifier: ISC
/** metrics.h: what the server has counted, in Prometheus' text format, and what it says of a session. */
#ifndef TACIT_CLI_METRICS_H
#define TACIT_CLI_METRICS_H

#include "cli/session.h"

/** How a session ended. */
enum metrics_outcome {
    METRICS_OK,
    METRICS_DRAINED,
    METRICS_LOST,
    METRICS_PEER,
    METRICS_MEMORY,
    METRICS_STOPPED,
    METRICS_FAILED,
    METRICS_DIED,
    METRICS_OUTCOMES
};

typedef struct {
    uint64_t connections, handshakes_failed, timed_out, crowded_out, denied; /* before there is a session */
    uint64_t busy, no_hello;                                     /* turned away; ended before it asked */
    uint64_t started, ended[METRICS_OUTCOMES];
    uint64_t lines_lost; /* of stdout and stderr, because nobody read them */
    uint64_t images, batches, bytes_sent, bytes_received;
    uint32_t half_open, half_open_peak, active, active_peak;
    uint64_t reserved, memory;                                   /* bytes */
} metrics;

/** metrics_session: one session that has ended. */
typedef struct {
    const char *from;
    const uint8_t *peer; /* public key[32], NULL: none */
    double seconds;
    int reported, signal; /* the report is there; the signal that it died by */
    const session_report *report;
} metrics_session;

/** metrics_add: counts it, and gives how it ended. */
enum metrics_outcome metrics_add(metrics *m, const metrics_session *s);

/** metrics_line: a JSON object on stdout, if `json`, and a line for people on stderr. */
void metrics_line(metrics *m, const metrics_session *s, enum metrics_outcome outcome, int json);

/** metrics_write: replaces `file` by a new one at once (rename).   Errors: ERR_ARG with a text. */
int metrics_write(const metrics *m, const char *file) MUST_CHECK;

#endif
