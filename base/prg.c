// SPDX-License-Identifier: ISC
#include "base/prg.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

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
    p->born = 0;
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
    return err_set(ERR_RANDOM, "the system gives no random bytes (getrandom: %s)",
                   got < 0 ? strerror(errno) : "too few");
}

/* *life is the number of forks, 1 at first, and 0 in a new process until it is asked for: the kernel wipes the page
 * (Linux 4.14), and where it does not, or there is no page, the C library's fork calls `reborn`. */
static _Atomic uint64_t no_page, *life = &no_page;
static _Atomic uint64_t forks = 1;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void reborn(void) { atomic_store(life, 0); }

static void watch_forks(void)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at != MAP_FAILED) {
        madvise(at, page, MADV_WIPEONFORK);
        life = at;
    }
    atomic_store(life, atomic_load(&forks));
    pthread_atfork(NULL, NULL, reborn);
}

static uint64_t generation(void)
{
    uint64_t now = atomic_load_explicit(life, memory_order_relaxed);
    if (now)
        return now;
    now = atomic_fetch_add(&forks, 1) + 1;
    uint64_t none = 0;
    return atomic_compare_exchange_strong(life, &none, now) ? now : none;
}

int prg_init_random(prg *p)
{
    pthread_once(&once, watch_forks);
    uint8_t seed[PRG_SEED_BYTES];
    const int rc = prg_entropy(seed, sizeof seed);
    if (rc)
        mem_wipe(p, sizeof *p);
    else
        prg_init(p, seed, PRG_GENERAL, 0);
    if (!rc)
        p->born = generation();
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

/* The new seed also hashes the old key, so that it is never easier to guess than that was. */
static void part_from_parent(prg *p, uint64_t born)
{
    struct {
        uint8_t fresh[PRG_SEED_BYTES];
        block old;
        uint64_t born;
        struct timespec time;
        pid_t process;
    } in;
    uint8_t seed[PRG_SEED_BYTES];
    memset(&in, 0, sizeof in);
    if (prg_entropy(in.fresh, sizeof in.fresh))
        clock_gettime(CLOCK_REALTIME, &in.time);
    blocks(p, &in.old, 1);
    in.born = born;
    in.process = getpid();
    crypto_generichash(seed, sizeof seed, (const uint8_t *)&in, sizeof in, NULL, 0);
    prg_init(p, seed, PRG_GENERAL, 0);
    p->born = born;
    mem_wipe(p->buf, sizeof p->buf);
    mem_wipe(&in, sizeof in);
    mem_wipe(seed, sizeof seed);
}

void prg_bytes(prg *p, void *out, size_t n)
{
    uint8_t *to = out;

    if (p->born && p->born != generation())
        part_from_parent(p, generation());

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
