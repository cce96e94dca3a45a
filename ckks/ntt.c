// SPDX-License-Identifier: ISC
#include "ckks/ntt.h"

#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "ckks/ntt_kern.h"

static int serves(const ntt_kern *k, uint32_t n, uint64_t q, unsigned features)
{
    return (features & k->needs) == k->needs && n >= k->least && q < k->below;
}

const ntt_kern *ntt_kern_best(uint32_t n, uint64_t q, unsigned features)
{
    const ntt_kern *best = &ntt_kern_portable;
    for (unsigned i = 1; i < NTT_KERNS; i++)
        if (kern_usable(&ntt_kerns, i, features) && serves(ntt_kerns.of[i], n, q, features)) best = ntt_kerns.of[i];
    return best;
}

/* Both parities of log2 n, residues at both ends of their range. */
static int answer(const void *kern, uint64_t *sum)
{
    enum { MOST = 1024 };
    static const uint64_t primes[] = {4294828033, 281474976546817, 1125899906826241};
    const ntt_kern *k = kern;
    modulus from;
    uint64_t a[MOST], b[MOST], c[MOST], r[MOST];
    int8_t e[MOST];
    int rc = modulus_init(&from, 1125899906826241);
    for (unsigned i = 0; i < 6 && !rc; i++) {
        ntt_table *t;
        const size_t n = i % 2 ? MOST : MOST / 2;
        if ((rc = ntt_create_with(&t, (uint32_t)n, primes[i / 2], k))) break;
        kern_fill(a, sizeof a, 11 + i);
        for (size_t j = 0; j < n; j++) {
            e[j] = (int8_t)((int)(a[j] % 201) - 100);
            c[j] = j < 16 ? j % 2 * (from.q - 1) : mod_reduce(&from, a[j]);
            b[j] = mod_reduce(&t->q, a[n - 1 - j]);
            r[j] = j < 16 ? j % 2 * (t->q.q - 1) : mod_reduce(&t->q, a[j]);
        }
        memcpy(a, r, n * sizeof *a);
        const uint64_t *const x[3] = {a, b, a}, *const y[3] = {b, b, a}, w = b[0];
        for (int which = 0; which < 10; which++) {
            if (which == 0) k->forward(t, r, a);
            if (which == 1) k->inverse(t, r, r);
            if (which == 2) k->inverse(t, r, b);
            if (which == 3) k->forward_small(t, r, e, w, a, a, b);
            if (which == 4) k->forward_lifted(t, r, c, &from);
            if (which == 5) k->multiply(t, r, a, b);
            if (which == 6) k->inner(t, r, r, x, y, 3);
            if (which == 7) k->multiply_sub(t, r, a, a);
            if (which == 8) k->lift(t, r, c, &from);
            if (which == 9) k->scale_add(t, r, a, w, b);
            kern_mix(sum, r, n * sizeof *r);
        }
        k->sub_scale(t, r, a, b, w);
        kern_mix(sum, r, n * sizeof *r);
        ntt_free(t);
    }
    return rc;
}

kern_set ntt_kerns = {.what = "ntt", .of = {&ntt_kern_portable, &ntt_kern_avx2, &ntt_kern_ifma},
                      .answer = answer, .right = UINT64_C(0xa8fee64bac70bc67)};

static uint32_t reverse_bits(uint32_t x, unsigned w)
{
    uint32_t r = 0;
    for (unsigned i = 0; i < w; i++) r |= (x >> i & 1) << (w - 1 - i);
    return r;
}

/* The root of ntt.h; 0 if there is none, which cannot be for a prime q = 1 mod 2n. */
static uint64_t primitive_root(const modulus *m, uint32_t n)
{
    for (uint64_t x = 2; x < m->q; x++) {
        uint64_t psi = mod_pow_var(m, x, (m->q - 1) / (2 * (uint64_t)n));
        if (mod_pow_var(m, psi, n) == m->q - 1) return psi;
    }
    return 0;
}

static void fill_powers(const ntt_table *t, uint64_t psi, uint64_t *root, uint64_t *shoup)
{
    uint64_t w = 1;
    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t j = reverse_bits(i, t->logn);
        root[j] = w;
        shoup[j] = mod_shoup_var(t->q.q, w);
        w = mod_mul(&t->q, w, psi);
    }
}

