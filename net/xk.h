// SPDX-License-Identifier: ISC
/** xk.h: Noise_XK_25519_ChaChaPoly_BLAKE2b [NOISE, revision 34], message by message: pure computation, payloads and
 *  prologue as they are given. The negotiation around it is net/noise.h.   CT: secret keys meet X25519, BLAKE2b and
 *  ChaCha20-Poly1305 of libsodium only. */
#ifndef TACIT_NET_XK_H
#define TACIT_NET_XK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define XK_KEY 32
#define XK_TAG 16
#define XK_HASH 64

/* Bytes of a message beside its payload. */
#define XK_MESSAGE_1 (XK_KEY + XK_TAG)
#define XK_MESSAGE_2 (XK_KEY + XK_TAG)
#define XK_MESSAGE_3 (XK_KEY + XK_TAG + XK_TAG)

typedef struct {
    uint8_t secret[XK_KEY], public[XK_KEY];
} noise_keypair;

typedef struct {
    uint8_t chain[XK_HASH], hash[XK_HASH]; /* ck and h of the specification */
    uint8_t key[XK_KEY];                   /* k and n */
    uint64_t nonce;
    noise_keypair s, e;              /* this party's static and ephemeral keys */
    uint8_t rs[XK_KEY], re[XK_KEY]; /* the other's public ones */
} xk_state;

/** xk_initiator, xk_responder: the state before message 1; the initiator knows the responder's static key. */
void xk_initiator(xk_state *x, const noise_keypair *s, const uint8_t rs[XK_KEY], const void *prologue, size_t len);
void xk_responder(xk_state *x, const noise_keypair *s, const void *prologue, size_t len);

/** xk_write_<i>: message i with a payload of `len` bytes: out[XK_MESSAGE_<i> + len].   e: a fresh pair for this
 *  handshake. xk_read_<i>: the payload[len] of the message in[XK_MESSAGE_<i> + len].
 *  Errors: ERR_PEER, without a text, if a key gives an all-zero X25519 result or the message is not authentic; the
 *  handshake is over then. */
int xk_write_1(xk_state *x, const noise_keypair *e, uint8_t *out, const uint8_t *payload, size_t len) MUST_CHECK;
int xk_read_1(xk_state *x, uint8_t *payload, const uint8_t *in, size_t len) MUST_CHECK;
int xk_write_2(xk_state *x, const noise_keypair *e, uint8_t *out, const uint8_t *payload, size_t len) MUST_CHECK;
int xk_read_2(xk_state *x, uint8_t *payload, const uint8_t *in, size_t len) MUST_CHECK;
int xk_write_3(xk_state *x, uint8_t *out, const uint8_t *payload, size_t len) MUST_CHECK;
int xk_read_3(xk_state *x, uint8_t *payload, const uint8_t *in, size_t len) MUST_CHECK;

/** xk_split: after message 3, the keys of what the initiator sends and of what the responder sends. */
void xk_split(const xk_state *x, uint8_t initiator[XK_KEY], uint8_t responder[XK_KEY]);

#endif
