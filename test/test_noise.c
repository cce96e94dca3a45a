// SPDX-License-Identifier: ISC
/* The handshake: public vectors of the XK pattern, every byte of every message altered, asking for the key, another
 * key, strangers at the port. */
#include <check.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/noise.h"
#include "net/record.h"

static prg rng;

static void setup(void)
{
    static const uint8_t seed[PRG_SEED_BYTES] = "noise";
    prg_init(&rng, seed, PRG_TEST, 0);
}

/* ---- vectors ---- */

/** The numbers of two public sets of vectors for Noise_XK_25519_ChaChaPoly_BLAKE2b: those of cacophony and of snow. */
static const struct vector {
    const char *prologue, *init_static, *init_ephemeral, *resp_static, *resp_ephemeral, *hash;
    struct {
        const char *payload, *ciphertext;
    } message[6];
} vectors[] = {
    {"4a6f686e2047616c74",
     "e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1",
     "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a",
     "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893",
     "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b",
     "d34784be40e90f33c524e69a3d1dc4155e159d86bf42f01c615d40beb0816b880f0a3e20825fec22de1d607231a315d90d355cd9e5ba7205a"
     "17b6e0e9f4b490d",
     {{"4c756477696720766f6e204d69736573", "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79442806e28405a"
                                           "c4325fcf83607489496d6d326ab3fe084dbb1634f801405a69297"},
      {"4d757272617920526f746862617264", "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f1448088430ea4de2eff2cd"
                                         "3b1e7be5f7e792d87395f0863722ab04ec030529d6c5820de"},
      {"462e20412e20486179656b", "ec9136de99472b49eda3ba9fe84882d48f131b27386784b3f45e9f103ad1b6efa2f2e95f0afce5d0d4c80"
                                 "52aed81438500be54a8fd8dd4f5ba04f7907b312701"
                                 "d0d687716a30b23c22f568"},
      {"4361726c204d656e676572", "d6ea0c3364ed480b415d44c3235fdb311dfa8d6e1dc1e6f3a76ee3"},
      {"4a65616e2d426170746973746520536179", "59f41ca9ea14a8305bae379bbdd8b4d5cf9bd308d2d7e042e2bf03c48dd910b37b"},
      {"457567656e2042f6686d20766f6e2042617765726b",
       "fa23ba8af343a3934c64219d3d0206d66894f7cdb180b738324608e15b0102095ed2f44d4b"}}},
    {"5468657265206973206e6f20726967687420616e642077726f6e672e2054686572652773206f6e6c792066756e20616e6420626f72696e672"
     "e",
     "b8a26a8b9294111fac72766e37a709f270e517a5fb2271211601f9dff928c005",
     "fe940cbd5a43fb2028cd0848f2214a8a3ed9c1afd2ecf7e3ae9850684ed78856",
     "cfcbe6187ac3ab7d8ddb78875343a6434273ed61fa0fca0a1cfc5135d7a4d9b6",
     "19447f21a56eefba416df9edbfd1fc48226bc05c1875db7f24c79f7f0254cd9f",
     NULL,
     {{"6e1f6360d8c955d23404ba23e018b7bdc5b90f7a4efda84f7e44753baa618b39",
       "020e6dbce4a76491db13cec8c0a644eae62630b4e73e994cd22815979932624a9472d76a8a05a60af07035d11611dd664f3f65f27ed08c6"
       "617923e0e4de0b981"
       "85289f2551c7e3ad73deb6187aea3179"},
      {"5ecd36491cbcef8b4305b826792250724070767504057a1076ae5de8e07b2fe7",
       "d708fa0807a92da6bd78dcac5ecd2a61b39d1159f1c2fdcafd2b3cec8103807836b6e4a126bc8f5a3eba6898e84c8dc11a415ac81dea9d7"
       "337fc876709ae839b"
       "6bc56fd4beaeb085b6355d7f3c8a0191"},
      {"904a02f479ba05235f77eb76f914937789fa20a8b55bc3ddb202e401cc34d550",
       "22a953e4e6d4f09603aab3975ad52a7ef47cd78afbcb6b3e982bc461c7b9d5372d337fd16323dd098e45d624cfdcc8607b41fe0143ece3f"
       "2a5f82f3fc2f9cd28"
       "62e9227e86cf766923be955dd1c12902e7a45b3c5aabbc764f7a4f714db2f22e"},
      {"8e03cdcd31d3970354c9d86c15ca861d71f62059f20e0d96cb4eb87fb24339b8",
       "1fac05bce8897f907e998817ef180ce97e2f37677e527c0fb2e8811db381a7db1d915e2b7f74099d6f206dd6c0e984c5"},
      {"8f34e3e3703aec694ebadad5424239d830a206a59e3d05eb26affa9ad2f233ec",
       "233ed4714c82211ae7c7ce4e728edac349fff4aa3df3ead668c0324fb73f9aef68a4d473cb0c2ce7b4e19b32678b8d1e"}}},
};

