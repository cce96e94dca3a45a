// SPDX-License-Identifier: ISC
#include "base/bits.h"

#include <stdatomic.h>
#include <string.h>

#include "base/bits_kern.h"
#include "base/cpu.h"
#include "base/ct.h"

const bits_kern *const bits_kerns[BITS_KERNS] = {&bits_kern_portable, &bits_kern_avx2};

static const bits_kern *best(void)
{
    static _Atomic(const bits_kern *) chosen;
    const bits_kern *k = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (k)
        return k;
    for (size_t i = 0; i < BITS_KERNS; i++)
        if ((cpu_features() & bits_kerns[i]->needs) == bits_kerns[i]->needs)
            k = bits_kerns[i];
    atomic_store_explicit(&chosen, k, memory_order_relaxed);
    return k;
}

const char *bits_kernel(void) { return best()->name; }
void bits_pack(uint8_t *out, const uint64_t *v, size_t count, unsigned w) { best()->pack(out, v, count, w); }
void bits_unpack(uint64_t *v, const uint8_t *in, size_t count, unsigned w) { best()->unpack(v, in, count, w); }

static void pack(uint8_t *out, const uint64_t *v, size_t count, unsigned w)
{
    uint64_t acc = 0; /* `have` < 64 bits wait */
    unsigned have = 0;

    for (size_t i = 0; i < count; i++) {
        const uint64_t x = ct_low(v[i], w);
        acc |= x << have;
        if (have + w < 64) {
            have += w;
            continue;
        }
        memcpy(out, &acc, 8);
        out += 8;
        acc = have ? x >> (64 - have) : 0;
        have += w - 64;
    }
    memcpy(out, &acc, (have + 7) / 8);
}

static void unpack(uint64_t *v, const uint8_t *in, size_t count, unsigned w)
{
    const size_t bytes = bits_bytes(count, w);

    for (size_t i = 0; i < count; i++) {
        const size_t at = i * w / 8, left = bytes - at;
        const unsigned shift = i * w % 8;
        uint64_t x = 0;
        if (left >= 8)
            memcpy(&x, in + at, 8);
        else
            memcpy(&x, in + at, left);
        x >>= shift;
        if (shift + w > 64)
            x |= (uint64_t)in[at + 8] << (64 - shift);
        v[i] = ct_low(x, w);
    }
}

const bits_kern bits_kern_portable = {"portable", 0, pack, unpack};
