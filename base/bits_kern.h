// SPDX-License-Identifier: ISC
/** bits_kern.h: one table of functions for each way to pack bits; contracts as in bits.h. */
#ifndef TACIT_BASE_BITS_KERN_H
#define TACIT_BASE_BITS_KERN_H

#include "base/bits.h"
#include "base/kern.h"

typedef struct {
    const char *name;
    unsigned needs; /* cpu_features */
    void (*pack)(uint8_t *out, const uint64_t *v, size_t count, unsigned w);
    void (*unpack)(uint64_t *v, const uint8_t *in, size_t count, unsigned w);
} bits_kern;

extern const bits_kern bits_kern_portable, bits_kern_avx2;

#define BITS_KERNS 2
extern kern_set bits_kerns;

#endif
