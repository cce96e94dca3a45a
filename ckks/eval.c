// SPDX-License-Identifier: ISC
#include "ckks/eval.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "ckks/ring_kern.h"

struct ckks_eval {
    const ckks_params *p;
    uint64_t *digit;    /* [primes][primes + special][n]: digit d of what is switched; modulo prime d its coefficients */
    uint64_t *acc, *sum; /* [2][primes + special][n] each */
    uint64_t *own;      /* [primes][n]: what is switched */
    uint64_t *t, *rest; /* [2][n]; [special + 1][n] */
};

int ckks_eval_create(ckks_eval **out, const ckks_params *p)
{
    *out = NULL;
    const size_t all = p->primes + p->special, digits = p->special ? p->primes * all : 0;
    ckks_eval *e = mem_alloc(1, sizeof *e);
    if (e) e->digit = mem_alloc((digits + 4 * all + p->primes + 2 + p->special + 1) * p->n, sizeof *e->digit);
    if (!e || !e->digit) {
        ckks_eval_free(e);
        return err_set(ERR_MEM, "evaluator: out of memory");
    }
    e->p = p;
    e->acc = e->digit + digits * p->n;
    e->sum = e->acc + 2 * all * p->n;
    e->own = e->sum + 2 * all * p->n;
    e->t = e->own + (size_t)p->primes * p->n;
    e->rest = e->t + 2 * (size_t)p->n;
    *out = e;
    return 0;
}

void ckks_eval_free(ckks_eval *e)
{
    if (e) mem_free(e->digit);
    mem_free(e);
}

/* The prime at place i of a polynomial modulo `level` primes of Q and all of P. */
static const ntt_table *at(const ckks_params *p, uint32_t level, uint32_t i) { return p->ntt[i < level ? i : p->primes + i - level]; }

/* r = a / (D_0 D_1 ...), rounded by one after the other, where the D are the last `count` places of a, which has `places`.
 * The remainder of a by their product is x_0 + D_0 (x_1 + D_1 (...)), each x_j centred modulo D_j.   Alias: r may equal a. */
static void divide(ckks_eval *e, uint64_t *r, const uint64_t *a, uint32_t level, uint32_t places, uint32_t count)
{
    const size_t n = e->p->n;
    uint64_t *t = e->t, *u = e->t + n;
    const ntt_table *by[CKKS_MAX_PRIMES];
    for (uint32_t j = 0; j < count; j++) {
        uint64_t *x = e->rest + j * n;
        by[j] = at(e->p, level, places - 1 - j);
        ntt_inverse(by[j], x, a + (places - 1 - j) * n);
        for (uint32_t i = 0; i < j; i++) {
            ntt_lift(by[j], t, e->rest + i * n, &by[i]->q);
            ntt_sub_scale(by[j], x, x, t, mod_inv_var(&by[j]->q, mod_reduce(&by[j]->q, by[i]->q.q)));
        }
    }
    for (uint32_t i = 0; i < places - count; i++) {
        const ntt_table *to = at(e->p, level, i);
        uint64_t all = mod_reduce(&to->q, by[count - 1]->q.q);
        if (count == 1) {
            ntt_forward_lifted(to, t, e->rest, &by[0]->q);
        } else {
            ntt_lift(to, t, e->rest + (count - 1) * n, &by[count - 1]->q);
            for (uint32_t j = count - 1; j-- > 0;) {
                const uint64_t w = mod_reduce(&to->q, by[j]->q.q);
                all = mod_mul(&to->q, all, w);
                ntt_lift(to, u, e->rest + j * n, &by[j]->q);
                ntt_scale_add(to, t, t, w, u);
            }
            ntt_forward(to, t, t);
        }
        ntt_sub_scale(to, r + i * n, a + i * n, t, mod_inv_var(&to->q, all));
    }
}

/* The coefficients of c[level][n], digit by digit, where a digit's residues modulo its own prime would be. */
static void decompose(ckks_eval *e, const uint64_t *c, uint32_t level)
{
    const size_t n = e->p->n, all = e->p->primes + e->p->special;
    for (uint32_t d = 0; d < level; d++) ntt_inverse(e->p->ntt[d], e->digit + (d * all + d) * n, c + d * n);
}

