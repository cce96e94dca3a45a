// SPDX-License-Identifier: ISC
/** selftest.h: known answers for every set of kernels of the library, whose results depend on the CPU (or on what
 * emulates it). */
#ifndef TACIT_NN_SELFTEST_H
#define TACIT_NN_SELFTEST_H

#include "base/kern.h"

/** nn_selftest: tests the kernels that this CPU has, some milliseconds.  One that gives wrong results is not used from
 * now on, and `warn` is told so in a line: "kernel aes vaes512 gives wrong results on this CPU; using vaes".   In:
 * before anything else of the library but cpu_restrict and from one thread, once sodium_init was called.   Errors:
 * ERR_CPU (no way to run something is right), ERR_MEM. */
int nn_selftest(void (*warn)(const char *line)) MUST_CHECK;

/** The sets, in the order of their tests. */
#define NN_KERN_SETS 12
extern kern_set *const nn_kern_sets[NN_KERN_SETS];

#endif
