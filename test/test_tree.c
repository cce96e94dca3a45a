// SPDX-License-Identifier: ISC
/* Punctured trees: every choice of every depth against the definition, the message piece by piece, marks. */
#include "ot/tree.h"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = OT_TREE_DEPTH_MAX, LEAVES = 1 << DEPTH };

static ot_seed keys[DEPTH][2], chosen[DEPTH], dealt[LEAVES], held[LEAVES];
static uint8_t scratch[LEAVES][OT_TREE_MARK_BYTES], message[64 * DEPTH + 96];

static void blake(uint8_t out[64], const uint8_t *in, const char *name)
{
    uint8_t person[16] = {0};
    memcpy(person, name, strlen(name));
    ck_assert_int_eq(crypto_generichash_blake2b_salt_personal(out, 64, in, PRG_SEED_BYTES, NULL, 0, NULL, person), 0);
}

/* The node that is reached by the bits of x from bit k-1 down to bit `last`. */
static void node(ot_seed out, unsigned k, unsigned x, unsigned last)
{
    uint8_t both[64];
    memcpy(out, keys[k - 1][x >> (k - 1) & 1], PRG_SEED_BYTES);
    for (unsigned j = k - 1; j-- > last;) {
        blake(both, out, "tacit ot node");
        memcpy(out, both + 32 * (x >> j & 1), PRG_SEED_BYTES);
    }
}

static void deal(unsigned k)
{
    uint8_t seed[PRG_SEED_BYTES] = "trees";
    prg g;
    prg_init(&g, seed, PRG_TEST, k);
    prg_bytes(&g, keys, sizeof keys);
    memset(message, 0, sizeof message);
    ot_tree_deal(dealt, message, (const ot_seed(*)[2])keys, k, scratch);
}

static int hold(unsigned k, unsigned choice)
{
    for (unsigned j = 0; j < k; j++) memcpy(chosen[j], keys[j][choice >> j & 1], PRG_SEED_BYTES);
    return ot_tree_hold(held, message, (const ot_seed *)chosen, choice, k, scratch);
}

START_TEST(leaves)
{
    const unsigned k = (unsigned)_i, all = (1u << k) - 1;
    static const ot_seed zero;
    deal(k);
    for (unsigned x = 0; x <= all; x++) {
        ot_seed want;
        node(want, k, x, 0);
        ck_assert_mem_eq(dealt[x ^ all], want, sizeof want);
    }
    for (unsigned c = 0; c <= all; c++) {
        ck_assert_int_eq(hold(k, c), 0);
        ck_assert_mem_eq(held[0], zero, sizeof zero);
        for (unsigned y = 1; y <= all; y++) /* leaf x is at x XOR (all ones XOR c), the dealer's at x XOR all ones */
            if (memcmp(held[y], dealt[y ^ c], sizeof(ot_seed))) ck_abort_msg("k = %u, choice %u, place %u", k, c, y);
    }
}
END_TEST

START_TEST(message_by_definition)
{
    const unsigned k = (unsigned)_i;
    uint8_t want[64 * DEPTH + 96] = {0}, marks[LEAVES][64];
    deal(k);
    ck_assert_uint_eq(ot_tree_bytes(k), k == 1 ? 0 : 64 * (k - 1) + 96);
    for (unsigned level = 1; level < k; level++) {
        uint8_t *e = want + 64 * (level - 1);
        unsigned j = k - 1 - level;
        memcpy(e, keys[j], 64);
        for (unsigned x = 0; x < 2u << level; x++) { /* the nodes below this level, as prefixes of x */
            ot_seed n;
            node(n, k, x << j, j);
            for (unsigned i = 0; i < 32; i++) e[32 * (x & 1) + i] ^= n[i];
        }
    }
    if (k > 1) {
        uint8_t *sum = want + 64 * (k - 1);
        uint8_t person[16] = "tacit ot marks";
        for (unsigned x = 0; x < 1u << k; x++) {
            ot_seed leaf;
            node(leaf, k, x, 0);
            blake(marks[x], leaf, "tacit ot mark");
            for (unsigned i = 0; i < 64; i++) sum[i] ^= marks[x][i];
        }
        ck_assert_int_eq(crypto_generichash_blake2b_salt_personal(sum + 64, 32, marks[0], (size_t)64 << k, NULL, 0, NULL, person), 0);
    }
    ck_assert_mem_eq(message, want, sizeof want);
}
END_TEST

/* A dealer that spoils one side's sum passes exactly if the holder has chosen the other side: it has guessed a bit, no more. */
START_TEST(cheating_dealer)
{
    const unsigned k = (unsigned)_i;
    deal(k);
    for (unsigned level = 1; level < k; level++)
        for (unsigned side = 0; side < 2; side++) {
            uint8_t *byte = message + 64 * (level - 1) + 32 * side + 5;
            *byte ^= 1;
            for (unsigned c = 0; c < 1u << k; c++) ck_assert_int_eq(hold(k, c) != 0, (c >> (k - 1 - level) & 1) == side);
            *byte ^= 1;
        }
    for (size_t at = 64 * (k - 1); at < ot_tree_bytes(k); at++) {
        message[at] ^= 0x80;
        ck_assert_int_ne(hold(k, (unsigned)at % (1u << k)), 0);
        message[at] ^= 0x80;
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tree");
    TCase *t = tcase_create("tree");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, leaves, 1, DEPTH + 1);
    tcase_add_loop_test(t, message_by_definition, 1, DEPTH + 1);
    tcase_add_loop_test(t, cheating_dealer, 1, DEPTH + 1);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
