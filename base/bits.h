// SPDX-License-Identifier: ISC
/** bits.h: arrays of w-bit integers packed without gaps, little endian, first value in the lowest bits. */
#ifndef TACIT_BASE_BITS_H
#define TACIT_BASE_BITS_H

#include <stddef.h>
#include <stdint.h>

/** bits_bytes: bytes that `count` values of `w` bits take: ceil(count * w / 8). */
static inline size_t bits_bytes(size_t count, unsigned w) { return (count * w + 7) / 8; }

/** bits_pack: out = v[0..count), w bits each; the last byte's unused bits are zero.
 *  In:   w in [1, 64]; v[i] < 2^w (higher bits are dropped).   CT: lengths and w only. */
void bits_pack(uint8_t *out, const uint64_t *v, size_t count, unsigned w);

/** bits_unpack: the inverse; reads exactly bits_bytes(count, w) bytes.   CT: lengths and w only. */
void bits_unpack(uint64_t *v, const uint8_t *in, size_t count, unsigned w);

/** bits_kernel: the variant in use, "portable" or "avx2". */
const char *bits_kernel(void);

#endif
