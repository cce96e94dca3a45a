// SPDX-License-Identifier: ISC
#include "convert/weigh.h"

#include <string.h>

#include "base/mem.h"

int convert_inputs_create(convert_inputs **out, const ckks_params *p, uint32_t count)
{
    *out = NULL;
    convert_inputs *in = mem_alloc(1, sizeof *in);
    if (!in)
        return err_set(ERR_MEM, "encrypted inputs: out of memory");
    in->p = p;
    in->count = count;
    for (uint32_t i = 0; i < p->primes; i++)
        if (weigh_limbs(p->ntt[i]->q.bits) > in->limbs)
            in->limbs = weigh_limbs(p->ntt[i]->q.bits);
    in->tiles = 2 * (size_t)p->primes * (p->n / WEIGH_TILE);
    in->stride = ((size_t)count + 1) / 2 * in->limbs * WEIGH_TILE * 2;
    in->x = mem_alloc(in->tiles, in->stride * sizeof *in->x);
    if (!in->x) {
        mem_free(in);
        return err_set(ERR_MEM, "encrypted inputs: out of memory");
    }
    *out = in;
    return 0;
}

void convert_inputs_free(convert_inputs *in)
{
    if (in)
        mem_free(in->x);
    mem_free(in);
}

void convert_inputs_set(convert_inputs *in, uint32_t column, const uint64_t *ct)
{
    const ckks_params *p = in->p;
    const weigh_kern *kern = weigh_kern_best();
    int16_t *x = in->x + (size_t)(column / 2) * in->limbs * WEIGH_TILE * 2;

    for (uint32_t plane = 0; plane < 2 * p->primes; plane++, x += p->n / WEIGH_TILE * in->stride)
        kern->split(x, in->stride, ct + (size_t)plane * p->n, p->n, &p->ntt[plane % p->primes]->q, in->limbs, column & 1);
}

/* The terms of one row; returns how many.   An entry whose neighbour follows shares its term. */
static uint32_t merge(weigh_term *term, const uint32_t *col, const int16_t *w, size_t entries)
{
    uint32_t terms = 0;
    for (size_t e = 0; e < entries; e++, terms++) {
        weigh_term t = {.pair = col[e] / 2};
        t.w[col[e] & 1] = w[e];
        if (e + 1 < entries && col[e + 1] == (col[e] ^ 1)) {
            e++;
            t.w[col[e] & 1] = w[e];
        }
        term[terms] = t;
    }
    return terms;
}

static int same_pairs(const convert_matrix *m, uint32_t o)
{
    const weigh_term *a = m->term + m->row[o], *b = m->term + m->row[o + 1];
    const uint32_t terms = m->row[o + 1] - m->row[o];
    int same = m->row[o + 2] - m->row[o + 1] == terms;
    for (uint32_t t = 0; t < terms && same; t++)
        same = a[t].pair == b[t].pair;
    return same;
}

int convert_matrix_create(convert_matrix **out, unsigned wbits, uint32_t rows, const uint32_t *row, const uint32_t *col, const int16_t *w)
{
    *out = NULL;
    if (wbits < 2 || wbits > 16)
        return err_set(ERR_ARG, "weights of %u bits: 2 to 16 are possible", wbits);
    int rc = 0;
    const size_t entries = row[rows];
    convert_matrix *m = mem_alloc(1, sizeof *m);
    if (m) {
        m->row = mem_alloc((size_t)rows + 1, sizeof *m->row);
        m->same = mem_alloc((size_t)rows + 1, 1);
        m->term = mem_alloc(entries + 1, sizeof *m->term);
    }
    if (!m || !m->row || !m->same || !m->term) {
        rc = err_set(ERR_MEM, "weights: out of memory");
        goto out;
    }
    m->rows = rows;
    m->wbits = wbits;
    for (size_t e = row[0]; e < entries; e++)
        if (col[e] >= m->columns)
            m->columns = col[e] + 1;
    for (uint32_t o = 0; o < rows; o++)
        m->row[o + 1] = m->row[o] + merge(m->term + m->row[o], col + row[o], w + row[o], row[o + 1] - row[o]);
    for (uint32_t o = 0; o + 1 < rows; o++)
        m->same[o] = (uint8_t)same_pairs(m, o);
    *out = m;
    m = NULL;
out:
    convert_matrix_free(m);
    return rc;
}

void convert_matrix_free(convert_matrix *m)
{
    if (m) {
        mem_free(m->row);
        mem_free(m->same);
        mem_free(m->term);
    }
    mem_free(m);
}

int convert_weigh(const convert_matrix *m, const convert_inputs *in, uint32_t first, uint32_t count, uint64_t *out)
{
    const ckks_params *p = in->p;
    const weigh_kern *kern = weigh_kern_best();
    const size_t words = 2 * (size_t)p->primes * p->n, each = p->n / WEIGH_TILE, burst = weigh_burst(m->wbits);

    if (first > m->rows || count > m->rows - first)
        return err_set(ERR_ARG, "rows %u to %u of a matrix of %u", first, first + count, m->rows);
    if (m->columns > in->count)
        return err_set(ERR_ARG, "a matrix of %u columns for %u inputs", m->columns, in->count);
    for (size_t tile = 0; tile < in->tiles; tile++) { /* all columns of a tile stay in the second-level cache */
        const modulus *q = &p->ntt[tile / each % p->primes]->q;
        uint64_t *to = out + tile * WEIGH_TILE;
        for (uint32_t o = first, rows; o < first + count; o += rows, to += rows * words) {
            const weigh_term *const term[2] = {m->term + m->row[o], m->term + m->row[o + 1]};
            rows = m->same[o] && o + 1 < first + count ? 2 : 1;
            kern->dot(to, words, term, rows, m->row[o + 1] - m->row[o], burst, in->x + tile * in->stride, in->limbs, q);
        }
    }
    return 0;
}
