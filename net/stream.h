// SPDX-License-Identifier: ISC
/** stream.h: bytes both ways over a socket, in records (net/record.h) once stream_secure was called, plain before;
 * waits have their limits here. Inside net/ only.  A party that waits to write reads meanwhile into memory (at most
 * inbox_most), so no socket buffer size can deadlock two that stream at each other.   Errors of all: ERR_NET
 * (lost, cut, too slow), ERR_PEER (records that do not open; the inbox is full), ERR_MEM, ERR_INTERRUPTED, ERR_BUSY
 * (drained). */
#ifndef TACIT_NET_STREAM_H
#define TACIT_NET_STREAM_H

#include "net/chan.h"
#include "net/record.h"

#define STREAM_INBOX_MOST (256u << 20) /* what may wait until chan_set_inbox says how much */
#define STREAM_INBOX_LEAST (4u << 20)

typedef struct {
    record_half send, receive;
    uint8_t plain[RECORD_BYTES + 64]; /* opened but not taken: [from, to) */
    size_t from, to;
    uint8_t sealed[4 * RECORD_MAX];
} stream_secret;

typedef struct {
    int fd, eof, broken;              /* eof: nothing more comes; broken: a write failed */
    const volatile int *stop, *drain;
    unsigned timeout;
    chan_limits limits;
    int idle, begun; /* this wait is for the first byte of what may come any time; the first message has come */
    uint64_t opened, due_ms, due_from, moved; /* times in ms; bytes both ways, and when the window of min_rate began */
    uint8_t *in;                      /* read but not taken: [from, to) */
    size_t in_size, from, to, inbox_most;
    stream_secret *secret;            /* NULL: plain */
    uint64_t sent, received;          /* bytes on the wire; received: of what was taken */
} stream;

int stream_open(stream *s, int fd) MUST_CHECK; /* takes fd over, closes it on an error too */
int stream_secure(stream *s, const noise_result *r) MUST_CHECK;
void stream_close(stream *s); /* with the final record, if that goes out at once */
/** stream_hurry: from now on neither stop nor drain ends a wait, but all waits do together after that long, whatever
 * the peer sends meanwhile. */
void stream_hurry(stream *s, unsigned milliseconds);

/** stream_write: all n bytes to the operating system; `more`: others follow at once. */
int stream_write(stream *s, const uint8_t *p, size_t n, int more) MUST_CHECK;

/** stream_look: waits for n (at most 64) bytes and gives where they are; stream_skip takes them.   stream_read: takes n
 * bytes to `to`. */
int stream_look(stream *s, size_t n, const uint8_t **at) MUST_CHECK;
void stream_skip(stream *s, size_t n);
int stream_read(stream *s, uint8_t *to, size_t n) MUST_CHECK;

#endif
