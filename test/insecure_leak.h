// SPDX-License-Identifier: ISC
/** insecure_leak.h: what the checks of constant time must catch: a branch, an address and a division by a secret. */
#ifndef TACIT_TEST_INSECURE_LEAK_H
#define TACIT_TEST_INSECURE_LEAK_H

#include <stdint.h>

uint64_t insecure_branch(uint64_t secret);
uint64_t insecure_index(uint64_t secret);
uint64_t insecure_divide(uint64_t secret, uint64_t by);

#endif
