// SPDX-License-Identifier: ISC
/** chan.h: a message channel between the two parties: framed, counted, with a hard cap for every message kind.
 *
 *  A message on the wire: u32 payload length (little endian), u8 kind, u8 flight, payload.  `flight` is the number of
 * the flight in the protocol's order (0, 1, 2, ... within a batch; see nn/exec.h); the receiver states kind and flight
 * that it expects, and anything else is ERR_PEER.  A party that waits to write keeps reading into memory (at most 256
 * MiB), so no socket buffer size can deadlock two parties that stream at each other.  A wait polls a hundred times
 * before it sleeps.  One thread a channel.  After a handshake (net/noise.h) all of it travels in encrypted records
 * (net/record.h); without, only tests and loopback should use it. */
#ifndef TACIT_NET_CHAN_H
#define TACIT_NET_CHAN_H

#include <stddef.h>
#include <stdint.h>

#include "net/noise.h"

#define CHAN_HEADER_BYTES 6
#define CHAN_MESSAGE_MAX (64u << 20) /* no kind may be larger */

/** Message kinds; docs/PROTOCOL.md gives each one's struct.  chan_cap says how long each may be. */
enum chan_kind {
    CHAN_ERROR = 0,    /* either way: u32 code, its text; the sender closes after it */
    CHAN_HELLO = 1,    /* C -> S: magic, version, OT extension asked for, nonce */
    CHAN_PLAN = 2,     /* S -> C: OT extension, nonce, serialised nn_plan */
    CHAN_KEYS = 3,     /* C -> S: a public key a weighted layer, hash start point */
    CHAN_OT_BASE = 4,  /* both ways: base OT */
    CHAN_BATCH = 5,    /* C -> S: number of images, seeds */
    CHAN_INPUT = 6,    /* C -> S: encrypted share of the first layer, a chunk */
    CHAN_RESPONSE = 7, /* S -> C: masked ciphertexts, a chunk */
    CHAN_OT_U = 8,     /* S -> C: correction matrix of the OT extension, a chunk */
    CHAN_TABLES = 9,   /* C -> S: garbled rows, a chunk */
    CHAN_SHARE = 10,   /* C -> S: encryption of the next share, a chunk */
    CHAN_OUTPUT = 11,  /* S -> C: colour bits of the output wires */
    CHAN_BYE = 12,     /* C -> S: the session ends well */
    CHAN_KINDS
};

typedef struct chan chan;

typedef struct {
    uint64_t bytes_sent, bytes_received; /* framing included */
    uint64_t messages_sent, messages_received;
} chan_stats;

/** chan_open: wraps a connected stream socket (TCP or socketpair); takes ownership of fd, sets it non-blocking. */
int chan_open(chan **out, int fd) MUST_CHECK;

/** chan_pair: two connected channels in this process (a socketpair); buffer_bytes > 0 sets the socket buffers' size. */
int chan_pair(chan **a, chan **b, int buffer_bytes) MUST_CHECK;

/** chan_secure: from now on every byte travels in records under the keys of a handshake; before the first message.
 *  chan_binding: the handshake's hash, which no other connection has; zeros of a plain channel.
 *  chan_pair_secure: chan_pair under keys from rng. */
int chan_secure(chan *c, const noise_result *r) MUST_CHECK;
void chan_binding(const chan *c, uint8_t out[32]);
int chan_pair_secure(chan **a, chan **b, int buffer_bytes, prg *rng) MUST_CHECK;

/** chan_free: closes, with the record that says so if the channel is encrypted and sound (what is gathered and not
 * flushed is lost); NULL is allowed. */
void chan_free(chan *c);

/** chan_set_stop: `*stop` != 0 makes every wait return ERR_INTERRUPTED (checked at least each 0.2 s).  NULL: none. */
void chan_set_stop(chan *c, const volatile int *stop);

/** chan_set_timeout: a wait without any progress for this long is ERR_NET "timed out".  0: none, the default. */
void chan_set_timeout(chan *c, unsigned milliseconds);

/** chan_limits: 0: none.  A limit that is passed is ERR_NET with a text. */
typedef struct {
    unsigned idle_ms;    /* a wait in chan_peek for the first byte */
    unsigned first_ms;   /* from chan_open until a first message is whole */
    unsigned session_ms; /* from chan_open on, in all */
    unsigned min_rate;   /* bytes a second, both ways, over each 10 s of other waits */
} chan_limits;
void chan_set_limits(chan *c, const chan_limits *l);

/** chan_set_inbox: how many bytes of the peer's may wait here while this party writes; more is ERR_PEER.   4 MiB at least; 256 MiB unless it
 *  is called. */
void chan_set_inbox(chan *c, size_t bytes);

/** chan_set_drain: while `*drain` != 0 the wait in chan_peek ends with ERR_BUSY.   NULL: none. */
void chan_set_drain(chan *c, const volatile int *drain);

/** chan_cap: the largest payload of a kind, 0 for an unknown kind. */
size_t chan_cap(unsigned kind);

/** chan_send: queues a message; small ones are gathered until chan_flush, chan_recv or 256 KiB.
 *  Errors: ERR_ARG (len above the kind's cap), ERR_NET, ERR_PEER (inbox full), ERR_INTERRUPTED. */
int chan_send(chan *c, unsigned kind, unsigned flight, const void *data, size_t len) MUST_CHECK;

/** chan_flush: returns when all that was queued is with the operating system. */
int chan_flush(chan *c) MUST_CHECK;

/** chan_recv: flushes, then waits for the next message, which must have this kind, flight and length.
 *  Errors: ERR_PEER with the names of what came and what was due; CHAN_ERROR gives what its code stands for (ERR_PEER
 * as a rule; ERR_BUSY, ERR_DENIED, ERR_NET, ERR_LIMIT), "the peer says: ...". */
int chan_recv(chan *c, unsigned kind, unsigned flight, void *data, size_t len) MUST_CHECK;

/** chan_recv_var: the same for a length not known before; at most `cap` bytes. */
int chan_recv_var(chan *c, unsigned kind, unsigned flight, void *data, size_t cap, size_t *len) MUST_CHECK;

/** chan_peek: flushes, waits for the next message's header and gives its kind, without taking it.  ERR_NET at a clean end of
 *  the stream as well. */
int chan_peek(chan *c, unsigned *kind) MUST_CHECK;

/** chan_fail: tells the peer that this party stops (best effort, does not wait long): `code`, an ERR_ number, and the
 * text that net/chan.c has for it. */
void chan_fail(chan *c, int code);

void chan_get_stats(const chan *c, chan_stats *out);

#endif
