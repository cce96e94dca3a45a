// SPDX-License-Identifier: ISC
#include "base/cpu.h"
#include "ckks/vec512.h"

static inline unsigned beyond(vd y, vd b) { return _mm512_cmp_pd_mask(_mm512_abs_pd(y), b, _CMP_NLE_UQ); }

#include "ckks/encode_body.h"

const encode_kern encode_kern_avx512 = {"avx512", CPU_AVX512, scale, residues, lift};
