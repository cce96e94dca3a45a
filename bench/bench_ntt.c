// SPDX-License-Identifier: ISC
#include <stdio.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "ckks/ntt_kern.h"

typedef struct {
    const ntt_table *t;
    uint64_t *x;
} job;

static void forward(void *arg) { ntt_forward(((job *)arg)->t, ((job *)arg)->x, ((job *)arg)->x); }
static void inverse(void *arg) { ntt_inverse(((job *)arg)->t, ((job *)arg)->x, ((job *)arg)->x); }

static const unsigned sizes[] = {40, 47, 50, 60};

int main(int argc, char **argv)
{
    bench b;
    char params[64];
    bench_init(&b, argc, argv);
    bench_each_kernel(&b, CPU_AVX2 | CPU_AVX512 | CPU_IFMA);
    bench_yardstick_aes(&b);
    bench_yardstick_ifma(&b);
    bench_yardstick_shoup(&b);
    for (uint32_t n = 2048; n <= 32768; n *= 2)
        for (unsigned s = 0; s < sizeof sizes / sizeof *sizes && bench_wants(&b, n); s++) {
            const unsigned bits = sizes[s];
            const uint64_t top = UINT64_C(1) << bits;
            ntt_table *t;
            if (ntt_create(&t, n, mod_prime_below_var(top, top / 2, 2 * (uint64_t)n)))
                return 1;
            job j = {t, mem_alloc(n, sizeof(uint64_t))};
            for (uint32_t i = 0; i < n && j.x; i++)
                j.x[i] = i;
            snprintf(params, sizeof params, "\"n\":%u,\"bits\":%u", n, bits);
            bench_time(&b, "ntt_forward", params, t->kern->name, "ns", 1, forward, &j);
            bench_time(&b, "ntt_inverse", params, t->kern->name, "ns", 1, inverse, &j);
            mem_free(j.x);
            ntt_free(t);
        }
    return 0;
}
