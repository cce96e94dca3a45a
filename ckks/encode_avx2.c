// SPDX-License-Identifier: ISC
#include "base/cpu.h"
#include "ckks/vec256.h"

/* Lanes where |y| <= b does not hold. */
static inline unsigned beyond(vd y, vd b) { return (unsigned)_mm256_movemask_pd(_mm256_cmp_pd(_mm256_andnot_pd(alld(-0.0), y), b, _CMP_NLE_UQ)); }

#include "ckks/encode_body.h"

const encode_kern encode_kern_avx2 = {"avx2", CPU_AVX2, scale, residues, lift};
