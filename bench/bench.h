// SPDX-License-Identifier: ISC
/** bench.h: one way to time and to print for every benchmark: medians, a table for people or a JSON object a line. */
#ifndef TACIT_BENCH_BENCH_H
#define TACIT_BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_SAMPLES 15

typedef struct {
    const char *name; /* of the program */
    int json;
    uint32_t n;       /* --n: only this size; 0: all */
} bench;

typedef struct {
    uint64_t bytes_sent, bytes_received;
    uint32_t flights;
} bench_traffic;

/** bench_init: parses --json, --n N, --help and prints the heading; exits on --help (0) and on bad usage (2). */
void bench_init(bench *b, int argc, char **argv);

/** bench_wants: whether --n lets this size through. */
int bench_wants(const bench *b, uint32_t n);

/** bench_time: times `run(arg)`, warm, in BENCH_SAMPLES samples of several calls each, and prints a row.
 *  `params` is JSON without braces.  unit "ns": nanoseconds a call; otherwise "X/s" with `amount` X a call. */
void bench_time(const bench *b, const char *row, const char *params, const char *kernel, const char *unit, double amount, void (*run)(void *),
                void *arg);

/** bench_row: prints values that were measured elsewhere (seconds a sample), with traffic where it is not NULL. */
void bench_row(const bench *b, const char *row, const char *params, const char *kernel, const char *unit, double amount, double *seconds,
               size_t samples, const bench_traffic *t);

/** Yardsticks: AES-128 blocks in registers, Shoup multiplication, loopback TCP. */
void bench_yardstick_aes(const bench *b);
void bench_yardstick_shoup(const bench *b);
void bench_yardstick_tcp(const bench *b);

double bench_now(void);

#endif
