// SPDX-License-Identifier: ISC
#include "ckks/ct.h"

#include <math.h>
#include <string.h>

#include "base/ct.h"
#include "base/mem.h"
#include "ckks/ring_kern.h"
#include "ckks/sample.h"

static int meta_init(ckks_meta *at, const ckks_params *p, uint32_t level)
{
    if (level < 1 || level > p->primes) return err_set(ERR_ARG, "level %u is not in [1, %u]", level, p->primes);
    *at = (ckks_meta){.p = p, .level = level, .room = level, .domain = CKKS_COEFF, .scale = 1};
    return 0;
}

int ckks_meta_agree(const ckks_meta *a, const ckks_meta *b, int sum)
{
    if (a->p != b->p) return err_set(ERR_ARG, "operands of different parameters");
    if (a->level != b->level) return err_set(ERR_ARG, "operands of level %u and %u", a->level, b->level);
    if (a->domain != b->domain) return err_set(ERR_ARG, "operands of different domain (coefficients and NTT)");
    if (sum && a->scale != b->scale) return err_set(ERR_ARG, "operands of scale %g and %g", a->scale, b->scale);
    return 0;
}

int ckks_meta_fits(const ckks_meta *r, const ckks_meta *a)
{
    if (r->p != a->p) return err_set(ERR_ARG, "result of different parameters");
    if (r->room < a->level) return err_set(ERR_ARG, "result has room for level %u, not %u", r->room, a->level);
    return 0;
}

void ckks_meta_copy(ckks_meta *r, const ckks_meta *a, double scale)
{
    r->level = a->level;
    r->domain = a->domain;
    r->scale = scale;
}

int ckks_pt_create(ckks_pt **out, const ckks_params *p, uint32_t level)
{
    *out = NULL;
    ckks_meta at;
    int rc = meta_init(&at, p, level);
    if (rc < 0) return rc;
    ckks_pt *pt = mem_alloc(1, sizeof *pt);
    if (pt) pt->m = mem_alloc((size_t)level * p->n, sizeof *pt->m);
    if (!pt || !pt->m) {
        ckks_pt_free(pt);
        return err_set(ERR_MEM, "plaintext: out of memory");
    }
    pt->at = at;
    *out = pt;
    return 0;
}

void ckks_pt_free(ckks_pt *pt)
{
    if (pt) mem_free(pt->m);
    mem_free(pt);
}

int ckks_ct_create(ckks_ct **out, const ckks_params *p, uint32_t level)
{
    *out = NULL;
    ckks_meta at;
    int rc = meta_init(&at, p, level);
    if (rc < 0) return rc;
    ckks_ct *ct = mem_alloc(1, sizeof *ct);
    if (ct) ct->c0 = mem_alloc((size_t)level * p->n, 2 * sizeof *ct->c0);
    if (!ct || !ct->c0) {
        ckks_ct_free(ct);
        return err_set(ERR_MEM, "ciphertext: out of memory");
    }
    ct->at = at;
    ct->c1 = ct->c0 + (size_t)level * p->n;
    *out = ct;
    return 0;
}

void ckks_ct_free(ckks_ct *ct)
{
    if (ct) mem_free(ct->c0);
    mem_free(ct);
}

static size_t words(const ckks_meta *at) { return (size_t)at->level * at->p->n; }

int ckks_pt_set(ckks_pt *pt, const int64_t *v, size_t count, double scale)
{
    const size_t n = pt->at.p->n;
    if (count > n) return err_set(ERR_ARG, "plaintext: count = %zu above n = %zu", count, n);
    if (!isfinite(scale) || scale <= 0) return err_set(ERR_ARG, "plaintext: scale %g is not a positive number", scale);
    uint64_t outside = 0; /* bit 63: some value is above the bound or below minus it */
    for (size_t j = 0; j < count; j++) {
        uint64_t x = (uint64_t)v[j];
        outside |= ((uint64_t)MOD_SIGNED_MAX - x) & ~x;
        outside |= ((uint64_t)MOD_SIGNED_MAX + x) & x;
    }
    if (ct_tell(outside >> 63)) return err_set(ERR_ARG, "plaintext: a value is not in [-2^61, 2^61]");
    for (uint32_t i = 0; i < pt->at.level; i++) {
        const modulus q = pt->at.p->ntt[i]->q;
        uint64_t *r = pt->m + i * n;
        for (size_t j = 0; j < count; j++) r[j] = mod_from_signed(&q, v[j]);
        memset(r + count, 0, (n - count) * sizeof *r);
    }
    pt->at.domain = CKKS_COEFF;
    pt->at.scale = scale;
    return 0;
}

