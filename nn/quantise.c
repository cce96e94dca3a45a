// SPDX-License-Identifier: ISC
/* Post-training quantisation and the planner: from a float model to integers and widths. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ckks/sample.h"
#include "gc/gadgets.h"
#include "gc/relu.h"
#include "nn/size.h"

#define PIXEL_MAX 255
#define PIXEL_RMS 85.0       /* assumed root mean square of a pixel: dark images with bright strokes */
#define NOISE_LOG2_MAX (-8.0) /* the weight-dependent part of the noise, in units of the share's last bit */
#define ACC_LOG2_MAX 56

/* Up to 47 bits a residue has three digits (convert/weigh_kern.h), above it four. */
static const ckks_literal candidates[] = {
    {2048, 1, {47}, 0},
    {2048, 1, {50}, 0},
    {4096, 2, {50, 50}, 0},
    {8192, 4, {50, 50, 50, 50}, 0},
};
#define CANDIDATES (sizeof candidates / sizeof *candidates)

/** bounds: what is known of a layer's input: every x_j in [0, high[j]], mean square `square`. */
typedef struct {
    int64_t *high;
    double square, scale; /* real value of one unit */
} bounds;

static double norm2_max(const nn_qlayer *q)
{
    double most = 0;
    for (uint32_t o = 0; o < q->out; o++) {
        double sum = 0;
        for (uint32_t e = q->row[o]; e < q->row[o + 1]; e++)
            sum += (double)q->w[e] * q->w[e];
        most = fmax(most, sum);
    }
    return most;
}

/** quantise_layer: w = round(W / s) with s = max|W| / (2^(wbits-1) - 1), halves away from zero; the bias at the scale of the sum. */
static int quantise_layer(nn_qlayer *q, const nn_affine *a, unsigned wbits, double scale_in)
{
    const uint32_t entries = a->row[a->out];
    const int most = (1 << (wbits - 1)) - 1;
    double largest = 0;

    q->in = a->in;
    q->out = a->out;
    q->row = mem_alloc((size_t)a->out + 1, sizeof *q->row);
    q->col = mem_alloc(entries, sizeof *q->col);
    q->w = mem_alloc(entries, sizeof *q->w);
    q->bias = mem_alloc(a->out, sizeof *q->bias);
    if (!q->row || !q->col || !q->w || !q->bias)
        return err_set(ERR_MEM, "out of memory for layer %s", a->name);
    for (uint32_t e = 0; e < entries; e++)
        largest = isfinite(a->w[e]) ? fmax(largest, fabs((double)a->w[e])) : INFINITY; /* fmax alone passes over a NaN */
    if (!(largest > 0) || !isfinite(largest))
        return err_set(ERR_DATA, "layer %s: its weights are all zero or not finite", a->name);
    const double unit = largest / most;
    q->scale = unit * scale_in;
    memcpy(q->row, a->row, ((size_t)a->out + 1) * sizeof *q->row);
    memcpy(q->col, a->col, entries * sizeof *q->col);
    for (uint32_t e = 0; e < entries; e++)
        q->w[e] = (int16_t)lround((double)a->w[e] / unit);
    for (uint32_t o = 0; o < a->out; o++) {
        const double b = (double)a->bias[o] / q->scale;
        if (!(fabs(b) < ldexp(1, ACC_LOG2_MAX)))
            return err_set(ERR_DATA, "layer %s: bias %u is %g times its weights' unit", a->name, o, b);
        q->bias[o] = llround(b);
    }
    return 0;
}

/** shapes_agree: each layer takes what the one before gives, and no entry is outside its row: what the rest of this file indexes by. */
static int shapes_agree(const nn_model *m)
{
    if (m->layers < 1 || m->layers > NN_MAX_LAYERS)
        return 0;
    for (uint32_t i = 0; i < m->layers; i++) {
        const nn_affine *a = &m->layer[i];
        if (a->in < 1 || a->out < 1 || (i && a->in != m->layer[i - 1].out) || a->row[0])
            return 0;
        for (uint32_t o = 0; o < a->out; o++) {
            if (a->row[o + 1] < a->row[o])
                return 0;
            for (uint32_t e = a->row[o]; e < a->row[o + 1]; e++)
                if (a->col[e] >= a->in || (e > a->row[o] && a->col[e] <= a->col[e - 1]))
                    return 0;
        }
    }
    return 1;
}

