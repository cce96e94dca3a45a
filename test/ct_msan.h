// SPDX-License-Identifier: ISC
/** ct_msan.h: included ahead of every file in MemorySanitizer's build (-include).  That tool takes an intrinsic whose result has another type
 *  than its operands, and that it does not know, for a use of their values.  Here such an intrinsic gives a result that is secret
 *  throughout if a bit of an operand is.  Whoever uses a new one adds a line. */
#ifndef TACIT_TEST_CT_MSAN_H
#define TACIT_TEST_CT_MSAN_H

#include <immintrin.h>
#include <sanitizer/msan_interface.h>

/* Statement expressions, since the instruction sets are those of the file that uses them. */
#define CT_OF(result, x, call)                                                        \
    ({                                                                                \
        __typeof__(x) ct_x = (x), ct_was = ct_x;                                      \
        __msan_unpoison(&ct_x, sizeof ct_x);                                          \
        result ct_r = (result)(call);                                                 \
        if (__msan_test_shadow(&ct_was, sizeof ct_was) >= 0) __msan_poison(&ct_r, sizeof ct_r); \
        ct_r;                                                                         \
    })
#define CT_OF_2(result, x, y, call)                                                   \
    ({                                                                                \
        __typeof__(y) ct_y = (y), ct_y_was = ct_y;                                    \
        __msan_unpoison(&ct_y, sizeof ct_y);                                          \
        result ct_r2 = CT_OF(result, x, call);                                        \
        if (__msan_test_shadow(&ct_y_was, sizeof ct_y_was) >= 0) __msan_poison(&ct_r2, sizeof ct_r2); \
        ct_r2;                                                                        \
    })

#define _mm512_cvtpd_epu64(a) CT_OF(__m512i, a, (_mm512_cvtpd_epu64)(ct_x))
#define _mm512_cvtpd_epi64(a) CT_OF(__m512i, a, (_mm512_cvtpd_epi64)(ct_x))
#define _mm512_cvttpd_epu64(a) CT_OF(__m512i, a, (_mm512_cvttpd_epu64)(ct_x))
#define _mm512_cvttpd_epi64(a) CT_OF(__m512i, a, (_mm512_cvttpd_epi64)(ct_x))

#undef _mm512_gf2p8affine_epi64_epi8
#define _mm512_gf2p8affine_epi64_epi8(a, b, i) \
    CT_OF_2(__m512i, a, b, __builtin_ia32_vgf2p8affineqb_v64qi((__v64qi)(ct_x), (__v64qi)(ct_y), (char)(i)))
#undef _mm_gf2p8affine_epi64_epi8
#define _mm_gf2p8affine_epi64_epi8(a, b, i) \
    CT_OF_2(__m128i, a, b, __builtin_ia32_vgf2p8affineqb_v16qi((__v16qi)(ct_x), (__v16qi)(ct_y), (char)(i)))

#undef _mm256_round_pd
#define _mm256_round_pd(a, how) CT_OF(__m256d, a, __builtin_ia32_roundpd256((__v4df)(ct_x), (how)))
#undef _mm512_roundscale_pd
#define _mm512_roundscale_pd(a, how) \
    CT_OF(__m512d, a, __builtin_ia32_rndscalepd_mask((__v8df)(ct_x), (how), (__v8df)_mm512_setzero_pd(), (__mmask8)-1, _MM_FROUND_CUR_DIRECTION))
#define _mm512_madd_epi16(a, b) CT_OF_2(__m512i, a, b, (_mm512_madd_epi16)(ct_x, ct_y))

#define _mm512_permutex2var_pd(a, i, b) CT_OF_2(__m512d, a, b, (_mm512_permutex2var_pd)(ct_x, (i), ct_y))
#define _mm512_permutexvar_pd(i, a) CT_OF(__m512d, a, (_mm512_permutexvar_pd)((i), ct_x))

#endif
