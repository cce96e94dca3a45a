// SPDX-License-Identifier: ISC
/** yardstick.h: the AES unit at its limit: 16 vectors in flight, state in registers. */
#ifndef TACIT_BENCH_YARDSTICK_H
#define TACIT_BENCH_YARDSTICK_H

#include <stdint.h>

#define YARDSTICK_BLOCKS 65536

/** Each encrypts YARDSTICK_BLOCKS blocks' worth of state, chained, and stores 64 bytes of it so that nothing is dropped. */
void yardstick_run_aesni(uint8_t out[64]);
void yardstick_run_vaes(uint8_t out[64]);

#endif
