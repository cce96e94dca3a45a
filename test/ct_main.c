// SPDX-License-Identifier: ISC
/* usage: ct KERNELS [CASE]    Runs the library on secrets, under valgrind or as MemorySanitizer's build; test/check_ct.sh does that.
 *        ct KERNELS leak-branch | leak-index: what must be caught.
 * KERNELS: portable, narrow (no vectors of 512 bits), all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/aes.h"
#include "base/cpu.h"
#include "base/crh.h"
#include "base/err.h"
#include "test/ct_cases.h"
#include "test/gcm_emulated.h"
#include "test/insecure_leak.h"
#include "test/secret.h"

static int exact; /* the tool follows every bit: valgrind */

void ct_must(int code)
{
    if (!code) return;
    fprintf(stderr, "ct: %s\n", err_text());
    exit(1);
}

void ct_secret(const char *what, void *p, size_t n)
{
    for (size_t at = 0; exact && at < n; at += 8)
        if (!secret_any((const char *)p + at, n - at < 8 ? n - at : 8)) {
            fprintf(stderr, "ct: byte %zu of '%s' is not secret: nothing was watched\n", at, what);
            exit(1);
        }
    secret_hide(p, n);
}

void ct_secret_prg(prg *rng, uint64_t index)
{
    uint8_t seed[PRG_SEED_BYTES] = "a secret seed";
    secret_hide(seed, sizeof seed);
    prg_init(rng, seed, PRG_GENERAL, index);
}

static void ciphers(void)
{
    static const size_t counts[] = {1, 7, 8, 9, 100};
    block x[100] = {{{1, 2}}}, key = {{3, 4}}, delta = key, start = {{5, 6}}, h[200];
    aes128_key k;
    prg rng;
    secret_hide(x, sizeof x);
    secret_hide(&key, sizeof key);
    secret_hide(&delta, sizeof delta);
    aes128_expand(&k, &key);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        const size_t n = counts[i];
        aes128_encrypt(&k, h, x, n);
        ct_secret("ciphertext", h, n * sizeof *h);
        aes128_ctr(&k, h, 1, 2, n);
        ct_secret("keystream", h, n * sizeof *h);
        crh_hash(&start, 7, h, x, n);
        crh_hash_pair(&start, 7, h, h + n, x, &delta, n);
        ct_secret("hashes", h, 2 * n * sizeof *h);
    }
    ct_secret_prg(&rng, 5);
    for (size_t n = 1; n < 1600; n = 3 * n + 1) prg_bytes(&rng, h, n);
    ct_secret("output", h, 1093);
    prg_wipe(&rng);
}

/* Whole groups and flights, rests and short ones; each kernel that the CPU has, and the 512-bit one emulated, which
 * every tool follows. */
static void sealing(void)
{
    static const size_t lengths[] = {0, 1, 16, 300, 3000};
    uint8_t key[GCM_KEY_BYTES] = {1}, nonce[GCM_NONCE_BYTES] = {2}, ad[20] = {3}, x[3000] = {4},
            y[sizeof x + GCM_TAG_BYTES];
    secret_hide(key, sizeof key);
    secret_hide(x, sizeof x);
    for (unsigned i = 0; i <= GCM_KERNS; i++) {
        const gcm_kern *k = i < GCM_KERNS ? gcm_kerns.of[i] : &gcm_kern_emulated;
        const unsigned needs = i < GCM_KERNS ? k->needs : CPU_AESNI;
        gcm_key s;
        if ((cpu_features() & needs) != needs) continue;
        k->init(&s, key);
        for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
            const size_t n = lengths[j];
            k->seal(&s, y, x, n, nonce, ad, sizeof ad);
            ct_secret("sealed", y, n + GCM_TAG_BYTES);
            ct_must(k->open(&s, y, y, n, nonce, ad, sizeof ad));
            ct_secret("opened", y, n);
        }
    }
}

const ct_case ct_base[] = {{"ciphers", ciphers}, {"sealing", sealing}, {NULL, NULL}};

static int run(const ct_case *c, const char *only)
{
    int ran = 0;
    for (; c->name; c++) {
        if (only && strcmp(only, c->name)) continue;
        c->run();
        ran++;
    }
    return ran;
}

static int leak(const char *how)
{
    uint64_t secret = 0x55;
    secret_hide(&secret, sizeof secret);
    if (strcmp(how, "leak-branch") == 0)
        insecure_branch(secret);
    else if (strcmp(how, "leak-index") == 0)
        insecure_index(secret);
    else
        return 0;
    return 1;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        unsigned features;
    } kernels[] = {{"portable", 0}, {"narrow", ~(unsigned)(CPU_AVX512 | CPU_IFMA | CPU_GFNI)}, {"all", ~0u}};
    size_t k = 0;
    while (argc > 1 && k < 3 && strcmp(argv[1], kernels[k].name)) k++;
    if (argc < 2 || k == 3) {
        fprintf(stderr, "usage: ct portable | narrow | all [CASE]\n");
        return 2;
    }
    cpu_restrict(kernels[k].features);
    const char *tool = secret_tool();
    exact = tool && strcmp(tool, "valgrind") == 0;
    if (argc > 2 && leak(argv[2])) return 0;
    const char *only = argc > 2 ? argv[2] : NULL;
    const int ran = run(ct_base, only) + run(ct_ckks, only) + run(ct_parties, only);
    printf("ct: %d cases, AES %s, features 0x%x, watched by %s\n", ran, aes_kernel(), cpu_features(), tool ? tool : "nobody");
    return ran ? 0 : 2;
}
