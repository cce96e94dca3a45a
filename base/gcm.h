// SPDX-License-Identifier: ISC
/** gcm.h: AES-256-GCM [SP800-38D] with nonces of 96 bits, on VAES and VPCLMULQDQ, else libsodium's on AES-NI;
 *  chosen once at run time. */
#ifndef TACIT_BASE_GCM_H
#define TACIT_BASE_GCM_H

#include <stddef.h>
#include <stdint.h>

#include "base/block.h"
#include "base/err.h"

#define GCM_KEY_BYTES 32
#define GCM_NONCE_BYTES 12
#define GCM_TAG_BYTES 16
#define GCM_GROUP 64 /* blocks between two reductions of GHASH */
#define GCM_POWERS (GCM_GROUP + 8)

/** A key, ready for use: all of it is secret, the owner wipes it (mem_wipe).  What it holds belongs to the kernel,
 *  which it remembers. */
typedef struct gcm_key {
    _Alignas(64) block h[GCM_POWERS]; /* powers of H, descending (gcm_body.h) */
    block halves[GCM_POWERS];         /* their upper XOR lower half, in the lower one */
    block rk[15];                     /* round keys in memory order */
    const struct gcm_kern *kern;
} gcm_key;

/** gcm_usable: whether a kernel of ours or libsodium's runs on this CPU.  Without, nothing else here may be called. */
int gcm_usable(void);

/** gcm_kernel: the one in use: "vaes512", "vaes", "sodium", or "none". */
const char *gcm_kernel(void);

/** gcm_init: the key schedule and the powers of H, about 2000 cycles.   CT: constant time in the key. */
void gcm_init(gcm_key *k, const uint8_t key[GCM_KEY_BYTES]);

/** gcm_seal: out[len + 16] = the ciphertext of in[len] and its tag, which covers ad[ad_len], too.
 *  In:   len < 2^36 - 32, ad_len < 2^61; a nonce never twice under one key, else the key of the tags is lost.  ad
 *  may be NULL if ad_len = 0.
 *  Alias: out may be in, or apart from it; ad and nonce apart from out.   CT: time and addresses depend on len and
 *  ad_len only. */
void gcm_seal(const gcm_key *k, uint8_t *out, const uint8_t *in, size_t len, const uint8_t nonce[GCM_NONCE_BYTES],
              const uint8_t *ad, size_t ad_len);

/** gcm_open: out[len] = the plaintext of in[len + 16].
 *  Returns: 0, or nonzero if the tag is not right; then out[len] is zero.
 *  In, Alias: as gcm_seal.   CT: and on whether the tag is right. */
int gcm_open(const gcm_key *k, uint8_t *out, const uint8_t *in, size_t len, const uint8_t nonce[GCM_NONCE_BYTES],
             const uint8_t *ad, size_t ad_len) MUST_CHECK;

#endif
