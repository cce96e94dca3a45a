// SPDX-License-Identifier: ISC
#include "base/bits.h"

#include <string.h>

#include "base/bits_kern.h"
#include "base/ct.h"

static int answer(const void *kern, uint64_t *sum)
{
    enum { MOST = 150 };
    const bits_kern *k = kern;
    uint64_t v[MOST], back[MOST] = {0};
    uint8_t packed[8 * MOST] = {0};
    kern_fill(v, sizeof v, 2);
    for (unsigned w = 1; w <= 64; w++) {
        const size_t n = MOST - w % 20;
        k->pack(packed, v, n, w);
        kern_mix(sum, packed, bits_bytes(n, w));
        k->unpack(back, packed, n, w);
        kern_mix(sum, back, n * sizeof *back);
    }
    return 0;
}

kern_set bits_kerns = {.what = "bits", .of = {&bits_kern_portable, &bits_kern_avx2},
                       .answer = answer, .right = UINT64_C(0x694e514decc25fbe)};

static const bits_kern *best(void) { return kern_best(&bits_kerns); }

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