static size_t unhex(uint8_t *out, size_t room, const char *hex)
{
    size_t len;
    ck_assert_int_eq(sodium_hex2bin(out, room, hex, strlen(hex), NULL, &len, NULL), 0);
    return len;
}

static noise_keypair pair(const char *secret)
{
    noise_keypair k;
    ck_assert_uint_eq(unhex(k.secret, 32, secret), 32);
    ck_assert_int_eq(noise_keypair_public(&k), 0);
    return k;
}

START_TEST(public_vectors)
{
    const struct vector *v = &vectors[_i];
    uint8_t prologue[128], payload[6][64], due[6][256], out[256], back[64], up[32], down[32];
    size_t n[6] = {0}, len = unhex(prologue, sizeof prologue, v->prologue);
    const noise_keypair is = pair(v->init_static), ie = pair(v->init_ephemeral), rs = pair(v->resp_static),
                        re = pair(v->resp_ephemeral);
    xk_state i, r;

    for (int m = 0; m < 6 && v->message[m].payload; m++) {
        n[m] = unhex(payload[m], sizeof payload[m], v->message[m].payload);
        unhex(due[m], sizeof due[m], v->message[m].ciphertext);
    }
    xk_initiator(&i, &is, rs.public, prologue, len);
    xk_responder(&r, &rs, prologue, len);
    ck_assert_int_eq(xk_write_1(&i, &ie, out, payload[0], n[0]), 0);
    ck_assert_mem_eq(out, due[0], XK_MESSAGE_1 + n[0]);
    ck_assert_int_eq(xk_read_1(&r, back, out, n[0]), 0);
    ck_assert_mem_eq(back, payload[0], n[0]);
    ck_assert_int_eq(xk_write_2(&r, &re, out, payload[1], n[1]), 0);
    ck_assert_mem_eq(out, due[1], XK_MESSAGE_2 + n[1]);
    ck_assert_int_eq(xk_read_2(&i, back, out, n[1]), 0);
    ck_assert_mem_eq(back, payload[1], n[1]);
    ck_assert_int_eq(xk_write_3(&i, out, payload[2], n[2]), 0);
    ck_assert_mem_eq(out, due[2], XK_MESSAGE_3 + n[2]);
    ck_assert_int_eq(xk_read_3(&r, back, out, n[2]), 0);
    ck_assert_mem_eq(back, payload[2], n[2]);
    ck_assert_mem_eq(r.rs, is.public, 32);
    ck_assert_mem_eq(i.hash, r.hash, XK_HASH);
    if (v->hash) {
        unhex(out, sizeof out, v->hash);
        ck_assert_mem_eq(i.hash, out, XK_HASH);
    }
    /* what the vectors send afterwards shows the keys of both directions: the responder begins */
    xk_split(&i, up, down);
    for (int m = 3; m < 6 && v->message[m].payload; m++) {
        uint8_t nonce[12] = {0};
        nonce[4] = (uint8_t)((m - 3) / 2);
        crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, payload[m], n[m], NULL, 0, NULL, nonce, m % 2 ? down : up);
        ck_assert_mem_eq(out, due[m], n[m] + XK_TAG);
    }
    xk_split(&r, out, out + 32);
    ck_assert_mem_eq(out, up, 32);
    ck_assert_mem_eq(out + 32, down, 32);
}
END_TEST

/* ---- whole handshakes; one byte of what is sent may be altered ---- */

typedef struct {
    noise_handshake c, s;
    int rc_c, rc_s;
    size_t total;
} run;

