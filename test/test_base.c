// SPDX-License-Identifier: ISC
/* AES, hash, generator, bit packing, memory: published vectors, and every kernel against the portable one. */
#include <check.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/aes_kern.h"
#include "base/cpu.h"
#include "base/crh.h"
#include "base/ct.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/prg.h"
#include "test/alloc.h"

#define KERNELS 4

static const aes_kern *kernel(size_t i) { return aes_kerns.of[i]; }
static int usable(size_t i) { return kern_usable(&aes_kerns, (unsigned)i, cpu_features()); }

static block from_hex(const char *s)
{
    uint8_t b[16];
    block x;
    for (int i = 0; i < 16; i++) {
        char two[3] = {s[2 * i], s[2 * i + 1], 0};
        b[i] = (uint8_t)strtoul(two, NULL, 16);
    }
    memcpy(&x, b, sizeof x);
    return x;
}

static int same(const block *a, const block *b, size_t n) { return !memcmp(a, b, n * sizeof *a); }

START_TEST(aes_has_the_published_values)
{
    static const char *const vectors[][3] = {
        /* key, plain, cipher: FIPS-197 appendix B and C.1, SP 800-38A F.1.1 */
        {"2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734", "3925841d02dc09fbdc118597196a0b32"},
        {"000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff", "69c4e0d86a7b0430d8cdb78070b4c55a"},
        {"2b7e151628aed2a6abf7158809cf4f3c", "6bc1bee22e409f96e93d7e117393172a", "3ad77bb40d7a3660a89ecaf32466ef97"},
        {"2b7e151628aed2a6abf7158809cf4f3c", "ae2d8a571e03ac9c9eb76fac45af8e51", "f5d3d58503b9699de785895a96fdbaaf"},
    };
    for (size_t k = 0; k < KERNELS; k++)
        for (size_t i = 0; usable(k) && i < sizeof vectors / sizeof *vectors; i++) {
            block key = from_hex(vectors[i][0]), in[9], out[9], due = from_hex(vectors[i][2]);
            aes128_key schedule;
            kernel(k)->expand(&schedule, &key);
            for (size_t n = 1; n <= 9; n++) {
                for (size_t j = 0; j < n; j++)
                    in[j] = from_hex(vectors[i][1]);
                kernel(k)->encrypt(&schedule, out, in, n);
                for (size_t j = 0; j < n; j++)
                    ck_assert(same(&out[j], &due, 1));
            }
        }
}
END_TEST

START_TEST(kernels_agree)
{
    enum { MOST = 300 };
    uint8_t seed[PRG_SEED_BYTES] = {7};
    block in[MOST], a[MOST], b[MOST], a1[MOST], b1[MOST], delta, start;
    prg g;
    prg_init(&g, seed, PRG_TEST, 0);
    for (size_t i = 1; i < KERNELS; i++)
        for (size_t n = 0; usable(i) && n <= MOST; n++) {
            aes128_key k0, k1;
            prg_bytes(&g, in, sizeof in);
            prg_bytes(&g, &delta, sizeof delta);
            prg_bytes(&g, &start, sizeof start);
            kernel(0)->expand(&k0, &start);
            kernel(i)->expand(&k1, &start);
            ck_assert(same(k0.rk, k1.rk, 11));
            kernel(0)->encrypt(&k0, a, in, n);
            kernel(i)->encrypt(&k1, b, in, n);
            ck_assert(same(a, b, n));
            kernel(0)->ctr(&k0, a, delta.w[0], UINT64_MAX - 3, n);
            kernel(i)->ctr(&k1, b, delta.w[0], UINT64_MAX - 3, n);
            ck_assert(same(a, b, n));
            kernel(0)->hash(&start, n, a, in, n);
            kernel(i)->hash(&start, n, b, in, n);
            ck_assert(same(a, b, n));
            kernel(0)->hash_pair(&start, n, a, a1, in, &delta, n);
            kernel(i)->hash_pair(&start, n, b, b1, in, &delta, n);
            ck_assert(same(a, b, n) && same(a1, b1, n));
        }
}
END_TEST

