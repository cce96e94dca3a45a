// SPDX-License-Identifier: ISC
/* AES-256-GCM: published vectors; the same bits as libsodium from each of our kernels that this CPU has, and from the 512-bit one emulated, for
 * every short length, about the borders of flights and groups, at odd addresses and in place; what is forged is refused and gives zeros. */
#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "test/gcm_emulated.h"

#define MOST (65536 + 700)
#define AD_MOST 1100
enum { KERNELS = GCM_KERNS + 1 };

static uint8_t key[GCM_KEY_BYTES], nonce[GCM_NONCE_BYTES], ad[AD_MOST + 1], text[MOST + 1], due[MOST + 17], got[MOST + 80], back[MOST + 80];
static gcm_key right;

static const gcm_kern *kernel(int i) { return i < GCM_KERNS ? gcm_kerns.of[i] : &gcm_kern_emulated; }

/* NULL: this CPU has not what it needs.  (The emulated one needs AES-NI only.) */
static const gcm_kern *begin(int i, gcm_key *k)
{
    const gcm_kern *kn = kernel(i);
    const unsigned needs = i < GCM_KERNS ? kn->needs : CPU_AESNI;
    if ((cpu_features() & needs) != needs)
        return NULL;
    kern_fill(key, sizeof key, 1);
    kern_fill(nonce, sizeof nonce, 2);
    kern_fill(ad, sizeof ad, 3);
    kern_fill(text, sizeof text, 4);
    gcm_kern_sodium.init(&right, key);
    kn->init(k, key);
    return kn;
}

static size_t hex(uint8_t *out, const char *s)
{
    size_t n;
    ck_assert_int_eq(sodium_hex2bin(out, 256, s, strlen(s), NULL, &n, NULL), 0);
    return n;
}

