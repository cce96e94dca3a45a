// SPDX-License-Identifier: ISC
/** aes_kern.h: one table of functions for each way to run AES; contracts as in aes.h and crh.h. */
#ifndef TACIT_BASE_AES_KERN_H
#define TACIT_BASE_AES_KERN_H

#include "base/aes.h"
#include "base/kern.h"

typedef struct {
    const char *name;
    unsigned needs; /* cpu_features */
    void (*expand)(aes128_key *k, const block *key);
    void (*encrypt)(const aes128_key *k, block *out, const block *in, size_t count);
    void (*ctr)(const aes128_key *k, block *out, uint64_t nonce, uint64_t ctr, size_t count);
    void (*hash)(const block *start, uint64_t index, block *h, const block *x, size_t lanes);
    void (*hash_pair)(const block *start, uint64_t index, block *h0, block *h1, const block *x, const block *delta, size_t lanes);
} aes_kern;

extern const aes_kern aes_kern_portable, aes_kern_aesni, aes_kern_vaes, aes_kern_vaes512;

extern kern_set aes_kerns;

/** aes_kern_best: the fastest one this CPU may use, picked at the first call. */
static inline const aes_kern *aes_kern_best(void) { return kern_best(&aes_kerns); }

#endif
