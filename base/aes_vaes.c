// SPDX-License-Identifier: ISC
#include "base/aes_v256.h"
#include "base/aes_body.h"
#include "base/cpu.h"

const aes_kern aes_kern_vaes = {"vaes", CPU_AESNI | CPU_VAES, expand, encrypt, ctr_blocks, hash, hash_pair};
