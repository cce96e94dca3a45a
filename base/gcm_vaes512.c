// SPDX-License-Identifier: ISC
#include "base/aes_v512.h"
#include "base/gcm_body.h"

const gcm_kern gcm_kern_vaes512 = {"vaes512", CPU_AESNI | CPU_VAES | CPU_VPCLMUL | CPU_AVX512, init, seal, open_sealed};
