// SPDX-License-Identifier: ISC
#include "ckks/encode.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/ct.h"
#include "base/mem.h"
#include "ckks/embed_kern.h"
#include "ckks/encode_kern.h"

struct ckks_encoder {
    const ckks_params *p;
    embed_table *embed;
    const encode_kern *kern;
    encode_prime *prime;           /* [p->primes] */
    encode_pair *pair;             /* ENCODE_PAIRS(p->primes) */
    double bound[CKKS_MAX_PRIMES]; /* of a coefficient, by level - 1 */
};

/* min(2^120, (Q-1)/2), rounded down to a double, Q the product of q[level]. */
static double coefficient_bound(const uint64_t *q, uint32_t level)
{
    u128 product = 1;
    for (uint32_t i = 0; i < level && !(product >> 121); i++) {
        if (product >> 64 && product >= ((u128)1 << 127) / q[i]) return ENCODE_MAX;
        product *= q[i];
    }
    if (product >> 121) return ENCODE_MAX;
    const u128 half = (product - 1) / 2;
    const double d = (double)half;
    return (u128)d > half ? nextafter(d, 0) : d;
}

int ckks_encoder_create(ckks_encoder **out, const ckks_params *p) { return ckks_encoder_create_with(out, p, ~0u); }

int ckks_encoder_create_with(ckks_encoder **out, const ckks_params *p, unsigned features)
{
    *out = NULL;
    features &= cpu_features();
    ckks_encoder *e = mem_alloc(1, sizeof *e);
    if (!e) return err_set(ERR_MEM, "encoder: out of memory");
    int rc = embed_create_with(&e->embed, p->n, embed_kern_best(p->n, features));
    if (rc < 0) goto out;
    e->p = p;
    for (unsigned i = 0; i < ENCODE_KERNS; i++)
        if (kern_usable(&encode_kerns, i, features)) e->kern = encode_kerns.of[i];
    e->prime = mem_alloc(p->primes, sizeof *e->prime);
    e->pair = mem_alloc(ENCODE_PAIRS(p->primes), sizeof *e->pair);
    if (!e->prime || !e->pair) {
        rc = err_set(ERR_MEM, "encoder: out of memory");
        goto out;
    }
    for (uint32_t i = 0; i < p->primes; i++) {
        rc = encode_prime_fill_var(&e->prime[i], p->q[i]);
        if (rc < 0) goto out;
        encode_pairs_fill_var(e->prime, e->pair + ENCODE_PAIRS(i), i);
        e->bound[i] = coefficient_bound(p->q, i + 1);
    }
    *out = e;
    return 0;
out:
    ckks_encoder_free(e);
    return rc;
}

void ckks_encoder_free(ckks_encoder *e)
{
    if (!e) return;
    embed_free(e->embed);
    mem_free(e->prime);
    mem_free(e->pair);
    mem_free(e);
}

size_t ckks_encoder_scratch(const ckks_encoder *e) { return 3 * (size_t)e->p->n; }

const char *ckks_encoder_kernel(const ckks_encoder *e) { return e->kern->name; }

static int scale_check(double scale)
{
    if (isfinite(scale) && scale > 0 && isfinite(1 / scale)) return 0;
    return err_set(ERR_ARG, "encoding: scale %g is not a positive number", scale);
}

static int out_of_range(const ckks_encoder *e, uint32_t level)
{
    return err_set(ERR_ARG, "encode: a coefficient is not a number or above %g, the least of 2^120 and half of Q at level %u",
                   e->bound[level - 1], level);
}

int ckks_encode(const ckks_encoder *e, ckks_pt *pt, const double *re, const double *im, size_t count, double scale, uint32_t level,
                double *scratch)
{
    const size_t n = e->p->n, m = n / 2;
    double *c = scratch, *pad = scratch + 2 * n;
    if (pt->at.p != e->p) return err_set(ERR_ARG, "encode: plaintext of different parameters");
    if (level < 1 || level > pt->at.room) return err_set(ERR_ARG, "encode: level %u is not in [1, %u]", level, pt->at.room);
    if (count > m) return err_set(ERR_ARG, "encode: %zu slots are more than n/2 = %zu", count, m);
    int rc = scale_check(scale);
    if (rc < 0) return rc;
    if (count < m || !im) {
        memset(pad, 0, n * sizeof *pad);
        if (count) memcpy(pad, re, count * sizeof *pad);
        if (count && im) memcpy(pad + m, im, count * sizeof *pad);
        re = pad;
        im = pad + m;
    }
    embed_to_coeffs(e->embed, c, re, im, scratch + n);
    if (ct_tell((unsigned)e->kern->scale(c, n, scale / (double)m, e->bound[level - 1]))) return out_of_range(e, level);
    e->kern->residues(pt->m, c, n, e->prime, level);
    pt->at.level = level;
    pt->at.domain = CKKS_COEFF;
    pt->at.scale = scale;
    return 0;
}

