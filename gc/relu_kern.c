// SPDX-License-Identifier: ISC
#include "gc/relu_kern.h"

#include <stdatomic.h>

#include "base/cpu.h"
#include "gc/relu_body.h"

const gc_relu_kern gc_relu_portable = {"portable", 0, bit, project_garble, project_eval, half_garble, half_eval, reduce};

const gc_relu_kern *gc_relu_best(void)
{
    static _Atomic(const gc_relu_kern *) best;
    const gc_relu_kern *k = atomic_load_explicit(&best, memory_order_relaxed);
    if (!k) {
        k = cpu_features() & CPU_AVX2 ? &gc_relu_avx2 : &gc_relu_portable;
        atomic_store_explicit(&best, k, memory_order_relaxed);
    }
    return k;
}
