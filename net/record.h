// SPDX-License-Identifier: ISC
/** record.h: sealing and opening of records, one direction of a connection an object.
 *
 *  A record on the wire: u24 length of the plaintext (little endian), u8 type, ciphertext[length], tag[16]; the
 *  first four bytes are the associated data.  The nonce is 4 zero bytes and the record's number, u64, little
 *  endian: nothing of it is sent, so a record that is dropped, repeated or moved does not open.  After RECORD_REKEY
 *  records the key becomes BLAKE2b(key; "tacit rekey").  The last record of a direction is of type RECORD_FINAL and
 *  empty; every other is RECORD_DATA and is not.
 *
 *  A record that does not open is the end: the object refuses everything from then on. */
#ifndef TACIT_NET_RECORD_H
#define TACIT_NET_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/gcm.h"

#define RECORD_KEY 32
#define RECORD_BYTES 65536 /* most of plaintext */
#define RECORD_HEAD 4
#define RECORD_TAG 16
#define RECORD_OVERHEAD (RECORD_HEAD + RECORD_TAG)
#define RECORD_MAX (RECORD_BYTES + RECORD_OVERHEAD)
#define RECORD_REKEY (UINT64_C(1) << 16) /* 4 GiB under a key: docs/SECURITY.md, section 8 */

enum record_type { RECORD_DATA = 0, RECORD_FINAL = 1 };
enum record_cipher { RECORD_AES_GCM = 1, RECORD_CHACHA = 2 }; /* bits of a set too */

typedef struct {
    uint8_t key[RECORD_KEY];
    uint64_t number;     /* of the next record */
    unsigned cipher;     /* one of record_cipher */
    int final, refused; /* the final record has passed; one did not open */
    gcm_key gcm;
} record_half;

/** record_ciphers: the set that this CPU can do; RECORD_CHACHA is always in it. */
unsigned record_ciphers(void);

/** record_init: from a key of the handshake and the cipher that was agreed on.   Errors: ERR_ARG (not in
 *  record_ciphers()). */
int record_init(record_half *r, const uint8_t key[RECORD_KEY], unsigned cipher) MUST_CHECK;

/** record_seal: out[len + RECORD_OVERHEAD] = a record of in[len]; len in [1, RECORD_BYTES], 0 for the final one,
 *  after which there is none.
 *  Alias: none.   Errors: ERR_ARG, ERR_LIMIT (2^64 - 1 records). */
int record_seal(record_half *r, uint8_t *out, enum record_type type, const uint8_t *in, size_t len) MUST_CHECK;

/** record_head: the length that the head of the next record states, within the limits of its type.
 *  record_open: opens in[RECORD_OVERHEAD + len], len from record_head, to out[len] and goes on to the next; `final`
 *  says whether that was the last.
 *  Alias: none.   Errors: ERR_PEER with a text, from then on for good; out is zeroed then. */
int record_head(record_half *r, const uint8_t in[RECORD_HEAD], size_t *len) MUST_CHECK;
int record_open(record_half *r, uint8_t *out, const uint8_t *in, size_t len) MUST_CHECK;

#endif
