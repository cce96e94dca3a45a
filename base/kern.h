// SPDX-License-Identifier: ISC
/** kern.h: sets of kernels.  A kernel is a table of functions, one way to run some work; it begins with name and
 *  needs.  All kernels of a set give the same bits, so one known answer tests them all; the fastest one that the
 *  CPU has and that was not found wrong is used. */
#ifndef TACIT_BASE_KERN_H
#define TACIT_BASE_KERN_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define KERN_MOST 4

typedef struct {
    const char *name;
    unsigned needs; /* cpu_features */
} kern_head;

typedef struct {
    const char *what;
    const void *of[KERN_MOST]; /* each begins as a kern_head; slowest first, the very first portable C where there is
                                  one; NULL after the last */
    /* *sum = kern_mix of all that the kernel makes of a fixed input, which covers bodies and tails.   Errors: ERR_MEM.
     */
    int (*answer)(const void *kern, uint64_t *sum);
    uint64_t right;            /* the answer; test_selftest prints what portable C gives */
    atomic_uint wrong;         /* bit i: of[i] gave another one */
    _Atomic(const void *) best;
} kern_set;

/** kern_usable: of[i] exists, needs no other features and was not found wrong. */
int kern_usable(kern_set *s, unsigned i, unsigned features);

/** kern_best: the fastest usable one, picked at the first call; NULL, in a set without portable C only, if there is
 *  none. */
const void *kern_pick(kern_set *s);
static inline const void *kern_best(kern_set *s)
{
    const void *k = atomic_load_explicit(&s->best, memory_order_relaxed);
    return k ? k : kern_pick(s);
}

/** kern_check: tests each usable kernel.  One that is wrong is not picked any more, and `warn` is told so in a line.
 *  In: before other threads use the set.   Errors: ERR_CPU (portable C is wrong), ERR_MEM. */
int kern_check(kern_set *s, void (*warn)(const char *line)) MUST_CHECK;

/** kern_fill: the test's input: n pseudorandom bytes, the same for the same seed.   kern_mix: folds n bytes into
 *  *sum. */
void kern_fill(void *p, size_t n, uint64_t seed);
void kern_mix(uint64_t *sum, const void *p, size_t n);

#endif