int ntt_create(ntt_table **out, uint32_t n, uint64_t q) { return ntt_create_with(out, n, q, ntt_kern_best(n, q, cpu_features())); }

int ntt_create_with(ntt_table **out, uint32_t n, uint64_t q, const ntt_kern *kern)
{
    *out = NULL;
    if (n < 16 || n > 32768 || (n & (n - 1))) return err_set(ERR_ARG, "ntt: n = %u is not a power of two in [16, 32768]", n);
    if (q >> 61 || q % (2 * (uint64_t)n) != 1 || !mod_is_prime_var(q))
        return err_set(ERR_ARG, "ntt: q = %llu is not a prime = 1 mod 2n below 2^61", (unsigned long long)q);
    if (!serves(kern, n, q, cpu_features())) return err_set(ERR_ARG, "ntt: kernel %s does not serve n = %u and this q here", kern->name, n);
    ntt_table *t = mem_alloc(1, sizeof *t);
    if (!t) return err_set(ERR_MEM, "ntt: out of memory");
    int rc = modulus_init(&t->q, q);
    if (rc < 0) goto out;
    t->n = n;
    t->kern = kern;
    while (n >> (t->logn + 1)) t->logn++;
    t->root = mem_alloc(n, 4 * sizeof *t->root);
    if (kern->own) t->own = mem_alloc(n, kern->own * sizeof *t->own);
    if (!t->root || (kern->own && !t->own)) {
        rc = err_set(ERR_MEM, "ntt: out of memory");
        goto out;
    }
    t->root_shoup = t->root + n;
    t->inv_root = t->root + 2 * (size_t)n;
    t->inv_root_shoup = t->root + 3 * (size_t)n;
    uint64_t psi = primitive_root(&t->q, n);
    fill_powers(t, psi, t->root, t->root_shoup);
    fill_powers(t, mod_inv_var(&t->q, psi), t->inv_root, t->inv_root_shoup);
    t->n_inv = mod_inv_var(&t->q, n);
    t->n_inv_shoup = mod_shoup_var(q, t->n_inv);
    t->last = mod_mul(&t->q, t->n_inv, t->inv_root[1]);
    t->last_shoup = mod_shoup_var(q, t->last);
    if (kern->own) kern->fill_var(t);
    *out = t;
    t = NULL;
out:
    ntt_free(t);
    return rc;
}

void ntt_free(ntt_table *t)
{
    if (t) {
        mem_free(t->own);
        mem_free(t->root);
    }
    mem_free(t);
}

/* Cooley-Tukey: (x, y) -> (x + w y, x - w y).  In and out: [0, 4q) < 2^63. */
static inline void butterfly(uint64_t q, uint64_t *x, uint64_t *y, uint64_t w, uint64_t ws)
{
    uint64_t a = mod_sub_if(*x, 2 * q), b = mod_mul_shoup_lazy(q, *y, w, ws);
    *x = a + b;
    *y = a + 2 * q - b;
}

/* Gentleman-Sande: (x, y) -> (x + y, w (x - y)).  In and out: [0, 2q). */
static inline void butterfly_inv(uint64_t q, uint64_t *x, uint64_t *y, uint64_t w, uint64_t ws)
{
    uint64_t a = *x, b = *y;
    *x = mod_sub_if(a + b, 2 * q);
    *y = mod_mul_shoup_lazy(q, a + 2 * q - b, w, ws);
}

/* [0, 4q) -> [0, q) */
static inline uint64_t canonical(uint64_t q, uint64_t x) { return mod_sub_if(mod_sub_if(x, 2 * q), q); }

