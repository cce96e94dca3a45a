// SPDX-License-Identifier: ISC
/** crh.h: MITCCRH, the tweakable circular correlation-robust hash of [GKWY20, 2019/1168, Sec. 7.3]:
 *  H(i, x) = AES_{start XOR i}(sigma(x)) XOR sigma(x),  sigma(L || R) = (L XOR R) || L  (L the upper half).
 *  A key (index) serves one hash site for at most CRH_LANES lanes; indices are never used again in a session.  Of every CRH_SPAN lanes, lane j has
 *  key j mod CRH_ROW: neighbours have neighbouring keys, as schedules lie in memory, so a vector of blocks meets a vector of round keys. */
#ifndef TACIT_BASE_CRH_H
#define TACIT_BASE_CRH_H

#include <stddef.h>

#include "base/block.h"

#define CRH_LANES 8
#define CRH_ROW 4
#define CRH_SPAN (CRH_ROW * CRH_LANES)

/** crh_key: the key of lane j of a site, counted from the site's first. */
static inline uint64_t crh_key(size_t j) { return j / CRH_SPAN * CRH_ROW + j % CRH_ROW; }

/** crh_keys: indices that a site over `lanes` lanes uses up: 4 for 32 lanes, one a lane for the first four of what is left over. */
static inline uint64_t crh_keys(size_t lanes)
{
    const size_t over = lanes % CRH_SPAN;
    return lanes / CRH_SPAN * CRH_ROW + (over < CRH_ROW ? over : CRH_ROW);
}

/** crh_hash: h[j] = H(index + crh_key(j), x[j]) for j < lanes.
 *  Alias: h may equal x.   CT: depends on lanes only.   `start` is public. */
void crh_hash(const block *start, uint64_t index, block *h, const block *x, size_t lanes);

/** crh_hash_pair: h0[j] = H(i_j, x[j]), h1[j] = H(i_j, x[j] XOR delta), i_j = index + crh_key(j): both labels of a wire under
 *  one key.   Alias: h0 may equal x.   CT: depends on lanes only. */
void crh_hash_pair(const block *start, uint64_t index, block *h0, block *h1, const block *x, const block *delta, size_t lanes);

#endif