/** play: until both are done or one has failed; byte `at` of all that is sent, in order, is XORed with `flip`. */
static void play(run *x, const noise_keypair *server, const noise_keypair *client, const uint8_t *expected, size_t at,
                 uint8_t flip)
{
    uint8_t to_s[512], to_c[512], out[NOISE_MAX];
    size_t in_s = 0, in_c = 0, len;

    memset(x, 0, sizeof *x);
    noise_client_start(&x->c, client, expected, &rng);
    noise_server_start(&x->s, server, &rng);
    for (int turn = 0; turn < 32; turn++) {
        const int c = turn % 2 == 0;
        noise_handshake *h = c ? &x->c : &x->s;
        int *rc = c ? &x->rc_c : &x->rc_s;
        uint8_t *in = c ? to_c : to_s, *to = c ? to_s : to_c;
        size_t *have = c ? &in_c : &in_s, *put = c ? &in_s : &in_c;
        while (!*rc && *have >= noise_wants(h)) {
            const size_t n = noise_wants(h);
            *rc = noise_step(h, in, out, &len);
            memmove(in, in + n, *have - n);
            *have -= n;
            for (size_t i = 0; i < len; i++, x->total++)
                to[(*put)++] = (uint8_t)(out[i] ^ (x->total == at ? flip : 0));
            if (!n && *rc == 0 && !len)
                break;
        }
    }
}

static void agree(const run *x, const noise_keypair *server)
{
    ck_assert_int_eq(x->rc_c, 1);
    ck_assert_int_eq(x->rc_s, 1);
    const noise_result *c = noise_finished(&x->c), *s = noise_finished(&x->s);
    ck_assert_mem_eq(c->send_key, s->recv_key, 32);
    ck_assert_mem_eq(c->recv_key, s->send_key, 32);
    ck_assert_mem_ne(c->send_key, c->recv_key, 32);
    ck_assert_mem_eq(c->hash, s->hash, 32);
    ck_assert_mem_eq(c->peer, server->public, 32);
    ck_assert_uint_eq(c->cipher, s->cipher);
    ck_assert_uint_eq(c->cipher, record_ciphers() & RECORD_AES_GCM ? RECORD_AES_GCM : RECORD_CHACHA);
}

START_TEST(both_ends_agree)
{
    noise_keypair server, client;
    run x, y;
    ck_assert_int_eq(noise_keypair_new(&server, &rng), 0);
    ck_assert_int_eq(noise_keypair_new(&client, &rng), 0);
    play(&x, &server, &client, server.public, SIZE_MAX, 0);
    agree(&x, &server);
    ck_assert_mem_eq(noise_finished(&x.s)->peer, client.public, 32);
    ck_assert_uint_eq(x.total, NOISE_HEAD + XK_MESSAGE_1 + 1 + NOISE_HEAD + XK_MESSAGE_2 + 1 + XK_MESSAGE_3);
    play(&y, &server, &client, server.public, SIZE_MAX, 0); /* the same keys: another session all the same */
    agree(&y, &server);
    ck_assert_mem_ne(noise_finished(&x.c)->hash, noise_finished(&y.c)->hash, 32);
    ck_assert_mem_ne(noise_finished(&x.c)->send_key, noise_finished(&y.c)->send_key, 32);
    play(&x, &server, NULL, NULL, SIZE_MAX, 0); /* nameless, and asking */
    agree(&x, &server);
    ck_assert_mem_ne(noise_finished(&x.s)->peer, client.public, 32);
}
END_TEST

START_TEST(another_key_is_told_and_never_used)
{
    noise_keypair server, other;
    run x;
    ck_assert_int_eq(noise_keypair_new(&server, &rng), 0);
    ck_assert_int_eq(noise_keypair_new(&other, &rng), 0);
    play(&x, &server, NULL, other.public, SIZE_MAX, 0);
    ck_assert_int_eq(x.rc_s, ERR_PEER);
    ck_assert_int_eq(x.rc_c, ERR_PEER);
    ck_assert_ptr_null(noise_finished(&x.c));
    ck_assert_ptr_null(noise_finished(&x.s));
    ck_assert_mem_eq(noise_other_key(&x.c), server.public, 32);
}
END_TEST