static void forward(const ntt_table *t, uint64_t *r, const uint64_t *a)
{
    const uint64_t q = t->q.q;
    const uint64_t *root = t->root, *shoup = t->root_shoup;
    const uint32_t n = t->n;
    if (r != a) memcpy(r, a, n * sizeof *r);
    uint32_t m = 1;
    for (uint32_t len = n / 2; len >= 4; len /= 2, m *= 2) {
        for (uint32_t i = 0; i < m; i++) {
            uint64_t w = root[m + i], ws = shoup[m + i];
            uint64_t *x = r + 2 * (size_t)i * len, *y = x + len;
            for (uint32_t j = 0; j < len; j += 4) {
                butterfly(q, x + j, y + j, w, ws);
                butterfly(q, x + j + 1, y + j + 1, w, ws);
                butterfly(q, x + j + 2, y + j + 2, w, ws);
                butterfly(q, x + j + 3, y + j + 3, w, ws);
            }
        }
    }
    for (uint32_t i = 0; i < n / 4; i++) { /* the stages of distance 2 and 1 in registers; m = n / 4 */
        uint64_t x0 = r[4 * i], x1 = r[4 * i + 1], x2 = r[4 * i + 2], x3 = r[4 * i + 3];
        butterfly(q, &x0, &x2, root[m + i], shoup[m + i]);
        butterfly(q, &x1, &x3, root[m + i], shoup[m + i]);
        butterfly(q, &x0, &x1, root[2 * (m + i)], shoup[2 * (m + i)]);
        butterfly(q, &x2, &x3, root[2 * (m + i) + 1], shoup[2 * (m + i) + 1]);
        r[4 * i] = canonical(q, x0);
        r[4 * i + 1] = canonical(q, x1);
        r[4 * i + 2] = canonical(q, x2);
        r[4 * i + 3] = canonical(q, x3);
    }
}

static void inverse(const ntt_table *t, uint64_t *r, const uint64_t *a)
{
    const uint64_t q = t->q.q;
    const uint64_t *root = t->inv_root, *shoup = t->inv_root_shoup;
    const uint32_t n = t->n;
    uint32_t m = n / 4;
    for (uint32_t i = 0; i < m; i++) { /* distance 1 and 2 in registers */
        uint64_t x0 = a[4 * i], x1 = a[4 * i + 1], x2 = a[4 * i + 2], x3 = a[4 * i + 3];
        butterfly_inv(q, &x0, &x1, root[2 * (m + i)], shoup[2 * (m + i)]);
        butterfly_inv(q, &x2, &x3, root[2 * (m + i) + 1], shoup[2 * (m + i) + 1]);
        butterfly_inv(q, &x0, &x2, root[m + i], shoup[m + i]);
        butterfly_inv(q, &x1, &x3, root[m + i], shoup[m + i]);
        r[4 * i] = x0;
        r[4 * i + 1] = x1;
        r[4 * i + 2] = x2;
        r[4 * i + 3] = x3;
    }
    for (uint32_t len = 4; m > 2; len *= 2) {
        m /= 2;
        for (uint32_t i = 0; i < m; i++) {
            uint64_t w = root[m + i], ws = shoup[m + i];
            uint64_t *x = r + 2 * (size_t)i * len, *y = x + len;
            for (uint32_t j = 0; j < len; j += 4) {
                butterfly_inv(q, x + j, y + j, w, ws);
                butterfly_inv(q, x + j + 1, y + j + 1, w, ws);
                butterfly_inv(q, x + j + 2, y + j + 2, w, ws);
                butterfly_inv(q, x + j + 3, y + j + 3, w, ws);
            }
        }
    }
    for (uint32_t j = 0; j < n / 2; j++) {
        uint64_t x = r[j], y = r[j + n / 2];
        r[j] = mod_mul_shoup(q, x + y, t->n_inv, t->n_inv_shoup);
        r[j + n / 2] = mod_mul_shoup(q, x + 2 * q - y, t->last, t->last_shoup);
    }
}

static void multiply(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    const modulus q = t->q;
    for (uint32_t i = 0; i < t->n; i++) r[i] = mod_mul(&q, a[i], b[i]);
}

static void inner(const ntt_table *t, uint64_t *r, const uint64_t *c, const uint64_t *const *x, const uint64_t *const *y, size_t count)
{
    const modulus q = t->q;
    for (uint32_t j = 0; j < t->n; j++) {
        uint64_t sum = c ? c[j] : 0;
        for (size_t i = 0; i < count; i++) sum = mod_reduce(&q, (u128)x[i][j] * y[i][j] + sum); /* below q^2 + q <= 2^(bits+63) */
        r[j] = sum;
    }
}

