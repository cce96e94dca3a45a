// SPDX-License-Identifier: ISC
/** alloc.h: makes the k-th allocation fail.  Test programs are linked with --wrap=aligned_alloc, which mem_alloc uses;
 * the library has no hook.  (And with --wrap=mem_free, for the sums.) */
#ifndef TACIT_TEST_ALLOC_H
#define TACIT_TEST_ALLOC_H

#include <stddef.h>

/** test_alloc_fail_at: from now on the k-th call (1, 2, ...) returns NULL; 0: none.  Resets the count. */
void test_alloc_fail_at(long k);
/** test_alloc_count: calls since then.   test_alloc_largest: bytes of the largest of them. */
long test_alloc_count(void);
size_t test_alloc_largest(void);
/** test_alloc_fail_here, test_alloc_here: the same for this thread's calls alone. */
void test_alloc_fail_here(long k);
long test_alloc_here(void);
/** test_alloc_now: bytes that mem_alloc gave to this thread less those that mem_free took from it, since its
 * test_alloc_mark; headers included. test_alloc_peak: the most of it since then. */
void test_alloc_mark(void);
long long test_alloc_now(void);
long long test_alloc_peak(void);

#endif
