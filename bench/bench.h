// SPDX-License-Identifier: ISC
/** bench.h: one way to time and to print for every benchmark: medians, a table for people or a JSON object a line. */
#ifndef TACIT_BENCH_BENCH_H
#define TACIT_BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

#define BENCH_SAMPLES 15

struct chan;

typedef struct {
    const char *name; /* of the program */
    int json;
    uint32_t n;         /* --n: only this size; 0: all */
    const char *kernel; /* --kernel: only this set; NULL: all */
    int yardsticks;     /* 1: the yardsticks are to be printed */
} bench;

typedef struct {
    uint64_t bytes_sent, bytes_received;
    uint32_t flights;
} bench_traffic;

/** bench_init: parses --json, --n N, --kernel NAME, --help and prints the heading; exits on --help (0) and on bad usage (2).  A kernel set
 *  that the CPU has not is said to be UNAVAILABLE; then it exits with 0. */
void bench_init(bench *b, int argc, char **argv);

/** bench_each_kernel: without --kernel, what follows runs once for each set of kernels that the CPU has, widest first, in a process of its
 *  own (kernels are chosen at first use); sets that differ in none of `features`, those that the benchmark's kernels ask for, count as one.
 *  Call it before anything else of the library. */
void bench_each_kernel(bench *b, unsigned features);

/** bench_wants: whether --n lets this size through. */
int bench_wants(const bench *b, uint32_t n);

/** bench_time: times `run(arg)`, warm, in BENCH_SAMPLES samples of several calls each, and prints a row.
 *  `params` is JSON without braces.  unit "ns": nanoseconds a call; otherwise "X/s" with `amount` X a call. */
void bench_time(const bench *b, const char *row, const char *params, const char *kernel, const char *unit, double amount, void (*run)(void *),
                void *arg);

/** bench_row: prints values that were measured elsewhere (seconds a sample), with traffic where it is not NULL. */
void bench_row(const bench *b, const char *row, const char *params, const char *kernel, const char *unit, double amount, double *seconds,
               size_t samples, const bench_traffic *t);

/** Yardsticks: AES-128 blocks in registers, 512-bit vpmadd52 (nothing where the CPU has none), Shoup multiplication, loopback TCP. */
void bench_yardstick_aes(const bench *b);
void bench_yardstick_ifma(const bench *b);
void bench_yardstick_shoup(const bench *b);
void bench_yardstick_tcp(const bench *b);

/** bench_two: a child process and a TCP connection to it over loopback.  Out: *child = 0 in the child, its number in the parent; *ch in both.
 *  bench_exit ends the child, bench_join waits for it and closes the parent's side.   Returns: 0, or nonzero if something failed. */
int bench_two(struct chan **ch, int *child);
void bench_exit(int rc) __attribute__((noreturn));
int bench_join(struct chan *ch, int child);

double bench_now(void);

#endif
