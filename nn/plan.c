// SPDX-License-Identifier: ISC
#include "nn/plan.h"

#include <math.h>
#include <string.h>

#include "gc/gadgets.h"
#include "gc/relu.h"
#include "nn/size.h"

#define PLAN_VERSION 2
#define MAX_OUTPUTS GC_ARGMAX_MAX
#define PRIME_ROOM 12 /* 2^(b-1) / (N b ln 2) >= 2^11 / 19 primes of b = log2 N + 12 bits: more than any literal takes */

uint32_t nn_noise_bound(uint32_t n)
{
    /* rounding of c1 . s, then of c0, then what depends on the weights (below 2^-8 standard deviations): docs/PARAMS.md */
    return (uint32_t)ceil(0.9 + 9.3 * sqrt((1 + 2 * (double)n / 3) / 12));
}

static int bad(uint32_t i, const char *field, unsigned value) { return err_set(ERR_PEER, "plan: layer %u: %s %u", i, field, value); }

static int check_name(const char *name, uint32_t i)
{
    size_t len = strnlen(name, NN_NAME_MAX);
    if (len == NN_NAME_MAX)
        return err_set(ERR_PEER, "plan: layer %u: name is not terminated", i);
    for (size_t j = 0; j < len; j++)
        if (name[j] < 32 || name[j] > 126)
            return err_set(ERR_PEER, "plan: layer %u: name is not printable", i);
    return 0;
}

static int check_layer(const nn_plan *p, uint32_t i)
{
    const nn_plan_layer *a = &p->layer[i];
    const int last = i + 1 == p->layers;
    unsigned bits = 0;
    int rc = check_name(a->name, i);

    if (rc)
        return rc;
    if (a->in < 1 || a->in > NN_MAX_ELEMENTS)
        return bad(i, "inputs:", a->in);
    if (a->out < 1 || a->out > NN_MAX_ELEMENTS || (last && (a->out < 2 || a->out > MAX_OUTPUTS)))
        return bad(i, "outputs:", a->out);
    if (a->relu != !last)
        return bad(i, "ReLU flag", a->relu);
    if (!last && p->layer[i + 1].in != a->out)
        return bad(i, "outputs, not what the next layer takes:", a->out);
    if (a->l < 2 || a->l > 60 || a->t >= a->l || nn_k(a) > 60)
        return bad(i, "widths: l", a->l);
    if (nn_n(a) < 2)
        return bad(i, "widths: n", nn_n(a));
    if (a->ckks.n > UINT32_C(1) << CKKS_MAX_LOGN || !ckks_max_log_q(a->ckks.n))
        return bad(i, "ring degree", a->ckks.n);
    if (a->ckks.primes < 1 || a->ckks.primes > CKKS_MAX_PRIMES)
        return bad(i, "primes", a->ckks.primes);
    const unsigned logn = (unsigned)__builtin_ctz(a->ckks.n);
    for (uint32_t j = 0; j < CKKS_MAX_PRIMES; j++) {
        const unsigned b = a->ckks.bits[j];
        if (j < a->ckks.primes ? b < logn + PRIME_ROOM || b > 60 : b != 0)
            return bad(i, "bits of a prime", b);
        bits += b;
    }
    if (bits > ckks_max_log_q(a->ckks.n))
        return bad(i, "log Q is above the security table:", bits);
    if (nn_k(a) >= bits)
        return bad(i, "k is too wide for log Q:", nn_k(a));
    if (nn_k(a) + logn > 59)
        return bad(i, "k is too wide to decrypt:", nn_k(a));
    if (UINT64_C(1) << nn_drop(a) <= nn_noise_bound(a->ckks.n))
        return bad(i, "truncation does not absorb the noise: t + g =", nn_drop(a));
    if (!last && gc_relu_check(nn_n(a), p->layer[i + 1].l))
        return bad(i, "ReLU does not fit the next layer's ring: n", nn_n(a));
    if (a->ckks.n < p->max_batch)
        return bad(i, "ring degree is below the batch:", a->ckks.n);
    if ((uint64_t)(a->in > a->out ? a->in : a->out) * p->max_batch > NN_MAX_VALUES)
        return bad(i, "too many values for a batch of", p->max_batch);
    return 0;
}

