// SPDX-License-Identifier: ISC
/* The borders of what test/ct is about: libsodium, whose own constant time is its authors' affair, and the places where a secret becomes
 * public by contract.  test/ct is linked with --wrap for each __wrap_ here; the library has no part in it but ct_tell. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "base/prg.h"
#include "test/secret.h"

/* ct_tell: what a contract lets be seen, such as that an element is not valid. */
uint64_t ct_tell(uint64_t x);
uint64_t ct_tell(uint64_t x)
{
    secret_show(&x, sizeof x);
    return x;
}

/* A seed that is expanded into the public half of a key or of a ciphertext travels in the clear beside it. */
void __real_prg_init(prg *p, const uint8_t seed[PRG_SEED_BYTES], uint32_t domain, uint64_t index);
void __wrap_prg_init(prg *p, const uint8_t seed[PRG_SEED_BYTES], uint32_t domain, uint64_t index);
void __wrap_prg_init(prg *p, const uint8_t seed[PRG_SEED_BYTES], uint32_t domain, uint64_t index)
{
    if (domain == PRG_CKKS_C1 || domain == PRG_CKKS_PK || domain == PRG_CKKS_EVK || domain == PRG_GC_NAMES) secret_show(seed, PRG_SEED_BYTES);
    __real_prg_init(p, seed, domain, index);
}

/* A function of libsodium gives secrets if one of its inputs is secret, and is not looked into. */
enum { ARGS = 3, LONGEST = 256 };
typedef struct {
    uint8_t copy[ARGS][LONGEST];
    int any;
} inputs;

static const uint8_t *open_input(inputs *in, int i, const uint8_t *p, size_t n)
{
    if (n > LONGEST) abort();
    in->any |= secret_any(p, n);
    memcpy(in->copy[i], p, n);
    secret_show(in->copy[i], n);
    return in->copy[i];
}

static void close_output(const inputs *in, void *p, size_t n)
{
    if (in->any)
        secret_hide(p, n);
    else
        secret_show(p, n);
}

#define WRAP(type, name, args) \
    type __real_##name args;   \
    type __wrap_##name args;   \
    type __wrap_##name args

/* One-shot hashes of any length. */
static uint8_t *open_long(inputs *in, const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n + 1);
    if (!copy) abort();
    in->any |= n && secret_any(p, n);
    if (n) memcpy(copy, p, n);
    secret_show(copy, n);
    return copy;
}

WRAP(int, crypto_generichash, (unsigned char *out, size_t out_len, const unsigned char *in, unsigned long long len, const unsigned char *key,
                               size_t key_len))
{
    inputs x = {.any = 0};
    uint8_t *a = open_long(&x, in, len), *k = open_long(&x, key, key_len);
    const int code = __real_crypto_generichash(out, out_len, a, len, k, key_len);
    close_output(&x, out, out_len);
    free(a), free(k);
    return code;
}

WRAP(int, crypto_generichash_blake2b_salt_personal, (unsigned char *out, size_t out_len, const unsigned char *in, unsigned long long len,
                                                     const unsigned char *key, size_t key_len, const unsigned char *salt,
                                                     const unsigned char *personal))
{
    inputs x = {.any = 0};
    uint8_t *a = open_long(&x, in, len), *k = open_long(&x, key, key_len);
    const int code = __real_crypto_generichash_blake2b_salt_personal(out, out_len, a, len, key ? k : NULL, key_len, salt, personal);
    close_output(&x, out, out_len);
    free(a), free(k);
    return code;
}

/* AES-256-GCM: the state is the key's; whether a tag is right is told. */
typedef crypto_aead_aes256gcm_state gcm_state;

WRAP(int, crypto_aead_aes256gcm_beforenm, (gcm_state *state, const unsigned char *key))
{
    inputs x = {.any = 0};
    const int code = __real_crypto_aead_aes256gcm_beforenm(state, open_input(&x, 0, key, crypto_aead_aes256gcm_KEYBYTES));
    close_output(&x, state, sizeof *state);
    return code;
}

WRAP(int, crypto_aead_aes256gcm_encrypt_afternm, (unsigned char *c, unsigned long long *c_len, const unsigned char *m, unsigned long long len,
                                                  const unsigned char *ad, unsigned long long ad_len, const unsigned char *none,
                                                  const unsigned char *nonce, const gcm_state *state))
{
    inputs x = {.any = 0};
    uint8_t *a = open_long(&x, m, len), *s = open_long(&x, (const uint8_t *)state, sizeof *state);
    const int code = __real_crypto_aead_aes256gcm_encrypt_afternm(c, c_len, a, len, ad, ad_len, none, nonce, (const gcm_state *)(void *)s);
    close_output(&x, c, len + crypto_aead_aes256gcm_ABYTES);
    free(s), free(a);
    return code;
}

WRAP(int, crypto_aead_aes256gcm_decrypt_afternm, (unsigned char *m, unsigned long long *m_len, unsigned char *none, const unsigned char *c,
                                                  unsigned long long c_len, const unsigned char *ad, unsigned long long ad_len,
                                                  const unsigned char *nonce, const gcm_state *state))
{
    inputs x = {.any = 0};
    uint8_t *a = open_long(&x, c, c_len), *s = open_long(&x, (const uint8_t *)state, sizeof *state);
    const int code = __real_crypto_aead_aes256gcm_decrypt_afternm(m, m_len, none, a, c_len, ad, ad_len, nonce, (const gcm_state *)(void *)s);
    close_output(&x, m, c_len - crypto_aead_aes256gcm_ABYTES);
    free(s), free(a);
    return code;
}

