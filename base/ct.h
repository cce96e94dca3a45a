// SPDX-License-Identifier: ISC
/** ct.h: constant-time helpers.  CT: every function here runs in time that depends on no argument but lengths. */
#ifndef TACIT_BASE_CT_H
#define TACIT_BASE_CT_H

#include <stddef.h>
#include <stdint.h>

/* MemorySanitizer cannot look through assembly, and takes it for a use of x. */
#ifdef __has_feature
#if __has_feature(memory_sanitizer)
#define CT_WITHOUT_ASM 1
#endif
#endif

/** ct_barrier: x, opaque to the optimiser, so that a mask stays a mask. */
static inline uint64_t ct_barrier(uint64_t x)
{
#ifndef CT_WITHOUT_ASM
    __asm__("" : "+r"(x));
#endif
    return x;
}

/** ct_tell: x, which the contract of the function at hand lets be seen (whether an element is valid).  Where checks of constant time follow
 *  secrets (test/ct_wrap.c), x is public from there on. */
#ifdef CT_FOLLOWED
uint64_t ct_tell(uint64_t x);
#else
static inline uint64_t ct_tell(uint64_t x) { return x; }
#endif

/** ct_mask: all ones if bit = 1, zero if bit = 0.  In: bit in {0,1}. */
static inline uint64_t ct_mask(uint64_t bit) { return ct_barrier(0 - bit); }

/** ct_select: a if bit = 1, b if bit = 0. */
static inline uint64_t ct_select(uint64_t bit, uint64_t a, uint64_t b) { return b ^ (ct_mask(bit) & (a ^ b)); }

/** ct_low: x modulo 2^w.  In: w in [0, 64], public. */
static inline uint64_t ct_low(uint64_t x, unsigned w) { return w >= 64 ? x : x & ((UINT64_C(1) << w) - 1); }

/** ct_signed: the w-bit two's complement number x as int64_t.  In: w in [1, 64], public; x < 2^w. */
static inline int64_t ct_signed(uint64_t x, unsigned w) { return (int64_t)(x << (64 - w)) >> (64 - w); }

#endif
