// SPDX-License-Identifier: ISC
#include "ot/iknp.h"

#include <string.h>

#include "base/ct.h"
#include "base/mem.h"
#include "ot/transpose.h"

#define TILE_BYTES (OT_IKNP_TILE / 8)
#define STRIDE (TILE_BYTES + 64) /* one cache line more than a power of two, else the 128 rows fall into a few cache sets */

_Static_assert(OT_BASE_COUNT == 128 && sizeof(block) == 16, "a column for each bit of a block");
_Static_assert(OT_IKNP_TILE % 128 == 0, "a tile is whole blocks");

struct ot_iknp_sender {
    prg column[OT_BASE_COUNT];
    uint8_t mask[OT_BASE_COUNT]; /* delta_j ? 0xff : 0 */
    uint64_t count;
    _Alignas(64) uint8_t rows[OT_BASE_COUNT][STRIDE];
};

struct ot_iknp_receiver {
    prg column[OT_BASE_COUNT][2];
    uint64_t count;
    _Alignas(64) uint8_t rows[OT_BASE_COUNT][STRIDE];
    _Alignas(64) uint8_t choice[TILE_BYTES];
};

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

static size_t round_up(size_t m) { return (m + 127) / 128 * 128; }

size_t ot_iknp_bytes(size_t m) { return 16 * round_up(m); }

/* Counts m, rounded up, towards the session's limit. */
static int take(uint64_t *count, size_t m)
{
    if (m > OT_IKNP_LIMIT || round_up(m) > OT_IKNP_LIMIT - *count)
        return err_set(ERR_LIMIT, "OT extension: 2^44 OTs in one session; set up a new one");
    *count += round_up(m);
    return 0;
}

int ot_iknp_sender_create(ot_iknp_sender **out, const uint8_t keys[OT_BASE_COUNT][PRG_SEED_BYTES], const block *delta)
{
    *out = NULL;
    if (!(delta->w[0] & 1)) return err_set(ERR_ARG, "OT extension: delta's lowest bit is 0");
    ot_iknp_sender *s = mem_alloc(1, sizeof *s);
    if (!s) return err_set(ERR_MEM, "OT extension: out of memory");
    for (unsigned j = 0; j < OT_BASE_COUNT; j++) {
        prg_init(&s->column[j], keys[j], PRG_OT_COLUMN, j);
        s->mask[j] = (uint8_t)ct_mask((delta->w[j / 64] >> (j % 64)) & 1);
    }
    *out = s;
    return 0;
}

void ot_iknp_sender_free(ot_iknp_sender *s) { mem_free(s); }

int ot_iknp_receiver_create(ot_iknp_receiver **out, const uint8_t keys[OT_BASE_COUNT][2][PRG_SEED_BYTES])
{
    *out = NULL;
    ot_iknp_receiver *r = mem_alloc(1, sizeof *r);
    if (!r) return err_set(ERR_MEM, "OT extension: out of memory");
    for (unsigned j = 0; j < OT_BASE_COUNT; j++)
        for (unsigned b = 0; b < 2; b++) prg_init(&r->column[j][b], keys[j][b], PRG_OT_COLUMN, j);
    *out = r;
    return 0;
}

void ot_iknp_receiver_free(ot_iknp_receiver *r) { mem_free(r); }

/* The tile's choice bits, zero from bit m on. */
static void tile_choice(uint8_t out[TILE_BYTES], const uint8_t *choice, size_t m)
{
    memset(out, 0, TILE_BYTES);
    memcpy(out, choice, (m + 7) / 8);
    if (m % 8) out[m / 8] &= (uint8_t)((1u << m % 8) - 1);
}

static void xor3(uint8_t *restrict u, const uint8_t *restrict a, const uint8_t *restrict b, size_t n)
{
    for (size_t i = 0; i < n; i++) u[i] ^= a[i] ^ b[i];
}

static void xor_masked(uint8_t *restrict q, const uint8_t *restrict u, uint8_t mask, size_t n)
{
    for (size_t i = 0; i < n; i++) q[i] ^= u[i] & mask;
}

int ot_iknp_recv(ot_iknp_receiver *s, block *t, uint8_t *u, const uint8_t *choice, size_t m)
{
    const ot_transpose_kernel *kernel = ot_transpose_best();
    int code = take(&s->count, m);
    if (code) return code;
    for (size_t done = 0; done < m; done += OT_IKNP_TILE) {
        size_t bits = min_size(m - done, OT_IKNP_TILE), width = round_up(bits), n = width / 8;
        tile_choice(s->choice, choice + done / 8, bits);
        for (unsigned j = 0; j < OT_BASE_COUNT; j++, u += n) {
            prg_bytes(&s->column[j][0], s->rows[j], n);
            prg_bytes(&s->column[j][1], u, n);
            xor3(u, s->rows[j], s->choice, n);
        }
        kernel->run(t + done, s->rows[0], STRIDE, width);
    }
    return 0;
}

int ot_iknp_send(ot_iknp_sender *s, block *q, const uint8_t *u, size_t m)
{
    const ot_transpose_kernel *kernel = ot_transpose_best();
    int code = take(&s->count, m);
    if (code) return code;
    for (size_t done = 0; done < m; done += OT_IKNP_TILE) {
        size_t width = round_up(min_size(m - done, OT_IKNP_TILE)), n = width / 8;
        for (unsigned j = 0; j < OT_BASE_COUNT; j++, u += n) {
            prg_bytes(&s->column[j], s->rows[j], n);
            xor_masked(s->rows[j], u, s->mask[j], n);
        }
        kernel->run(q + done, s->rows[0], STRIDE, width);
    }
    return 0;
}
