// SPDX-License-Identifier: ISC
/** aes.h: AES-128 encryption [FIPS-197], AES-NI or a constant-time bitsliced portable twin, chosen once at run time. */
#ifndef TACIT_BASE_AES_H
#define TACIT_BASE_AES_H

#include <stddef.h>

#include "base/block.h"

typedef struct {
    block rk[11]; /* round keys in memory order */
} aes128_key;

/** aes128_expand: the key schedule.  CT: constant time in the key. */
void aes128_expand(aes128_key *k, const block *key);

/** aes128_encrypt: out[i] = AES_k(in[i]) for i < count.  Alias: out may equal in.  CT: depends on count only. */
void aes128_encrypt(const aes128_key *k, block *out, const block *in, size_t count);

/** aes128_ctr: out[i] = AES_k(lo = ctr + i, hi = nonce) for i < count: keystream, nothing is XORed in. */
void aes128_ctr(const aes128_key *k, block *out, uint64_t nonce, uint64_t ctr, size_t count);

/** aes_kernel: the variant in use, "portable" or "aesni". */
const char *aes_kernel(void);

#endif