/** straight: the hash written down from its definition, one lane at a time; without sigma when `weak`. */
static block straight(block start, uint64_t index, block x, int weak)
{
    const block s = weak ? x : (block){{x.w[1], x.w[0] ^ x.w[1]}};
    aes128_key k;
    block y;
    start.w[0] ^= index;
    aes128_expand(&k, &start);
    aes128_encrypt(&k, &y, &s, 1);
    return block_xor(y, s);
}

START_TEST(hash_is_its_definition_and_keeps_to_eight_lanes_a_key)
{
    block x[37], h[37], h1[37], delta = {{11, 22}}, start = {{33, 44}};
    for (size_t j = 0; j < 37; j++)
        x[j] = (block){{j * 0x9e3779b97f4a7c15u, ~j}};
    crh_hash(&start, 1000, h, x, 37);
    for (size_t j = 0; j < 37; j++) {
        block due = straight(start, 1000 + j / 32 * 4 + j % 4, x[j], 0);
        ck_assert(same(&due, &h[j], 1));
    }
    crh_hash_pair(&start, 1000, h, h1, x, &delta, 37);
    for (size_t j = 0; j < 37; j++) {
        block due = straight(start, 1000 + j / 32 * 4 + j % 4, block_xor(x[j], delta), 0);
        ck_assert(same(&due, &h1[j], 1));
    }
    static const unsigned keys[][2] = {{0, 0}, {1, 1}, {3, 3}, {4, 4}, {5, 4}, {31, 4}, {32, 4}, {33, 5}, {37, 8}, {64, 8}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) ck_assert_uint_eq(crh_keys(keys[i][0]), keys[i][1]);
    crh_hash(&start, 1000, x, x, 37); /* in place */
    ck_assert(same(x, h, 37));
}
END_TEST

/* Without sigma, H(x) ^ H(x ^ d) under the permutation's own symmetric use leaks: H(i, x) ^ x = AES(x) ^ 0 is a bare permutation of x, so
 * that H(x) ^ x and H(y) ^ y never collide for x != y while H(x) ^ H(y) ^ x ^ y = AES(x) ^ AES(y); with sigma the same quantity is not AES of
 * the label.  The distinguisher asks whether H(x) ^ x, decrypted by whoever knows the public key, gives x back. */
START_TEST(missing_sigma_is_seen)
{
    block start = {{5, 6}}, x = {{7, 8}}, h, again;
    aes128_key k;
    aes128_expand(&k, &start);
    aes128_encrypt(&k, &again, &x, 1);
    h = straight(start, 0, x, 1);
    block weak = block_xor(h, x);
    ck_assert(same(&weak, &again, 1));
    crh_hash(&start, 0, &h, &x, 1);
    block real = block_xor(h, x);
    ck_assert(!same(&real, &again, 1));
}
END_TEST

START_TEST(generator_is_a_stream_and_domains_are_apart)
{
    uint8_t seed[PRG_SEED_BYTES] = {1}, whole[5000], parts[5000], other[64];
    prg g;
    prg_init(&g, seed, PRG_TEST, 3);
    prg_bytes(&g, whole, sizeof whole);
    for (size_t step = 1; step < 1200; step += 37) {
        prg_init(&g, seed, PRG_TEST, 3);
        for (size_t at = 0; at < sizeof parts; at += step)
            prg_bytes(&g, parts + at, sizeof parts - at < step ? sizeof parts - at : step);
        ck_assert_mem_eq(whole, parts, sizeof whole);
    }
    prg_init(&g, seed, PRG_TEST, 4);
    prg_bytes(&g, other, sizeof other);
    ck_assert_mem_ne(whole, other, sizeof other);
    prg_init(&g, seed, PRG_GENERAL, 3);
    prg_bytes(&g, other, sizeof other);
    ck_assert_mem_ne(whole, other, sizeof other);
    ck_assert_int_eq(prg_init_random(&g), 0);
    prg_bytes(&g, other, sizeof other);
    ck_assert_int_eq(prg_init_random(&g), 0);
    prg_bytes(&g, parts, sizeof other);
    ck_assert_mem_ne(parts, other, sizeof other);
}
END_TEST

