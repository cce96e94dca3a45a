// SPDX-License-Identifier: ISC
/* Weights times residues against 128-bit sums, for every kernel that this CPU can run; shapes of matrices; what is refused. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "convert/weigh.h"
#include "test/alloc.h"
#include "test/ckks_oracle.h"

#define TILES 2
#define MAX_TERMS 700

static const uint64_t primes[] = {786433, 2147352577, 4294828033, 140737488273409, 281474976546817, 1125899906826241, 1152921504606830593};
static const unsigned wbits[] = {2, 8, 11, 16};

static prg g;

/* Extremes in the first columns: both ends of the centred range with weights of one sign, so that sums reach the bounds of a burst. */
START_TEST(products)
{
    const weigh_kern *k = weigh_kerns.of[_i];
    if ((cpu_features() & k->needs) != k->needs) return;
    oracle_prg(&g, 1);
    static uint64_t r[2 * MAX_TERMS][TILES * WEIGH_TILE], out[2][WEIGH_TILE + 1];
    static weigh_term term[2][MAX_TERMS];
    for (size_t c = 0; c < sizeof primes / sizeof *primes; c++)
        for (size_t b = 0; b < sizeof wbits / sizeof *wbits; b++)
            for (int kind = 0; kind < 3; kind++) {
                modulus q;
                ck_assert_int_eq(modulus_init(&q, primes[c]), 0);
                const size_t terms = kind == 0 ? prg_u64(&g) % 20 : kind == 1 ? 130 : MAX_TERMS;
                const unsigned limbs = weigh_limbs(q.bits);
                const size_t stride = MAX_TERMS * limbs * 2 * WEIGH_TILE;
                int16_t *x = mem_alloc(TILES * stride, sizeof *x);
                const int most = (1 << (wbits[b] - 1)) - 1;
                for (size_t e = 0; e < 2 * terms; e++) {
                    for (size_t j = 0; j < TILES * WEIGH_TILE; j++)
                        r[e][j] = j < 4 && kind ? q.q / 2 + (j & 1) : j < 8 ? (j & 1 ? q.q - 1 : j / 2) : prg_u64(&g) % q.q;
                    k->split(x + e / 2 * limbs * 2 * WEIGH_TILE, stride, r[e], TILES * WEIGH_TILE, &q, limbs, e & 1);
                }
                for (int i = 0; i < 2; i++)
                    for (size_t t = 0; t < terms; t++) {
                        term[i][t].pair = (uint32_t)(prg_u64(&g) % terms);
                        if (i) term[i][t].pair = term[0][t].pair;
                        for (int h = 0; h < 2; h++)
                            term[i][t].w[h] = (int16_t)(kind == 2 ? (i ? -most : most) : (int)(prg_u64(&g) % (2u * (unsigned)most + 1)) - most);
                    }
                const weigh_term *const rows[2] = {term[0], term[1]};
                for (unsigned n = 1; n <= 2; n++)
                    for (size_t tile = 0; tile < TILES; tile++) {
                        out[n - 1][WEIGH_TILE] = 77;
                        k->dot(out[0], WEIGH_TILE + 1, rows, n, terms, weigh_burst(wbits[b]), x + tile * stride, limbs, &q);
                        ck_assert_uint_eq(out[n - 1][WEIGH_TILE], 77);
                        for (unsigned i = 0; i < n; i++)
                            for (size_t j = 0; j < WEIGH_TILE; j++) {
                                __int128 sum = 0;
                                for (size_t t = 0; t < terms; t++)
                                    for (int h = 0; h < 2; h++) sum += (__int128)term[i][t].w[h] * r[2 * term[i][t].pair + (size_t)h][tile * WEIGH_TILE + j];
                                sum %= (__int128)q.q;
                                if (out[i][j] != (uint64_t)(sum < 0 ? sum + (__int128)q.q : sum))
                                    ck_abort_msg("%s: q = %llu, %u bits, kind %d, %zu terms, row %u of %u, coefficient %zu", k->name,
                                                 (unsigned long long)q.q, wbits[b], kind, terms, i, n, j);
                            }
                    }
                mem_free(x);
            }
}
END_TEST

