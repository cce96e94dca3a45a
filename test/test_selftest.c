// SPDX-License-Identifier: ISC
/* Known answers at start: every kernel here gives them, a planted wrong one is found, named and passed over, and
 * nothing is right when portable C is not.  Each function of each table counts: without it the answer is another. */
#include "nn/selftest.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/aes_kern.h"
#include "base/bits_kern.h"
#include "base/cpu.h"
#include "base/gcm_kern.h"
#include "ckks/embed_kern.h"
#include "ckks/encode_kern.h"
#include "ckks/ntt_kern.h"
#include "ckks/ring_kern.h"
#include "convert/weigh_kern.h"
#include "gc/gate.h"
#include "gc/relu_kern.h"
#include "ot/check_kern.h"
#include "ot/kern.h"
#include "test/ntt_emulated.h"

typedef uint64_t (*function)(void);

/* Where each table's functions begin, and its bytes. */
static const struct {
    kern_set *set;
    size_t from, size;
} tables[] = {
    {&aes_kerns, offsetof(aes_kern, expand), sizeof(aes_kern)},
    {&bits_kerns, offsetof(bits_kern, pack), sizeof(bits_kern)},
    {&ntt_kerns, offsetof(ntt_kern, forward), sizeof(ntt_kern)},
    {&ring_kerns, offsetof(ring_kern, ternary), sizeof(ring_kern)},
    {&embed_kerns, offsetof(embed_kern, merge4), sizeof(embed_kern)},
    {&encode_kerns, offsetof(encode_kern, scale), sizeof(encode_kern)},
    {&ot_kerns, offsetof(ot_kern, transpose), sizeof(ot_kern)},
    {&ot_check_kerns, offsetof(ot_check_kern, absorb), sizeof(ot_check_kern)},
    {&gc_gate_kerns, offsetof(gc_gate_kern, garble_and), sizeof(gc_gate_kern)},
    {&gc_relu_kerns, offsetof(gc_relu_kern, bit), sizeof(gc_relu_kern)},
    {&weigh_kerns, offsetof(weigh_kern, split), sizeof(weigh_kern)},
    {&gcm_kerns, offsetof(gcm_kern, init), sizeof(gcm_kern)},
};
#define TABLES (sizeof tables / sizeof *tables)

static char said[4096];

static void hear(const char *line)
{
    strncat(said, line, sizeof said - strlen(said) - 2);
    strcat(said, "\n");
}

START_TEST(answers)
{
    struct timespec a, b;
    said[0] = 0;
    clock_gettime(CLOCK_MONOTONIC, &a);
    const int rc = nn_selftest(hear);
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("selftest: %.2f ms\n", (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) * 1e-6);
    for (size_t i = 0; i < NN_KERN_SETS; i++)
        for (unsigned k = 0; k < KERN_MOST; k++)
            if (kern_usable(nn_kern_sets[i], k, cpu_features())) {
                uint64_t sum = 0;
                ck_assert_int_eq(nn_kern_sets[i]->answer(nn_kern_sets[i]->of[k], &sum), 0);
                if (sum != nn_kern_sets[i]->right) {
                    printf("%s %s: 0x%016llx\n", nn_kern_sets[i]->what,
                           ((const kern_head *)nn_kern_sets[i]->of[k])->name, (unsigned long long)sum);
                    fflush(stdout);
                }
            }
    ck_assert_int_eq(rc, 0);
    ck_assert_str_eq(said, "");
    uint64_t sum = 0; /* the kernel that this CPU may not have */
    ck_assert_int_eq(ntt_kerns.answer(&ntt_kern_emulated, &sum), 0);
    ck_assert_uint_eq(sum, ntt_kerns.right);
}
END_TEST

/* 1: of[0] runs everywhere. */
static unsigned portable(const kern_set *s) { return !((const kern_head *)s->of[0])->needs; }

static uint64_t nothing(void) { return 0; }

