// SPDX-License-Identifier: ISC
/** gcm_emulated.h: the kernel of base/gcm_vaes512.c for every CPU with AES-NI, its vectors four of 128 bits. */
#ifndef TACIT_TEST_GCM_EMULATED_H
#define TACIT_TEST_GCM_EMULATED_H

#include "base/gcm_kern.h"

extern const gcm_kern gcm_kern_emulated;

#endif
