// SPDX-License-Identifier: ISC
/* Noise_XK_25519_ChaChaPoly_BLAKE2b                    what a token does
 *
 *   <- s                 known before                  e    draws a pair, sends and hashes its public half
 *   ...                                                s    sends the static public key, encrypted
 *   -> e, es             message 1                     es   mixes DH(initiator's e, responder's s) into chain and key
 *   <- e, ee             message 2                     ee   DH(initiator's e, responder's e)
 *   -> s, se             message 3                     se   DH(initiator's s, responder's e)
 *
 * Each message ends with its payload.  Whatever is sent is hashed, and the hash is the associated data of every
 * encryption. */
#include "net/xk.h"

#include <sodium.h>
#include <string.h>

#include "base/mem.h"

#define BLOCK 128 /* of BLAKE2b */

/* ---- HMAC and HKDF over BLAKE2b-512 ---- */

/** hmac: HMAC-BLAKE2b of a[a_len] and b[b_len] in a row.   In: key_len <= BLOCK. */
static void hmac(uint8_t out[XK_HASH], const uint8_t *key, size_t key_len, const uint8_t *a, size_t a_len,
                 const uint8_t *b, size_t b_len)
{
    crypto_generichash_state h;
    uint8_t pad[BLOCK], inner[XK_HASH];

    for (size_t i = 0; i < BLOCK; i++)
        pad[i] = (uint8_t)((i < key_len ? key[i] : 0) ^ 0x36);
    crypto_generichash_init(&h, NULL, 0, XK_HASH);
    crypto_generichash_update(&h, pad, BLOCK);
    crypto_generichash_update(&h, a, a_len);
    crypto_generichash_update(&h, b, b_len);
    crypto_generichash_final(&h, inner, XK_HASH);
    for (size_t i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    crypto_generichash_init(&h, NULL, 0, XK_HASH);
    crypto_generichash_update(&h, pad, BLOCK);
    crypto_generichash_update(&h, inner, XK_HASH);
    crypto_generichash_final(&h, out, XK_HASH);
    mem_wipe(&h, sizeof h);
    mem_wipe(pad, sizeof pad);
    mem_wipe(inner, sizeof inner);
}

/** hkdf: both outputs of HKDF(chain, input).   Alias: one may be chain. */
static void hkdf(uint8_t one[XK_HASH], uint8_t two[XK_HASH], const uint8_t chain[XK_HASH], const uint8_t *input,
                 size_t len)
{
    static const uint8_t first = 1, second = 2;
    uint8_t secret[XK_HASH];

    hmac(secret, chain, XK_HASH, input, len, NULL, 0);
    hmac(one, secret, XK_HASH, &first, 1, NULL, 0);
    hmac(two, secret, XK_HASH, one, XK_HASH, &second, 1);
    mem_wipe(secret, sizeof secret);
}

/* ---- the symmetric state ---- */

static void mix_hash(xk_state *x, const uint8_t *data, size_t len)
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, NULL, 0, XK_HASH);
    crypto_generichash_update(&h, x->hash, XK_HASH);
    crypto_generichash_update(&h, data, len);
    crypto_generichash_final(&h, x->hash, XK_HASH);
}

/** mix_dh: DH(secret, public) goes into the chain and gives a new key. */
static int mix_dh(xk_state *x, const uint8_t secret[XK_KEY], const uint8_t public[XK_KEY])
{
    uint8_t shared[XK_KEY], key[XK_HASH];
    int rc = crypto_scalarmult_curve25519(shared, secret, public) ? ERR_PEER : 0; /* refuses an all-zero result */
    if (!rc) {
        hkdf(x->chain, key, x->chain, shared, sizeof shared);
        memcpy(x->key, key, XK_KEY);
        x->nonce = 0;
    }
    mem_wipe(shared, sizeof shared);
    mem_wipe(key, sizeof key);
    return rc;
}

static void nonce_bytes(uint8_t out[12], uint64_t nonce)
{
    memset(out, 0, 4);
    for (int i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(nonce >> 8 * i);
}

static void encrypt(xk_state *x, uint8_t *out, const uint8_t *in, size_t len)
{
    uint8_t nonce[12];
    nonce_bytes(nonce, x->nonce++);
    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, in, len, x->hash, XK_HASH, NULL, nonce, x->key);
    mix_hash(x, out, len + XK_TAG);
}

