// SPDX-License-Identifier: ISC
#include "convert/weigh_kern.h"

#include "base/mem.h"

static void split(int16_t *x, size_t stride, const uint64_t *r, size_t n, const modulus *q, unsigned limbs, unsigned odd)
{
    for (size_t j = 0; j < n; j++) {
        int16_t *to = x + j / WEIGH_TILE * stride + j % WEIGH_TILE * 2 + odd;
        int64_t v = mod_centred(q->q, r[j]);
        for (unsigned i = 0; i < limbs; i++) {
            const int16_t d = (int16_t)(uint16_t)v;
            to[i * 2 * WEIGH_TILE] = d;
            v = (v - d) >> 16;
        }
    }
}

/* a_0 + 2^16 a_1 + 2^32 (a_2 + 2^16 a_3) */
static uint64_t reduce(const modulus *q, const int32_t *a)
{
    const uint64_t low = mod_from_signed(q, a[0] + (int64_t)a[1] * 65536), high = mod_from_signed(q, a[2] + (int64_t)a[3] * 65536);
    return mod_reduce(q, ((u128)high << 32) + low);
}

static void dot(uint64_t *out, size_t words, const weigh_term *const term[2], unsigned rows, size_t terms, size_t burst, const int16_t *x,
                unsigned limbs, const modulus *q)
{
    const size_t each = (size_t)limbs * WEIGH_TILE * 2;
    for (unsigned i = 0; i < rows; i++)
        for (size_t j = 0; j < WEIGH_TILE; j++) {
            uint64_t sum = 0;
            for (size_t t = 0, stop; t < terms;) {
                int32_t a[WEIGH_MAX_LIMBS] = {0};
                for (stop = terms - t > burst ? t + burst : terms; t < stop; t++) {
                    const int16_t *d = x + term[i][t].pair * each + 2 * j, *w = term[i][t].w;
                    for (unsigned l = 0; l < limbs; l++)
                        a[l] += d[l * 2 * WEIGH_TILE] * w[0] + d[l * 2 * WEIGH_TILE + 1] * w[1];
                }
                sum = mod_add(q, sum, reduce(q, a));
            }
            out[i * words + j] = sum;
        }
}

const weigh_kern weigh_kern_portable = {"portable", 0, split, dot};

static int answer(const void *kern, uint64_t *sum)
{
    enum { TILES = 2, N = TILES * WEIGH_TILE, PAIRS = 37, TERMS = 2 * PAIRS + 1, BURST = 32 };
    static const uint64_t primes[] = {4294828033, 281474976546817, 1152921504606830593};
    const weigh_kern *k = kern;
    int16_t *x = mem_alloc(TILES * PAIRS * WEIGH_MAX_LIMBS * 2 * WEIGH_TILE, sizeof *x);
    int rc = x ? 0 : err_set(ERR_MEM, "out of memory for a test of the CPU");
    for (size_t c = 0; c < sizeof primes / sizeof *primes && !rc; c++) {
        weigh_term term[2][TERMS];
        uint64_t r[N], out[2][WEIGH_TILE] = {{0}};
        modulus q;
        if ((rc = modulus_init(&q, primes[c])))
            break;
        const unsigned limbs = weigh_limbs(q.bits);
        const size_t stride = (size_t)PAIRS * limbs * 2 * WEIGH_TILE;
        for (unsigned e = 0; e < 2 * PAIRS; e++) {
            kern_fill(r, sizeof r, 100 * c + e);
            for (size_t j = 0; j < N; j++)
                r[j] = mod_reduce(&q, r[j]);
            k->split(x + e / 2 * limbs * 2 * WEIGH_TILE, stride, r, N, &q, limbs, e & 1);
        }
        kern_mix(sum, x, TILES * stride * sizeof *x);
        kern_fill(term, sizeof term, 6);
        for (unsigned t = 0; t < TERMS; t++) {
            term[0][t].pair = term[1][t].pair = t * 7 % PAIRS;
            for (unsigned i = 0; i < 4; i++)
                term[i / 2][t].w[i % 2] = (int16_t)(term[i / 2][t].w[i % 2] % 1024); /* 11 bits: bursts of 32 */
        }
        const weigh_term *const rows[2] = {term[0], term[1]};
        for (unsigned i = 0; i < 2 * TILES; i++) {
            k->dot(out[0], WEIGH_TILE, rows, 1 + i % 2, TERMS - i / 2, BURST, x + i / 2 * stride, limbs, &q);
            kern_mix(sum, out, (1 + i % 2) * sizeof *out);
        }
    }
    mem_free(x);
    return rc;
}

kern_set weigh_kerns = {.what = "weigh", .of = {&weigh_kern_portable, &weigh_kern_avx2, &weigh_kern_avx512},
                        .answer = answer, .right = UINT64_C(0xbd3d0490687595c5)};
