// SPDX-License-Identifier: ISC
#include "base/gcm.h"

#include <sodium.h>
#include <string.h>

#include "base/cpu.h"
#include "base/gcm_kern.h"
#include "base/mem.h"

/* libsodium keeps its own state in the place of our powers. */
_Static_assert(sizeof(crypto_aead_aes256gcm_state) <= sizeof((gcm_key *)0)->h, "libsodium's state needs more room");

static void sodium_init_key(gcm_key *k, const uint8_t key[GCM_KEY_BYTES])
{
    crypto_aead_aes256gcm_beforenm((crypto_aead_aes256gcm_state *)(void *)k->h, key);
}

static void sodium_seal(const gcm_key *k, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *nonce,
                        const uint8_t *ad, size_t ad_len)
{
    crypto_aead_aes256gcm_encrypt_afternm(out, NULL, in, len, ad, ad_len, NULL, nonce,
                                          (const crypto_aead_aes256gcm_state *)(const void *)k->h);
}

static int sodium_open(const gcm_key *k, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *nonce,
                       const uint8_t *ad, size_t ad_len)
{
    const int rc = crypto_aead_aes256gcm_decrypt_afternm(out, NULL, NULL, in, len + GCM_TAG_BYTES, ad, ad_len, nonce,
                                                         (const crypto_aead_aes256gcm_state *)(const void *)k->h);
    if (rc && len)
        memset(out, 0, len);
    return rc;
}

const gcm_kern gcm_kern_sodium = {"sodium", CPU_AESNI, sodium_init_key, sodium_seal, sodium_open};

static int answer(const void *kern, uint64_t *sum)
{
    enum { AD = 29 };
    static const size_t lengths[] = {0, 345, 2 * 16 * GCM_GROUP + 345}; /* a rest alone; groups, flights and a rest */
    const gcm_kern *kn = kern;
    gcm_key k = {.kern = NULL};
    uint8_t key[GCM_KEY_BYTES], in[2 * 16 * GCM_GROUP + 345], out[sizeof in + GCM_TAG_BYTES] = {0};
    kern_fill(key, sizeof key, 1);
    kern_fill(in, sizeof in, 2);
    kn->init(&k, key);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const size_t n = lengths[i];
        kn->seal(&k, out, in, n, key + i, in, AD);
        kern_mix(sum, out, n + GCM_TAG_BYTES);
        const int good = kn->open(&k, out, out, n, key + i, in, AD);
        kern_mix(sum, out, n);
        kn->seal(&k, out, in, n, key + i, in, AD);
        out[n + i] ^= 1;
        const int forged = kn->open(&k, out, out, n, key + i, in, AD);
        kern_mix(sum, out, n);
        *sum += (uint64_t)(good == 0) + 2 * (uint64_t)(forged != 0);
    }
    mem_wipe(&k, sizeof k);
    return 0;
}

kern_set gcm_kerns = {.what = "gcm", .of = {&gcm_kern_sodium, &gcm_kern_vaes, &gcm_kern_vaes512}, .answer = answer,
                      .right = UINT64_C(0x5f05ebe9f449529b)};

int gcm_usable(void) { return kern_best(&gcm_kerns) != NULL; }

const char *gcm_kernel(void) { return gcm_usable() ? ((const gcm_kern *)kern_best(&gcm_kerns))->name : "none"; }

void gcm_init(gcm_key *k, const uint8_t key[GCM_KEY_BYTES])
{
    k->kern = kern_best(&gcm_kerns);
    k->kern->init(k, key);
}

void gcm_seal(const gcm_key *k, uint8_t *out, const uint8_t *in, size_t len, const uint8_t nonce[GCM_NONCE_BYTES],
              const uint8_t *ad, size_t ad_len)
{
    k->kern->seal(k, out, in, len, nonce, ad, ad_len);
}

int gcm_open(const gcm_key *k, uint8_t *out, const uint8_t *in, size_t len, const uint8_t nonce[GCM_NONCE_BYTES],
             const uint8_t *ad, size_t ad_len)
{
    return k->kern->open(k, out, in, len, nonce, ad, ad_len);
}
