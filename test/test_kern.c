// SPDX-License-Identifier: ISC
/* Every kernel of ot/kern.h against loops over single bits and bytes. */
#include "ot/kern.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/prg.h"

#define MAX_COLUMNS 4096
#define MAX_STRIDE (MAX_COLUMNS / 8 + 200)

static block out[MAX_COLUMNS + 1];
static uint8_t rows[128 * MAX_STRIDE + 64];

static const ot_kern *kernel(int i)
{
    if (i == OT_KERNS)
        return ot_kern_best();
    return kern_usable(&ot_kerns, (unsigned)i, cpu_features()) ? ot_kerns.of[i] : NULL;
}
#define KERNELS (OT_KERNS + 1)

static unsigned bit(const uint8_t *row, size_t i) { return row[i / 8] >> i % 8 & 1; }

static void check(const ot_kern *k, const uint8_t *in, size_t stride, size_t columns)
{
    static const block guard = {{UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)}};
    for (size_t i = 0; i <= columns; i++) out[i] = guard;
    k->transpose(out, in, stride, columns);
    for (size_t i = 0; i < columns; i++) {
        block want = {{0, 0}};
        for (size_t j = 0; j < 128; j++) want.w[j / 64] |= (uint64_t)bit(in + j * stride, i) << j % 64;
        if (memcmp(&want, &out[i], sizeof want)) ck_abort_msg("%s: column %zu of %zu, stride %zu", k->name, i, columns, stride);
    }
    ck_assert_msg(!memcmp(&guard, &out[columns], sizeof guard), "%s writes past %zu columns", k->name, columns);
}

START_TEST(random_matrices)
{
    static const size_t extra[] = {0, 1, 16, 64, 200};
    const ot_kern *k = kernel(_i);
    uint8_t seed[PRG_SEED_BYTES] = {1};
    prg g;
    if (!k) return;
    prg_init(&g, seed, PRG_TEST, 0);
    for (size_t columns = 128; columns <= 2176; columns += 128)
        for (size_t e = 0; e < sizeof extra / sizeof *extra; e++) {
            size_t offset = e * 3, stride = columns / 8 + extra[e];
            prg_bytes(&g, rows, 128 * stride + offset);
            check(k, rows + offset, stride, columns);
        }
    prg_bytes(&g, rows, sizeof rows);
    check(k, rows, MAX_COLUMNS / 8, MAX_COLUMNS);
    check(k, rows, MAX_STRIDE, MAX_COLUMNS);
}
END_TEST

/* A single one in every place of 128 x 896: every path of a bit through wide and narrow strips. */
START_TEST(unit_matrices)
{
    enum { COLUMNS = 896 }; /* 512 + 256 + 128 */
    static block want[COLUMNS];
    const ot_kern *k = kernel(_i);
    if (!k) return;
    memset(rows, 0, sizeof rows);
    for (size_t j = 0; j < 128; j++)
        for (size_t i = 0; i < COLUMNS; i++) {
            uint8_t *p = &rows[j * COLUMNS / 8 + i / 8];
            *p = (uint8_t)(1u << i % 8);
            k->transpose(out, rows, COLUMNS / 8, COLUMNS);
            *p = 0;
            want[i].w[j / 64] = UINT64_C(1) << j % 64;
            if (memcmp(out, want, sizeof want)) ck_abort_msg("%s: row %zu, column %zu", k->name, j, i);
            want[i].w[j / 64] = 0;
        }
}
END_TEST

/* depth, add, every n around the vectors' borders; nothing is written but columns and sum with their slack. */
START_TEST(folds)
{
    enum { STRIDE = 640, ROWS = 16, OUT = 5 };
    static _Alignas(64) uint8_t x[STRIDE + 1], in[ROWS * STRIDE], got[OUT * STRIDE], was[OUT * STRIDE];
    static const size_t lengths[] = {16, 32, 48, 64, 80, 96, 112, 128, 240, 256, 512};
    static const unsigned depths[] = {1, 2, 4};
    const ot_kern *k = kernel(_i);
    uint8_t seed[PRG_SEED_BYTES] = {2};
    prg g;
    if (!k) return;
    prg_init(&g, seed, PRG_TEST, 0);
    for (size_t d = 0; d < 3; d++)
        for (int add = 0; add < 2; add++)
            for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
                size_t n = lengths[l], depth = depths[d];
                prg_bytes(&g, in, sizeof in);
                prg_bytes(&g, was, sizeof was);
                memcpy(got, was, sizeof got);
                uint8_t mask[4];
                for (size_t j = 0; j < 4; j++) mask[j] = (uint8_t)(0 - (l >> j & 1));
                prg_bytes(&g, x, sizeof x);
                k->fold(got, got + depth * STRIDE, in, STRIDE, (unsigned)depth, add, x + 1, mask, n);
                for (size_t j = 0; j <= depth; j++)
                    for (size_t i = 0; i < STRIDE; i++) {
                        uint8_t want = (add && j < depth ? was[j * STRIDE + i] : 0) ^ (j == depth ? x[1 + i] : x[1 + i] & mask[j]);
                        for (size_t y = 0; y < (size_t)1 << depth; y++)
                            if (j == depth || y >> j & 1) want ^= in[y * STRIDE + i];
                        if (i >= n + OT_FOLD_SLACK) want = was[j * STRIDE + i];
                        if ((i < n || i >= n + OT_FOLD_SLACK) && got[j * STRIDE + i] != want)
                            ck_abort_msg("%s: depth %zu, add %d, n = %zu, column %zu, byte %zu", k->name, depth, add, n, j, i);
                    }
                ck_assert(!memcmp(got + (depth + 1) * STRIDE, was + (depth + 1) * STRIDE, sizeof was - (depth + 1) * STRIDE));
            }
}
END_TEST

START_TEST(choice_of_kernel)
{
    const unsigned f = cpu_features(), wide = CPU_GFNI | CPU_AVX512 | CPU_AVX2 | CPU_SSE2;
    ck_assert_ptr_eq(ot_kern_best(), (f & wide) == wide ? &ot_kern_gfni
                                     : f & CPU_AVX2     ? &ot_kern_avx2
                                     : f & CPU_SSE2     ? &ot_kern_sse2
                                                        : &ot_kern_portable);
    ck_assert_int_eq(kernel(2) != NULL, (f & CPU_AVX2) != 0);
    cpu_restrict(0);
    ck_assert(kernel(0) == &ot_kern_portable && !kernel(1) && !kernel(2) && !kernel(3));
    ck_assert_ptr_eq(kern_pick(&ot_kerns), &ot_kern_portable);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("kern");
    TCase *t = tcase_create("kern");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, random_matrices, 0, KERNELS);
    tcase_add_loop_test(t, unit_matrices, 0, KERNELS);
    tcase_add_loop_test(t, folds, 0, KERNELS);
    tcase_add_test(t, choice_of_kernel);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
