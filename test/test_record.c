// SPDX-License-Identifier: ISC
/* Records: sizes, re-keying, the end; and a man in the middle of two channels, who drops, alters, repeats, reorders,
 * splices and cuts. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/chan.h"
#include "net/record.h"

static prg rng;

static void setup(void)
{
    static const uint8_t seed[PRG_SEED_BYTES] = "record";
    prg_init(&rng, seed, PRG_TEST, 0);
}

/* ---- one direction ---- */

static const unsigned ciphers[] = {RECORD_CHACHA, RECORD_AES_GCM};

static record_half *half(uint8_t key[RECORD_KEY], unsigned cipher)
{
    record_half *r = mem_alloc(1, sizeof *r);
    ck_assert_int_eq(record_init(r, key, cipher), 0);
    return r;
}

/** both: the two ends of a direction under a fresh key; 0 if this CPU has not the cipher. */
static int both(record_half **s, record_half **r, unsigned cipher)
{
    uint8_t key[RECORD_KEY];
    prg_bytes(&rng, key, sizeof key);
    if (!(cipher & record_ciphers())) {
        ck_assert_int_eq(record_init(&(record_half){0}, key, cipher), ERR_ARG);
        return 0;
    }
    *s = half(key, cipher);
    *r = half(key, cipher);
    return 1;
}

static void pass(record_half *s, record_half *r, enum record_type type, const uint8_t *in, size_t len, uint8_t *wire,
                 uint8_t *out)
{
    size_t told;
    ck_assert_int_eq(record_seal(s, wire, type, in, len), 0);
    ck_assert_int_eq(record_head(r, wire, &told), 0);
    ck_assert_uint_eq(told, len);
    ck_assert_int_eq(record_open(r, out, wire, len), 0);
    ck_assert_mem_eq(out, in, len);
}

START_TEST(all_sizes_pass_until_the_final_one)
{
    static uint8_t in[RECORD_BYTES], out[RECORD_BYTES], wire[RECORD_MAX];
    record_half *s, *r;
    size_t len;
    if (!both(&s, &r, ciphers[_i]))
        return;
    prg_bytes(&rng, in, sizeof in);
    for (size_t n = 1; n <= RECORD_BYTES; n = n < 300 ? n + 1
                                              : n < RECORD_BYTES - 20
                                                  ? 2 * n < RECORD_BYTES - 20 ? 2 * n : RECORD_BYTES - 20
                                                  : n + 1)
        pass(s, r, RECORD_DATA, in, n, wire, out);
    ck_assert_int_eq(record_seal(s, wire, RECORD_DATA, in, 0), ERR_ARG);
    ck_assert_int_eq(record_seal(s, wire, RECORD_DATA, in, RECORD_BYTES + 1), ERR_ARG);
    ck_assert_int_eq(record_seal(s, wire, RECORD_FINAL, in, 1), ERR_ARG);
    pass(s, r, RECORD_FINAL, in, 0, wire, out);
    ck_assert_int_eq(record_seal(s, wire, RECORD_DATA, in, 1), ERR_ARG);
    ck_assert_int_eq(record_head(r, wire, &len), ERR_PEER);
    mem_free(s);
    mem_free(r);
}
END_TEST

START_TEST(keys_change_and_numbers_end)
{
    static uint8_t in[64], out[64], wire[128];
    uint8_t before[RECORD_KEY];
    record_half *s, *r;
    size_t len;
    if (!both(&s, &r, ciphers[_i]))
        return;
    memcpy(before, s->key, sizeof before);
    s->number = r->number = RECORD_REKEY - 1;
    pass(s, r, RECORD_DATA, in, 64, wire, out);
    ck_assert_mem_eq(s->key, before, sizeof before);
    pass(s, r, RECORD_DATA, in, 64, wire, out);
    ck_assert_mem_ne(s->key, before, sizeof before);
    ck_assert_mem_eq(s->key, r->key, sizeof before);
    pass(s, r, RECORD_DATA, in, 64, wire, out);
    s->number = r->number = UINT64_MAX;
    ck_assert_int_eq(record_seal(s, wire, RECORD_DATA, in, 64), ERR_LIMIT);
    ck_assert_int_eq(record_head(r, wire, &len), ERR_PEER);
    mem_free(s);
    mem_free(r);
}
END_TEST

