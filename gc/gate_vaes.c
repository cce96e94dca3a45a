// SPDX-License-Identifier: ISC
#include <string.h>

#include "base/aes_v256.h"
#include "base/cpu.h"
#include "gc/gate_body.h"

const gc_gate_kern gc_gate_vaes = {"vaes", CPU_AESNI | CPU_VAES, garble_and, garble_known, eval_and, eval_known, sum};