/** interval: [*low, *high] of W x + bias for x_j in [0, high[j]], per output into top[] (the upper end); 0 if it leaves 2^ACC_LOG2_MAX. */
static int interval(const nn_qlayer *q, const int64_t *in_high, int64_t *top, int64_t *low, int64_t *high)
{
    *low = *high = 0;
    for (uint32_t o = 0; o < q->out; o++) {
        double d0 = (double)q->bias[o], d1 = d0;
        int64_t lo = q->bias[o], hi = lo;
        for (uint32_t e = q->row[o]; e < q->row[o + 1]; e++) {
            const int64_t w = q->w[e], x = in_high[q->col[e]];
            (w < 0 ? (d0 += (double)w * (double)x) : (d1 += (double)w * (double)x));
            if (fabs(d0) > ldexp(1, ACC_LOG2_MAX) || fabs(d1) > ldexp(1, ACC_LOG2_MAX))
                return 0;
            (w < 0 ? (lo += w * x) : (hi += w * x));
        }
        top[o] = hi;
        *low = lo < *low ? lo : *low;
        *high = hi > *high ? hi : *high;
    }
    return 1;
}

static double sigma_out(const nn_qlayer *q, double square_in)
{
    double sum = 0;
    for (uint32_t e = 0; e < q->row[q->out]; e++)
        sum += (double)q->w[e] * q->w[e];
    return sqrt(sum / q->out * square_in);
}

/** choose_widths: t from the usual case, then g from the noise, then l from the worst case.  Condition on v = 2^g (W x + bias):
 *  -2^(k-1) + 2^(t+g) + E <= v < 2^(k-1) - E, so that neither noise nor a split floor can wrap. */
static void choose_widths(nn_plan_layer *a, double sigma, unsigned abits, uint32_t noise, double low, double high)
{
    const int t = sigma > 0 ? (int)floor(log2(sigma)) - (int)abits : 0;
    unsigned l = 2;

    a->t = (uint8_t)(t > 0 ? t : 0);
    a->g = 0;
    while (UINT64_C(1) << nn_drop(a) <= noise)
        a->g++;
    const double e = ldexp(noise, -a->g);
    while (!(-ldexp(1, (int)l - 1) + ldexp(1, a->t) + e <= low && high < ldexp(1, (int)l - 1) - e))
        l++;
    if (l < a->t + 2u)
        l = a->t + 2u;
    a->l = (uint8_t)l;
}

/** fits: every condition of nn_plan_check that belongs to this layer, and the weight-dependent noise. */
static int fits(const nn_plan_layer *a, const nn_plan_layer *before, double norm2, double *noise_log2)
{
    unsigned log_q = 0;
    for (uint32_t i = 0; i < a->ckks.primes; i++)
        log_q += a->ckks.bits[i];
    /* error variance 10.5 and the encoding's rounding 1/12 of each input; e u + e1 s and e0 of the encryption of zero:
     * docs/PARAMS.md */
    *noise_log2 = (double)nn_k(a) - (double)log_q + 0.5 * log2(10.7 * norm2 + 14.0 * a->ckks.n + SAMPLE_WIDE_VARIANCE);
    return *noise_log2 <= NOISE_LOG2_MAX && nn_k(a) + (unsigned)__builtin_ctz(a->ckks.n) <= 59 &&
           (!before || !gc_relu_check(nn_n(before), a->l));
}

static int plan_layer(nn_plan *p, nn_qlayer *q, uint32_t i, const bounds *in, unsigned abits, bounds *out)
{
    nn_plan_layer *a = &p->layer[i], *before = i ? a - 1 : NULL;
    const int last = i + 1 == p->layers;
    const double norm2 = norm2_max(q), sigma = sigma_out(q, in->square);
    int64_t low, high;
    size_t c;

    a->in = q->in;
    a->out = q->out;
    a->relu = (uint8_t)!last;
    if (!interval(q, in->high, out->high, &low, &high))
        return err_set(ERR_DATA, "layer %s: its sums need more than %d bits", a->name, ACC_LOG2_MAX);
    for (c = 0; c < CANDIDATES; c++) {
        a->ckks = candidates[c];
        choose_widths(a, sigma, abits, nn_noise_bound(a->ckks.n), (double)low, (double)high);
        if (before && a->l < nn_n(before))
            a->l = (uint8_t)nn_n(before);
        if (fits(a, before, norm2, &q->noise))
            break;
    }
    if (c == CANDIDATES)
        return err_set(ERR_DATA, "layer %s: sums in [%lld, %lld] need l = %u (k = %u, n = %u): no parameters carry that%s", a->name,
                       (long long)low, (long long)high, a->l, nn_k(a), nn_n(a),
                       before && gc_relu_check(nn_n(before), a->l) ? "; the ReLU before it has rows too wide for one hash" : "");
    for (uint32_t o = 0; o < q->out; o++) /* one unit more than the floor of the top: the noise may move it */
        out->high[o] = out->high[o] < 0 ? 1 : (out->high[o] >> a->t) + 1;
    const double unit = ldexp(sigma, -a->t);
    out->square = unit * unit / 2; /* ReLU of a centred normal variable keeps half of its square */
    out->scale = ldexp(q->scale, a->t);
    return 0;
}

