// SPDX-License-Identifier: ISC
#include "test/insecure_convert.h"

#include <math.h>

void insecure_respond_plain(const ckks_params *p, unsigned k, uint64_t *ct, size_t batch, uint8_t *wire, uint64_t *share, prg *rng,
                            uint64_t *scratch)
{
    ckks_switch_pow2(p, k, scratch, ct);
    ckks_switch_pow2(p, k, scratch + p->n, ct + ckks_poly_words(p));
    convert_mask(p, k, scratch, scratch + p->n, batch, wire, share, rng);
}

void insecure_respond_reused(const ckks_pk *pk, const ckks_params *p, unsigned k, uint64_t *ct, size_t batch, uint8_t *wire, uint64_t *share,
                             const prg *rewound, prg *rng, uint64_t *scratch)
{
    prg same = *rewound;
    ckks_rerandomise(pk, ct, ct + ckks_poly_words(p), &same, scratch + 2 * (size_t)p->n);
    insecure_respond_plain(p, k, ct, batch, wire, share, rng, scratch);
}

static void negate(const ckks_params *p, uint64_t *ct)
{
    for (size_t j = 0; j < 2 * ckks_poly_words(p); j++)
        ct[j] = mod_sub(&p->ntt[j / p->n % p->primes]->q, 0, ct[j]);
}

void insecure_respond_negated(const ckks_pk *pk, const ckks_params *p, unsigned k, uint64_t *ct, size_t batch, uint8_t *wire, uint64_t *share,
                              const prg *rewound, prg *rng, uint64_t *scratch)
{
    prg same = *rewound;
    negate(p, ct);
    ckks_rerandomise(pk, ct, ct + ckks_poly_words(p), &same, scratch + 2 * (size_t)p->n);
    negate(p, ct);
    insecure_respond_plain(p, k, ct, batch, wire, share, rng, scratch);
}

void insecure_slot_mask(uint64_t *r, size_t n, unsigned k, prg *rng)
{
    enum { SLOTS = 16 };
    double slot[SLOTS];

    for (int m = 0; m < SLOTS; m++)
        slot[m] = (double)(prg_u64(rng) >> (64 - k)) - ldexp(0.5, (int)k);
    for (size_t j = 0; j < n; j++) {
        double sum = 0;
        for (int m = 0; m < SLOTS; m++)
            sum += slot[m] * cos(M_PI * (double)((2 * m + 1) * (2 * j + 1)) / (double)(2 * n)) / SLOTS;
        r[j] = (uint64_t)(int64_t)llrint(sum) & ((UINT64_C(1) << k) - 1);
    }
}
