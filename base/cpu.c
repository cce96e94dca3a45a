// SPDX-License-Identifier: ISC
#include "base/cpu.h"

#include <cpuid.h>
#include <stdatomic.h>

static atomic_uint allowed = ~0u;

unsigned cpu_features(void)
{
    unsigned f = 0, a, b, c, d;
    __builtin_cpu_init();
    if (__builtin_cpu_supports("aes") && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("pclmul"))
        f |= CPU_AESNI;
    if (__builtin_cpu_supports("sse2"))
        f |= CPU_SSE2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        f |= CPU_AVX2;
    if (f & CPU_AVX2 && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
        c >> 9 & 1) /* not every compiler knows these by name */
        f |= CPU_VAES;
    if (f & CPU_AVX2 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && c >> 10 & 1)
        f |= CPU_VPCLMUL;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        f |= CPU_AVX512;
    if (__builtin_cpu_supports("avx512ifma"))
        f |= CPU_IFMA;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && c >> 8 & 1)
        f |= CPU_GFNI;
    return f & atomic_load(&allowed);
}

void cpu_restrict(unsigned keep) { atomic_store(&allowed, keep); }