int ckks_pt_get(const ckks_pt *pt, int64_t *v, size_t count)
{
    const ckks_params *p = pt->at.p;
    if (count > p->n) return err_set(ERR_ARG, "plaintext: count = %zu above n = %u", count, p->n);
    if (pt->at.domain != CKKS_COEFF) return err_set(ERR_ARG, "plaintext: domain is NTT, not coefficients");
    uint64_t *y = mem_alloc(p->n, sizeof *y);
    if (!y) return err_set(ERR_MEM, "plaintext: out of memory");
    uint64_t minus_q = UINT64_MAX; /* -Q mod 2^64 */
    for (uint32_t i = 0; i < pt->at.level; i++) minus_q *= p->q[i];
    ckks_fraction(p, pt->at.level, 0, y, pt->m);
    for (size_t j = 0; j < count; j++) v[j] = (int64_t)(y[j] * minus_q);
    mem_free(y);
    return 0;
}

typedef void transform(const ntt_table *t, uint64_t *r, const uint64_t *a);

static void transform_all(const ckks_meta *at, uint64_t *poly, transform *f)
{
    for (uint32_t i = 0; i < at->level; i++) f(at->p->ntt[i], poly + (size_t)i * at->p->n, poly + (size_t)i * at->p->n);
}

static void pt_to(ckks_pt *pt, ckks_domain to, transform *f)
{
    if (pt->at.domain == to) return;
    transform_all(&pt->at, pt->m, f);
    pt->at.domain = to;
}

static void ct_to(ckks_ct *ct, ckks_domain to, transform *f)
{
    if (ct->at.domain == to) return;
    transform_all(&ct->at, ct->c0, f);
    transform_all(&ct->at, ct->c1, f);
    ct->at.domain = to;
    ct->seeded = 0;
}

void ckks_pt_to_ntt(ckks_pt *pt) { pt_to(pt, CKKS_NTT, ntt_forward); }
void ckks_pt_to_coeff(ckks_pt *pt) { pt_to(pt, CKKS_COEFF, ntt_inverse); }
void ckks_ct_to_ntt(ckks_ct *ct) { ct_to(ct, CKKS_NTT, ntt_forward); }
void ckks_ct_to_coeff(ckks_ct *ct) { ct_to(ct, CKKS_COEFF, ntt_inverse); }

static int can_encrypt(const ckks_ct *ct, const ckks_params *key, const ckks_pt *pt)
{
    if (pt->at.p != key) return err_set(ERR_ARG, "encryption: plaintext and key of different parameters");
    if (pt->at.level != key->primes) return err_set(ERR_ARG, "encryption: plaintext of level %u, not %u", pt->at.level, key->primes);
    if (pt->at.domain != CKKS_COEFF) return err_set(ERR_ARG, "encryption: the plaintext's domain is NTT, not coefficients");
    return ckks_meta_fits(&ct->at, &pt->at);
}