START_TEST(generator_takes_a_new_key_at_its_stated_length)
{
    uint8_t seed[PRG_SEED_BYTES] = {2}, a[64];
    block next, due[2];
    prg g, h;
    prg_init(&g, seed, PRG_TEST, 0);
    g.ctr = (UINT64_C(1) << 32) - 32; /* the last 512 bytes under the first key */
    h = g;
    uint8_t skip[512];
    prg_bytes(&g, skip, sizeof skip);
    prg_bytes(&g, a, 32);
    aes128_ctr(&h.key, &next, h.nonce, UINT64_C(1) << 32, 1);
    aes128_expand(&h.key, &next);
    aes128_ctr(&h.key, due, h.nonce, 0, 2);
    ck_assert_mem_eq(a, due, 32);
}
END_TEST

enum { DRAWN = 96, KIDS = 4 };

/* What each of KIDS children, and the first one's child, draws from its copies of a random generator and of a seeded
 * one. */
static void in_children(int raw, prg *g, prg *seeded, uint8_t drawn[KIDS + 1][DRAWN], uint8_t same[KIDS + 1][DRAWN])
{
    for (int i = 0; i < KIDS; i++) {
        int fd[2];
        ck_assert_int_eq(pipe(fd), 0);
        const pid_t kid = raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
        ck_assert_int_ge(kid, 0);
        if (!kid) {
            uint8_t out[4 * DRAWN];
            prg_bytes(g, out, DRAWN);
            prg_bytes(seeded, out + DRAWN, DRAWN);
            const pid_t grandchild = i ? 1 : raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
            if (!grandchild) {
                prg_bytes(g, out + 2 * DRAWN, DRAWN);
                prg_bytes(seeded, out + 3 * DRAWN, DRAWN);
                _exit(write(fd[1], out, sizeof out) != (ssize_t)sizeof out);
            }
            int bad = 0;
            if (!i) {
                bad = waitpid(grandchild, &bad, 0) != grandchild || bad;
                prg_bytes(g, out, DRAWN); /* the grandchild's place in the stream */
            }
            _exit(bad || write(fd[1], out, 2 * DRAWN) != 2 * DRAWN);
        }
        int status;
        ck_assert(waitpid(kid, &status, 0) == kid && !status);
        if (!i) {
            uint8_t skip[2 * DRAWN];
            ck_assert_int_eq(read(fd[0], skip, sizeof skip), sizeof skip);
            ck_assert_int_eq(read(fd[0], drawn[KIDS], DRAWN), DRAWN);
            ck_assert_int_eq(read(fd[0], same[KIDS], DRAWN), DRAWN);
        }
        ck_assert_int_eq(read(fd[0], drawn[i], DRAWN), DRAWN);
        ck_assert_int_eq(read(fd[0], same[i], DRAWN), DRAWN);
        close(fd[0]);
        close(fd[1]);
    }
}

