// SPDX-License-Identifier: ISC
/** ntt_emulated.h: the kernel of ckks/ntt_ifma.c for every CPU, its instructions replaced by C, lane by lane. */
#ifndef TACIT_TEST_NTT_EMULATED_H
#define TACIT_TEST_NTT_EMULATED_H

#include "ckks/ntt_kern.h"

extern const ntt_kern ntt_kern_emulated;

#endif
