// SPDX-License-Identifier: ISC
#include "test/alloc.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

static atomic_long calls, fail_at;
static atomic_size_t largest;
static _Thread_local long long now, peak;
static _Thread_local long calls_here, fail_here;

void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);

void *__wrap_aligned_alloc(size_t align, size_t size)
{
    long k = atomic_fetch_add(&calls, 1) + 1;
    for (size_t most = atomic_load(&largest); size > most && !atomic_compare_exchange_weak(&largest, &most, size);)
        ;
    if (k == atomic_load(&fail_at) || ++calls_here == fail_here)
        return NULL;
    now += (long long)size;
    peak = now > peak ? now : peak;
    return __real_aligned_alloc(align, size);
}

void __real_mem_free(void *p);
void __wrap_mem_free(void *p);

void __wrap_mem_free(void *p)
{
    if (p) {
        size_t size; /* mem_alloc keeps it one cache line ahead */
        memcpy(&size, (const char *)p - 64, sizeof size);
        now -= (long long)size;
    }
    __real_mem_free(p);
}

void test_alloc_fail_at(long k)
{
    atomic_store(&fail_at, k);
    atomic_store(&calls, 0);
    atomic_store(&largest, 0);
}

void test_alloc_fail_here(long k)
{
    fail_here = k;
    calls_here = 0;
}

long test_alloc_here(void) { return calls_here; }

long test_alloc_count(void) { return atomic_load(&calls); }

size_t test_alloc_largest(void) { return atomic_load(&largest); }

void test_alloc_mark(void) { now = peak = 0; }

long long test_alloc_now(void) { return now; }

long long test_alloc_peak(void) { return peak; }
