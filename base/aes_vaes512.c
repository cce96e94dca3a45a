// SPDX-License-Identifier: ISC
#include "base/aes_v512.h"
#include "base/aes_body.h"

const aes_kern aes_kern_vaes512 = {"vaes512", expand, encrypt, ctr_blocks, hash, hash_pair};
