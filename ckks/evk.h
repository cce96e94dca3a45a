// SPDX-License-Identifier: ISC
/** evk.h: evaluation keys: relinearisation and Galois keys, for key switching with one digit a prime (hybrid: modulo Q P).
 *
 *  A key from s' to t holds for each prime d of Q a pair modulo Q P, NTT domain:  b_d = -a_d t + e_d + P g_d s',  g_d = 1 modulo q_d and 0
 *  modulo the other primes of Q, so sum_d [c]_(q_d) (b_d, a_d) encrypts P c s' under t at every level.   Ref: [HK20, 3].
 *  Relinearisation: s' = s^2, t = s.   Galois, for x -> x^g: s' = s, t = the image of s under x -> x^(1/g); the automorphism comes last, so
 *  many of them share one decomposition.  Each key has a seed of its own.
 *  A key encrypts a function of its own secret: circular security is assumed (docs/PARAMS.md). */
#ifndef TACIT_CKKS_EVK_H
#define TACIT_CKKS_EVK_H

#include "ckks/keys.h"

typedef struct ckks_evk {
    const ckks_params *p;
    uint32_t galois;              /* g; 0: a relinearisation key */
    uint32_t *from;               /* [n], not for 0: in the NTT domain, x -> x^g moves number from[j] to place j */
    uint8_t seed[PRG_SEED_BYTES]; /* of all a */
    uint64_t *a, *b;              /* [primes][primes + special][n] */
} ckks_evk;

/** ckks_evk_create: galois = 0: relinearisation; odd and below 2n: that automorphism.
 *  Errors: ERR_ARG (parameters without special primes, galois), ERR_MEM. */
int ckks_evk_create(ckks_evk **out, const ckks_sk *sk, uint32_t galois, prg *rng) MUST_CHECK;
void ckks_evk_free(ckks_evk *k);

/** ckks_galois_rotation: the g that moves slot j + r to slot j (r any sign, modulo n/2).   ckks_galois_conjugation: the one that conjugates. */
uint32_t ckks_galois_rotation(const ckks_params *p, int32_t r);
uint32_t ckks_galois_conjugation(const ckks_params *p);

/** Wire format, little endian:  "TEK" 1 | log2 n 1 | primes 1 | special 1 | 0 | galois 4 | seed 32 | each b_d, bit-packed, prime by prime.
 *  ckks_evk_read: every field is checked against p and len before anything is allocated, every residue after.
 *  Errors: ERR_PEER with the field's name and offset; ERR_ARG (parameters without special primes), ERR_MEM. */
#define CKKS_EVK_HEAD_BYTES (12 + PRG_SEED_BYTES)
size_t ckks_evk_bytes(const ckks_params *p);
void ckks_evk_write(const ckks_evk *k, uint8_t *out);
int ckks_evk_read(ckks_evk **out, const ckks_params *p, const uint8_t *in, size_t len) MUST_CHECK;

#endif
