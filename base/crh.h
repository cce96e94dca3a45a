// SPDX-License-Identifier: ISC
/** crh.h: MITCCRH, the tweakable circular correlation-robust hash of [GKWY20, 2019/1168, Sec. 7.3]:
 *  H(i, x) = AES_{start XOR i}(sigma(x)) XOR sigma(x),  sigma(L || R) = (L XOR R) || L  (L the upper half).
 *  A key (index) serves one hash site for at most CRH_LANES lanes; indices are never used again in a session. */
#ifndef TACIT_BASE_CRH_H
#define TACIT_BASE_CRH_H

#include <stddef.h>

#include "base/block.h"

#define CRH_LANES 8

/** crh_keys: indices that a site over `lanes` lanes uses up: ceil(lanes / 8). */
static inline uint64_t crh_keys(size_t lanes) { return (lanes + CRH_LANES - 1) / CRH_LANES; }

/** crh_hash: h[j] = H(index + floor(j / 8), x[j]) for j < lanes.
 *  Alias: h may equal x.   CT: depends on lanes only.   `start` is public. */
void crh_hash(const block *start, uint64_t index, block *h, const block *x, size_t lanes);

/** crh_hash_pair: h0[j] = H(i_j, x[j]), h1[j] = H(i_j, x[j] XOR delta), i_j = index + floor(j / 8): both labels of a wire under
 *  one key.   Alias: h0 may equal x.   CT: depends on lanes only. */
void crh_hash_pair(const block *start, uint64_t index, block *h0, block *h1, const block *x, const block *delta, size_t lanes);

#endif