/** limit_batch: as many images as the ring has coefficients and a tensor has room for. */
static void limit_batch(nn_plan *p, const nn_plan_layer *a)
{
    const uint32_t room = NN_MAX_VALUES / (a->in > a->out ? a->in : a->out);
    if (a->ckks.n < p->max_batch)
        p->max_batch = a->ckks.n;
    if (room < p->max_batch)
        p->max_batch = room;
}

int nn_quantise(nn_qmodel **out, const nn_model *m, const nn_quant_options *opt)
{
    const unsigned wbits = opt ? opt->wbits : NN_DEFAULT_WBITS, abits = opt ? opt->abits : NN_DEFAULT_ABITS;
    bounds now = {NULL, PIXEL_RMS * PIXEL_RMS, 1.0 / PIXEL_MAX}, next = {NULL, 0, 0};
    int rc = ERR_MEM;

    *out = NULL;
    if (wbits < 2 || wbits > 11)
        return err_set(ERR_ARG, "wbits %u is not in [2, 11]", wbits);
    if (abits < 4 || abits > 20)
        return err_set(ERR_ARG, "abits %u is not in [4, 20]", abits);
    if (!shapes_agree(m))
        return err_set(ERR_ARG, "the model's layers do not fit together");
    nn_qmodel *q = mem_alloc(1, sizeof *q);
    if (!q)
        return err_set(ERR_MEM, "out of memory for a model");
    q->wbits = wbits;
    q->plan.channels = m->channels;
    q->plan.height = m->height;
    q->plan.width = m->width;
    q->plan.layers = m->layers;
    q->plan.max_batch = candidates[CANDIDATES - 1].n;
    const nn_affine *final = &m->layer[m->layers - 1];
    if (final->out < 2 || final->out > GC_ARGMAX_MAX) {
        rc = err_set(ERR_DATA, "layer %s: %u outputs; argmax takes 2 to %u", final->name, final->out, GC_ARGMAX_MAX);
        goto out;
    }
    if (!(now.high = mem_alloc(m->layer[0].in, sizeof *now.high)))
        goto out;
    for (uint32_t j = 0; j < m->layer[0].in; j++)
        now.high[j] = PIXEL_MAX;
    for (uint32_t i = 0; i < m->layers; i++) {
        snprintf(q->plan.layer[i].name, NN_NAME_MAX, "%s", m->layer[i].name);
        rc = ERR_MEM;
        if (!(next.high = mem_alloc(m->layer[i].out, sizeof *next.high)) ||
            (rc = quantise_layer(&q->layer[i], &m->layer[i], wbits, now.scale)) ||
            (rc = plan_layer(&q->plan, &q->layer[i], i, &now, abits, &next)))
            goto out;
        limit_batch(&q->plan, &q->plan.layer[i]);
        mem_free(now.high);
        now = next;
        next.high = NULL;
    }
    while (q->plan.max_batch > 1 && nn_size_check(&q->plan, ERR_DATA)) /* the two parties' memory */
        q->plan.max_batch /= 2;
    if ((rc = nn_plan_check(&q->plan))) { /* what a client would say */
        char why[256];
        snprintf(why, sizeof why, "%s", err_text());
        rc = err_set(ERR_DATA, "no plan for this model: %s", why);
    }
out:
    mem_free(now.high);
    mem_free(next.high);
    if (rc == ERR_MEM)
        rc = err_set(ERR_MEM, "out of memory for a model");
    if (rc)
        nn_qmodel_free(q);
    else
        *out = q;
    return rc;
}

void nn_qmodel_free(nn_qmodel *q)
{
    if (!q)
        return;
    for (uint32_t i = 0; i < NN_MAX_LAYERS; i++) {
        mem_free(q->layer[i].row);
        mem_free(q->layer[i].col);
        mem_free(q->layer[i].w);
        mem_free(q->layer[i].bias);
    }
    mem_free(q);
}
