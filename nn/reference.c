// SPDX-License-Identifier: ISC
#include "nn/reference.h"

#include <string.h>

static int64_t weighted(const nn_qlayer *q, uint32_t o, const int64_t *x)
{
    int64_t acc = q->bias[o];
    for (uint32_t e = q->row[o]; e < q->row[o + 1]; e++)
        acc += (int64_t)q->w[e] * x[q->col[e]];
    return acc;
}

void nn_ref_layer(const nn_qmodel *q, uint32_t layer, const int64_t *x, int64_t *y)
{
    const nn_plan_layer *a = &q->plan.layer[layer];
    for (uint32_t o = 0; o < a->out; o++) {
        int64_t v = weighted(&q->layer[layer], o, x) >> a->t;
        y[o] = a->relu && v < 0 ? 0 : v;
    }
}

size_t nn_ref_scratch(const nn_qmodel *q)
{
    size_t most = q->plan.layer[0].in;
    for (uint32_t i = 0; i < q->plan.layers; i++)
        most = q->plan.layer[i].out > most ? q->plan.layer[i].out : most;
    return most;
}

static int32_t largest(const int64_t *v, uint32_t count)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++)
        if (v[i] > v[best])
            best = i;
    return (int32_t)best;
}

int32_t nn_ref_run(const nn_qmodel *q, const uint8_t *pixels, int64_t *logits, int64_t *scratch)
{
    const size_t half = nn_ref_scratch(q);
    const nn_plan *p = &q->plan;
    int64_t *x = scratch, *y = scratch + half;

    for (uint32_t j = 0; j < p->layer[0].in; j++)
        x[j] = pixels[j];
    for (uint32_t i = 0; i < p->layers; i++) {
        nn_ref_layer(q, i, x, y);
        int64_t *t = x;
        x = y;
        y = t;
    }
    memcpy(logits, x, p->layer[p->layers - 1].out * sizeof *x);
    return largest(x, p->layer[p->layers - 1].out);
}

/* Error intervals, a proof by induction over the layers.  Claim: the protocol's input of layer i is the reference's plus an error in [lo, hi],
 * element by element (layer 0: both are 0).  Then its sum is acc plus an error in [d, D], the sums of the extremes of w lo and w hi, and its share
 * value is V = 2^g (acc + err) + e with |e| <= E.  Nothing wraps (the planner's intervals), so truncation gives floor(V / 2^(t+g)) - {0, 1}, which is
 * at least floor((2^g (acc + d) - E) / 2^(t+g)) - 1 and at most floor((2^g (acc + D) + E) / 2^(t+g)); ReLU is monotone and keeps both ends,
 * which is the claim for layer i + 1.  With E = 2^(t+g) - 1 these would be the - 2 and + 1 units of a single truncation; the true E moves few floors.
 * No end leaves what the planner bounded, since every input error ends inside [0, high], so nothing overflows here either. */
static void spread(const nn_qlayer *q, uint32_t o, const int64_t *lo, const int64_t *hi, int64_t *d, int64_t *big_d)
{
    *d = *big_d = 0;
    for (uint32_t e = q->row[o]; e < q->row[o + 1]; e++) {
        const int64_t w = q->w[e], a = w * lo[q->col[e]], b = w * hi[q->col[e]];
        *d += a < b ? a : b;
        *big_d += a < b ? b : a;
    }
}

static int64_t relu(int64_t v) { return v < 0 ? 0 : v; }

/** lead_low: the least error of acc[win] - acc[o]: the sum over columns of the extreme of (w_win - w_o) err; both rows ascend. */
static int64_t lead_low(const nn_qlayer *q, uint32_t win, uint32_t o, const int64_t *lo, const int64_t *hi)
{
    uint32_t a = q->row[win], b = q->row[o];
    int64_t sum = 0;
    while (a < q->row[win + 1] || b < q->row[o + 1]) {
        const uint32_t ca = a < q->row[win + 1] ? q->col[a] : UINT32_MAX, cb = b < q->row[o + 1] ? q->col[b] : UINT32_MAX;
        const uint32_t c = ca < cb ? ca : cb;
        const int64_t w = (ca == c ? q->w[a++] : 0) - (int64_t)(cb == c ? q->w[b++] : 0);
        sum += w < 0 ? w * hi[c] : w * lo[c];
    }
    return sum;
}

int nn_ref_margin(const nn_qmodel *q, const uint8_t *pixels, int64_t *scratch)
{
    const size_t width = nn_ref_scratch(q);
    const nn_plan *p = &q->plan;
    const uint32_t last = p->layers - 1;
    const nn_plan_layer *a;
    int64_t *x = scratch, *y = x + width, *lo = y + width, *hi = lo + width, *new_lo = hi + width, *new_hi = new_lo + width;

    for (uint32_t j = 0; j < p->layer[0].in; j++) {
        x[j] = pixels[j];
        lo[j] = hi[j] = 0;
    }
    for (uint32_t i = 0; i < last; i++) {
        a = &p->layer[i];
        const int64_t one = INT64_C(1) << a->g, e = nn_noise_bound(a->ckks.n);
        for (uint32_t o = 0; o < a->out; o++) {
            const int64_t acc = weighted(&q->layer[i], o, x);
            int64_t d, big_d;
            spread(&q->layer[i], o, lo, hi, &d, &big_d);
            y[o] = relu(acc >> a->t);
            new_lo[o] = relu((((acc + d) * one - e) >> nn_drop(a)) - 1) - y[o];
            new_hi[o] = relu(((acc + big_d) * one + e) >> nn_drop(a)) - y[o];
        }
        memcpy(x, y, a->out * sizeof *x);
        memcpy(lo, new_lo, a->out * sizeof *lo);
        memcpy(hi, new_hi, a->out * sizeof *hi);
    }
    /* The last floor is not split.  Two share values that are 2^(t+g) apart have different floors, in this order; two that are in order have floors
     * in order, which is enough where a tie goes to the winner.  The errors of both sums come from the same inputs: lead_low. */
    a = &p->layer[last];
    for (uint32_t o = 0; o < a->out; o++) {
        y[o] = weighted(&q->layer[last], o, x);
        new_lo[o] = y[o] >> a->t;
    }
    const uint32_t win = (uint32_t)largest(new_lo, a->out);
    for (uint32_t o = 0; o < a->out; o++) {
        if (o == win)
            continue;
        const int64_t lead = (y[win] - y[o] + lead_low(&q->layer[last], win, o, lo, hi)) * (INT64_C(1) << a->g);
        if (lead - 2 * (int64_t)nn_noise_bound(a->ckks.n) < (win < o ? 0 : INT64_C(1) << nn_drop(a)))
            return 0;
    }
    return 1;
}
