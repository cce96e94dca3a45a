// SPDX-License-Identifier: ISC
/** secret.h: memory that the checks of constant time follow: undefined to valgrind or MemorySanitizer, which then report every branch and
 *  every address that depends on it, through whatever is computed from it. */
#ifndef TACIT_TEST_SECRET_H
#define TACIT_TEST_SECRET_H

#include <stddef.h>

/** secret_hide: p[0..n) is secret from now on.   secret_show: it is public; the caller says why. */
void secret_hide(void *p, size_t n);
void secret_show(const void *p, size_t n);

/** secret_any: 1 if a bit of p[0..n) depends on a secret.   secret_tool: 0 if nothing watches, else its name. */
int secret_any(const void *p, size_t n);
const char *secret_tool(void);

#endif
