// SPDX-License-Identifier: ISC
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/cpu.h"
#include "base/gcm_kern.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "net/chan.h"

/* ---- sealing and opening of records ---- */

#define MOST 65536

typedef struct {
    const gcm_kern *kern; /* NULL: libsodium's ChaCha20-Poly1305 */
    gcm_key key;
    size_t len;
    int forged;
    uint64_t number;
    uint8_t secret[GCM_KEY_BYTES], head[4];
    uint8_t plain[MOST], sealed[MOST + GCM_TAG_BYTES];
} aead;

/** A record's nonce: its number.  What is opened stays as it is, so one nonce serves. */
static void nonce_of(uint8_t nonce[12], uint64_t number)
{
    memset(nonce, 0, 12);
    memcpy(nonce + 4, &number, sizeof number);
}

static void seal(void *arg)
{
    aead *a = arg;
    uint8_t nonce[12];
    nonce_of(nonce, a->number++);
    if (a->kern)
        a->kern->seal(&a->key, a->sealed, a->plain, a->len, nonce, a->head, sizeof a->head);
    else
        crypto_aead_chacha20poly1305_ietf_encrypt(a->sealed, NULL, a->plain, a->len, a->head, sizeof a->head, NULL,
                                                  nonce, a->secret);
    a->plain[0] = a->sealed[a->len]; /* the next one waits for this one's tag */
}

static void open_one(void *arg)
{
    aead *a = arg;
    uint8_t nonce[12];
    nonce_of(nonce, a->number);
    if (a->kern)
        a->forged |= a->kern->open(&a->key, a->plain, a->sealed, a->len, nonce, a->head, sizeof a->head);
    else
        a->forged |= crypto_aead_chacha20poly1305_ietf_decrypt(a->plain, NULL, NULL, a->sealed, a->len + GCM_TAG_BYTES,
                                                               a->head, sizeof a->head, nonce, a->secret);
}

static int aead_rows(const bench *b, const gcm_kern *kern)
{
    static const size_t sizes[] = {1024, 16384, MOST};
    aead *a = mem_alloc(1, sizeof *a);
    int bad = !a;
    for (size_t i = 0; a && i < sizeof sizes / sizeof *sizes; i++) {
        char params[48];
        uint8_t nonce[12];
        const char *name = kern ? kern->name : "chacha";
        if (!bench_wants(b, (uint32_t)sizes[i]))
            continue;
        snprintf(params, sizeof params, "\"bytes\":%zu", sizes[i]);
        a->kern = kern;
        a->len = sizes[i];
        memset(a->secret, 7, sizeof a->secret);
        if (kern)
            kern->init(&a->key, a->secret);
        bench_time(b, "seal", params, name, "B/s", (double)a->len, seal, a);
        nonce_of(nonce, a->number);
        seal(a);
        a->number--;
        bench_time(b, "open", params, name, "B/s", (double)a->len, open_one, a);
        bad |= a->forged;
    }
    mem_free(a);
    return bad;
}

/* ---- a stream of messages ---- */

#define SIZE (1u << 20)
#define MESSAGES 128

static void *sink(void *arg)
{
    uint8_t *x = mem_alloc(1, SIZE);
    while (x && !chan_recv(arg, CHAN_TABLES, 0, x, SIZE))
        ;
    mem_free(x);
    return NULL;
}

typedef struct {
    chan *c;
    uint8_t *x;
    int rc;
} job;

static void send_all(void *arg)
{
    job *j = arg;
    for (int i = 0; i < MESSAGES; i++)
        j->rc |= chan_send(j->c, CHAN_TABLES, 0, j->x, SIZE);
}

static int stream_row(const bench *b, int secure)
{
    chan *other;
    pthread_t t;
    prg rng;
    job j = {.x = mem_alloc(1, SIZE)};
    if (!j.x || prg_init_random(&rng) ||
        (secure ? chan_pair_secure(&j.c, &other, 0, &rng) : chan_pair(&j.c, &other, 0)) ||
        pthread_create(&t, NULL, sink, other))
        return 1;
    bench_time(b, "channel_stream",
               secure ? "\"message\":1048576,\"records\":true" : "\"message\":1048576,\"records\":false",
               secure ? gcm_kernel() : "plain", "B/s", (double)MESSAGES * SIZE, send_all, &j);
    chan_free(j.c);
    pthread_join(t, NULL);
    chan_free(other);
    mem_free(j.x);
    return j.rc != 0;
}

int main(int argc, char **argv)
{
    bench b;
    int bad = 0;
    bench_init(&b, argc, argv);
    bench_yardstick_aes(&b);
    bench_yardstick_tcp(&b);
    for (unsigned i = GCM_KERNS; i-- > 0;)
        if (kern_usable(&gcm_kerns, i, cpu_features()))
            bad |= aead_rows(&b, gcm_kerns.of[i]);
    bad |= aead_rows(&b, NULL);
    for (int secure = 0; secure < 2; secure++)
        bad |= stream_row(&b, secure);
    return bad;
}
