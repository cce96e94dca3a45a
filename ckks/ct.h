// SPDX-License-Identifier: ISC
/** ct.h: ciphertexts of RNS-CKKS that know their level, domain and scale; coefficient-embedded integer plaintexts.
 *
 *  A ciphertext (c0, c1) decrypts to c0 + c1*s.  `level` is the number of primes in use (the first ones of the parameters); operands of
 *  an operation agree in parameters, level, domain and scale or ERR_ARG names what differs.  An output may be one of the inputs.  On
 *  error outputs keep their values.  CT: all but _read and the expansion of public seeds depend on sizes only, not on residues. */
#ifndef TACIT_CKKS_CT_H
#define TACIT_CKKS_CT_H

#include "ckks/keys.h"
#include "ckks/params.h"
#include "ckks/shares.h"

typedef enum { CKKS_COEFF = 0, CKKS_NTT = 1 } ckks_domain;

/** What both have in common. */
typedef struct {
    const ckks_params *p;
    uint32_t level; /* 1 .. room */
    uint32_t room;  /* primes that the memory holds */
    ckks_domain domain;
    double scale; /* finite, > 0: the polynomial stands for polynomial / scale */
} ckks_meta;

typedef struct {
    ckks_meta at;
    uint64_t *m; /* [level][n] */
} ckks_pt;

typedef struct {
    ckks_meta at;
    int seeded; /* 1 while c1 is what (seed, index) expands to, at full level in the NTT domain */
    uint8_t seed[PRG_SEED_BYTES];
    uint64_t index;
    uint64_t *c0, *c1; /* [level][n] each */
} ckks_ct;

/** For operations on both: ckks_meta_agree: ERR_ARG if the operands differ in parameters, level, domain or, if `sum`, scale.
 *  ckks_meta_fits: ERR_ARG if the result is of other parameters or has too little room.  ckks_meta_copy: r takes over all but the room. */
int ckks_meta_agree(const ckks_meta *a, const ckks_meta *b, int sum) MUST_CHECK;
int ckks_meta_fits(const ckks_meta *r, const ckks_meta *a) MUST_CHECK;
void ckks_meta_copy(ckks_meta *r, const ckks_meta *a, double scale);

/** ckks_pt_create, ckks_ct_create: zero at scale 1, coefficient domain, of `level` primes.  Errors: ERR_ARG (level), ERR_MEM. */
int ckks_pt_create(ckks_pt **out, const ckks_params *p, uint32_t level) MUST_CHECK;
void ckks_pt_free(ckks_pt *pt);
int ckks_ct_create(ckks_ct **out, const ckks_params *p, uint32_t level) MUST_CHECK;
void ckks_ct_free(ckks_ct *ct);

/** ckks_pt_set: coefficient j is v[j] for j < count, 0 beyond.   In: |v[j]| <= 2^61.   Errors: ERR_ARG (count, scale, a value: found
 *  without a branch on any one of them). */
int ckks_pt_set(ckks_pt *pt, const int64_t *v, size_t count, double scale) MUST_CHECK;
/** ckks_pt_get: v[j] = coefficient j, centred, j < count.   In: coefficient domain; |coefficients| < min(2^63, Q/4), else they come out
 *  modulo 2^64.   Errors: ERR_ARG (count, domain), ERR_MEM. */
int ckks_pt_get(const ckks_pt *pt, int64_t *v, size_t count) MUST_CHECK;

/** To the other domain; nothing happens in the right one already. */
void ckks_pt_to_ntt(ckks_pt *pt);
void ckks_pt_to_coeff(ckks_pt *pt);
void ckks_ct_to_ntt(ckks_ct *ct);
void ckks_ct_to_coeff(ckks_ct *ct);

/** ckks_ct_encrypt_seeded: symmetric encryption, c1 from (seed, index), never used twice under one key.  The result is in the NTT domain.
 *  In: pt and ct of full level, pt in coefficients.   Errors: ERR_ARG (parameters, level, domain). */
int ckks_ct_encrypt_seeded(ckks_ct *ct, const ckks_sk *sk, const ckks_pt *pt, const uint8_t seed[PRG_SEED_BYTES], uint64_t index,
                           prg *rng, uint64_t *scratch) MUST_CHECK;
