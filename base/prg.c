// SPDX-License-Identifier: ISC
#include "base/prg.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

#define REKEY_BLOCKS (UINT64_C(1) << 32)

void prg_init(prg *p, const uint8_t seed[PRG_SEED_BYTES], uint32_t domain, uint64_t index)
{
    uint8_t purpose[12], derived[24];
    block key;

    for (int i = 0; i < 4; i++)
        purpose[i] = (uint8_t)(domain >> 8 * i);
    for (int i = 0; i < 8; i++)
        purpose[4 + i] = (uint8_t)(index >> 8 * i);
    crypto_generichash(derived, sizeof derived, purpose, sizeof purpose, seed, PRG_SEED_BYTES);
    memcpy(&key, derived, sizeof key);
    memcpy(&p->nonce, derived + sizeof key, sizeof p->nonce);
    aes128_expand(&p->key, &key);
    p->ctr = 0;
    p->have = 0;
    mem_wipe(derived, sizeof derived);
    mem_wipe(&key, sizeof key);
}

int prg_entropy(void *out, size_t n)
{
    ssize_t got;
    do
        got = getrandom(out, n, 0);
    while (got < 0 && errno == EINTR);
    if (got >= 0 && (size_t)got == n) /* up to 256 bytes come whole */
        return 0;
    mem_wipe(out, n);
    return err_set(ERR_RANDOM, "the system gives no random bytes (getrandom: %s)", got < 0 ? strerror(errno) : "too few");
}

int prg_init_random(prg *p)
{
    uint8_t seed[PRG_SEED_BYTES];
    const int rc = prg_entropy(seed, sizeof seed);
    if (rc)
        mem_wipe(p, sizeof *p);
    else
        prg_init(p, seed, PRG_GENERAL, 0);
    mem_wipe(seed, sizeof seed);
    return rc;
}

/* blocks: keystream; `count` blocks never straddle a re-keying. */
static void blocks(prg *p, block *out, size_t count)
{
    while (count) {
        if (p->ctr == REKEY_BLOCKS) {
            block key;
            aes128_ctr(&p->key, &key, p->nonce, p->ctr, 1);
            aes128_expand(&p->key, &key);
            mem_wipe(&key, sizeof key);
            p->ctr = 0;
        }
        size_t n = REKEY_BLOCKS - p->ctr < count ? (size_t)(REKEY_BLOCKS - p->ctr) : count;
        aes128_ctr(&p->key, out, p->nonce, p->ctr, n);
        p->ctr += n;
        out += n;
        count -= n;
    }
}

void prg_bytes(prg *p, void *out, size_t n)
{
    uint8_t *to = out;

    while (n) {
        if (!p->have && n >= sizeof(block) && (uintptr_t)to % sizeof(block) == 0) { /* straight to its place */
            const size_t whole = n / sizeof(block);
            blocks(p, (block *)(void *)to, whole);
            to += whole * sizeof(block);
            n -= whole * sizeof(block);
            continue;
        }
        if (!p->have) {
            blocks(p, (block *)(void *)p->buf, sizeof p->buf / sizeof(block));
            p->have = sizeof p->buf;
        }
        size_t take = n < p->have ? n : p->have;
        uint8_t *from = p->buf + sizeof p->buf - p->have;
        memcpy(to, from, take);
        mem_wipe(from, take);
        p->have -= take;
        to += take;
        n -= take;
    }
}

uint64_t prg_u64(prg *p)
{
    uint64_t x;
    prg_bytes(p, &x, sizeof x);
    return x;
}

void prg_wipe(prg *p) { mem_wipe(p, sizeof *p); }
