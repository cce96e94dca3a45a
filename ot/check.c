// SPDX-License-Identifier: ISC
#include "ot/check.h"

#include <sodium.h>
#include <string.h>

#include "base/ct.h"
#include "base/mem.h"
#include "ot/check_kern.h"
#include "ot/kern.h"

#define DIGEST 32

static const uint8_t person_check[16] = "tacit ot check";

_Static_assert(OT_CHECK_PROOF_BYTES == sizeof(block) + DIGEST, "x and p");

static block times(const block *a, const block *b)
{
    ot_check_sum s = {0};
    ot_check_kern_best()->absorb(&s, a, 1, b);
    block r = ot_check_reduce(&s);
    mem_wipe(&s, sizeof s);
    return r;
}

static void reduce_all(block out[128], ot_check_sum sum[128])
{
    for (unsigned j = 0; j < 128; j++) out[j] = ot_check_reduce(&sum[j]);
    mem_wipe(sum, 128 * sizeof *sum);
}

/* H of every column of 128 + m rows; with `choice`, x = H(r) too. */
static void hash_columns(block out[128], block *x, const ot_check *c, const block *rows, const uint8_t *choice, size_t m, const block *chi)
{
    const ot_kern *kern = ot_kern_best();
    const ot_check_kern *check = ot_check_kern_best();
    ot_check_sum sum[128] = {0};
    block column[129], power = {{1, 0}}; /* column[128] stands for r */
    const uint8_t *in = (const uint8_t *)c->rows;
    if (choice) *x = c->bits;
    for (size_t done = 0;; done += 128) {
        kern->transpose(column, in, sizeof(block), 128);
        check->absorb(sum, column, 128, &power);
        if (done >= m) break;
        power = times(&power, chi);
        in = (const uint8_t *)(rows + done);
        if (choice) {
            const size_t bits = m - done < 128 ? m - done : 128;
            uint8_t r[16] = {0};
            memcpy(r, choice + done / 8, (bits + 7) / 8);
            if (bits % 8) r[bits / 8] &= (uint8_t)((1u << bits % 8) - 1);
            memcpy(&column[128], r, sizeof r);
            *x = block_xor(*x, times(&column[128], &power));
            mem_wipe(r, sizeof r);
        }
    }
    reduce_all(out, sum);
    mem_wipe(column, sizeof column);
}

/* H*(u): the last 2,048 bytes are filled up with zeros. */
static void hash_bytes(block out[128], const uint8_t *u, size_t n, const block *chi)
{
    ot_check_sum sum[128] = {0};
    block piece[128], power = {{1, 0}};
    for (size_t done = 0; done < n; done += sizeof piece) {
        const size_t here = n - done < sizeof piece ? n - done : sizeof piece;
        memset(piece, 0, sizeof piece);
        memcpy(piece, u + done, here);
        if (done) power = times(&power, chi);
        ot_check_kern_best()->absorb(sum, piece, 128, &power);
    }
    reduce_all(out, sum);
}

static void digest(uint8_t out[DIGEST], const block *chi, const block *x, const block columns[128], const block bytes[128])
{
    crypto_generichash_blake2b_state h;
    crypto_generichash_blake2b_init_salt_personal(&h, NULL, 0, DIGEST, NULL, person_check);
    crypto_generichash_blake2b_update(&h, (const uint8_t *)chi, sizeof *chi);
    crypto_generichash_blake2b_update(&h, (const uint8_t *)x, sizeof *x);
    crypto_generichash_blake2b_update(&h, (const uint8_t *)columns, 128 * sizeof *columns);
    crypto_generichash_blake2b_update(&h, (const uint8_t *)bytes, 128 * sizeof *bytes);
    crypto_generichash_blake2b_final(&h, out, DIGEST);
    mem_wipe(&h, sizeof h);
}

