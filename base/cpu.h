// SPDX-License-Identifier: ISC
/** cpu.h: what this CPU can do, and which kernels may be used. */
#ifndef TACIT_BASE_CPU_H
#define TACIT_BASE_CPU_H

#ifndef __x86_64__
#error "Tacit runs on x86-64 only"
#endif

enum {
    CPU_AESNI = 1 << 0, /* with SSE4.1 and PCLMUL */
    CPU_AVX2 = 1 << 1,   /* with FMA */
    CPU_VAES = 1 << 2,   /* 256-bit VAES with AVX2 */
    CPU_AVX512 = 1 << 3, /* F, BW, DQ, VL */
    CPU_IFMA = 1 << 4,   /* AVX-512 IFMA */
    CPU_GFNI = 1 << 5,
    CPU_SSE2 = 1 << 6,   /* every x86-64 */
    CPU_VPCLMUL = 1 << 7, /* 256-bit VPCLMULQDQ with AVX2 */
};

/** cpu_features: the flags above that CPU and kernel support, less those masked by cpu_restrict. */
unsigned cpu_features(void);

/** cpu_restrict: from now on only features in `allowed` are reported.  For tests and `--kernel`; call before any
 *  other function of the library and from one thread (kernels are chosen at first use). */
void cpu_restrict(unsigned allowed);

#endif