START_TEST(no_altered_byte_gets_through)
{
    /* asks first (_i = 1) or not; whatever byte is altered, never do both ends finish with what they think is the same
     */
    noise_keypair server, client;
    run x;
    ck_assert_int_eq(noise_keypair_new(&server, &rng), 0);
    ck_assert_int_eq(noise_keypair_new(&client, &rng), 0);
    play(&x, &server, &client, _i ? NULL : server.public, SIZE_MAX, 0);
    const size_t total = x.total;
    for (size_t at = 0; at < total; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            play(&x, &server, &client, _i ? NULL : server.public, at, (uint8_t)(1u << bit));
            ck_assert_msg(x.rc_s != 1, "byte %zu, bit %u: the server finished", at, bit);
            if (at < total - XK_MESSAGE_3) /* after the last message the client has nothing to wait for: the first
                                              record will not open */
                ck_assert_msg(x.rc_c != 1, "byte %zu, bit %u: the client finished", at, bit);
        }
}
END_TEST

START_TEST(keys_without_a_secret_are_refused)
{
    /* points of small order as the server's key, the client's and the server's ephemeral one */
    static const uint8_t low[][32] = {{0}, {1}};
    noise_keypair server;
    noise_handshake h;
    uint8_t out[NOISE_MAX], in[NOISE_MAX] = "TACIT\0\0\2\1";
    size_t len;
    ck_assert_int_eq(noise_keypair_new(&server, &rng), 0);
    for (size_t i = 0; i < 2; i++) {
        noise_client_start(&h, NULL, low[i], &rng);
        ck_assert_int_eq(noise_step(&h, NULL, out, &len), ERR_PEER);
        noise_server_start(&h, &server, &rng);
        ck_assert_int_eq(noise_step(&h, in, out, &len), 0);
        memcpy(in + NOISE_HEAD, low[i], 32);
        ck_assert_int_eq(noise_step(&h, in + NOISE_HEAD, out, &len), ERR_PEER);
    }
}
END_TEST

/* ---- over sockets ---- */

typedef struct {
    int fd;
    const char *says;
} stranger;

static void *speak(void *arg)
{
    const stranger *x = arg;
    (void)!write(x->fd, x->says, strlen(x->says));
    shutdown(x->fd, SHUT_WR);
    char away[4096];
    while (read(x->fd, away, sizeof away) > 0)
        ;
    return NULL;
}

START_TEST(strangers_are_called_by_their_names)
{
    static const struct {
        const char *says, *words;
        int rc;
    } cases[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", "not a Tacit server (it speaks HTTP)", ERR_PEER},
        {"SSH-2.0-OpenSSH_9.2\r\n", "not a Tacit server (it speaks SSH)", ERR_PEER},
        {"\x15\x03\x01\x02\x02\x02\x02\x02\x02\x02", "not a Tacit server (it speaks TLS)", ERR_PEER},
        {"220 mail ESMTP\r\n", "not a Tacit server", ERR_PEER},
        {"", "closed the connection", ERR_NET},
        {"SSH", "closed the connection", ERR_NET},
    };
    static const uint8_t key[32] = {9};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int fd[2];
        pthread_t t;
        noise_handshake h;
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
        stranger x = {fd[1], cases[i].says};
        ck_assert_int_eq(pthread_create(&t, NULL, speak, &x), 0);
        noise_client_start(&h, NULL, key, &rng);
        ck_assert_int_eq(noise_connect(fd[0], &h, 5000, NULL), cases[i].rc);
        ck_assert_msg(strstr(err_text(), cases[i].words) != NULL, "%s: %s", cases[i].says, err_text());
        close(fd[0]);
        pthread_join(t, NULL);
        close(fd[1]);
    }
}
END_TEST

START_TEST(a_silent_server_is_not_waited_for)
{
    static const volatile int stop = 1;
    noise_handshake h;
    int fd[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    noise_client_start(&h, NULL, NULL, &rng);
    ck_assert_int_eq(noise_connect(fd[0], &h, 300, NULL), ERR_NET);
    ck_assert_ptr_nonnull(strstr(err_text(), "timed out"));
    noise_client_start(&h, NULL, NULL, &rng);
    ck_assert_int_eq(noise_connect(fd[0], &h, 5000, &stop), ERR_INTERRUPTED);
    close(fd[0]);
    close(fd[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("noise");
    TCase *t = tcase_create("noise");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, public_vectors, 0, sizeof vectors / sizeof *vectors);
    tcase_add_test(t, both_ends_agree);
    tcase_add_test(t, another_key_is_told_and_never_used);
    tcase_add_loop_test(t, no_altered_byte_gets_through, 0, 2);
    tcase_add_test(t, keys_without_a_secret_are_refused);
    tcase_add_test(t, strangers_are_called_by_their_names);
    tcase_add_test(t, a_silent_server_is_not_waited_for);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
