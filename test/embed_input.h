// SPDX-License-Identifier: ISC
/** embed_input.h: the inputs that test/embed_vectors.py and test/ntt_vectors.py speak of. */
#ifndef TACIT_TEST_EMBED_INPUT_H
#define TACIT_TEST_EMBED_INPUT_H

#include <stdint.h>

/** vector_word: number i of size n, splitmix64.   vector_input: the same to a multiple of 2^-52 in [-1, 1). */
static inline uint64_t vector_word(uint32_t n, uint32_t i)
{
    uint64_t x = (((uint64_t)n << 32) + i + 1) * UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

static inline double vector_input(uint32_t n, uint32_t i)
{
    return (double)((int64_t)(vector_word(n, i) >> 11) - (INT64_C(1) << 52)) * 0x1p-52;
}

#endif
