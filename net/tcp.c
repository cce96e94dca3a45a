// SPDX-License-Identifier: ISC
#include "net/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

/** resolve: "HOST:PORT" or "[V6]:PORT" to socket addresses. */
static int resolve(const char *address, int passive, struct addrinfo **list)
{
    char host[256];
    const char *colon = strrchr(address, ':'), *from = address;
    size_t len = colon ? (size_t)(colon - address) : 0;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = (passive ? AI_PASSIVE : 0) | AI_NUMERICSERV};

    if (strstr(address, "://"))
        return err_set(ERR_ARG, "%s: not ADDR:PORT: leave out what ends in ://", address);
    if (len > 2 && address[0] == '[' && address[len - 1] == ']') {
        from++;
        len -= 2;
    } else if (len && memchr(address, ':', len)) {
        return err_set(ERR_ARG, "%s: an IPv6 address stands in brackets: [%.*s]:%s", address, (int)len, address,
                       colon + 1);
    }
    const char *port = colon ? colon + 1 : address;
    const size_t digits = strspn(port, "0123456789");
    const int good = digits && digits <= 5 && !port[digits] && atoi(port) <= 65535;
    if (good && !len && passive)
        return err_set(ERR_ARG, "%s: not ADDR:PORT: 127.0.0.1:%s is for this machine only, 0.0.0.0:%s for all networks",
                       address, port, port);
    if (!colon || !len || len >= sizeof host)
        return err_set(ERR_ARG, "%s: not ADDR:PORT, as 127.0.0.1:4600", address);
    if (!good)
        return err_set(ERR_ARG, "%s: not a port: %s", address, port);
    memcpy(host, from, len);
    host[len] = 0;
    int rc = getaddrinfo(host, colon + 1, &hints, list);
    return rc ? err_set(ERR_NET, "%s: %s", address, gai_strerror(rc)) : 0;
}

/** tune: what every connection gets.  Probes after a minute of silence; two minutes without an acknowledgement end it.
 */
static void tune(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},    {SOL_SOCKET, SO_KEEPALIVE, 1}, {IPPROTO_TCP, TCP_KEEPIDLE, 60},
        {IPPROTO_TCP, TCP_KEEPINTVL, 15}, {IPPROTO_TCP, TCP_KEEPCNT, 4}, {IPPROTO_TCP, TCP_USER_TIMEOUT, 120000},
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        (void)!setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value);
}

static int name_of(const struct sockaddr_storage *a, socklen_t len, char *name, size_t name_len)
{
    char host[64], port[8];
    if (getnameinfo((const struct sockaddr *)a, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        return -1;
    snprintf(name, name_len, a->ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    return 0;
}

int tcp_name(int fd, char *name, size_t len)
{
    struct sockaddr_storage a;
    socklen_t size = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &size) || name_of(&a, size, name, len))
        return err_set(ERR_NET, "a socket that is no TCP socket: %s", strerror(errno));
    return 0;
}

int tcp_is_loopback(int fd)
{
    struct sockaddr_storage a;
    socklen_t size = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &size))
        return 0;
    if (a.ss_family == AF_INET)
        return ntohl(((struct sockaddr_in *)&a)->sin_addr.s_addr) >> 24 == 127;
    return a.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&a)->sin6_addr);
}

static int cannot_listen(const char *address, int error)
{
    switch (error) {
    case EADDRINUSE:
        return err_set(ERR_NET, "%s: the port is in use by another program; port 0 takes a free one", address);
    case EADDRNOTAVAIL: return err_set(ERR_NET, "%s: not an address of this machine", address);
    case EACCES:
        return err_set(ERR_NET, "%s: not permitted: ports below 1024 are the system's; take a higher one", address);
    default: return err_set(ERR_NET, "%s: %s", address, strerror(error));
    }
}

/** listen_at: a listening socket, or -1 with errno.  `port`, not 0, instead of the address's own. */
static int listen_at(const struct addrinfo *a, int both, in_port_t port)
{
    const int one = 1, only = !both;
    struct sockaddr_storage at;
    memcpy(&at, a->ai_addr, a->ai_addrlen);
    if (port && a->ai_family == AF_INET6)
        ((struct sockaddr_in6 *)&at)->sin6_port = port;
    else if (port)
        ((struct sockaddr_in *)&at)->sin_port = port;
    int s = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s >= 0 && !setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) &&
        (a->ai_family != AF_INET6 || !setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only)) &&
        !bind(s, (struct sockaddr *)&at, a->ai_addrlen) && !listen(s, BACKLOG))
        return s;
    const int error = errno;
    if (s >= 0)
        close(s);
    errno = error;
    return -1;
}

