// SPDX-License-Identifier: ISC
#include <string.h>

#include "base/aes_v512.h"
#include "base/cpu.h"
#include "gc/gate_body.h"

const gc_gate_kern gc_gate_vaes512 = {
    "vaes512", CPU_AESNI | CPU_VAES | CPU_AVX512, garble_and, garble_known, eval_and, eval_known, sum};
