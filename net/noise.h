// SPDX-License-Identifier: ISC
/** noise.h: the handshake of the channel: Noise XK (net/xk.h) with what goes around it.  A state machine that does
 *  no input or output of its own; noise_connect drives it over a socket.
 *
 *      C -> S   magic[8] kind    0: "which is your key?"   1: XK message 1; payload: the set of ciphers (net/record.h)
 *      S -> C   magic[8] kind    0: key[32]; C goes on with 1   1: XK message 2; payload: the cipher that is used
 *                                2: key[32]: message 1 was not for this key; both stop
 *      C -> S   XK message 3, no payload
 *  The last byte of magic is the wire version.  Magic and the roles are the prologue.  A key that was asked for is
 *  worth nothing until message 2 shows that the server has its secret half; kind 2 is not authentic at all, so that
 *  it serves for words only.
 *
 *  Role: C initiates.   Flights: 3 (5 if C asks).   Bytes: 58 + 64 up, 58 down (9 and 41 more).   Leaks: to who
 *  listens: that it is Tacit, S's key if C asks, lengths and times; to who poses as S without its key: nothing of
 *  C's key. */
#ifndef TACIT_NET_NOISE_H
#define TACIT_NET_NOISE_H

#include "base/prg.h"
#include "net/xk.h"

#define NOISE_HEAD 9
#define NOISE_MAX (NOISE_HEAD + XK_MESSAGE_3) /* the longest that is sent or waited for at once */

/** noise_result: what both ends have in common.   hash binds all messages; peer is the other's static public key. */
typedef struct {
    uint8_t send_key[XK_KEY], recv_key[XK_KEY], hash[XK_KEY], peer[XK_KEY];
    uint8_t cipher; /* of net/record.h */
} noise_result;

typedef struct noise_handshake {
    int state, asks; /* asks: the client does not know the key; the server was asked */
    xk_state xk;
    noise_keypair s, e;
    uint8_t other[XK_KEY]; /* the server's key as the client expects it, or as it was told */
    noise_result result;
} noise_handshake;

/** noise_keypair_new: a fresh pair.   noise_keypair_public: fills in the public half.   Errors: ERR_ARG, nothing
 *  usable came out. */
int noise_keypair_new(noise_keypair *k, prg *rng) MUST_CHECK;
int noise_keypair_public(noise_keypair *k) MUST_CHECK;

/** noise_server_start, noise_client_start: a handshake before its first step, ephemeral keys from rng.   own NULL:
 *  a fresh one, so that the client stays nameless; server_key NULL: the server is asked for it. */
void noise_server_start(noise_handshake *h, const noise_keypair *own, prg *rng);
void noise_client_start(noise_handshake *h, const noise_keypair *own, const uint8_t *server_key, prg *rng);

/** noise_wants: how many bytes the next step takes, at most NOISE_MAX; 0: it only writes.
 *  noise_step: in[noise_wants] and what is to be sent; 0: go on, 1: done once out is sent, else an error and the
 *  end (out is to be sent all the same).
 *  Errors: ERR_PEER with a text; of the client ERR_PEER with noise_other_key if the server has another key. */
size_t noise_wants(const noise_handshake *h);
int noise_step(noise_handshake *h, const uint8_t *in, uint8_t out[NOISE_MAX], size_t *out_len) MUST_CHECK;

/** noise_finished: what came out, once noise_step gave 1; NULL before.   noise_other_key: the key that a server had
 *  in place of the expected one. */
const noise_result *noise_finished(const noise_handshake *h);
const uint8_t *noise_other_key(const noise_handshake *h);
void noise_wipe(noise_handshake *h);

/** noise_connect: drives a handshake over a connected socket, reading no byte more than its own, in at most
 *  `milliseconds`.
 *  Errors: ERR_NET, ERR_PEER, ERR_INTERRUPTED (*stop, checked each 0.2 s; stop may be NULL). */
int noise_connect(int fd, noise_handshake *h, unsigned milliseconds, const volatile int *stop) MUST_CHECK;

#endif
