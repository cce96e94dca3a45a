// SPDX-License-Identifier: ISC
#include "base/mem.h"

#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGN 64 /* also the size of the header that keeps the length for mem_free */

void *mem_alloc(size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n) || n > SIZE_MAX / 2)
        return NULL;
    n = (n + ALIGN - 1) / ALIGN * ALIGN + ALIGN;
    uint8_t *p = aligned_alloc(ALIGN, n);
    if (!p)
        return NULL;
    memset(p, 0, n);
    memcpy(p, &n, sizeof n);
    return p + ALIGN;
}

void mem_free(void *p)
{
    size_t n;
    if (!p)
        return;
    uint8_t *start = (uint8_t *)p - ALIGN;
    memcpy(&n, start, sizeof n);
    sodium_memzero(start, n);
    free(start);
}

void mem_wipe(void *p, size_t n) { sodium_memzero(p, n); }

void mem_wipe_stack(void) { sodium_stackzero(32768); }