/* acc = sum_d digit d of c (b_d, a_d), prime by prime.  The first key after decompose makes the digits, the others find them. */
static void switch_key(ckks_eval *e, const ckks_evk *k, const uint64_t *c, uint32_t level, int first)
{
    const ckks_params *p = e->p;
    const size_t n = p->n, all = p->primes + p->special;
    for (uint32_t i = 0; i < level + p->special; i++) {
        const ntt_table *t = at(p, level, i);
        const size_t row = i < level ? i : p->primes + i - level;
        const uint64_t *x[CKKS_MAX_PRIMES], *b[CKKS_MAX_PRIMES], *a[CKKS_MAX_PRIMES];
        for (uint32_t d = 0; d < level; d++) {
            uint64_t *digit = e->digit + (d * all + i) * n;
            if (first && i != d) ntt_forward_lifted(t, digit, e->digit + (d * all + d) * n, &p->ntt[d]->q);
            x[d] = i == d ? c + d * n : digit;
            b[d] = k->b + (d * all + row) * n;
            a[d] = k->a + (d * all + row) * n;
        }
        ntt_inner(t, e->acc + i * n, NULL, x, b, level);
        ntt_inner(t, e->acc + (all + i) * n, NULL, x, a, level);
    }
}

/* acc += P c in one half; c modulo prime i at c + i stride. */
static void add_raised(ckks_eval *e, int half, uint32_t i, const uint64_t *c)
{
    const ckks_params *p = e->p;
    const ntt_table *t = p->ntt[i];
    uint64_t w = 1, *acc = e->acc + (half * (size_t)(p->primes + p->special) + i) * p->n;
    for (uint32_t j = 0; j < p->special; j++) w = mod_mul(&t->q, w, p->q[p->primes + j]);
    ntt_scale_add(t, acc, c, w, acc);
}

static int can_take(const ckks_eval *e, const ckks_ct *r, const ckks_ct *a, uint32_t down)
{
    if (a->at.p != e->p) return err_set(ERR_ARG, "evaluation: operand and evaluator of different parameters");
    if (a->at.domain != CKKS_NTT) return err_set(ERR_ARG, "evaluation: the operand's domain is coefficients, not NTT");
    if (a->at.level <= down) return err_set(ERR_ARG, "rescale: level %u leaves no prime", a->at.level);
    ckks_meta after = a->at;
    after.level -= down;
    return ckks_meta_fits(&r->at, &after);
}

static void settle(ckks_ct *r, const ckks_ct *a, uint32_t level, double scale)
{
    ckks_meta_copy(&r->at, &a->at, scale);
    r->at.level = level;
    r->seeded = 0;
}

int ckks_rescale(ckks_eval *e, ckks_ct *r, const ckks_ct *a)
{
    int rc = can_take(e, r, a, 1);
    if (rc < 0) return rc;
    const uint32_t level = a->at.level;
    divide(e, r->c0, a->c0, level, level, 1);
    divide(e, r->c1, a->c1, level, level, 1);
    settle(r, a, level - 1, a->at.scale / (double)e->p->q[level - 1]);
    return 0;
}

static int multiply(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_ct *b, const ckks_evk *relin, uint32_t down)
{
    int rc = ckks_meta_agree(&a->at, &b->at, 0);
    if (rc == 0) rc = can_take(e, r, a, down);
    if (rc < 0) return rc;
    if (relin->p != e->p) return err_set(ERR_ARG, "multiplication: key of different parameters");
    if (relin->galois) return err_set(ERR_ARG, "multiplication: a Galois key, not one for relinearisation");
    const ckks_params *p = e->p;
    const size_t n = p->n;
    const uint32_t level = a->at.level;
    const double scale = a->at.scale * b->at.scale;
    double log_q = 0;
    for (uint32_t i = 0; i < level; i++) log_q += log2((double)p->q[i]);
    if (!(scale > 0) || log2(scale) >= log_q)
        return err_set(ERR_ARG, "multiplication: the product of the scales, %g, is not below the modulus", scale);
    for (uint32_t i = 0; i < level; i++) ntt_multiply(p->ntt[i], e->own + i * n, a->c1 + i * n, b->c1 + i * n);
    decompose(e, e->own, level);
    switch_key(e, relin, e->own, level, 1);
    for (uint32_t i = 0; i < level; i++) {
        ntt_multiply(p->ntt[i], e->t, a->c0 + i * n, b->c0 + i * n);
        add_raised(e, 0, i, e->t);
        ntt_inner(p->ntt[i], e->t, NULL, (const uint64_t *[]){a->c0 + i * n, a->c1 + i * n}, (const uint64_t *[]){b->c1 + i * n, b->c0 + i * n}, 2);
        add_raised(e, 1, i, e->t);
    }
    divide(e, r->c0, e->acc, level, level + p->special, p->special + down);
    divide(e, r->c1, e->acc + (p->primes + p->special) * n, level, level + p->special, p->special + down);
    settle(r, a, level - down, down ? scale / (double)p->q[level - 1] : scale);
    return 0;
}

int ckks_multiply_relin(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_ct *b, const ckks_evk *relin)
{
    return multiply(e, r, a, b, relin, 0);
}
int ckks_square_relin(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_evk *relin) { return multiply(e, r, a, a, relin, 0); }
int ckks_multiply_relin_rescale(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_ct *b, const ckks_evk *relin)
{
    return multiply(e, r, a, b, relin, 1);
}

