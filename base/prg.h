// SPDX-License-Identifier: ISC
/** prg.h: a pseudorandom generator: a 32-byte seed expanded by AES-128 in counter mode.
 *  Key and nonce are BLAKE2b(seed; domain, index), so that one seed serves many purposes apart; the 64-bit nonce fills the upper
 *  half of the counter block, so that two generators share a counter block with probability 2^-64 only.  After 2^32 blocks the
 *  generator takes a new key from its own output. */
#ifndef TACIT_BASE_PRG_H
#define TACIT_BASE_PRG_H

#include <stddef.h>
#include <stdint.h>

#include "base/aes.h"
#include "base/err.h"

#define PRG_SEED_BYTES 32

typedef struct {
    aes128_key key;
    uint64_t nonce, ctr;
    uint64_t born; /* of prg_init_random: number of forks before; else 0 */
    _Alignas(block) uint8_t buf[512]; /* output not yet handed out: the last `have` bytes */
    size_t have;
} prg;

/** Domains: what a seed is expanded for.  Two expansions never share (seed, domain, index). */
enum prg_domain {
    PRG_GENERAL = 1, /* a generator passed as an argument: secrets, noise, masks */
    PRG_CKKS_C1,     /* c1 of a seeded ciphertext; index = number of the ciphertext under this seed */
    PRG_CKKS_PK,     /* a of a public key */
    PRG_OT_COLUMN,   /* an IKNP column; index = column */
    PRG_CKKS_EVK = 16, /* a of an evaluation key; index = digit */
    PRG_GC_NAMES,      /* what a circuit's builder calls wires by: public, but nobody's to foresee */
    PRG_TEST = 1000, /* deterministic test data */
};

/** prg_init: starts the generator of (seed, domain, index). */
void prg_init(prg *p, const uint8_t seed[PRG_SEED_BYTES], uint32_t domain, uint64_t index);

/** prg_init_random: PRG_GENERAL under a fresh seed from the operating system.   Errors: ERR_RANDOM; *p is then all
 * zeros. After a fork (one of the raw system call too) a copy in the child drops what is buffered and takes a fresh
 * seed before its next byte, and the parent's goes on; were the system to refuse random bytes only then, process number
 * and time would still part the streams. Not covered: processes that share memory (vfork) share the generator too.
 * prg_init's are everywhere the same stream. */
int prg_init_random(prg *p) MUST_CHECK;

/** prg_entropy: n <= 256 bytes from the operating system (getrandom), waiting only until it has gathered enough after
 * its start. libsodium's own source ends the process when it fails.   Errors: ERR_RANDOM; out[n] is then zeros. */
int prg_entropy(void *out, size_t n) MUST_CHECK;

/** prg_bytes: the next n bytes.   CT: depends on n only. */
void prg_bytes(prg *p, void *out, size_t n);

/** prg_u64: the next 8 bytes. */
uint64_t prg_u64(prg *p);

/** prg_wipe: forgets everything. */
void prg_wipe(prg *p);

#endif
