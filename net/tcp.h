// SPDX-License-Identifier: ISC
/** tcp.h: TCP sockets: addresses "HOST:PORT", "[V6]:PORT".
 *
 *  Every connection is without Nagle's delay and kept alive by probes; unacknowledged bytes or a silent network for
 *  two minutes end it. */
#ifndef TACIT_NET_TCP_H
#define TACIT_NET_TCP_H

#include <stddef.h>

#include "base/err.h"

#define TCP_LISTENERS 8     /* addresses that one name may stand for */
#define TCP_ADDRESS_MAX 96  /* bytes of a numeric "ADDR:PORT" */

/** tcp_listen_all: listens, non-blocking, at every address that the name stands for ("localhost:0" is two,
 *  "[::]:4600" takes IPv4 too); port 0 takes a free one, the same for all.  `bound` gets the first numeric
 *  "ADDR:PORT".
 *  Errors: ERR_ARG (address does not parse), ERR_NET (port busy, not this machine's address, ...), both with text. */
int tcp_listen_all(const char *address, int fd[TCP_LISTENERS], unsigned *count, char *bound,
                   size_t bound_len) MUST_CHECK;

/** tcp_listen: the same at the first address only.   `bound`: >= 64 bytes. */
int tcp_listen(const char *address, int *fd, char *bound, size_t bound_len) MUST_CHECK;

/** tcp_accept: the next connection; checks *stop at least each 0.2 s -> ERR_INTERRUPTED. */
int tcp_accept(int listen_fd, int *fd, const volatile int *stop) MUST_CHECK;

/** tcp_accept_now: the next connection of a non-blocking listener, itself non-blocking, and where it comes from.
 *  Returns 0; 1: none waits; ERR_LIMIT: no descriptor is left for it, it still waits; ERR_NET. */
int tcp_accept_now(int listen_fd, int *fd, char *from, size_t from_len) MUST_CHECK;

/** tcp_connect: connects within timeout_ms (0: the system's) an address. */
int tcp_connect(const char *address, unsigned timeout_ms, int *fd) MUST_CHECK;

/** tcp_name: where a socket is bound, numeric.   tcp_is_loopback: whether that is this machine's loopback only. */
int tcp_name(int fd, char *name, size_t len) MUST_CHECK;
int tcp_is_loopback(int fd);

#endif