static void multiply_sub(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    const modulus q = t->q;
    for (uint32_t i = 0; i < t->n; i++) r[i] = mod_sub(&q, r[i], mod_mul(&q, a[i], b[i]));
}

static void lift(const ntt_table *t, uint64_t *r, const uint64_t *a, const modulus *from)
{
    const modulus q = t->q;
    const uint64_t p = from->q;
    for (uint32_t i = 0; i < t->n; i++) r[i] = mod_from_signed(&q, mod_centred(p, a[i]));
}

static void scale_add(const ntt_table *t, uint64_t *r, const uint64_t *a, uint64_t w, const uint64_t *b)
{
    const modulus q = t->q;
    const uint64_t ws = mod_shoup_var(q.q, w);
    for (uint32_t i = 0; i < t->n; i++) r[i] = mod_add(&q, mod_mul_shoup(q.q, a[i], w, ws), b[i]);
}

static void sub_scale(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b, uint64_t w)
{
    const uint64_t q = t->q.q, ws = mod_shoup_var(q, w);
    for (uint32_t i = 0; i < t->n; i++) r[i] = mod_mul_shoup(q, a[i] + q - b[i], w, ws);
}

static void forward_lifted(const ntt_table *t, uint64_t *r, const uint64_t *a, const modulus *from)
{
    lift(t, r, a, from);
    forward(t, r, r);
}

static void forward_small(const ntt_table *t, uint64_t *r, const int8_t *e, uint64_t w, const uint64_t *b, const uint64_t *x, const uint64_t *y)
{
    const modulus q = t->q;
    const uint64_t ws = mod_shoup_var(q.q, w);
    for (uint32_t i = 0; i < t->n; i++) {
        const uint64_t z = mod_mul_shoup(q.q, q.q + (uint64_t)(int64_t)e[i], w, ws);
        r[i] = b ? mod_add(&q, z, b[i]) : z;
    }
    forward(t, r, r);
    if (x) inner(t, r, r, &x, &y, 1);
}

const ntt_kern ntt_kern_portable = {"portable", 0, 16, UINT64_C(1) << 61, 0, NULL, forward, forward_small, forward_lifted, inverse,
                                    multiply, inner, multiply_sub, lift, scale_add, sub_scale};

void ntt_forward(const ntt_table *t, uint64_t *r, const uint64_t *a) { t->kern->forward(t, r, a); }
void ntt_forward_small(const ntt_table *t, uint64_t *r, const int8_t *e, uint64_t w, const uint64_t *b, const uint64_t *x, const uint64_t *y)
{
    t->kern->forward_small(t, r, e, w, b, x, y);
}
void ntt_forward_lifted(const ntt_table *t, uint64_t *r, const uint64_t *a, const modulus *from) { t->kern->forward_lifted(t, r, a, from); }
void ntt_inverse(const ntt_table *t, uint64_t *r, const uint64_t *a) { t->kern->inverse(t, r, a); }
void ntt_multiply(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b) { t->kern->multiply(t, r, a, b); }
void ntt_inner(const ntt_table *t, uint64_t *r, const uint64_t *c, const uint64_t *const *x, const uint64_t *const *y, size_t count)
{
    t->kern->inner(t, r, c, x, y, count);
}
void ntt_multiply_sub(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b) { t->kern->multiply_sub(t, r, a, b); }

void ntt_lift(const ntt_table *t, uint64_t *r, const uint64_t *a, const modulus *from) { t->kern->lift(t, r, a, from); }
void ntt_scale_add(const ntt_table *t, uint64_t *r, const uint64_t *a, uint64_t w, const uint64_t *b) { t->kern->scale_add(t, r, a, w, b); }
void ntt_sub_scale(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b, uint64_t w) { t->kern->sub_scale(t, r, a, b, w); }

void ntt_convolve(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b_ntt)
{
    ntt_forward(t, r, a);
    ntt_multiply(t, r, r, b_ntt);
    ntt_inverse(t, r, r);
}