int ckks_ct_encrypt_seeded(ckks_ct *ct, const ckks_sk *sk, const ckks_pt *pt, const uint8_t seed[PRG_SEED_BYTES], uint64_t index,
                           prg *rng, uint64_t *scratch)
{
    int rc = can_encrypt(ct, sk->p, pt);
    if (rc < 0) return rc;
    const ckks_params *p = sk->p;
    const size_t n = p->n;
    int8_t *e = (int8_t *)scratch;
    ckks_expand_c1(p, ct->c1, seed, index); /* uniform in either domain */
    sample_cbd(rng, e, n);
    for (uint32_t i = 0; i < p->primes; i++) {
        ntt_forward_small(p->ntt[i], ct->c0 + i * n, e, 1, pt->m + i * n, NULL, NULL);
        ntt_multiply_sub(p->ntt[i], ct->c0 + i * n, ct->c1 + i * n, sk->s + i * n);
    }
    ckks_meta_copy(&ct->at, &pt->at, pt->at.scale);
    ct->at.domain = CKKS_NTT;
    ct->seeded = 1;
    memcpy(ct->seed, seed, PRG_SEED_BYTES);
    ct->index = index;
    return 0;
}

/* e_h -= the centred remainder of k_h u + e_h by D = CKKS_PK_DIVISOR, for both halves of the key at once: v = NTT(u / D) and pk->low give
 * u b + 2^shift u a, exactly.   t[n] scratch. */
static void less_remainder(const ckks_pk *pk, const ntt_table *by, const uint64_t *v, int8_t *e0, int8_t *e1, uint64_t *t)
{
    ntt_multiply(by, t, v, pk->low);
    ntt_inverse(by, t, t);
    ring_kern_best()->round_pair(e0, e1, t, pk->p->n, &by->q, ckks_pk_shift(pk->p));
}

_Static_assert(RING_PAIR_DIVISOR == CKKS_PK_DIVISOR, "the kernel divides by it");

/* c_h = (k_h u + e_h - x_h) / D + [h = 0] m with x_h the centred remainder of k_h u + e_h by D: RLWE samples modulo D Q, rounded; D = 1
 * without special primes.  The errors go in before the rounding: without them c_h would be a rounding of k_h u alone, and hardness of
 * learning with rounding does not follow from that of RLWE for these moduli. */
int ckks_ct_encrypt(ckks_ct *ct, const ckks_pk *pk, const ckks_pt *pt, prg *rng, uint64_t *scratch)
{
    int rc = can_encrypt(ct, pk->p, pt);
    if (rc < 0) return rc;
    const ckks_params *p = pk->p;
    const size_t n = p->n;
    const int divides = p->special > 0, wide = ckks_pk_prime(p) >= p->primes;
    const uint32_t first = wide ? 0 : ckks_pk_prime(p); /* the prime of pk->low, then all others */
    const uint64_t divisor = divides ? CKKS_PK_DIVISOR : 1;
    uint64_t *v = scratch, *t = scratch + n;
    int8_t *u = (int8_t *)(scratch + 2 * n), *e0 = u + n, *e1 = u + 2 * n;
    sample_ternary(rng, u, n);
    sample_cbd(rng, e0, n);
    sample_cbd(rng, e1, n);
    if (divides && wide) {
        ntt_forward_small(p->wide, v, u, mod_inv_var(&p->wide->q, divisor), NULL, NULL, NULL);
        less_remainder(pk, p->wide, v, e0, e1, t);
    }
    for (uint32_t k = 0; k < p->primes; k++) {
        const uint32_t i = first + k < p->primes ? first + k : first + k - p->primes;
        const ntt_table *by = p->ntt[i];
        const uint64_t w = mod_inv_var(&by->q, divisor);
        uint64_t *c0 = ct->c0 + i * n, *c1 = ct->c1 + i * n;
        ntt_forward_small(by, v, u, w, NULL, NULL, NULL);
        if (divides && !wide && i == first) less_remainder(pk, by, v, e0, e1, t);
        ntt_forward_small(by, c0, e0, w, pt->m + i * n, v, pk->b + i * n);
        ntt_forward_small(by, c1, e1, w, NULL, v, pk->a + i * n);
    }
    ckks_meta_copy(&ct->at, &pt->at, pt->at.scale);
    ct->at.domain = CKKS_NTT;
    ct->seeded = 0;
    return 0;
}

