// SPDX-License-Identifier: ISC
#include "base/cpu.h"
#include "gc/relu_body.h"

const gc_relu_kern gc_relu_avx2 = {"avx2", CPU_AVX2, bit, project_garble, project_eval, half_garble, half_eval, reduce};