/* The kernel's copy is one function short; the set chooses among the others and says so. */
START_TEST(each_function)
{
    ck_assert_uint_eq(TABLES, NN_KERN_SETS);
    for (size_t t = 0; t < TABLES; t++) {
        kern_set *s = tables[t].set;
        ck_assert_ptr_eq(s, nn_kern_sets[t]);
        for (unsigned k = portable(s); k < KERN_MOST; k++)
            for (size_t f = tables[t].from; f + sizeof(function) <= tables[t].size && kern_usable(s, k, cpu_features());
                 f += sizeof(function)) {
                static _Alignas(16) uint8_t copy[256];
                const void *const was = s->of[k];
                const function none = nothing;
                char due[160];
                ck_assert_uint_le(tables[t].size, sizeof copy);
                memcpy(copy, was, tables[t].size);
                memcpy(copy + f, &none, sizeof none);
                s->of[k] = copy;
                said[0] = 0;
                ck_assert_int_eq(kern_check(s, hear), 0);
                snprintf(due, sizeof due, "kernel %s %s gives wrong results on this CPU; using %s\n", s->what,
                         ((const kern_head *)was)->name,
                         kern_best(s) ? ((const kern_head *)kern_best(s))->name : "none");
                if (strcmp(said, due))
                    ck_abort_msg("%s, function %zu: it says \"%s\"", due, (f - tables[t].from) / sizeof none, said);
                ck_assert_ptr_ne(kern_best(s), copy);
                ck_assert(!kern_usable(s, k, cpu_features()));
                s->of[k] = was;
                atomic_store(&s->wrong, 0);
                ck_assert_int_eq(kern_check(s, hear), 0);
            }
    }
}
END_TEST

/* The last lane of a long hash only: a wide kernel's rest. */
static const aes_kern *real;
static void last_lane(const block *start, uint64_t index, block *h, const block *x, size_t lanes)
{
    real->hash(start, index, h, x, lanes);
    h[lanes - 1].w[1] ^= lanes > 300;
}

START_TEST(one_bit)
{
    unsigned top = KERN_MOST - 1;
    while (!kern_usable(&aes_kerns, top, cpu_features()))
        top--;
    if (!top)
        return;
    real = aes_kerns.of[top];
    aes_kern broken = *real;
    broken.hash = last_lane;
    aes_kerns.of[top] = &broken;
    ck_assert_ptr_eq(aes_kern_best(), &broken);
    said[0] = 0;
    ck_assert_int_eq(nn_selftest(hear), 0);
    ck_assert_ptr_nonnull(strstr(said, real->name));
    ck_assert_ptr_eq(aes_kern_best(), aes_kerns.of[top - 1]);
    ck_assert_str_eq(aes_kernel(), ((const kern_head *)aes_kerns.of[top - 1])->name);
    ck_assert_ptr_eq(strchr(said, '\n'),
                     said + strlen(said) - 1); /* one line: what is built on AES was tested with what replaces it */
    said[0] = 0;
    ck_assert_int_eq(nn_selftest(hear), 0);
    ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(transform_falls_back)
{
    const unsigned f = cpu_features();
    const ntt_kern *before = ntt_kern_best(1024, 4294828033, f);
    if (before == &ntt_kern_portable)
        return;
    for (unsigned k = 1; k < NTT_KERNS; k++)
        atomic_fetch_or(&ntt_kerns.wrong, 1u << k);
    ck_assert_ptr_eq(ntt_kern_best(1024, 4294828033, f), &ntt_kern_portable);
    atomic_fetch_or(&embed_kerns.wrong, ~1u);
    ck_assert_ptr_eq(embed_kern_best(1024, f), &embed_kern_portable);
}
END_TEST

START_TEST(portable_is_wrong)
{
    for (size_t t = 0; t < TABLES; t++) {
        kern_set *s = tables[t].set;
        if (!portable(s))
            continue;
        s->right ^= 1;
        ck_assert_int_eq(nn_selftest(hear), ERR_CPU);
        ck_assert_ptr_nonnull(strstr(err_text(), s->what));
        s->right ^= 1;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("selftest");
    TCase *t = tcase_create("selftest");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, answers);
    tcase_add_test(t, each_function);
    tcase_add_test(t, one_bit);
    tcase_add_test(t, transform_falls_back);
    tcase_add_test(t, portable_is_wrong);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