static int can_decrypt(const ckks_pt *pt, const ckks_sk *sk, const ckks_ct *ct)
{
    if (ct->at.p != sk->p) return err_set(ERR_ARG, "decryption: ciphertext and key of different parameters");
    return ckks_meta_fits(&pt->at, &ct->at);
}

int ckks_ct_decrypt_ntt(ckks_pt *pt, const ckks_sk *sk, const ckks_ct *ct)
{
    int rc = can_decrypt(pt, sk, ct);
    if (rc < 0) return rc;
    if (ct->at.domain != CKKS_NTT) return err_set(ERR_ARG, "decryption: the ciphertext's domain is coefficients, not NTT");
    const size_t n = sk->p->n;
    ckks_meta_copy(&pt->at, &ct->at, ct->at.scale);
    for (uint32_t i = 0; i < ct->at.level; i++) {
        ntt_multiply(sk->p->ntt[i], pt->m + i * n, ct->c1 + i * n, sk->s + i * n);
        ring_kern_best()->add(pt->m + i * n, ct->c0 + i * n, pt->m + i * n, n, &sk->p->ntt[i]->q);
    }
    return 0;
}

int ckks_ct_decrypt(ckks_pt *pt, const ckks_sk *sk, const ckks_ct *ct, uint64_t *scratch)
{
    if (ct->at.domain == CKKS_NTT) {
        int rc = ckks_ct_decrypt_ntt(pt, sk, ct);
        if (rc == 0) ckks_pt_to_coeff(pt);
        return rc;
    }
    int rc = can_decrypt(pt, sk, ct);
    if (rc < 0) return rc;
    const ckks_params *p = sk->p;
    const size_t n = p->n;
    ckks_meta_copy(&pt->at, &ct->at, ct->at.scale);
    for (uint32_t i = 0; i < ct->at.level; i++) {
        ntt_convolve(p->ntt[i], scratch, ct->c1 + i * n, sk->s + i * n);
        ring_kern_best()->add(pt->m + i * n, ct->c0 + i * n, scratch, n, &p->ntt[i]->q);
    }
    return 0;
}

typedef void residue_op(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b);

static void add(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b) { ring_kern_best()->add(r, a, b, t->n, &t->q); }
static void sub(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b) { ntt_sub_scale(t, r, a, b, 1); }

static void each(const ckks_meta *at, uint64_t *r, const uint64_t *a, const uint64_t *b, residue_op *op)
{
    const size_t n = at->p->n;
    for (uint32_t i = 0; i < at->level; i++) op(at->p->ntt[i], r + i * n, a + i * n, b + i * n);
}

/* r = a op b on both halves. */
static int combine(ckks_ct *r, const ckks_ct *a, const ckks_ct *b, residue_op *op)
{
    int rc = ckks_meta_agree(&a->at, &b->at, 1);
    if (rc == 0) rc = ckks_meta_fits(&r->at, &a->at);
    if (rc < 0) return rc;
    ckks_meta_copy(&r->at, &a->at, a->at.scale);
    each(&r->at, r->c0, a->c0, b->c0, op);
    each(&r->at, r->c1, a->c1, b->c1, op);
    r->seeded = 0;
    return 0;
}

int ckks_ct_add(ckks_ct *r, const ckks_ct *a, const ckks_ct *b) { return combine(r, a, b, add); }
int ckks_ct_sub(ckks_ct *r, const ckks_ct *a, const ckks_ct *b) { return combine(r, a, b, sub); }

static int combine_plain(ckks_ct *r, const ckks_ct *a, const ckks_pt *pt, residue_op *op)
{
    int rc = ckks_meta_agree(&a->at, &pt->at, 1);
    if (rc == 0) rc = ckks_meta_fits(&r->at, &a->at);
    if (rc < 0) return rc;
    ckks_meta_copy(&r->at, &a->at, a->at.scale);
    each(&r->at, r->c0, a->c0, pt->m, op);
    if (r != a) memcpy(r->c1, a->c1, words(&a->at) * sizeof *r->c1);
    r->seeded = a->seeded; /* c1 is as it was */
    r->index = a->index;
    if (r != a) memcpy(r->seed, a->seed, sizeof r->seed);
    return 0;
}

