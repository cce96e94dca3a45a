// SPDX-License-Identifier: ISC
/* AES-128 through the real garbler: the vectors of FIPS-197 and random ones against the AES of base/. */
#include "test/aes_circuit.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/aes.h"
#include "test/gc_party.h"

enum { LANES = 75, STRIDE = 80 };

static const uint8_t vectors[2][3][16] = {
    /* FIPS-197, appendix B, then C.1: key, plaintext, ciphertext */
    {{0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c},
     {0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d, 0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34},
     {0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb, 0xdc, 0x11, 0x85, 0x97, 0x19, 0x6a, 0x0b, 0x32}},
    {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
     {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff},
     {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a}}};

/* _i: the garbler knows the key. */
START_TEST(aes128)
{
    static uint8_t e[256 * STRIDE], k[128 * STRIDE], out[128 * STRIDE];
    gc_circuit *c;
    gc_party p;
    gc_party_init(&p, 70);
    ck_assert_int_eq(test_aes_circuit(&c, _i), 0);
    ck_assert_uint_eq(c->ands, _i ? 5760 : 7200);
    ck_assert_uint_eq(c->ands_known, 0);
    static block key[LANES], x[LANES], want[LANES], got[LANES];
    for (size_t j = 0; j < LANES; j++) {
        aes128_key expanded;
        prg_bytes(&p.rng, &key[j], sizeof *key);
        prg_bytes(&p.rng, &x[j], sizeof *x);
        if (j < 2) {
            memcpy(&key[j], vectors[j][0], 16);
            memcpy(&x[j], vectors[j][1], 16);
            memcpy(&want[j], vectors[j][2], 16);
        } else {
            aes128_expand(&expanded, &key[j]);
            aes128_encrypt(&expanded, &want[j], &x[j], 1);
        }
        for (unsigned i = 0; i < 128; i++) {
            uint8_t *kb = _i ? k : e + 128 * STRIDE;
            e[i * STRIDE + j] = x[j].w[i / 64] >> i % 64 & 1;
            kb[i * STRIDE + j] = key[j].w[i / 64] >> i % 64 & 1;
        }
    }
    gc_party_run(&p, c, LANES, e, k, out);
    for (size_t j = 0; j < LANES; j++) {
        for (unsigned i = 0; i < 128; i++)
            got[j].w[i / 64] |= (uint64_t)out[i * STRIDE + j] << i % 64;
        ck_assert_mem_eq(&got[j], &want[j], sizeof *got);
    }
    gc_circuit_free(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("aes_circuit");
    TCase *t = tcase_create("aes_circuit");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, aes128, 0, 2);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
