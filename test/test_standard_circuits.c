// SPDX-License-Identifier: ISC
/* adder64, mult64, AES-128 and SHA-256 out of our builder: 1,000 inputs each through the real garbler and through Bristol Fashion, against
 * integers, the AES of base/ and FIPS-197, the SHA-256 of libsodium.  With TACIT_CIRCUITS=DIR published files of these functions, too. */
#include <check.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/aes.h"
#include "base/mem.h"
#include "gc/bristol.h"
#include "gc/gadgets.h"
#include "test/aes_circuit.h"
#include "test/gc_party.h"
#include "test/sha256_circuit.h"

enum { LANES = 1000, IN = 96, OUT = 32 }; /* bytes, at most */

/* Where bit i of a value stands in its string of bytes: the value is the string as a number, little or big endian. */
static size_t place(size_t i, size_t bits, int big_endian) { return big_endian ? bits - 8 - i / 8 * 8 + i % 8 : i; }

/* Garbles c over all lanes.  in[j]: the file's values of lane j as bytes, one after the other. */
static void garbled(const gc_circuit *c, const gc_bristol *s, int big_endian, uint8_t in[][IN], uint8_t out[][OUT])
{
    const size_t stride = gc_stride(LANES);
    uint8_t *bits = mem_alloc(c->eval_inputs + c->known_inputs, stride), *result = mem_alloc(c->outputs, stride);
    uint8_t *next[2] = {bits, bits + c->eval_inputs * stride};
    gc_party p;
    ck_assert(bits && result);
    for (size_t v = 0, from = 0; v < s->inputs; from += s->in[v++])
        for (size_t i = 0; i < s->in[v]; i++) {
            uint8_t **to = &next[s->known >> v & 1];
            const size_t at = from + place(i, s->in[v], big_endian);
            for (size_t j = 0; j < LANES; j++)
                (*to)[j] = in[j][at / 8] >> at % 8 & 1;
            *to += stride;
        }
    gc_party_init(&p, 70);
    gc_party_run(&p, c, LANES, bits, bits + c->eval_inputs * stride, result);
    memset(out, 0, LANES * sizeof *out);
    for (size_t v = 0, from = 0; v < s->outputs; from += s->out[v++])
        for (size_t i = 0; i < s->out[v]; i++) {
            const size_t at = from + place(i, s->out[v], big_endian);
            for (size_t j = 0; j < LANES; j++)
                out[j][at / 8] |= (uint8_t)(result[(from + i) * stride + j] << at % 8);
        }
    mem_free(bits), mem_free(result);
}

/* The same circuit, by way of a text. */
static gc_circuit *read_back(const gc_circuit *c, const gc_bristol *s)
{
    gc_circuit *again;
    gc_bristol s2;
    char *text;
    size_t len;
    if (gc_bristol_write(&text, &len, c, s) || gc_bristol_read(&again, &s2, text, len, s->known))
        ck_abort_msg("%s", err_text());
    ck_assert_mem_eq(s, &s2, sizeof s2);
    ck_assert(again->ands == c->ands && again->ands_known == c->ands_known && again->gates == c->gates);
    mem_free(text);
    return again;
}

static void compare(uint8_t got[][OUT], uint8_t want[][OUT], size_t bytes)
{
    for (size_t j = 0; j < LANES; j++)
        if (memcmp(got[j], want[j], bytes))
            ck_abort_msg("lane %zu", j);
}

static uint8_t in[LANES][IN], want[LANES][OUT], got[LANES][OUT];

static void draw(uint64_t seed)
{
    const uint8_t s[PRG_SEED_BYTES] = "standard";
    prg g;
    prg_init(&g, s, PRG_TEST, seed);
    prg_bytes(&g, in, sizeof in);
}

