// SPDX-License-Identifier: ISC
/** connect.h: a client's connection to a server: TCP, the handshake, and whose key that is. */
#ifndef TACIT_CLI_CONNECT_H
#define TACIT_CLI_CONNECT_H

#include "net/chan.h"
#include "net/noise.h"

/** cli_trust: how servers are known.  pinned NULL: the known servers (cli/keys.h), and whoever is not among them is
 * trusted once and kept. */
typedef struct {
    const uint8_t *pinned;      /* [32] */
    const char *known_servers;  /* file, NULL: the default */
    const noise_keypair *own;   /* NULL: a fresh one for each connection */
    int plaintext;              /* no encryption: loopback only */
    unsigned timeout_ms;        /* without progress */
} cli_trust;

/** cli_connect: an open channel to `address`, and the server's key (zeros of a plain one); says on stderr whom it trusts for the first time.
 *  Errors: ERR_NET, ERR_PEER (no Tacit server; a key that is not the one expected, both named), ERR_DATA (files of
 * keys), ERR_ARG. */
int cli_connect(chan **out, uint8_t key[32], const cli_trust *t, const char *address) MUST_CHECK;

#endif
