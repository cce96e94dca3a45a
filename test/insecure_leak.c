// SPDX-License-Identifier: ISC
#include "test/insecure_leak.h"

static volatile uint64_t seen;

/* volatile, so that no compiler makes a selection of it */
uint64_t insecure_branch(uint64_t secret)
{
    if (secret & 1) seen = 1;
    return seen;
}

uint64_t insecure_index(uint64_t secret)
{
    static volatile uint64_t table[16] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};
    return table[secret & 15];
}

uint64_t insecure_divide(uint64_t secret, uint64_t by) { return secret / by; }