/* Both the circuit and what is read back of it, on all lanes. */
static void check(gc_circuit *c, const gc_bristol *s)
{
    gc_circuit *again = read_back(c, s);
    for (unsigned k = 0; k < 2; k++) {
        garbled(k ? again : c, s, 0, in, got);
        compare(got, want, c->outputs / 8);
    }
    gc_circuit_free(again);
}

enum { ADDER64, MULT64, MULT2_64, ADDER64_KNOWN, MULT64_KNOWN, MULT2_64_KNOWN, WORDS };

static void words_want(unsigned which)
{
    for (size_t j = 0; j < LANES; j++) {
        uint64_t x, y;
        memcpy(&x, in[j], 8);
        memcpy(&y, in[j] + 8, 8);
        const unsigned __int128 z = which == ADDER64 ? (unsigned __int128)(x + y) : (unsigned __int128)x * y;
        memcpy(want[j], &z, 16);
    }
}

START_TEST(words)
{
    static const unsigned ands[WORDS][2] = {{63, 0}, {3505, 0}, {5211, 0}, {62, 1}, {1888, 1555}, {3015, 2039}};
    const unsigned which = (unsigned)_i % 3, keep = which == MULT2_64 ? 128 : 64;
    const gc_bristol s = {2, 1, {64, 64}, {keep}, _i < 3 ? 0 : 2};
    gc_circuit *c;
    gc_wire a[64], b[64], out[128];
    ck_assert_int_eq(gc_circuit_create(&c, _i < 3 ? 128 : 64, _i < 3 ? 0 : 64), 0);
    for (unsigned i = 0; i < 64; i++) {
        a[i] = i;
        b[i] = 64 + i;
    }
    if (which == ADDER64)
        gc_word_add(c, out, a, b, 64);
    else
        gc_word_multiply(c, out, keep, a, b, 64);
    for (unsigned i = 0; i < keep; i++)
        gc_output(c, out[i]);
    ck_assert_int_eq(gc_circuit_finish(c), 0);
    ck_assert_uint_eq(c->ands, ands[_i][0]);
    ck_assert_uint_eq(c->ands_known, ands[_i][1]);
    draw((uint64_t)_i);
    memset(in[0], 0xff, 16); /* the longest carries */
    words_want(which);
    check(c, &s);
    gc_circuit_free(c);
}
END_TEST

static const uint8_t vectors[2][3][16] = {
    /* FIPS-197, appendix B, then C.1: key, plaintext, ciphertext */
    {{0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c},
     {0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d, 0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34},
     {0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb, 0xdc, 0x11, 0x85, 0x97, 0x19, 0x6a, 0x0b, 0x32}},
    {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
     {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff},
     {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a}}};

/* in: x and key, of which key_at says where the key stands. */
static void aes_want(size_t key_at)
{
    for (size_t j = 0; j < LANES; j++) {
        aes128_key expanded;
        block key, x;
        if (j < 2) {
            memcpy(in[j] + key_at, vectors[j][0], 16);
            memcpy(in[j] + 16 - key_at, vectors[j][1], 16);
            memcpy(want[j], vectors[j][2], 16);
            continue;
        }
        memcpy(&key, in[j] + key_at, 16);
        memcpy(&x, in[j] + 16 - key_at, 16);
        aes128_expand(&expanded, &key);
        aes128_encrypt(&expanded, &x, &x, 1);
        memcpy(want[j], &x, 16);
    }
}

/* _i: the garbler knows the key. */
START_TEST(aes128)
{
    const gc_bristol s = {2, 1, {128, 128}, {128}, _i ? 2 : 0};
    gc_circuit *c;
    ck_assert_int_eq(test_aes_circuit(&c, _i), 0);
    ck_assert_uint_eq(c->ands, _i ? 5760 : 7200);
    ck_assert_uint_eq(c->ands_known, 0);
    draw(20);
    aes_want(16);
    check(c, &s);
    gc_circuit_free(c);
}
END_TEST