START_TEST(every_altered_bit_is_the_end)
{
    uint8_t in[33], out[33], wire[33 + RECORD_OVERHEAD], bad[sizeof wire], key[RECORD_KEY];
    size_t len;
    if (!(ciphers[_i] & record_ciphers()))
        return;
    prg_bytes(&rng, key, sizeof key);
    prg_bytes(&rng, in, sizeof in);
    record_half *s = half(key, ciphers[_i]);
    ck_assert_int_eq(record_seal(s, wire, RECORD_DATA, in, sizeof in), 0);
    for (size_t bit = 0; bit < 8 * sizeof wire; bit++) {
        record_half *r = half(key, ciphers[_i]);
        memcpy(bad, wire, sizeof bad);
        bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        int rc = record_head(r, bad, &len);
        if (!rc && len == sizeof in) { /* another length: the caller waits for other bytes, which do not open either */
            memset(out, 1, sizeof out);
            rc = record_open(r, out, bad, len);
            for (size_t i = 0; i < sizeof out; i++)
                ck_assert_uint_eq(out[i], 0);
        }
        if (rc || len == sizeof in) {
            ck_assert_int_eq(rc, ERR_PEER);
            ck_assert_int_eq(record_head(r, wire, &len), ERR_PEER); /* the true one comes too late */
        }
        mem_free(r);
    }
    mem_free(s);
}
END_TEST

/* ---- a man in the middle ---- */

enum act {
    PASS,
    DROP,
    FLIP_HEAD,
    FLIP_TYPE,
    FLIP_BODY,
    FLIP_TAG,
    REPEAT,
    SWAP,
    SPLICE,
    CUT,
    CUT_INSIDE,
    APPEND,
    SHORTEN,
    ACTS
};

typedef struct {
    int from, to;    /* records are read here, written there */
    enum act act;    /* what happens to record number `at` */
    unsigned at, seen;
    const uint8_t *foreign; /* a record of another session */
    size_t foreign_len;
} middle;

static int all(int fd, uint8_t *p, size_t n, int out)
{
    while (n) {
        const ssize_t k = out ? send(fd, p, n, MSG_NOSIGNAL) : recv(fd, p, n, 0);
        if (k <= 0)
            return 0;
        p += k;
        n -= (size_t)k;
    }
    return 1;
}

static size_t next(middle *m, uint8_t *record)
{
    if (!all(m->from, record, RECORD_HEAD, 0))
        return 0;
    const size_t len = (record[0] | (size_t)record[1] << 8 | (size_t)record[2] << 16) + RECORD_TAG;
    return all(m->from, record + RECORD_HEAD, len, 0) ? len + RECORD_HEAD : 0;
}

static void *relay(void *arg)
{
    middle *m = arg;
    uint8_t *record = malloc(2 * RECORD_MAX), *other = record + RECORD_MAX;
    size_t n, k;
    for (; (n = next(m, record)); m->seen++) {
        int ok = 1;
        if (m->seen != m->at || m->act == PASS) {
            ok = all(m->to, record, n, 1);
        } else {
            switch (m->act) {
            case DROP: break;
            case FLIP_HEAD: record[0] ^= 1; ok = all(m->to, record, n, 1); break;
            case FLIP_TYPE: record[3] ^= 1; ok = all(m->to, record, n, 1); break;
            case FLIP_BODY: record[RECORD_HEAD] ^= 0x80; ok = all(m->to, record, n, 1); break;
            case FLIP_TAG: record[n - 1] ^= 1; ok = all(m->to, record, n, 1); break;
            case REPEAT: ok = all(m->to, record, n, 1) && all(m->to, record, n, 1); break;
            case SWAP: ok = (k = next(m, other)) && all(m->to, other, k, 1) && all(m->to, record, n, 1); break;
            case SPLICE: ok = all(m->to, (uint8_t *)(uintptr_t)m->foreign, m->foreign_len, 1); break;
            case CUT_INSIDE: all(m->to, record, n - 1, 1); ok = 0; break;
            case APPEND: ok = all(m->to, record, n, 1) && all(m->to, (uint8_t[]){0, 0, 0, 0}, 4, 1); break;
            case SHORTEN: record[0]--; ok = all(m->to, record, n - 1, 1); break;
            default: ok = 0; break;
            }
        }
        if (!ok)
            break;
    }
    free(record);
    shutdown(m->to, SHUT_WR);
    return NULL;
}

#define ROUNDS 6

typedef struct {
    chan *ch;
    int begins, rc;
    unsigned accepted, wrong;
} party;

/** talk: ROUNDS messages each way, in turns, of known contents; stops at the first failure and says so, as nn/ does. */
static void *talk(void *arg)
{
    party *p = arg;
    uint8_t out[200], in[200];
    for (unsigned i = 0; i < 2 * ROUNDS && !p->rc; i++) {
        if ((i % 2 == 0) == p->begins) {
            memset(out, (int)i, sizeof out);
            p->rc = chan_send(p->ch, CHAN_TABLES, i, out, sizeof out);
            if (!p->rc)
                p->rc = chan_flush(p->ch);
        } else if (!(p->rc = chan_recv(p->ch, CHAN_TABLES, i, in, sizeof in))) {
            p->accepted++;
            for (size_t k = 0; k < sizeof in; k++)
                p->wrong += in[k] != i;
        }
    }
    if (!p->rc && p->begins)
        p->rc = chan_recv(p->ch, CHAN_BYE, 0, NULL, 0);
    else if (!p->rc && !(p->rc = chan_send(p->ch, CHAN_BYE, 0, NULL, 0))) {
        unsigned kind; /* and now the peer's own end, not a cut, nor anything else */
        p->rc = chan_peek(p->ch, &kind);
        if (p->rc == ERR_NET && strstr(err_text(), "the peer closed"))
            p->rc = 0;
    }
    if (p->rc)
        chan_fail(p->ch, p->rc);
    chan_free(p->ch);
    return NULL;
}

