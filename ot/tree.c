// SPDX-License-Identifier: ISC
#include "ot/tree.h"

#include <sodium.h>
#include <string.h>

#include "base/ct.h"
#include "base/mem.h"

#define SEED PRG_SEED_BYTES
#define MARK OT_TREE_MARK_BYTES
#define DIGEST 32

static const uint8_t person_node[16] = "tacit ot node", person_mark[16] = "tacit ot mark", person_marks[16] = "tacit ot marks";

_Static_assert(2 * SEED == 64 && MARK == 64, "one BLAKE2b output is two children, or a mark");

size_t ot_tree_bytes(unsigned k) { return k > 1 ? 2 * SEED * (k - 1) + MARK + DIGEST : 0; }

static void hash(uint8_t out[64], const ot_seed node, const uint8_t person[16])
{
    crypto_generichash_blake2b_salt_personal(out, 64, node, SEED, NULL, 0, NULL, person);
}

static void xor_bytes(uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++) a[i] ^= b[i];
}

/* a and b change places if bit = 1. */
static void swap(uint64_t bit, uint8_t *a, uint8_t *b, size_t n)
{
    uint8_t mask = (uint8_t)ct_mask(bit);
    for (size_t i = 0; i < n; i++) {
        uint8_t x = (a[i] ^ b[i]) & mask;
        a[i] ^= x;
        b[i] ^= x;
    }
}

/* nodes[0 .. count) to nodes[0 .. 2 count): child b of node y goes to place 2y + (b XOR mask). */
static void grow(ot_seed *nodes, size_t count, uint64_t mask)
{
    uint8_t children[2 * SEED];
    for (size_t y = count; y-- > 0;) {
        hash(children, nodes[y], person_node);
        swap(mask, children, children + SEED, SEED);
        memcpy(nodes[2 * y], children, sizeof children);
    }
    mem_wipe(children, sizeof children);
}

static void make_marks(uint8_t (*marks)[MARK], const ot_seed *leaves, size_t count)
{
    for (size_t y = 0; y < count; y++) hash(marks[y], leaves[y], person_mark);
}

static void sum_marks(uint8_t sum[MARK], const uint8_t (*marks)[MARK], size_t count)
{
    memset(sum, 0, MARK);
    for (size_t y = 0; y < count; y++) xor_bytes(sum, marks[y], MARK);
}

/* The hash of the marks in order of x; they come in order of x XOR mask. */
static void hash_marks(uint8_t out[DIGEST], uint8_t (*marks)[MARK], uint64_t mask, unsigned k)
{
    for (unsigned j = 0; j < k; j++)
        for (size_t y = 0; y < (size_t)1 << k; y++)
            if (!(y >> j & 1)) swap(mask >> j & 1, marks[y], marks[y | (size_t)1 << j], MARK);
    crypto_generichash_blake2b_salt_personal(out, DIGEST, marks[0], MARK << k, NULL, 0, NULL, person_marks);
}

void ot_tree_deal(ot_seed *leaves, uint8_t *message, const ot_seed keys[][2], unsigned k, uint8_t (*scratch)[MARK])
{
    memcpy(leaves[0], keys[k - 1][1], SEED);
    memcpy(leaves[1], keys[k - 1][0], SEED);
    if (k == 1) return;
    for (unsigned level = 1; level < k; level++, message += 2 * SEED) {
        size_t count = (size_t)1 << level;
        grow(leaves, count, 1);
        memcpy(message, keys[k - 1 - level], 2 * SEED);
        for (size_t y = 0; y < count; y++) {
            xor_bytes(message, leaves[2 * y + 1], SEED);
            xor_bytes(message + SEED, leaves[2 * y], SEED);
        }
    }
    make_marks(scratch, leaves, (size_t)1 << k);
    sum_marks(message, (const uint8_t(*)[MARK])scratch, (size_t)1 << k);
    hash_marks(message + MARK, scratch, ((uint64_t)1 << k) - 1, k);
}

int ot_tree_hold(ot_seed *leaves, const uint8_t *message, const ot_seed *chosen, unsigned choice, unsigned k, uint8_t (*scratch)[MARK])
{
    uint8_t sum[MARK], digest[DIGEST];
    memset(leaves[0], 0, SEED);
    memcpy(leaves[1], chosen[k - 1], SEED);
    if (k == 1) return 0;
    for (unsigned level = 1; level < k; level++, message += 2 * SEED) {
        uint64_t c = choice >> (k - 1 - level) & 1;
        uint8_t mask = (uint8_t)ct_mask(c);
        grow(leaves, (size_t)1 << level, 1 ^ c);
        for (size_t i = 0; i < SEED; i++) /* child c of the node that is lacking: place 1, what is there is the hash of zeros */
            leaves[1][i] = (uint8_t)(chosen[k - 1 - level][i] ^ message[i] ^ ((message[i] ^ message[SEED + i]) & mask));
        for (size_t y = 1; y < (size_t)1 << level; y++) xor_bytes(leaves[1], leaves[2 * y + 1], SEED);
        memset(leaves[0], 0, SEED);
    }
    make_marks(scratch, leaves, (size_t)1 << k);
    memcpy(scratch[0], message, MARK);
    sum_marks(sum, (const uint8_t(*)[MARK])scratch + 1, ((size_t)1 << k) - 1);
    xor_bytes(scratch[0], sum, MARK);
    hash_marks(digest, scratch, ~(uint64_t)choice, k);
    int bad = sodium_memcmp(digest, message + MARK, DIGEST);
    mem_wipe(sum, sizeof sum);
    return bad;
}