/* in: block and chaining value, in bytes of the standard. */
static void sha256_want(void)
{
    for (size_t j = 0; j < LANES; j++) {
        crypto_hash_sha256_state h;
        crypto_hash_sha256_init(&h);
        for (unsigned t = 0; t < 8; t++)
            h.state[t] = (uint32_t)in[j][64 + 4 * t] << 24 | (uint32_t)in[j][65 + 4 * t] << 16 | (uint32_t)in[j][66 + 4 * t] << 8 |
                         in[j][67 + 4 * t];
        crypto_hash_sha256_update(&h, in[j], 64);
        for (unsigned i = 0; i < 32; i++)
            want[j][i] = (uint8_t)(h.state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

/* Messages of 64 bytes: their block from the initial value through the circuit, then the padding through what is read back of it. */
START_TEST(sha256)
{
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    static uint8_t digest[LANES][OUT];
    const gc_bristol s = {2, 1, {512, 256}, {256}, 0};
    gc_circuit *c;
    ck_assert_int_eq(test_sha256_circuit(&c), 0);
    ck_assert_uint_eq(c->ands, TEST_SHA256_ANDS);
    ck_assert_uint_eq(c->ands_known, 0);
    gc_circuit *again = read_back(c, &s);
    draw(30);
    for (size_t j = 0; j < LANES; j++) {
        for (unsigned i = 0; i < 32; i++)
            in[j][64 + i] = (uint8_t)(initial[i / 4] >> (24 - 8 * (i % 4)));
        crypto_hash_sha256(digest[j], in[j], 64);
    }
    sha256_want();
    garbled(c, &s, 0, in, got);
    compare(got, want, 32);
    for (size_t j = 0; j < LANES; j++) {
        memcpy(in[j] + 64, got[j], 32);
        memset(in[j], 0, 64);
        in[j][0] = 0x80;
        in[j][62] = 512 >> 8; /* bits of the message */
    }
    garbled(again, &s, 0, in, got);
    compare(got, digest, 32);
    gc_circuit_free(c), gc_circuit_free(again);
}
END_TEST

/* The published file DIR/name, or NULL where there is none. */
static gc_circuit *published(const char *name, gc_bristol *s)
{
    const char *dir = getenv("TACIT_CIRCUITS");
    char path[4096];
    gc_circuit *c;
    if (!dir)
        return NULL;
    snprintf(path, sizeof path, "%s/%s.txt", dir, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    char *text = malloc(1 << 24);
    ck_assert_ptr_nonnull(text);
    const size_t len = fread(text, 1, 1 << 24, f);
    fclose(f);
    if (gc_bristol_read(&c, s, text, len, 0))
        ck_abort_msg("%s: %s", path, err_text());
    free(text);
    printf("%s: %u AND\n", path, c->ands);
    return c;
}

/* In these files the values of AES and of SHA-256 are numbers, big endian, and AES has the key first. */
START_TEST(published_files)
{
    static const char *const name[] = {"adder64", "mult64", "mult2_64", "aes_128", "sha256"};
    static const unsigned bytes[] = {8, 8, 16, 16, 32};
    for (unsigned k = 0; k < 5; k++) {
        gc_bristol s;
        gc_circuit *c = published(name[k], &s);
        if (!c)
            continue;
        ck_assert(c->outputs == 8 * bytes[k] && c->eval_inputs <= 8 * IN);
        draw(40 + k);
        if (k < 3)
            words_want(k);
        else if (k == 3)
            aes_want(0);
        else
            sha256_want();
        garbled(c, &s, k >= 3, in, got);
        compare(got, want, bytes[k]);
        gc_circuit_free(c);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("standard_circuits");
    TCase *t = tcase_create("standard_circuits");
    tcase_set_timeout(t, 600);
    tcase_add_loop_test(t, words, 0, WORDS);
    tcase_add_loop_test(t, aes128, 0, 2);
    tcase_add_test(t, sha256);
    tcase_add_test(t, published_files);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