int ckks_ct_add_plain(ckks_ct *r, const ckks_ct *a, const ckks_pt *pt) { return combine_plain(r, a, pt, add); }
int ckks_ct_sub_plain(ckks_ct *r, const ckks_ct *a, const ckks_pt *pt) { return combine_plain(r, a, pt, sub); }
int ckks_ct_negate(ckks_ct *r, const ckks_ct *a) { return ckks_ct_multiply_scalar(r, a, -1); }

int ckks_ct_multiply_scalar(ckks_ct *r, const ckks_ct *a, int64_t w)
{
    int rc = ckks_meta_fits(&r->at, &a->at);
    if (rc < 0) return rc;
    if (w > MOD_SIGNED_MAX || w < -MOD_SIGNED_MAX) return err_set(ERR_ARG, "multiplication: the scalar is not in [-2^61, 2^61]");
    uint64_t x[CKKS_MAX_PRIMES];
    for (uint32_t i = 0; i < a->at.level; i++) x[i] = mod_from_signed(&a->at.p->ntt[i]->q, w);
    ckks_ct_multiply_residues(r, a, x, a->at.scale);
    return 0;
}

void ckks_ct_multiply_residues(ckks_ct *r, const ckks_ct *a, const uint64_t *w, double scale)
{
    ckks_meta_copy(&r->at, &a->at, scale);
    const size_t n = a->at.p->n;
    for (uint32_t i = 0; i < a->at.level; i++) {
        const ntt_table *t = a->at.p->ntt[i];
        const uint64_t less = mod_sub(&t->q, w[i], 1); /* a (w - 1) + a */
        ntt_scale_add(t, r->c0 + i * n, a->c0 + i * n, less, a->c0 + i * n);
        ntt_scale_add(t, r->c1 + i * n, a->c1 + i * n, less, a->c1 + i * n);
    }
    r->seeded = 0;
}

int ckks_ct_multiply_plain(ckks_ct *r, const ckks_ct *a, const ckks_pt *pt)
{
    int rc = ckks_meta_agree(&a->at, &pt->at, 0);
    if (rc == 0) rc = ckks_meta_fits(&r->at, &a->at);
    if (rc < 0) return rc;
    if (a->at.domain != CKKS_NTT) return err_set(ERR_ARG, "multiplication: the operands' domain is coefficients, not NTT");
    const double scale = a->at.scale * pt->at.scale;
    if (!isfinite(scale) || scale <= 0) return err_set(ERR_ARG, "multiplication: the product of the scales, %g, is out of range", scale);
    ckks_meta_copy(&r->at, &a->at, scale);
    each(&r->at, r->c0, a->c0, pt->m, ntt_multiply);
    each(&r->at, r->c1, a->c1, pt->m, ntt_multiply);
    r->seeded = 0;
    return 0;
}

int ckks_ct_drop(ckks_ct *ct, uint32_t level)
{
    if (level < 1 || level > ct->at.level) return err_set(ERR_ARG, "drop: level %u is not in [1, %u]", level, ct->at.level);
    if (level < ct->at.level) ct->seeded = 0;
    ct->at.level = level;
    return 0;
}

/* -- wire -- */

static const uint8_t magic[4] = {'T', 'C', 'T', 1};

static void store64(uint8_t *out, uint64_t x)
{
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)(x >> 8 * i);
}

static uint64_t load64(const uint8_t *in)
{
    uint64_t x = 0;
    for (int i = 0; i < 8; i++) x |= (uint64_t)in[i] << 8 * i;
    return x;
}

static size_t wire_bytes(const ckks_params *p, uint32_t level, int seeded)
{
    size_t poly = ckks_poly_bytes_at(p, level);
    return CKKS_CT_HEAD_BYTES + (seeded ? CKKS_CT_SEED_BYTES + poly : 2 * poly);
}

size_t ckks_ct_bytes(const ckks_ct *ct) { return wire_bytes(ct->at.p, ct->at.level, ct->seeded); }

