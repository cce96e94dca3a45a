// SPDX-License-Identifier: ISC
#include "base/aes_v512.h"
#include "base/aes_body.h"
#include "base/cpu.h"

const aes_kern aes_kern_vaes512 = {"vaes512", CPU_AESNI | CPU_VAES | CPU_AVX512, expand, encrypt, ctr_blocks, hash,
                                   hash_pair};
