// SPDX-License-Identifier: ISC
#include "ot/base_ot.h"

#include <sodium.h>
#include <string.h>

#include "base/ct.h"
#include "base/mem.h"

#define POINT crypto_core_ristretto255_BYTES
#define SCALAR crypto_core_ristretto255_SCALARBYTES
#define WIDE 64 /* bytes that are reduced to a scalar or mapped to an element: 2^-250 from uniform */
#define DIGEST 32

struct ot_base_receiver {
    block choice;
    uint8_t transcript[DIGEST]; /* T_128 */
    uint8_t x[OT_BASE_COUNT][SCALAR];
    int finished;
};

/* Domain separation of the hashes: BLAKE2b's personalisation. */
static const uint8_t dom_group[] = "tacit-ot-1-group", dom_chain[] = "tacit-ot-1-chain", dom_reply[] = "tacit-ot-1-reply",
                     dom_key[] = "tacit-ot-1-key..";
_Static_assert(sizeof dom_group == crypto_generichash_blake2b_PERSONALBYTES + 1 && sizeof dom_chain == sizeof dom_group &&
                   sizeof dom_reply == sizeof dom_group && sizeof dom_key == sizeof dom_group,
               "a personalisation is 16 bytes");

static void hash(uint8_t *out, size_t out_len, const uint8_t *domain, const uint8_t *in, size_t len)
{
    crypto_generichash_blake2b_salt_personal(out, out_len, in, len, NULL, 0, NULL, domain);
}

/* T = BLAKE2b(T, data): len <= OT_BASE_SEND_BYTES. */
static void transcript_add(uint8_t t[DIGEST], const uint8_t *domain, const uint8_t *data, size_t len)
{
    crypto_generichash_blake2b_state h;
    crypto_generichash_blake2b_init_salt_personal(&h, NULL, 0, DIGEST, NULL, domain);
    crypto_generichash_blake2b_update(&h, t, DIGEST);
    crypto_generichash_blake2b_update(&h, data, len);
    crypto_generichash_blake2b_final(&h, t, DIGEST);
}

/* T || i || j || point: what both hashes of an instance take.  j may be secret. */
static void encode(uint8_t in[DIGEST + 5 + POINT], const uint8_t t[DIGEST], unsigned i, uint64_t j, const uint8_t point[POINT])
{
    memcpy(in, t, DIGEST);
    for (unsigned k = 0; k < 4; k++) in[DIGEST + k] = (uint8_t)(i >> (8 * k));
    in[DIGEST + 4] = (uint8_t)j;
    memcpy(in + DIGEST + 5, point, POINT);
}

/* H_j(other) of instance i. */
static void hash_to_group(uint8_t out[POINT], const uint8_t t[DIGEST], unsigned i, uint64_t j, const uint8_t other[POINT])
{
    uint8_t in[DIGEST + 5 + POINT], wide[WIDE];
    encode(in, t, i, j, other);
    hash(wide, sizeof wide, dom_group, in, sizeof in);
    crypto_core_ristretto255_from_hash(out, wide);
    mem_wipe(in, sizeof in); /* holds j and `other` together: the choice */
    mem_wipe(wide, sizeof wide);
}

static void derive_key(uint8_t key[PRG_SEED_BYTES], const uint8_t t[DIGEST], unsigned i, uint64_t j, const uint8_t shared[POINT])
{
    uint8_t in[DIGEST + 5 + POINT];
    encode(in, t, i, j, shared);
    hash(key, PRG_SEED_BYTES, dom_key, in, sizeof in);
    mem_wipe(in, sizeof in);
}

static void random_scalar(uint8_t s[SCALAR], prg *rng)
{
    uint8_t wide[WIDE];
    prg_bytes(rng, wide, sizeof wide);
    crypto_core_ristretto255_scalar_reduce(s, wide);
    mem_wipe(wide, sizeof wide);
}

/* out = bit ? a : b, no element dependent on the bit by time or address. */
static void select_point(uint8_t out[POINT], uint64_t bit, const uint8_t a[POINT], const uint8_t b[POINT])
{
    uint8_t mask = (uint8_t)ct_mask(bit);
    for (unsigned k = 0; k < POINT; k++) out[k] = (uint8_t)(b[k] ^ (mask & (a[k] ^ b[k])));
}

static uint64_t choice_bit(const block *c, unsigned i) { return (c->w[i / 64] >> (i % 64)) & 1; }

/* Every element of a peer's message: canonical and not the identity (which encodes as zeros). */
static int check_points(const char *what, const uint8_t *message)
{
    for (unsigned i = 0; i < 2 * OT_BASE_COUNT; i++) {
        const uint8_t *p = message + (size_t)i * POINT;
        if (crypto_core_ristretto255_is_valid_point(p) != 1)
            return err_set(ERR_PEER, "base OT %s: element %u of instance %u is not a canonical group element", what, i % 2, i / 2);
        if (sodium_is_zero(p, POINT)) return err_set(ERR_PEER, "base OT %s: element %u of instance %u is the identity", what, i % 2, i / 2);
    }
    return 0;
}

