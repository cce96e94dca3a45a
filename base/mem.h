// SPDX-License-Identifier: ISC
/** mem.h: 64-byte aligned heap memory that is wiped when freed. */
#ifndef TACIT_BASE_MEM_H
#define TACIT_BASE_MEM_H

#include <stddef.h>

/** mem_alloc: count * size bytes (rounded up to 64), zeroed, 64-byte aligned.
 *  Out:  NULL when the product overflows or memory is short; count * size = 0 gives a valid pointer. */
void *mem_alloc(size_t count, size_t size) __attribute__((malloc, warn_unused_result));

/** mem_free: wipes and frees what mem_alloc gave; NULL is allowed. */
void mem_free(void *p);

/** mem_wipe: sets p[0..n) to zero; the compiler cannot drop it. */
void mem_wipe(void *p, size_t n);

/** mem_wipe_stack: sets the 32 KiB below the caller's frame to zero: what the compiler spilled in the functions that it called. */
void mem_wipe_stack(void);

#endif