int nn_plan_check(const nn_plan *p)
{
    if (p->layers < 1 || p->layers > NN_MAX_LAYERS)
        return err_set(ERR_PEER, "plan: %u layers", p->layers);
    if (p->max_batch < 1 || p->max_batch > UINT32_C(1) << CKKS_MAX_LOGN)
        return err_set(ERR_PEER, "plan: batch of %u", p->max_batch);
    if (p->channels < 1 || p->channels > NN_MAX_ELEMENTS || p->height < 1 || p->height > NN_MAX_ELEMENTS || p->width < 1 ||
        p->width > NN_MAX_ELEMENTS || (uint64_t)p->channels * p->height > NN_MAX_ELEMENTS ||
        (uint64_t)p->channels * p->height * p->width != p->layer[0].in)
        return err_set(ERR_PEER, "plan: an input of %u x %u x %u for %u elements", p->channels, p->height, p->width, p->layer[0].in);
    for (uint32_t i = 0; i < p->layers; i++) {
        int rc = check_layer(p, i);
        if (rc)
            return rc;
    }
    return nn_size_check(p, ERR_PEER);
}

int nn_same_ckks(const ckks_literal *a, const ckks_literal *b)
{
    return a->n == b->n && a->primes == b->primes && a->special == b->special &&
           !memcmp(a->bits, b->bits, sizeof a->bits);
}

int nn_plan_equal(const nn_plan *a, const nn_plan *b)
{
    int same = a->channels == b->channels && a->height == b->height && a->width == b->width &&
               a->max_batch == b->max_batch && a->layers == b->layers;
    for (uint32_t i = 0; i < a->layers && same; i++) {
        const nn_plan_layer *x = &a->layer[i], *y = &b->layer[i];
        same = x->in == y->in && x->out == y->out && x->relu == y->relu && x->l == y->l && x->g == y->g &&
               x->t == y->t && nn_same_ckks(&x->ckks, &y->ckks);
    }
    return same;
}

static void put32(uint8_t **at, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        *(*at)++ = (uint8_t)(x >> 8 * i);
}

static uint32_t get32(const uint8_t **at)
{
    const uint8_t *p = *at;
    *at += 4;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

size_t nn_plan_write(const nn_plan *p, uint8_t out[NN_PLAN_BYTES_MAX])
{
    uint8_t *at = out;

    *at++ = PLAN_VERSION;
    put32(&at, p->channels);
    put32(&at, p->height);
    put32(&at, p->width);
    put32(&at, p->max_batch);
    put32(&at, p->layers);
    for (uint32_t i = 0; i < p->layers; i++) {
        const nn_plan_layer *a = &p->layer[i];
        const size_t name = strnlen(a->name, NN_NAME_MAX - 1);
        *at++ = (uint8_t)name;
        memcpy(at, a->name, name);
        at += name;
        put32(&at, a->in);
        put32(&at, a->out);
        *at++ = a->relu;
        *at++ = a->l;
        *at++ = a->g;
        *at++ = a->t;
        *at++ = (uint8_t)__builtin_ctz(a->ckks.n);
        *at++ = (uint8_t)a->ckks.primes;
        memcpy(at, a->ckks.bits, CKKS_MAX_PRIMES);
        at += CKKS_MAX_PRIMES;
    }
    return (size_t)(at - out);
}

int nn_plan_read(nn_plan *p, const uint8_t *in, size_t len)
{
    const size_t head = 21, each = 14 + CKKS_MAX_PRIMES;
    const uint8_t *at = in, *const end = in + len;

    memset(p, 0, sizeof *p);
    if (len < head || *at++ != PLAN_VERSION)
        return err_set(ERR_PEER, "plan: version or length %zu is not ours", len);
    p->channels = get32(&at);
    p->height = get32(&at);
    p->width = get32(&at);
    p->max_batch = get32(&at);
    p->layers = get32(&at);
    if (p->layers > NN_MAX_LAYERS)
        return err_set(ERR_PEER, "plan: %u layers", p->layers);
    for (uint32_t i = 0; i < p->layers; i++) {
        nn_plan_layer *a = &p->layer[i];
        const size_t name = at < end ? *at++ : 0;
        if (name >= NN_NAME_MAX || (size_t)(end - at) < name + each)
            return bad(i, "name or bytes that are missing; the name has", (unsigned)name);
        memcpy(a->name, at, name);
        at += name;
        if (strlen(a->name) != name)
            return bad(i, "name has a zero byte, length", (unsigned)name);
        a->in = get32(&at);
        a->out = get32(&at);
        a->relu = *at++;
        a->l = *at++;
        a->g = *at++;
        a->t = *at++;
        a->ckks.n = *at < 31 ? UINT32_C(1) << *at : 0;
        at++;
        a->ckks.primes = *at++;
        memcpy(a->ckks.bits, at, CKKS_MAX_PRIMES);
        at += CKKS_MAX_PRIMES;
    }
    if (at != end)
        return err_set(ERR_PEER, "plan: %zu bytes behind its end", (size_t)(end - at));
    return nn_plan_check(p);
}