/** keys: both ends' results of one handshake. */
static void keys(noise_result r[2])
{
    r[0] = (noise_result){.cipher = (uint8_t)(record_ciphers() & RECORD_AES_GCM ? RECORD_AES_GCM : RECORD_CHACHA)};
    prg_bytes(&rng, r[0].send_key, 32);
    prg_bytes(&rng, r[0].recv_key, 32);
    r[1] = r[0];
    memcpy(r[1].send_key, r[0].recv_key, 32);
    memcpy(r[1].recv_key, r[0].send_key, 32);
}

/** conversation: with `act` on record `at` of what the one who begins sends (way 0) or of the other's (way 1). */
static void conversation(party p[2], int way, enum act act, unsigned at)
{
    int left[2], right[2];
    noise_result r[2], strange[2];
    uint8_t foreign[200 + CHAN_HEADER_BYTES + RECORD_OVERHEAD] = {0};
    pthread_t t[4];

    keys(r);
    keys(strange);
    record_half *s = half(strange[way].send_key, strange[way].cipher);
    for (unsigned i = 0; i <= at; i++) {
        uint8_t text[200 + CHAN_HEADER_BYTES] = {200, 0, 0, 0, CHAN_TABLES, (uint8_t)(2 * i + (unsigned)way)};
        memset(text + CHAN_HEADER_BYTES, text[5], 200);
        ck_assert_int_eq(record_seal(s, foreign, RECORD_DATA, text, sizeof text), 0);
    }
    mem_free(s);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, left), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, right), 0);
    for (int i = 0; i < 2; i++) {
        p[i] = (party){.begins = i == 0};
        ck_assert_int_eq(chan_open(&p[i].ch, i ? right[0] : left[0]), 0);
        ck_assert_int_eq(chan_secure(p[i].ch, &r[i]), 0);
        chan_set_timeout(p[i].ch, 400);
    }
    middle m[2] = {{left[1], right[1], way == 0 ? act : PASS, at, 0, foreign, sizeof foreign},
                   {right[1], left[1], way == 1 ? act : PASS, at, 0, foreign, sizeof foreign}};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&t[i], NULL, relay, &m[i]), 0);
        ck_assert_int_eq(pthread_create(&t[2 + i], NULL, talk, &p[i]), 0);
    }
    pthread_join(t[2], NULL);
    pthread_join(t[3], NULL);
    pthread_join(t[0], NULL);
    pthread_join(t[1], NULL);
    close(left[1]);
    close(right[1]);
}

START_TEST(a_man_in_the_middle_ends_the_session_on_both_sides)
{
    party p[2];
    conversation(p, _i, PASS, 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(p[i].rc, 0);
        ck_assert_uint_eq(p[i].accepted, ROUNDS);
        ck_assert_uint_eq(p[i].wrong, 0);
    }
    for (enum act act = DROP; act < ACTS; act++)
        for (unsigned at = 0; at < ROUNDS; at++) {
            conversation(p, _i, act, at);
            ck_assert_uint_eq(p[0].wrong + p[1].wrong, 0);
            /* whoever is sent the altered stream accepts what came before, and nothing more but the record itself where
             * only its successor is false */
            const unsigned good = at + (act == REPEAT || act == APPEND);
            ck_assert_msg(p[1 - _i].accepted <= good, "act %d on record %u: %u messages were accepted", act, at,
                          p[1 - _i].accepted);
            /* who begins has all it waits for, the goodbye too, before it could hear of what follows its own last
             * message */
            const int over = _i == 0 && at == ROUNDS - 1 && (act == REPEAT || act == APPEND);
            for (int i = over; i < 2; i++)
                ck_assert_msg(p[i].rc == ERR_NET || p[i].rc == ERR_PEER,
                              "act %d on record %u of way %d: party %d ended with %d", act, at, _i, i, p[i].rc);
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *t = tcase_create("record");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 240);
    tcase_add_loop_test(t, all_sizes_pass_until_the_final_one, 0, 2);
    tcase_add_loop_test(t, keys_change_and_numbers_end, 0, 2);
    tcase_add_loop_test(t, every_altered_bit_is_the_end, 0, 2);
    tcase_add_loop_test(t, a_man_in_the_middle_ends_the_session_on_both_sides, 0, 2);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