int ot_ext_recv_checked(ot_ext_receiver *r, ot_check *c, block *t, uint8_t *u, const uint8_t *choice, size_t m, prg *rng)
{
    uint8_t front[OT_CHECK_MASK / 8];
    prg_bytes(rng, front, sizeof front);
    int code = m > OT_EXT_LIMIT ? ot_ext_receiver_room(r, m) : ot_ext_receiver_room(r, OT_CHECK_MASK + m);
    if (!code) code = ot_ext_recv(r, c->rows, u, front, OT_CHECK_MASK);
    if (!code) code = ot_ext_recv(r, t, u + ot_ext_bytes(ot_ext_receiver_k(r), OT_CHECK_MASK), choice, m);
    memcpy(&c->bits, front, sizeof front);
    c->open = !code;
    mem_wipe(front, sizeof front);
    return code;
}

int ot_ext_send_checked(ot_ext_sender *s, ot_check *c, block *q, uint8_t challenge[OT_CHECK_CHALLENGE_BYTES], const uint8_t *u, size_t m, prg *rng)
{
    int code = m > OT_EXT_LIMIT ? ot_ext_sender_room(s, m) : ot_ext_sender_room(s, OT_CHECK_MASK + m);
    if (!code) code = ot_ext_send(s, c->rows, u, OT_CHECK_MASK);
    if (!code) code = ot_ext_send(s, q, u + ot_ext_bytes(ot_ext_sender_k(s), OT_CHECK_MASK), m);
    prg_bytes(rng, challenge, OT_CHECK_CHALLENGE_BYTES);
    memcpy(&c->bits, challenge, sizeof c->bits);
    c->open = !code;
    return code;
}

int ot_ext_prove(const ot_ext_receiver *r, ot_check *c, uint8_t proof[OT_CHECK_PROOF_BYTES], const block *t, const uint8_t *u, const uint8_t *choice,
                 size_t m, const uint8_t challenge[OT_CHECK_CHALLENGE_BYTES])
{
    block chi, x, columns[128], bytes[128];
    if (!c->open) return err_set(ERR_ARG, "OT check: one proof a call");
    memcpy(&chi, challenge, sizeof chi);
    hash_columns(columns, &x, c, t, choice, m, &chi);
    hash_bytes(bytes, u, ot_ext_checked_bytes(ot_ext_receiver_k(r), m), &chi);
    memcpy(proof, &x, sizeof x);
    digest(proof + sizeof x, &chi, &x, columns, bytes);
    mem_wipe(columns, sizeof columns);
    mem_wipe(c, sizeof *c);
    return 0;
}

int ot_ext_verify(const ot_ext_sender *s, ot_check *c, block *q, const uint8_t *u, size_t m, const uint8_t proof[OT_CHECK_PROOF_BYTES])
{
    block x, columns[128], bytes[128], chi = c->bits, delta = ot_ext_sender_delta(s);
    uint8_t want[DIGEST];
    if (!c->open) return err_set(ERR_ARG, "OT check: one proof a call");
    memcpy(&x, proof, sizeof x);
    hash_columns(columns, NULL, c, q, NULL, m, &chi);
    hash_bytes(bytes, u, ot_ext_checked_bytes(ot_ext_sender_k(s), m), &chi);
    for (unsigned j = 0; j < 128; j++) columns[j] = block_xor(columns[j], block_and(x, ct_mask(delta.w[j / 64] >> j % 64 & 1)));
    digest(want, &chi, &x, columns, bytes);
    int bad = sodium_memcmp(want, proof + sizeof x, DIGEST);
    mem_wipe(columns, sizeof columns);
    mem_wipe(&delta, sizeof delta);
    mem_wipe(want, sizeof want);
    mem_wipe(c, sizeof *c);
    if (!bad) return 0;
    mem_wipe(q, ot_ext_rounded(m) * sizeof *q);
    return err_set(ERR_PEER, "OT check: the proof is wrong: the receiver's choices differ, or u was altered");
}
