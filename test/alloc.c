// SPDX-License-Identifier: ISC
#include "test/alloc.h"

#include <stdatomic.h>
#include <stddef.h>

static atomic_long calls, fail_at;
static atomic_size_t largest;

void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    long k = atomic_fetch_add(&calls, 1) + 1;
    for (size_t most = atomic_load(&largest); size > most && !atomic_compare_exchange_weak(&largest, &most, size);)
        ;
    return k == atomic_load(&fail_at) ? NULL : __real_aligned_alloc(align, size);
}

void test_alloc_fail_at(long k)
{
    atomic_store(&fail_at, k);
    atomic_store(&calls, 0);
    atomic_store(&largest, 0);
}

long test_alloc_count(void) { return atomic_load(&calls); }

size_t test_alloc_largest(void) { return atomic_load(&largest); }