static int can_apply(const ckks_eval *e, const ckks_evk *key)
{
    if (key->p != e->p) return err_set(ERR_ARG, "automorphism: key of different parameters");
    return key->galois ? 0 : err_set(ERR_ARG, "automorphism: a key for relinearisation, not a Galois key");
}

/* r = a under key, a->c1 being decomposed; first: see switch_key. */
static void apply(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_evk *key, int first)
{
    const ckks_params *p = e->p;
    const size_t n = p->n;
    const uint32_t level = a->at.level;
    switch_key(e, key, a->c1, level, first);
    for (uint32_t i = 0; i < level; i++) add_raised(e, 0, i, a->c0 + i * n);
    for (int half = 0; half < 2; half++) {
        uint64_t *acc = e->acc + half * (p->primes + p->special) * n, *c = half ? r->c1 : r->c0;
        divide(e, acc, acc, level, level + p->special, p->special);
        for (uint32_t i = 0; i < level; i++) ring_kern_best()->permute(c + i * n, acc + i * n, key->from, n);
    }
    settle(r, a, level, a->at.scale);
}

int ckks_automorphism(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_evk *key) { return ckks_automorphisms(e, &r, a, &key, 1); }

int ckks_automorphisms(ckks_eval *e, ckks_ct *const *r, const ckks_ct *a, const ckks_evk *const *key, size_t count)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = can_take(e, r[i], a, 0);
        if (rc == 0) rc = can_apply(e, key[i]);
        if (rc == 0 && count > 1 && r[i] == a) rc = err_set(ERR_ARG, "automorphism: result %zu is the operand", i);
    }
    if (rc < 0) return rc;
    decompose(e, a->c1, a->at.level);
    for (size_t i = 0; i < count; i++) apply(e, r[i], a, key[i], i == 0);
    return 0;
}

int ckks_automorphism_sum(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_evk *const *key, size_t count)
{
    int rc = can_take(e, r, a, 0);
    for (size_t k = 0; k < count && rc == 0; k++) rc = can_apply(e, key[k]);
    if (rc < 0) return rc;
    const ckks_params *p = e->p;
    const size_t n = p->n, all = p->primes + p->special;
    const uint32_t level = a->at.level, places = level + p->special;
    memset(e->sum, 0, 2 * all * n * sizeof *e->sum);
    decompose(e, a->c1, level);
    for (size_t k = 0; k < count; k++) {
        switch_key(e, key[k], a->c1, level, k == 0);
        for (uint32_t i = 0; i < level; i++) add_raised(e, 0, i, a->c0 + i * n);
        for (int half = 0; half < 2; half++)
            for (uint32_t i = 0; i < places; i++) {
                uint64_t *sum = e->sum + (half * all + i) * n;
                ring_kern_best()->permute(e->t, e->acc + (half * all + i) * n, key[k]->from, n);
                ntt_scale_add(at(p, level, i), sum, e->t, 1, sum);
            }
    }
    memcpy(e->acc, e->sum, 2 * all * n * sizeof *e->sum);
    for (uint32_t i = 0; i < level; i++) {
        add_raised(e, 0, i, a->c0 + i * n);
        add_raised(e, 1, i, a->c1 + i * n);
    }
    divide(e, r->c0, e->acc, level, places, p->special);
    divide(e, r->c1, e->acc + all * n, level, places, p->special);
    settle(r, a, level, a->at.scale);
    return 0;
}

int ckks_inner_sum(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_evk *const *key, uint32_t steps)
{
    int rc = can_take(e, r, a, 0);
    if (rc < 0) return rc;
    if (2 * steps + 1 > e->p->logn) return err_set(ERR_ARG, "inner sum: steps = %u, 4^steps above n/2", steps);
    for (uint32_t i = 0; i < 3 * steps; i++) {
        if ((rc = can_apply(e, key[i])) < 0) return rc;
        const int32_t by = (int32_t)((i % 3 + 1) << 2 * (i / 3));
        if (key[i]->galois != ckks_galois_rotation(e->p, by)) return err_set(ERR_ARG, "inner sum: key %u does not rotate by %d", i, by);
    }
    if (steps == 0 && r != a) {
        const size_t words = (size_t)a->at.level * e->p->n;
        memcpy(r->c0, a->c0, words * sizeof *r->c0);
        memcpy(r->c1, a->c1, words * sizeof *r->c1);
        settle(r, a, a->at.level, a->at.scale);
    }
    for (uint32_t k = 0; k < steps; k++) {
        rc = ckks_automorphism_sum(e, r, k ? r : a, key + 3 * k, 3);
        if (rc < 0) return rc;
    }
    return 0;
}