/** ckks_ct_encrypt: public-key encryption, with special primes modulo CKKS_PK_DIVISOR Q and divided: then the error is that of a rounding,
 *  about sqrt(n / 18) a coefficient, else sqrt(14 n) (docs/PARAMS.md).   Conditions as above. */
int ckks_ct_encrypt(ckks_ct *ct, const ckks_pk *pk, const ckks_pt *pt, prg *rng, uint64_t *scratch) MUST_CHECK;
/** ckks_ct_decrypt: pt = c0 + c1*s, in coefficients, at the level and scale of ct.   Errors: ERR_ARG (parameters, room of pt). */
int ckks_ct_decrypt(ckks_pt *pt, const ckks_sk *sk, const ckks_ct *ct, uint64_t *scratch) MUST_CHECK;

/** ckks_ct_decrypt_ntt: the same, but pt in the NTT domain, without a transform.   Errors: as above, and ERR_ARG (ct in coefficients). */
int ckks_ct_decrypt_ntt(ckks_pt *pt, const ckks_sk *sk, const ckks_ct *ct) MUST_CHECK;

/** r = a + b, r = a - b, r = a + pt, r = a - pt.   Errors: ERR_ARG (parameters, level, domain, scale; room of r). */
int ckks_ct_add(ckks_ct *r, const ckks_ct *a, const ckks_ct *b) MUST_CHECK;
int ckks_ct_sub(ckks_ct *r, const ckks_ct *a, const ckks_ct *b) MUST_CHECK;
int ckks_ct_add_plain(ckks_ct *r, const ckks_ct *a, const ckks_pt *pt) MUST_CHECK;
int ckks_ct_sub_plain(ckks_ct *r, const ckks_ct *a, const ckks_pt *pt) MUST_CHECK;
int ckks_ct_negate(ckks_ct *r, const ckks_ct *a) MUST_CHECK;
/** ckks_ct_multiply_scalar: r = w * a, w a public integer that keeps the scale.   In: |w| <= 2^61.   Errors: ERR_ARG (w; room of r). */
int ckks_ct_multiply_scalar(ckks_ct *r, const ckks_ct *a, int64_t w) MUST_CHECK;
/** ckks_ct_multiply_residues: for operations on constants: r = a w[i] modulo prime i, at `scale`.   In: w[i] in [0, q_i), public; r fits a. */
void ckks_ct_multiply_residues(ckks_ct *r, const ckks_ct *a, const uint64_t *w, double scale);
/** ckks_ct_multiply_plain: r = a * pt; the scales multiply.   In: both in the NTT domain.   Errors: ERR_ARG, as for the sum, and when
 *  the scale overflows. */
int ckks_ct_multiply_plain(ckks_ct *r, const ckks_ct *a, const ckks_pt *pt) MUST_CHECK;

/** ckks_ct_drop: to the first `level` primes; what is encrypted is unchanged as long as it is small beside the new modulus.
 *  Errors: ERR_ARG (level not in [1, ct's]). */
int ckks_ct_drop(ckks_ct *ct, uint32_t level) MUST_CHECK;

/** Wire format, little endian:  "TCT" 1 | kind 1 byte (0 full, 1 seeded) | log2 n 1 | level 1 | domain 1 | scale 8 (IEEE 754)
 *      full:    c0, c1         seeded:  seed 32 | index 8 | c0
 *  polynomials as in keys.h.  56 bytes beside c0 at most. */
#define CKKS_CT_HEAD_BYTES 16
#define CKKS_CT_SEED_BYTES (PRG_SEED_BYTES + 8)

size_t ckks_ct_bytes(const ckks_ct *ct);
void ckks_ct_write(const ckks_ct *ct, uint8_t *out); /* ckks_ct_bytes(ct) bytes */
/** ckks_ct_read: every field is checked against p and len before anything is allocated.
 *  Errors: ERR_PEER with the field's name and offset; ERR_MEM. */
int ckks_ct_read(ckks_ct **out, const ckks_params *p, const uint8_t *in, size_t len) MUST_CHECK;

#endif