static int decrypt(xk_state *x, uint8_t *out, const uint8_t *in, size_t len)
{
    uint8_t nonce[12];
    nonce_bytes(nonce, x->nonce++);
    if (crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, in, len + XK_TAG, x->hash, XK_HASH, nonce, x->key))
        return ERR_PEER;
    mix_hash(x, in, len + XK_TAG);
    return 0;
}

/* ---- the handshake ---- */

static void start(xk_state *x, const noise_keypair *s, const uint8_t responder[XK_KEY], const void *prologue,
                  size_t len)
{
    static const char name[] = "Noise_XK_25519_ChaChaPoly_BLAKE2b";

    memset(x, 0, sizeof *x);
    memcpy(x->hash, name, sizeof name - 1); /* shorter than a hash: padded with zeros */
    memcpy(x->chain, x->hash, XK_HASH);
    x->s = *s;
    mix_hash(x, prologue, len);
    mix_hash(x, responder, XK_KEY); /* <- s */
}

void xk_initiator(xk_state *x, const noise_keypair *s, const uint8_t rs[XK_KEY], const void *prologue, size_t len)
{
    start(x, s, rs, prologue, len);
    memcpy(x->rs, rs, XK_KEY);
}

void xk_responder(xk_state *x, const noise_keypair *s, const void *prologue, size_t len)
{
    start(x, s, s->public, prologue, len);
}

static void send_e(xk_state *x, const noise_keypair *e, uint8_t out[XK_KEY])
{
    x->e = *e;
    memcpy(out, x->e.public, XK_KEY);
    mix_hash(x, out, XK_KEY);
}

static void receive_e(xk_state *x, const uint8_t in[XK_KEY])
{
    memcpy(x->re, in, XK_KEY);
    mix_hash(x, in, XK_KEY);
}

int xk_write_1(xk_state *x, const noise_keypair *e, uint8_t *out, const uint8_t *payload, size_t len)
{
    /* e */
    send_e(x, e, out);
    /* es */
    if (mix_dh(x, x->e.secret, x->rs))
        return ERR_PEER;
    encrypt(x, out + XK_KEY, payload, len);
    return 0;
}

int xk_read_1(xk_state *x, uint8_t *payload, const uint8_t *in, size_t len)
{
    /* e */
    receive_e(x, in);
    /* es */
    if (mix_dh(x, x->s.secret, x->re))
        return ERR_PEER;
    return decrypt(x, payload, in + XK_KEY, len);
}

int xk_write_2(xk_state *x, const noise_keypair *e, uint8_t *out, const uint8_t *payload, size_t len)
{
    /* e */
    send_e(x, e, out);
    /* ee */
    if (mix_dh(x, x->e.secret, x->re))
        return ERR_PEER;
    encrypt(x, out + XK_KEY, payload, len);
    return 0;
}

int xk_read_2(xk_state *x, uint8_t *payload, const uint8_t *in, size_t len)
{
    /* e */
    receive_e(x, in);
    /* ee */
    if (mix_dh(x, x->e.secret, x->re))
        return ERR_PEER;
    return decrypt(x, payload, in + XK_KEY, len);
}

int xk_write_3(xk_state *x, uint8_t *out, const uint8_t *payload, size_t len)
{
    /* s */
    encrypt(x, out, x->s.public, XK_KEY);
    /* se */
    if (mix_dh(x, x->s.secret, x->re))
        return ERR_PEER;
    encrypt(x, out + XK_KEY + XK_TAG, payload, len);
    return 0;
}

int xk_read_3(xk_state *x, uint8_t *payload, const uint8_t *in, size_t len)
{
    /* s */
    if (decrypt(x, x->rs, in, XK_KEY))
        return ERR_PEER;
    /* se */
    if (mix_dh(x, x->e.secret, x->rs))
        return ERR_PEER;
    return decrypt(x, payload, in + XK_KEY + XK_TAG, len);
}

void xk_split(const xk_state *x, uint8_t initiator[XK_KEY], uint8_t responder[XK_KEY])
{
    uint8_t one[XK_HASH], two[XK_HASH];
    hkdf(one, two, x->chain, NULL, 0);
    memcpy(initiator, one, XK_KEY);
    memcpy(responder, two, XK_KEY);
    mem_wipe(one, sizeof one);
    mem_wipe(two, sizeof two);
}
