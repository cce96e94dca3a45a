// SPDX-License-Identifier: ISC
#include "cli/connect.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/prg.h"
#include "cli/cli.h"
#include "cli/keys.h"
#include "net/tcp.h"

#define CONNECT_MS 10000
#define HANDSHAKE_MS 10000

/** loopback: whether the other end of a connected socket is on this machine's loopback. */
static int loopback(int fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    if (getpeername(fd, (struct sockaddr *)&a, &len))
        return 0;
    if (a.ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)&a)->sin_addr.s_addr) >> 24 == 127;
    return a.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&a)->sin6_addr);
}

/** expected: the key that `address` should have: 1 and key, 0 if anybody is trusted, or an error. */
static int expected(uint8_t key[32], const cli_trust *t, const char *address)
{
    if (!t->pinned)
        return cli_known_find(key, t->known_servers, address);
    memcpy(key, t->pinned, 32);
    return 1;
}

/** first_use: keeps the key of a server that was not known. */
static int first_use(const cli_trust *t, const char *address, const uint8_t key[32])
{
    char hex[CLI_HEX_BYTES], path[4096];
    int rc = cli_known_file(path, sizeof path, t->known_servers);
    if (rc || (rc = cli_known_add(t->known_servers, address, key)))
        return rc;
    cli_hex(hex, key);
    fprintf(stderr, "tacit: %s is not known yet; trusting its key on this first use and keeping it in %s:\n  %s\n",
            address, path, hex);
    return 0;
}

/** changed: says which key was found where another was due. */
static int changed(const cli_trust *t, const char *address, const uint8_t due[32], const uint8_t found[32])
{
    char a[CLI_HEX_BYTES], b[CLI_HEX_BYTES], path[4096];
    cli_hex(a, due);
    cli_hex(b, found);
    if (t->pinned || cli_known_file(path, sizeof path, t->known_servers))
        return err_set(ERR_PEER, "%s: the server's key is %s, not %s as --server-key says: nothing was sent", address,
                       b, a);
    fprintf(stderr, "tacit: the key of %s is in %s\n", address, path);
    return err_set(ERR_PEER,
                   "%s: the server's key has CHANGED: %s, not %s: nothing was sent; if the owner confirms the new one, "
                   "remove the line",
                   address, b, a);
}

static int shake_hands(const cli_trust *t, const char *address, int fd, noise_handshake *h)
{
    uint8_t key[32];
    prg rng;
    const int known = expected(key, t, address);
    if (known < 0)
        return known;
    int rc = prg_init_random(&rng);
    if (rc)
        return rc;
    noise_client_start(h, t->own, known ? key : NULL, &rng);
    rc = noise_connect(fd, h, HANDSHAKE_MS, &cli_stop);
    prg_wipe(&rng);
    if (rc == ERR_PEER && known && noise_other_key(h))
        return changed(t, address, key, noise_other_key(h));
    if (!rc && !known)
        rc = first_use(t, address, noise_finished(h)->peer);
    return rc;
}

int cli_connect(chan **out, uint8_t key[32], const cli_trust *t, const char *address)
{
    noise_handshake h;
    int fd, rc = tcp_connect(address, CONNECT_MS, &fd);

    *out = NULL;
    memset(key, 0, 32);
    if (rc)
        return rc;
    if (t->plaintext && !loopback(fd))
        rc = err_set(ERR_ARG, "%s: --insecure-plaintext is for loopback only", address);
    if (!t->plaintext)
        rc = shake_hands(t, address, fd, &h);
    if (rc)
        close(fd);
    else
        rc = chan_open(out, fd);
    if (!rc && !t->plaintext) {
        memcpy(key, noise_finished(&h)->peer, 32);
        rc = chan_secure(*out, noise_finished(&h));
    }
    if (!t->plaintext)
        noise_wipe(&h);
    if (rc) {
        chan_free(*out);
        *out = NULL;
        return rc;
    }
    chan_set_stop(*out, &cli_stop);
    chan_set_timeout(*out, t->timeout_ms);
    return 0;
}