/* Rows with no, one, odd, repeated, unordered columns; neighbours with equal ones; two primes of different digits. */
START_TEST(matrices)
{
    static const uint32_t row[] = {0, 0, 1, 6, 11, 16, 18, 20, 25};
    static const uint32_t col[] = {6, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 1, 2, 3, 4, 5, 5, 4, 4, 5, 3, 3, 0, 6, 1};
    int16_t w[25];
    ckks_params *p = oracle_params(2048, 2, (const uint8_t[]){20, 32});
    const size_t words = 4 * 2048;
    uint64_t *ct = mem_alloc(7, words * 8), *out = mem_alloc(8, words * 8);
    convert_inputs *in;
    convert_matrix *m;
    oracle_prg(&g, 2);
    ck_assert_int_eq(convert_inputs_create(&in, p, 7), 0);
    ck_assert_uint_eq(in->limbs, 3);
    for (size_t j = 0; j < 7 * words; j++) ct[j] = prg_u64(&g) % p->q[j / 2048 % 2];
    for (int round = 0; round < 2; round++) { /* set in any order, and set again */
        for (uint32_t c = 0; c < 7; c++) convert_inputs_set(in, c * 3 % 7, ct + c * 3 % 7 * words);
        for (int e = 0; e < 25; e++) w[e] = (int16_t)((int)(prg_u64(&g) % 255) - 127);
        ck_assert_int_eq(convert_matrix_create(&m, 8, 8, row, col, w), 0);
        ck_assert(!m->same[0] && !m->same[1] && m->same[2] && m->same[3] && !m->same[4] && m->same[5] && !m->same[6] && !m->same[7]);
        for (uint32_t first = 0; first < 8; first++) {
            const uint32_t count = first ? 8 - first > 3 ? 3 : 8 - first : 8;
            memset(out, 0xff, 8 * words * 8);
            ck_assert_int_eq(convert_weigh(m, in, first, count, out), 0);
            for (uint32_t o = 0; o < count; o++)
                for (size_t j = 0; j < words; j++) {
                    const __int128 q = (__int128)p->q[j / 2048 % 2];
                    __int128 sum = 0;
                    for (uint32_t e = row[first + o]; e < row[first + o + 1]; e++) sum += (__int128)w[e] * ct[col[e] * words + j];
                    sum = (sum % q + q) % q;
                    if (out[o * words + j] != (uint64_t)sum) ck_abort_msg("row %u, word %zu", first + o, j);
                }
            if (count < 8) ck_assert_uint_eq(out[count * words], UINT64_MAX);
        }
        ck_assert_int_eq(convert_weigh(m, in, 8, 0, out), 0);
        ck_assert_int_eq(convert_weigh(m, in, 0, 9, out), ERR_ARG);
        ck_assert_int_eq(convert_weigh(m, in, 9, 0, out), ERR_ARG);
        convert_matrix_free(m);
    }
    mem_free(ct), mem_free(out);
    convert_inputs_free(in);
    ck_assert_int_eq(convert_inputs_create(&in, p, 6), 0);
    ck_assert_int_eq(convert_matrix_create(&m, 8, 8, row, col, w), 0);
    ck_assert_int_eq(convert_weigh(m, in, 0, 1, NULL), ERR_ARG); /* column 6 is not there */
    convert_matrix_free(m);
    convert_inputs_free(in);
    EACH_ALLOCATION_FAILS(m, convert_matrix_create(&m, 8, 8, row, col, w), 4);
    convert_matrix_free(m);
    EACH_ALLOCATION_FAILS(in, convert_inputs_create(&in, p, 6), 2);
    convert_inputs_free(in);
    ck_assert_int_eq(convert_matrix_create(&m, 1, 8, row, col, w), ERR_ARG);
    ck_assert_int_eq(convert_matrix_create(&m, 17, 8, row, col, w), ERR_ARG);
    ck_assert_ptr_null(m);
    ckks_params_free(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("weigh");
    TCase *t = tcase_create("weigh");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, products, 0, WEIGH_KERNS);
    tcase_add_test(t, matrices);
    suite_add_tcase(s, t);
    return oracle_run(s);
}
