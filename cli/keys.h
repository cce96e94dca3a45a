// SPDX-License-Identifier: ISC
/** keys.h: the files with keys.  A key is 64 hexadecimal digits.
 *
 *      secret key      one line, "tacit-secret-key HEX"; only its owner may read it
 *      known servers   lines "ADDR:PORT HEX", what trust on first use goes by
 *      allowed clients lines "HEX"
 *  In the last two, what follows a # is a comment and empty lines are nothing.   Errors: ERR_DATA names the file, the
 * line and what to do. */
#ifndef TACIT_CLI_KEYS_H
#define TACIT_CLI_KEYS_H

#include "net/noise.h"

#define CLI_HEX_BYTES 65 /* of a key as text, with its end */

typedef struct {
    uint8_t (*key)[32]; /* ascending */
    size_t count;
} cli_allowed;

/** cli_hex: key as text.   cli_unhex: 0 if text is exactly one key. */
void cli_hex(char out[CLI_HEX_BYTES], const uint8_t key[32]);
int cli_unhex(uint8_t out[32], const char *text) MUST_CHECK;

/** cli_key_fresh: a new pair, which no file has. */
int cli_key_fresh(noise_keypair *k) MUST_CHECK;

/** cli_key_load: the pair whose secret half is in `file`, which nobody else may be able to read. */
int cli_key_load(noise_keypair *k, const char *file) MUST_CHECK;

/** cli_server_key: a public key given as hexadecimal digits, or as a file that holds it. */
int cli_server_key(uint8_t out[32], const char *hex_or_file) MUST_CHECK;

/** cli_known_find: 1 if `file` has a key for address, 0 if not, else an error.   cli_known_add: appends one; file and
 * folders are made. file NULL: $XDG_CONFIG_HOME/tacit/known_servers, else ~/.config/tacit/known_servers, which
 * cli_known_file names. */
int cli_known_file(char *path, size_t size, const char *file) MUST_CHECK;
int cli_known_find(uint8_t key[32], const char *file, const char *address) MUST_CHECK;
int cli_known_add(const char *file, const char *address, const uint8_t key[32]) MUST_CHECK;

/** cli_allowed_load: on an error *out is unchanged.   cli_allowed_has: whether key is listed.   CT: no secrets. */
int cli_allowed_load(cli_allowed *out, const char *file) MUST_CHECK;
int cli_allowed_has(const cli_allowed *a, const uint8_t key[32]);
void cli_allowed_free(cli_allowed *a);

/** cli_keygen: `tacit keygen FILE`. */
int cli_keygen(int argc, char **argv);

#endif
