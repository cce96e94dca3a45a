// SPDX-License-Identifier: ISC
/** yardstick.h: the AES unit and the 52-bit multiplier at their limits: 16 vectors in flight, state in registers. */
#ifndef TACIT_BENCH_YARDSTICK_H
#define TACIT_BENCH_YARDSTICK_H

#include <stdint.h>

#define YARDSTICK_BLOCKS 65536

/** Each encrypts YARDSTICK_BLOCKS blocks' worth of state, chained, and stores 64 bytes of it so that nothing is dropped. */
void yardstick_run_aesni(uint8_t out[64]);
void yardstick_run_vaes(uint8_t out[64]);
void yardstick_run_vaes512(uint8_t out[64]);

#define YARDSTICK_MADDS 65536
/** YARDSTICK_MADDS independent 512-bit vpmadd52luq, 16 in flight. */
void yardstick_run_ifma(uint8_t out[64]);

#endif
