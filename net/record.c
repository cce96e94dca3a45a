// SPDX-License-Identifier: ISC
#include "net/record.h"

#include <sodium.h>
#include <string.h>

#include "base/mem.h"

unsigned record_ciphers(void) { return RECORD_CHACHA | (gcm_usable() ? RECORD_AES_GCM : 0u); }

/** new_key: key = BLAKE2b(key; what, cipher), and all that is computed from it once. */
static void new_key(record_half *r, const char *what)
{
    uint8_t purpose[16] = {0};
    memcpy(purpose, what, strlen(what));
    purpose[15] = (uint8_t)r->cipher;
    crypto_generichash(r->key, RECORD_KEY, purpose, sizeof purpose, r->key, RECORD_KEY);
    if (r->cipher == RECORD_AES_GCM)
        gcm_init(&r->gcm, r->key);
}

int record_init(record_half *r, const uint8_t key[RECORD_KEY], unsigned cipher)
{
    memset(r, 0, sizeof *r);
    if ((cipher != RECORD_AES_GCM && cipher != RECORD_CHACHA) || !(cipher & record_ciphers()))
        return err_set(ERR_ARG, "records: cipher %u cannot be used here", cipher);
    memcpy(r->key, key, RECORD_KEY);
    r->cipher = cipher;
    new_key(r, "tacit records");
    return 0;
}

/** next_nonce: the next record's; re-keys when it is time. */
static void next_nonce(record_half *r, uint8_t nonce[12])
{
    if (r->number && r->number % RECORD_REKEY == 0)
        new_key(r, "tacit rekey");
    memset(nonce, 0, 4);
    for (int i = 0; i < 8; i++)
        nonce[4 + i] = (uint8_t)(r->number >> 8 * i);
    r->number++;
}

int record_seal(record_half *r, uint8_t *out, enum record_type type, const uint8_t *in, size_t len)
{
    uint8_t nonce[12];

    if (len > RECORD_BYTES || !len != (type == RECORD_FINAL) || r->final)
        return err_set(ERR_ARG, "records: %zu bytes", len);
    if (r->number == UINT64_MAX)
        return err_set(ERR_LIMIT, "records: all numbers are used up; open a new session");
    next_nonce(r, nonce);
    for (int i = 0; i < 3; i++)
        out[i] = (uint8_t)(len >> 8 * i);
    out[3] = (uint8_t)type;
    if (r->cipher == RECORD_AES_GCM)
        gcm_seal(&r->gcm, out + RECORD_HEAD, in, len, nonce, out, RECORD_HEAD);
    else
        crypto_aead_chacha20poly1305_ietf_encrypt(out + RECORD_HEAD, NULL, in, len, out, RECORD_HEAD, NULL, nonce,
                                                  r->key);
    r->final = type == RECORD_FINAL;
    return 0;
}

static int refuse(record_half *r, const char *why)
{
    r->refused = 1;
    return err_set(ERR_PEER, "the encrypted channel is damaged: %s", why);
}

int record_head(record_half *r, const uint8_t in[RECORD_HEAD], size_t *len)
{
    *len = in[0] | (size_t)in[1] << 8 | (size_t)in[2] << 16;
    if (r->refused)
        return refuse(r, "an earlier record was refused");
    if (r->final)
        return refuse(r, "bytes after the final record");
    if (in[3] > RECORD_FINAL || !*len != (in[3] == RECORD_FINAL) || *len > RECORD_BYTES)
        return refuse(r, "a record's head is impossible");
    if (r->number == UINT64_MAX)
        return refuse(r, "all record numbers are used up");
    return 0;
}

int record_open(record_half *r, uint8_t *out, const uint8_t *in, size_t len)
{
    uint8_t nonce[12];
    int bad;

    next_nonce(r, nonce);
    if (r->cipher == RECORD_AES_GCM)
        bad = gcm_open(&r->gcm, out, in + RECORD_HEAD, len, nonce, in, RECORD_HEAD);
    else
        bad = crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, in + RECORD_HEAD, len + RECORD_TAG, in,
                                                        RECORD_HEAD, nonce, r->key);
    if (bad) {
        if (len)
            memset(out, 0, len);
        return refuse(r, "a record does not open (forged, repeated, lost or out of order)");
    }
    r->final = in[3] == RECORD_FINAL;
    return 0;
}
