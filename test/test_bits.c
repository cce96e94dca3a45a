// SPDX-License-Identifier: ISC
/* Packing, bit by bit, with every kernel that this CPU can run: all widths, lengths about the kernels' steps, nothing beyond the end. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits_kern.h"
#include "base/cpu.h"
#include "base/ct.h"
#include "base/prg.h"

#define MOST 99

START_TEST(bits_are_packed_without_gaps)
{
    const bits_kern *k = bits_kerns.of[_i];
    if ((cpu_features() & k->needs) != k->needs)
        return;
    uint8_t seed[PRG_SEED_BYTES] = {3};
    uint64_t v[MOST], w[MOST + 1];
    prg g;
    prg_init(&g, seed, PRG_TEST, 0);
    for (unsigned width = 1; width <= 64; width++)
        for (size_t n = 0; n <= MOST; n += n < 50 ? 1 : 7) {
            const size_t bytes = bits_bytes(n, width);
            uint8_t *packed = malloc(bytes + 1), *exact = malloc(bytes); /* the second so that a sanitizer sees a byte too many */
            ck_assert(packed && (exact || !bytes));
            prg_bytes(&g, v, sizeof v);
            for (size_t i = 0; i < n; i++)
                v[i] = i % 7 == 0 ? UINT64_MAX : i % 7 == 1 ? 0 : v[i];
            memset(packed, 0xaa, bytes + 1);
            k->pack(packed, v, n, width);
            ck_assert_uint_eq(packed[bytes], 0xaa);
            for (size_t bit = 0; bit < 8 * bytes; bit++) {
                unsigned due = bit < n * width ? v[bit / width] >> bit % width & 1 : 0;
                if ((packed[bit / 8] >> bit % 8 & 1) != due)
                    ck_abort_msg("%s: %zu values of %u bits: bit %zu", k->name, n, width, bit);
            }
            memcpy(exact, packed, bytes);
            w[n] = 77;
            k->unpack(w, exact, n, width);
            for (size_t i = 0; i < n; i++)
                ck_assert_uint_eq(w[i], ct_low(v[i], width));
            ck_assert_uint_eq(w[n], 77);
            k->pack(exact, v, n, width);
            ck_assert_mem_eq(exact, packed, bytes);
            free(packed);
            free(exact);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bits");
    TCase *t = tcase_create("bits");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, bits_are_packed_without_gaps, 0, BITS_KERNS);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