START_TEST(a_generator_is_another_one_after_a_fork)
{
    uint8_t seed[PRG_SEED_BYTES] = {7}, drawn[KIDS + 2][DRAWN], same[KIDS + 1][DRAWN], want[2 * DRAWN];
    prg g, seeded, twin;
    ck_assert_int_eq(prg_init_random(&g), 0);
    prg_init(&seeded, seed, PRG_GENERAL, 0);
    twin = seeded;
    prg_bytes(&g, drawn[0], _i & 1 ? 16 : 7); /* 7: the rest is buffered */
    if (_i & 1)
        g.have = 0; /* nothing is */
    prg later = g;
    in_children(_i >> 1, &g, &seeded, drawn, same);
    prg_bytes(&g, drawn[KIDS + 1], DRAWN);
    for (int i = 0; i < KIDS + 2; i++)
        for (int j = 0; j < i; j++)
            for (int at = 0; at < DRAWN; at += 8)
                for (int b = 0; b < DRAWN; b += 8)
                    ck_assert_mem_ne(drawn[i] + at, drawn[j] + b, 8);
    prg_bytes(&twin, want, sizeof want);
    for (int i = 0; i <= KIDS; i++)
        ck_assert_mem_eq(same[i], want + (i == KIDS ? DRAWN : 0), DRAWN);
    uint8_t parent[DRAWN]; /* which is the same process: it goes on where it was */
    prg_bytes(&later, parent, DRAWN);
    ck_assert_mem_eq(parent, drawn[KIDS + 1], DRAWN);
}
END_TEST

START_TEST(constant_time_helpers)
{
    ck_assert_uint_eq(ct_select(1, 5, 6), 5);
    ck_assert_uint_eq(ct_select(0, 5, 6), 6);
    ck_assert_uint_eq(ct_mask(1), UINT64_MAX);
    ck_assert_uint_eq(ct_low(UINT64_MAX, 64), UINT64_MAX);
    ck_assert_uint_eq(ct_low(UINT64_MAX, 0), 0);
    ck_assert_int_eq(ct_signed(0xff, 8), -1);
    ck_assert_int_eq(ct_signed(0x7f, 8), 127);
    ck_assert_int_eq(ct_signed(UINT64_C(1) << 63, 64), INT64_MIN);
}
END_TEST

START_TEST(memory_is_aligned_zeroed_and_bounded)
{
    uint8_t *p = mem_alloc(3, 5);
    ck_assert_uint_eq((uintptr_t)p % 64, 0);
    for (int i = 0; i < 64; i++)
        ck_assert_uint_eq(p[i], 0);
    mem_free(p);
    mem_free(NULL);
    p = mem_alloc(0, 8);
    ck_assert_ptr_nonnull(p);
    mem_free(p);
    ck_assert_ptr_null(mem_alloc(SIZE_MAX, 2));
    ck_assert_ptr_null(mem_alloc(SIZE_MAX / 2 + 1, 1));
    test_alloc_fail_at(1);
    ck_assert_ptr_null(mem_alloc(1, 1));
    test_alloc_fail_at(0);
}
END_TEST

START_TEST(errors_keep_their_text)
{
    ck_assert_int_eq(err_set(ERR_PEER, "field %d", 7), ERR_PEER);
    ck_assert_str_eq(err_text(), "field 7");
    err_set(ERR_ARG, "%0300d", 1);
    ck_assert_uint_eq(strlen(err_text()), 255);
    err_set(ERR_PEER, "inner");
    err_set(ERR_PEER, "outer: %s (%s)", err_text(), err_text());
    ck_assert_str_eq(err_text(), "outer: inner (inner)");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *t = tcase_create("base");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, aes_has_the_published_values);
    tcase_add_test(t, kernels_agree);
    tcase_add_test(t, hash_is_its_definition_and_keeps_to_eight_lanes_a_key);
    tcase_add_test(t, missing_sigma_is_seen);
    tcase_add_test(t, generator_is_a_stream_and_domains_are_apart);
    tcase_add_test(t, generator_takes_a_new_key_at_its_stated_length);
    tcase_add_loop_test(t, a_generator_is_another_one_after_a_fork, 0, 4);
    tcase_add_test(t, constant_time_helpers);
    tcase_add_test(t, memory_is_aligned_zeroed_and_bounded);
    tcase_add_test(t, errors_keep_their_text);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