static in_port_t port_of(int fd)
{
    struct sockaddr_storage a;
    socklen_t size = sizeof a;
    if (getsockname(fd, (struct sockaddr *)&a, &size))
        return 0;
    return a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port : ((struct sockaddr_in *)&a)->sin_port;
}

static int listen_some(const char *address, int *fd, unsigned most, unsigned *count, char *bound, size_t bound_len)
{
    struct addrinfo *list;
    in_port_t port = 0;
    int error = 0, rc = resolve(address, 1, &list);
    *count = 0;
    if (rc)
        return rc;
    for (const struct addrinfo *a = list; a && *count < most; a = a->ai_next) {
        const int s = listen_at(a, !list->ai_next, port);
        if (s >= 0) {
            fd[(*count)++] = s;
            port = port_of(s);
        } else if (errno != EAFNOSUPPORT &&
                   (!*count || errno != EADDRNOTAVAIL)) { /* a name may have an address of a family that is off */
            error = errno;
            if (error != EADDRNOTAVAIL)
                break;
        }
    }
    freeaddrinfo(list);
    if (error && error != EADDRNOTAVAIL)
        rc = cannot_listen(address, error);
    else if (!*count)
        rc = cannot_listen(address, error ? error : EAFNOSUPPORT);
    else
        rc = tcp_name(fd[0], bound, bound_len);
    while (rc && *count)
        close(fd[--*count]);
    return rc;
}

int tcp_listen_all(const char *address, int fd[TCP_LISTENERS], unsigned *count, char *bound, size_t bound_len)
{
    return listen_some(address, fd, TCP_LISTENERS, count, bound, bound_len);
}

int tcp_listen(const char *address, int *fd, char *bound, size_t bound_len)
{
    unsigned count;
    return listen_some(address, fd, 1, &count, bound, bound_len);
}

int tcp_accept_now(int listen_fd, int *fd, char *from, size_t from_len)
{
    for (int tries = 0; tries < 64; tries++) {
        struct sockaddr_storage a;
        socklen_t len = sizeof a;
        *fd = accept4(listen_fd, (struct sockaddr *)&a, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (*fd >= 0) {
            tune(*fd);
            if (name_of(&a, len, from, from_len))
                snprintf(from, from_len, "?");
            return 0;
        }
        switch (errno) {
        case EAGAIN: return 1;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM: return err_set(ERR_LIMIT, "accept: %s", strerror(errno));
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EOPNOTSUPP: return err_set(ERR_NET, "accept: %s", strerror(errno));
        default: continue; /* that connection went away, or its network has an error: the next one */
        }
    }
    return 1; /* a fault that stays is looked at again later */
}

int tcp_accept(int listen_fd, int *fd, const volatile int *stop)
{
    for (;;) {
        struct pollfd p = {listen_fd, POLLIN, 0};
        if (stop && *stop)
            return err_set(ERR_INTERRUPTED, "interrupted");
        if (poll(&p, 1, 200) <= 0)
            continue;
        *fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (*fd >= 0)
            break;
        if (errno != EINTR && errno != EAGAIN && errno != ECONNABORTED)
            return err_set(ERR_NET, "accept: %s", strerror(errno));
    }
    tune(*fd);
    return 0;
}

/** connect_one: 0 or an errno. */
static int connect_one(int s, const struct addrinfo *a, unsigned timeout_ms)
{
    int flags = fcntl(s, F_GETFL), error = 0;
    socklen_t len = sizeof error;
    struct pollfd p = {s, POLLOUT, 0};

    if (fcntl(s, F_SETFL, flags | O_NONBLOCK))
        return errno;
    if (connect(s, a->ai_addr, a->ai_addrlen)) {
        if (errno != EINPROGRESS)
            return errno;
        int n = poll(&p, 1, timeout_ms ? (int)timeout_ms : -1);
        if (n <= 0)
            return n ? errno : ETIMEDOUT;
        if (getsockopt(s, SOL_SOCKET, SO_ERROR, &error, &len))
            return errno;
    }
    return error;
}

int tcp_connect(const char *address, unsigned timeout_ms, int *fd)
{
    struct addrinfo *list;
    int error = 0, rc = resolve(address, 0, &list);
    if (rc)
        return rc;
    *fd = -1;
    for (struct addrinfo *a = list; a && *fd < 0; a = a->ai_next) {
        int s = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        error = s < 0 ? errno : connect_one(s, a, timeout_ms);
        if (!error)
            *fd = s;
        else if (s >= 0)
            close(s);
    }
    freeaddrinfo(list);
    if (*fd < 0)
        return err_set(ERR_NET, "%s: %s", address, strerror(error));
    tune(*fd);
    return 0;
}
