// SPDX-License-Identifier: ISC
/** insecure_crh.h: the garbling hash with a part left out, to show that the part is needed; and the inverse of AES that the attack uses. */
#ifndef TACIT_TEST_INSECURE_CRH_H
#define TACIT_TEST_INSECURE_CRH_H

#include "base/crh.h"

/** insecure_crh_no_sigma: AES_{start XOR i}(x) XOR x. */
void insecure_crh_no_sigma(const block *start, uint64_t index, block *h, const block *x, size_t lanes);

/** insecure_aes_decrypt: AES^-1_{start XOR index}(x).  The key is public, so anybody can do this. */
block insecure_aes_decrypt(const block *start, uint64_t index, block x);

#endif
