// SPDX-License-Identifier: ISC
#include "base/aes.h"

#include <stdatomic.h>

#include "base/aes_kern.h"
#include "base/cpu.h"
#include "base/crh.h"

const aes_kern *aes_kern_best(void)
{
    static _Atomic(const aes_kern *) best;
    const aes_kern *k = atomic_load_explicit(&best, memory_order_relaxed);
    if (!k) {
        const unsigned f = cpu_features();
        k = f & CPU_AESNI ? &aes_kern_aesni : &aes_kern_portable;
        if (f & CPU_AESNI && f & CPU_VAES) k = f & CPU_AVX512 ? &aes_kern_vaes512 : &aes_kern_vaes;
        atomic_store_explicit(&best, k, memory_order_relaxed);
    }
    return k;
}

const char *aes_kernel(void) { return aes_kern_best()->name; }

void aes128_expand(aes128_key *k, const block *key) { aes_kern_best()->expand(k, key); }

void aes128_encrypt(const aes128_key *k, block *out, const block *in, size_t count) { aes_kern_best()->encrypt(k, out, in, count); }

void aes128_ctr(const aes128_key *k, block *out, uint64_t nonce, uint64_t ctr, size_t count)
{
    aes_kern_best()->ctr(k, out, nonce, ctr, count);
}

void crh_hash(const block *start, uint64_t index, block *h, const block *x, size_t lanes)
{
    aes_kern_best()->hash(start, index, h, x, lanes);
}

void crh_hash_pair(const block *start, uint64_t index, block *h0, block *h1, const block *x, const block *delta, size_t lanes)
{
    aes_kern_best()->hash_pair(start, index, h0, h1, x, delta, lanes);
}
