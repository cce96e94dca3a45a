// SPDX-License-Identifier: ISC
/** gcm_kern.h: one table of functions for each way to run AES-256-GCM; contracts as in gcm.h. */
#ifndef TACIT_BASE_GCM_KERN_H
#define TACIT_BASE_GCM_KERN_H

#include "base/gcm.h"
#include "base/kern.h"

typedef struct gcm_kern {
    const char *name;
    unsigned needs; /* cpu_features */
    void (*init)(gcm_key *k, const uint8_t key[GCM_KEY_BYTES]);
    void (*seal)(const gcm_key *k, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *nonce, const uint8_t *ad,
                 size_t ad_len);
    int (*open)(const gcm_key *k, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *nonce, const uint8_t *ad,
                size_t ad_len);
} gcm_kern;

#define GCM_KERNS 3
extern const gcm_kern gcm_kern_sodium, gcm_kern_vaes, gcm_kern_vaes512;

extern kern_set gcm_kerns; /* there is none for every CPU: the first one, libsodium's, needs AES-NI */

#endif
