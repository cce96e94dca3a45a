// SPDX-License-Identifier: ISC
#include "base/aes_v256.h"
#include "base/gcm_body.h"

const gcm_kern gcm_kern_vaes = {"vaes", CPU_AESNI | CPU_VAES | CPU_VPCLMUL, init, seal, open_sealed};