void ckks_ct_write(const ckks_ct *ct, uint8_t *out)
{
    const ckks_meta *at = &ct->at;
    uint64_t scale;
    memcpy(&scale, &at->scale, sizeof scale);
    memcpy(out, magic, sizeof magic);
    out[4] = (uint8_t)ct->seeded;
    out[5] = (uint8_t)at->p->logn;
    out[6] = (uint8_t)at->level;
    out[7] = (uint8_t)at->domain;
    store64(out + 8, scale);
    out += CKKS_CT_HEAD_BYTES;
    if (ct->seeded) {
        memcpy(out, ct->seed, PRG_SEED_BYTES);
        store64(out + PRG_SEED_BYTES, ct->index);
        out += CKKS_CT_SEED_BYTES;
    }
    ckks_poly_write_at(at->p, at->level, out, ct->c0);
    if (!ct->seeded) ckks_poly_write_at(at->p, at->level, out + ckks_poly_bytes_at(at->p, at->level), ct->c1);
}

static int check_head(const ckks_params *p, const uint8_t *in, size_t len, double *scale)
{
    if (len < CKKS_CT_HEAD_BYTES) return err_set(ERR_PEER, "ciphertext: length %zu is less than a header", len);
    if (in[0] != magic[0] || in[1] != magic[1] || in[2] != magic[2]) return err_set(ERR_PEER, "ciphertext: offset 0: magic is not \"TCT\"");
    if (in[3] != magic[3]) return err_set(ERR_PEER, "ciphertext: offset 3: version %u is not %u", in[3], magic[3]);
    if (in[4] > 1) return err_set(ERR_PEER, "ciphertext: offset 4: kind %u is neither 0 nor 1", in[4]);
    if (in[5] != p->logn) return err_set(ERR_PEER, "ciphertext: offset 5: log2 n = %u, not %u", in[5], p->logn);
    if (in[6] < 1 || in[6] > p->primes || (in[4] && in[6] != p->primes))
        return err_set(ERR_PEER, "ciphertext: offset 6: level %u of %u, kind %u", in[6], p->primes, in[4]);
    if (in[7] > 1 || (in[4] && in[7] != CKKS_NTT)) return err_set(ERR_PEER, "ciphertext: offset 7: domain %u, kind %u", in[7], in[4]);
    const uint64_t bits = load64(in + 8);
    memcpy(scale, &bits, sizeof bits);
    if (!isfinite(*scale) || *scale <= 0) return err_set(ERR_PEER, "ciphertext: offset 8: scale is not a positive number");
    const size_t want = wire_bytes(p, in[6], in[4]);
    if (len != want) return err_set(ERR_PEER, "ciphertext: length %zu, not %zu", len, want);
    return 0;
}

int ckks_ct_read(ckks_ct **out, const ckks_params *p, const uint8_t *in, size_t len)
{
    *out = NULL;
    double scale;
    int rc = check_head(p, in, len, &scale);
    if (rc < 0) return rc;
    ckks_ct *ct;
    rc = ckks_ct_create(&ct, p, in[6]);
    if (rc < 0) return rc;
    ct->at.domain = (ckks_domain)in[7];
    ct->at.scale = scale;
    ct->seeded = in[4];
    in += CKKS_CT_HEAD_BYTES;
    if (ct->seeded) {
        memcpy(ct->seed, in, PRG_SEED_BYTES);
        ct->index = load64(in + PRG_SEED_BYTES);
        in += CKKS_CT_SEED_BYTES;
    }
    rc = ckks_poly_read_at(p, ct->at.level, ct->c0, in);
    if (rc < 0) goto out;
    if (ct->seeded)
        ckks_expand_c1(p, ct->c1, ct->seed, ct->index);
    else if ((rc = ckks_poly_read_at(p, ct->at.level, ct->c1, in + ckks_poly_bytes_at(p, ct->at.level))) < 0)
        goto out;
    *out = ct;
    ct = NULL;
out:
    ckks_ct_free(ct);
    return rc;
}