int ckks_encode_constant(const ckks_encoder *e, uint64_t *r, double c, double scale, uint32_t level)
{
    if (level < 1 || level > e->p->primes) return err_set(ERR_ARG, "encode: level %u is not in [1, %u]", level, e->p->primes);
    int rc = scale_check(scale);
    if (rc < 0) return rc;
    if (ct_tell((unsigned)encode_kern_portable.scale(&c, 1, scale, e->bound[level - 1]))) return out_of_range(e, level);
    encode_kern_portable.residues(r, &c, 1, e->prime, level);
    return 0;
}

static int constant_for(const ckks_encoder *e, uint64_t *w, const ckks_ct *r, const ckks_ct *a, double c, double scale)
{
    if (a->at.p != e->p) return err_set(ERR_ARG, "constant: ciphertext of different parameters");
    int rc = ckks_meta_fits(&r->at, &a->at);
    return rc < 0 ? rc : ckks_encode_constant(e, w, c, scale, a->at.level);
}

int ckks_ct_multiply_real(const ckks_encoder *e, ckks_ct *r, const ckks_ct *a, double c, double scale)
{
    uint64_t w[CKKS_MAX_PRIMES];
    int rc = constant_for(e, w, r, a, c, scale);
    if (rc < 0) return rc;
    const double product = a->at.scale * scale;
    if (!isfinite(product) || product <= 0) return err_set(ERR_ARG, "multiplication: the product of the scales, %g, is out of range", product);
    ckks_ct_multiply_residues(r, a, w, product);
    return 0;
}

int ckks_ct_add_real(const ckks_encoder *e, ckks_ct *r, const ckks_ct *a, double c)
{
    uint64_t w[CKKS_MAX_PRIMES];
    int rc = constant_for(e, w, r, a, c, a->at.scale);
    if (rc < 0) return rc;
    const size_t n = e->p->n, words = a->at.level * n, places = a->at.domain == CKKS_NTT ? n : 1; /* the transform of a constant is it everywhere */
    ckks_meta_copy(&r->at, &a->at, a->at.scale);
    if (r != a) {
        memcpy(r->c0, a->c0, words * sizeof *r->c0);
        memcpy(r->c1, a->c1, words * sizeof *r->c1);
        memcpy(r->seed, a->seed, sizeof r->seed);
    }
    r->seeded = a->seeded; /* c1 is as it was */
    r->index = a->index;
    for (uint32_t i = 0; i < a->at.level; i++) {
        const modulus q = e->p->ntt[i]->q;
        for (size_t j = 0; j < places; j++) r->c0[i * n + j] = mod_add(&q, r->c0[i * n + j], w[i]);
    }
    mem_wipe(w, sizeof w);
    return 0;
}

int ckks_decode(const ckks_encoder *e, double *re, double *im, size_t count, const ckks_pt *pt, double *scratch)
{
    const size_t n = e->p->n, m = n / 2;
    const uint32_t level = pt->at.level;
    double *c = scratch, *z = scratch + 2 * n;
    if (pt->at.p != e->p) return err_set(ERR_ARG, "decode: plaintext of different parameters");
    if (pt->at.domain != CKKS_COEFF) return err_set(ERR_ARG, "decode: the plaintext is not in coefficients");
    if (count > m) return err_set(ERR_ARG, "decode: %zu slots are more than n/2 = %zu", count, m);
    int rc = scale_check(pt->at.scale);
    if (rc < 0) return rc;
    if (!(e->prime[level - 1].power * (double)e->prime[level - 1].q < 0x1p1000))
        return err_set(ERR_ARG, "decode: Q at level %u is above 2^1000", level);
    e->kern->lift(c, pt->m, n, e->prime, e->pair, level, 1 / pt->at.scale);
    if (count == m && im) {
        embed_to_slots(e->embed, re, im, c, scratch + n);
        return 0;
    }
    embed_to_slots(e->embed, z, z + m, c, scratch + n);
    if (count) memcpy(re, z, count * sizeof *re);
    if (count && im) memcpy(im, z + m, count * sizeof *im);
    return 0;
}