/* [MR19, endemic OT, receiver's message]; returns what the group operations return, 0 for success. */
static int recv_instance(ot_base_receiver *r, uint8_t pair[2 * POINT], unsigned i, prg *rng)
{
    uint8_t wide[WIDE], other[POINT], own[POINT], h[POINT];
    uint64_t b = choice_bit(&r->choice, i);
    prg_bytes(rng, wide, sizeof wide);
    crypto_core_ristretto255_from_hash(other, wide);
    random_scalar(r->x[i], rng);
    hash_to_group(h, r->transcript, i, b, other);
    int bad = crypto_scalarmult_ristretto255_base(own, r->x[i]);
    bad |= crypto_core_ristretto255_sub(own, own, h);
    select_point(pair, b, other, own);
    select_point(pair + POINT, b, own, other);
    transcript_add(r->transcript, dom_chain, pair, 2 * POINT);
    mem_wipe(wide, sizeof wide);
    mem_wipe(other, sizeof other);
    mem_wipe(own, sizeof own);
    mem_wipe(h, sizeof h);
    return bad;
}

int ot_base_recv_start(ot_base_receiver **out, uint8_t message[OT_BASE_RECV_BYTES], const block *choice, const uint8_t session[32],
                       prg *rng)
{
    int bad = 0;
    *out = NULL;
    ot_base_receiver *r = mem_alloc(1, sizeof *r);
    if (!r) return err_set(ERR_MEM, "base OT: out of memory");
    r->choice = *choice;
    memcpy(r->transcript, session, DIGEST);
    for (unsigned i = 0; i < OT_BASE_COUNT; i++) bad |= recv_instance(r, message + (size_t)i * 2 * POINT, i, rng);
    if (bad) {
        mem_wipe(message, OT_BASE_RECV_BYTES);
        ot_base_receiver_free(r);
        return err_set(ERR_ARG, "base OT: the generator gave a zero scalar");
    }
    *out = r;
    return 0;
}

/* B_0, B_1 of one instance and S_0, S_1, left in the keys' place until the transcript is whole. */
static int send_instance(uint8_t reply[2 * POINT], uint8_t shared[2][PRG_SEED_BYTES], const uint8_t pair[2 * POINT],
                         const uint8_t t[DIGEST], unsigned i, prg *rng)
{
    uint8_t y[SCALAR], p[POINT];
    int code = 0;
    for (unsigned j = 0; j < 2 && !code; j++) {
        random_scalar(y, rng);
        hash_to_group(p, t, i, j, pair + (1 - j) * POINT);
        if (crypto_core_ristretto255_add(p, p, pair + j * POINT) || sodium_is_zero(p, POINT))
            code = err_set(ERR_PEER, "base OT receiver's message: key element %u of instance %u is the identity", j, i);
        else if (crypto_scalarmult_ristretto255_base(reply + j * POINT, y) || crypto_scalarmult_ristretto255(shared[j], y, p))
            code = err_set(ERR_ARG, "base OT: the generator gave a zero scalar");
    }
    mem_wipe(y, sizeof y);
    mem_wipe(p, sizeof p);
    return code;
}

_Static_assert(POINT == PRG_SEED_BYTES, "a shared element takes a key's place");

int ot_base_send(uint8_t reply[OT_BASE_SEND_BYTES], uint8_t keys[OT_BASE_COUNT][2][PRG_SEED_BYTES],
                 const uint8_t message[OT_BASE_RECV_BYTES], const uint8_t session[32], prg *rng)
{
    uint8_t t[DIGEST];
    memcpy(t, session, DIGEST);
    int code = check_points("receiver's message", message);
    for (unsigned i = 0; i < OT_BASE_COUNT && !code; i++) {
        const uint8_t *pair = message + (size_t)i * 2 * POINT;
        code = send_instance(reply + (size_t)i * 2 * POINT, keys[i], pair, t, i, rng);
        transcript_add(t, dom_chain, pair, 2 * POINT);
    }
    if (code) {
        mem_wipe(reply, OT_BASE_SEND_BYTES);
        mem_wipe(keys, (size_t)OT_BASE_COUNT * 2 * PRG_SEED_BYTES);
        return code;
    }
    transcript_add(t, dom_reply, reply, OT_BASE_SEND_BYTES);
    for (unsigned i = 0; i < OT_BASE_COUNT; i++)
        for (unsigned j = 0; j < 2; j++) derive_key(keys[i][j], t, i, j, keys[i][j]);
    return 0;
}

int ot_base_recv_finish(ot_base_receiver *r, uint8_t keys[OT_BASE_COUNT][PRG_SEED_BYTES], const uint8_t reply[OT_BASE_SEND_BYTES])
{
    uint8_t p[POINT], shared[POINT];
    int bad = 0, code = r->finished ? err_set(ERR_ARG, "base OT: a receiver finishes once") : 0;
    if (!code) code = check_points("sender's answer", reply);
    if (code) {
        mem_wipe(keys, (size_t)OT_BASE_COUNT * PRG_SEED_BYTES);
        return code;
    }
    transcript_add(r->transcript, dom_reply, reply, OT_BASE_SEND_BYTES);
    for (unsigned i = 0; i < OT_BASE_COUNT; i++) {
        uint64_t b = choice_bit(&r->choice, i);
        const uint8_t *pair = reply + (size_t)i * 2 * POINT;
        select_point(p, b, pair + POINT, pair);
        bad |= crypto_scalarmult_ristretto255(shared, r->x[i], p); /* x != 0 and p is no identity: cannot fail */
        derive_key(keys[i], r->transcript, i, b, shared);
    }
    r->finished = 1;
    mem_wipe(r->x, sizeof r->x);
    mem_wipe(p, sizeof p);
    mem_wipe(shared, sizeof shared);
    if (bad) {
        mem_wipe(keys, (size_t)OT_BASE_COUNT * PRG_SEED_BYTES);
        return err_set(ERR_PEER, "base OT sender's answer: a shared element is the identity");
    }
    return 0;
}

void ot_base_receiver_free(ot_base_receiver *r) { mem_free(r); }
