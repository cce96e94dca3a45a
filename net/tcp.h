// SPDX-License-Identifier: ISC
/** tcp.h: TCP sockets: addresses "HOST:PORT", "[V6]:PORT". */
#ifndef TACIT_NET_TCP_H
#define TACIT_NET_TCP_H

#include <stddef.h>

#include "base/err.h"

/** tcp_listen: binds and listens; port 0 takes a free one.  `bound` (>= 64 bytes) gets the numeric "ADDR:PORT".
 *  Errors: ERR_ARG (address does not parse), ERR_NET (port busy, ...), both with text. */
int tcp_listen(const char *address, int *fd, char *bound, size_t bound_len) MUST_CHECK;

/** tcp_accept: the next connection (TCP_NODELAY set); checks *stop at least each 0.2 s -> ERR_INTERRUPTED. */
int tcp_accept(int listen_fd, int *fd, const volatile int *stop) MUST_CHECK;

/** tcp_connect: connects within timeout_ms (0: the system's). */
int tcp_connect(const char *address, unsigned timeout_ms, int *fd) MUST_CHECK;

#endif
