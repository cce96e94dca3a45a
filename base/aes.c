// SPDX-License-Identifier: ISC
#include "base/aes.h"

#include "base/aes_kern.h"
#include "base/crh.h"

static int answer(const void *kern, uint64_t *sum)
{
    enum { MOST = 400 }; /* two sets of keys of the widest kernel and a rest */
    static const size_t counts[] = {50, 325};
    const aes_kern *k = kern;
    aes128_key key = {0};
    block in[MOST], out[MOST] = {0}, out1[MOST] = {0};
    kern_fill(in, sizeof in, 1);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        const size_t n = counts[c];
        k->expand(&key, &in[c]);
        kern_mix(sum, &key, sizeof key);
        k->encrypt(&key, out, in, n);
        kern_mix(sum, out, n * sizeof *out);
        k->ctr(&key, out, in[0].w[0], in[0].w[1], n);
        kern_mix(sum, out, n * sizeof *out);
        k->hash(&in[0], in[1].w[0], out, in, n);
        kern_mix(sum, out, n * sizeof *out);
        k->hash_pair(&in[0], in[1].w[1], out, out1, in, &in[2], n);
        kern_mix(sum, out, n * sizeof *out);
        kern_mix(sum, out1, n * sizeof *out1);
    }
    return 0;
}

kern_set aes_kerns = {.what = "aes", .of = {&aes_kern_portable, &aes_kern_aesni, &aes_kern_vaes, &aes_kern_vaes512},
                      .answer = answer, .right = UINT64_C(0x066f657fcc2ba78c)};

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
