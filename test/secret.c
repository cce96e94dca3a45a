// SPDX-License-Identifier: ISC
#include "test/secret.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define WITH_MSAN 1
#endif
#endif

#ifdef WITH_MSAN
#include <sanitizer/msan_interface.h>

void secret_hide(void *p, size_t n) { __msan_poison(p, n); }
void secret_show(const void *p, size_t n) { __msan_unpoison(p, n); }
int secret_any(const void *p, size_t n) { return __msan_test_shadow(p, n) >= 0; }
const char *secret_tool(void) { return "MemorySanitizer"; }

#elif __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>

void secret_hide(void *p, size_t n) { (void)VALGRIND_MAKE_MEM_UNDEFINED(p, n); }
void secret_show(const void *p, size_t n) { (void)VALGRIND_MAKE_MEM_DEFINED(p, n); }

int secret_any(const void *p, size_t n)
{
    const char *at = p;
    uint8_t bits[256], any = 0;
    for (size_t done = 0; done < n; done += sizeof bits) {
        const size_t part = n - done < sizeof bits ? n - done : sizeof bits;
        memset(bits, 0, sizeof bits);
        if (VALGRIND_GET_VBITS(at + done, bits, part) > 1) abort(); /* memory that is not ours */
        for (size_t i = 0; i < part; i++) any |= bits[i];
    }
    return any != 0;
}

const char *secret_tool(void) { return RUNNING_ON_VALGRIND ? "valgrind" : NULL; }

#else
void secret_hide(void *p, size_t n) { (void)p, (void)n; }
void secret_show(const void *p, size_t n) { (void)p, (void)n; }
int secret_any(const void *p, size_t n) { return (void)p, (void)n, 0; }
const char *secret_tool(void) { return NULL; }
#endif