/* The parts of a hash: the state remembers whether a part was secret (its own words are libsodium's, and opened before it reads them). */
typedef crypto_generichash_blake2b_state hash_state;
static struct {
    const hash_state *of;
    int any;
} hashes[8];

static int *hash_any(const hash_state *s, int fresh)
{
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
        if (fresh ? !hashes[i].of : hashes[i].of == s) {
            hashes[i].of = s;
            return &hashes[i].any;
        }
    abort();
}

WRAP(int, crypto_generichash_blake2b_init_salt_personal, (hash_state *s, const unsigned char *key, size_t key_len, size_t out_len,
                                                          const unsigned char *salt, const unsigned char *personal))
{
    *hash_any(s, 1) = key && secret_any(key, key_len);
    const int code = __real_crypto_generichash_blake2b_init_salt_personal(s, key, key_len, out_len, salt, personal);
    secret_show(s, sizeof *s);
    return code;
}

WRAP(int, crypto_generichash_blake2b_update, (hash_state *s, const unsigned char *in, unsigned long long len))
{
    inputs x = {.any = 0};
    uint8_t *a = open_long(&x, in, len);
    const int code = __real_crypto_generichash_blake2b_update(s, a, len);
    *hash_any(s, 0) |= x.any;
    free(a);
    return code;
}

WRAP(int, crypto_generichash_blake2b_final, (hash_state *s, unsigned char *out, size_t out_len))
{
    const int code = __real_crypto_generichash_blake2b_final(s, out, out_len);
    inputs x = {.any = *hash_any(s, 0)};
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++)
        if (hashes[i].of == s) hashes[i].of = NULL;
    close_output(&x, out, out_len);
    return code;
}

/* Group elements: the returned codes say that an encoding is not valid or that a point is the identity, never more. */
enum { POINT = crypto_core_ristretto255_BYTES, SCALAR = crypto_core_ristretto255_SCALARBYTES, WIDE = 64 };

WRAP(int, crypto_core_ristretto255_from_hash, (unsigned char *p, const unsigned char *r))
{
    inputs x = {.any = 0};
    const int code = __real_crypto_core_ristretto255_from_hash(p, open_input(&x, 0, r, WIDE));
    close_output(&x, p, POINT);
    return code;
}

WRAP(void, crypto_core_ristretto255_scalar_reduce, (unsigned char *r, const unsigned char *s))
{
    inputs x = {.any = 0};
    __real_crypto_core_ristretto255_scalar_reduce(r, open_input(&x, 0, s, WIDE));
    close_output(&x, r, SCALAR);
}

WRAP(int, crypto_core_ristretto255_add, (unsigned char *r, const unsigned char *p, const unsigned char *q))
{
    inputs x = {.any = 0};
    const uint8_t *a = open_input(&x, 0, p, POINT), *b = open_input(&x, 1, q, POINT);
    const int code = __real_crypto_core_ristretto255_add(r, a, b);
    close_output(&x, r, POINT);
    return code;
}

WRAP(int, crypto_core_ristretto255_sub, (unsigned char *r, const unsigned char *p, const unsigned char *q))
{
    inputs x = {.any = 0};
    const uint8_t *a = open_input(&x, 0, p, POINT), *b = open_input(&x, 1, q, POINT);
    const int code = __real_crypto_core_ristretto255_sub(r, a, b);
    close_output(&x, r, POINT);
    return code;
}

WRAP(int, crypto_scalarmult_ristretto255, (unsigned char *r, const unsigned char *n, const unsigned char *p))
{
    inputs x = {.any = 0};
    const uint8_t *a = open_input(&x, 0, n, SCALAR), *b = open_input(&x, 1, p, POINT);
    const int code = __real_crypto_scalarmult_ristretto255(r, a, b);
    close_output(&x, r, POINT);
    return code;
}

WRAP(int, crypto_scalarmult_ristretto255_base, (unsigned char *r, const unsigned char *n))
{
    inputs x = {.any = 0};
    const int code = __real_crypto_scalarmult_ristretto255_base(r, open_input(&x, 0, n, SCALAR));
    close_output(&x, r, POINT);
    return code;
}

/* Whether a point is the identity, whether a digest is the one sent: base OT tells both. */
WRAP(int, sodium_is_zero, (const unsigned char *p, size_t n))
{
    inputs x = {.any = 0};
    return __real_sodium_is_zero(open_input(&x, 0, p, n), n);
}

WRAP(int, sodium_memcmp, (const void *p, const void *q, size_t n))
{
    inputs x = {.any = 0};
    const uint8_t *a = open_input(&x, 0, p, n), *b = open_input(&x, 1, q, n);
    return __real_sodium_memcmp(a, b, n);
}

WRAP(void, sodium_memzero, (void *p, size_t n))
{
    __real_sodium_memzero(p, n);
    secret_show(p, n);
}

WRAP(void, sodium_stackzero, (size_t n)) { __real_sodium_stackzero(n); } /* has no secret among its arguments */

WRAP(ssize_t, getrandom, (void *p, size_t n, unsigned flags))
{
    const ssize_t got = __real_getrandom(p, n, flags);
    secret_hide(p, n);
    return got;
}