/* [MV05, appendix B], test cases 13 to 16: the key of 256 bits and a nonce of 96. */
START_TEST(published)
{
#define KEY "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define TEXT60 \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define CIPHER60 \
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" \
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
    static const struct {
        const char *key, *nonce, *ad, *text, *cipher, *tag;
    } cases[] = {
        {ZERO, "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
        {ZERO, "000000000000000000000000", "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
         "d0d1c8a799996bf0265b98b5d48ab919"},
        {KEY, "cafebabefacedbaddecaf888", "", TEXT60 "1aafd255", CIPHER60 "898015ad", "b094dac5d93471bdec1a502270e3cc6c"},
        {KEY, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2", TEXT60, CIPHER60, "76fc6ece0f4e1768cddf8853bb2d551b"},
    };
    gcm_key k;
    const gcm_kern *kn = begin(_i, &k);
    if (!kn)
        return;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        uint8_t x[256], n[256], a[256], t[256], e[272], out[272];
        hex(x, cases[c].key);
        hex(n, cases[c].nonce);
        const size_t ad_len = hex(a, cases[c].ad), len = hex(t, cases[c].text);
        ck_assert_uint_eq(hex(e, cases[c].cipher), len);
        hex(e + len, cases[c].tag);
        kn->init(&k, x);
        kn->seal(&k, out, t, len, n, a, ad_len);
        ck_assert_mem_eq(out, e, len + GCM_TAG_BYTES);
        ck_assert_int_eq(kn->open(&k, out, e, len, n, a, ad_len), 0);
        ck_assert_mem_eq(out, t, len);
    }
}
END_TEST

/* Nothing is written beyond the end; at `at` bytes from an address that vectors like; apart and in place. */
static void compare(const gcm_kern *kn, const gcm_key *k, size_t len, size_t ad_len, size_t at)
{
    const size_t sealed = len + GCM_TAG_BYTES;
    gcm_kern_sodium.seal(&right, due, text, len, nonce, ad, ad_len);
    uint8_t *out = got + at, *in = back + (at * 7) % 64;
    memset(got, 0xaa, at + sealed + 1);
    kn->seal(k, out, text, len, nonce, ad, ad_len);
    if (memcmp(out, due, sealed) || out[sealed] != 0xaa || (at && out[-1] != 0xaa))
        ck_abort_msg("%s seals %zu bytes and %zu otherwise than libsodium", kn->name, len, ad_len);
    memset(in, 0x55, sealed + 1);
    ck_assert_int_eq(kn->open(k, in, out, len, nonce, ad, ad_len), 0);
    ck_assert(in[len] == 0x55 && !memcmp(in, text, len));
    kn->seal(k, in, in, len, nonce, ad, ad_len); /* in place */
    if (memcmp(in, due, sealed))
        ck_abort_msg("%s seals %zu bytes in place otherwise", kn->name, len);
    ck_assert_int_eq(kn->open(k, in, in, len, nonce, ad, ad_len), 0);
    ck_assert(!memcmp(in, text, len));
}

START_TEST(as_libsodium)
{
    static const size_t offs[] = {0, 559, 584, 585, 599, 600, 601, 616, 617, 856, 1112, 1113};
    gcm_key k;
    const gcm_kern *kn = begin(_i, &k);
    if (!kn)
        return;
    for (size_t len = 0; len <= 600; len++)
        compare(kn, &k, len, len % 41, len % 64);
    for (size_t ad_len = 0; ad_len <= 40; ad_len++)
        for (size_t len = 0; len < 40; len += 13)
            compare(kn, &k, len, ad_len, ad_len);
    for (size_t ad_len = 200; ad_len <= AD_MOST; ad_len += 37)
        compare(kn, &k, 100, ad_len, 3);
    for (size_t at = 0; at < 64; at++)
        compare(kn, &k, 2500 + at, 13, at);
    for (size_t groups = 1; groups <= 64; groups += groups < 4 ? 1 : 15) /* about each end of a group: flights, and one block more or less */
        for (size_t off = 0; off < sizeof offs / sizeof *offs; off++)
            compare(kn, &k, groups * 16 * GCM_GROUP - 600 + offs[off], 5, off);
}
END_TEST

static void refused(const gcm_kern *kn, const gcm_key *k, const uint8_t *in, size_t len, const uint8_t *nonces, const uint8_t *ads, size_t ad_len)
{
    memset(back, 0xaa, len + 1);
    ck_assert_int_ne(kn->open(k, back, in, len, nonces, ads, ad_len), 0);
    ck_assert(sodium_is_zero(back, len) && back[len] == 0xaa);
}

START_TEST(forgeries)
{
    static const size_t lengths[] = {0, 1, 16, 100, 700};
    enum { AD = 21 };
    gcm_key k;
    const gcm_kern *kn = begin(_i, &k);
    if (!kn)
        return;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const size_t len = lengths[i];
        kn->seal(&k, got, text, len, nonce, ad, AD);
        for (size_t bit = 0; bit < 8 * (len + GCM_TAG_BYTES); bit++) {
            got[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refused(kn, &k, got, len, nonce, ad, AD);
            got[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t bit = 0; bit < 8 * AD; bit++) {
            ad[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refused(kn, &k, got, len, nonce, ad, AD);
            ad[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        for (size_t bit = 0; bit < 8 * GCM_NONCE_BYTES; bit++) {
            nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
            refused(kn, &k, got, len, nonce, ad, AD);
            nonce[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        refused(kn, &k, got, len, nonce, ad, AD - 1);
        if (len)
            refused(kn, &k, got, len - 1, nonce, ad, AD);
        memcpy(back, got, len + GCM_TAG_BYTES);
        ck_assert_int_eq(kn->open(&k, back, back, len, nonce, ad, AD), 0);
        memcpy(back, got, len + GCM_TAG_BYTES);
        back[len] ^= 1;
        ck_assert_int_ne(kn->open(&k, back, back, len, nonce, ad, AD), 0); /* in place */
        ck_assert(sodium_is_zero(back, len));
    }
}
END_TEST

/* What the library's callers see: one kernel, picked by what the CPU has; a key keeps its own. */
START_TEST(picked)
{
    gcm_key k;
    uint8_t out[100 + GCM_TAG_BYTES];
    const unsigned f = cpu_features();
    ck_assert_int_eq(gcm_usable(), (f & CPU_AESNI) != 0);
    if (!begin(0, &k)) {
        ck_assert_str_eq(gcm_kernel(), "none");
        return;
    }
    const int wide = f & CPU_VAES && f & CPU_VPCLMUL;
    ck_assert_str_eq(gcm_kernel(), !wide ? "sodium" : f & CPU_AVX512 ? "vaes512" : "vaes");
    gcm_init(&k, key);
    gcm_seal(&k, out, text, 100, nonce, ad, 7);
    gcm_kern_sodium.seal(&right, due, text, 100, nonce, ad, 7);
    ck_assert_mem_eq(out, due, sizeof out);
    atomic_fetch_or(&gcm_kerns.wrong, 6); /* the wider ones are found wrong */
    atomic_store(&gcm_kerns.best, NULL);
    ck_assert_str_eq(gcm_kernel(), "sodium");
    ck_assert_int_eq(gcm_open(&k, out, out, 100, nonce, ad, 7), 0);
    ck_assert_mem_eq(out, text, 100);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gcm");
    TCase *t = tcase_create("gcm");
    if (sodium_init() < 0)
        return 1;
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, published, 0, KERNELS);
    tcase_add_loop_test(t, as_libsodium, 0, KERNELS);
    tcase_add_loop_test(t, forgeries, 0, KERNELS);
    tcase_add_test(t, picked);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
