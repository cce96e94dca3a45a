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

/** resolve: "HOST:PORT" or "[V6]:PORT" to socket addresses. */
static int resolve(const char *address, int passive, struct addrinfo **list)
{
    char host[256];
    const char *colon = strrchr(address, ':'), *from = address;
    size_t len = colon ? (size_t)(colon - address) : 0;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = (passive ? AI_PASSIVE : 0) | AI_NUMERICSERV};

    if (len > 2 && address[0] == '[' && address[len - 1] == ']') {
        from++;
        len -= 2;
    }
    if (!colon || !len || len >= sizeof host)
        return err_set(ERR_ARG, "%s: not ADDR:PORT", address);
    const size_t digits = strspn(colon + 1, "0123456789");
    if (!digits || digits > 5 || colon[1 + digits] || atoi(colon + 1) > 65535)
        return err_set(ERR_ARG, "%s: not a port: %s", address, colon + 1);
    memcpy(host, from, len);
    host[len] = 0;
    int rc = getaddrinfo(host, colon + 1, &hints, list);
    return rc ? err_set(ERR_NET, "%s: %s", address, gai_strerror(rc)) : 0;
}

static void no_delay(int fd)
{
    int one = 1;
    (void)!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

int tcp_listen(const char *address, int *fd, char *bound, size_t bound_len)
{
    struct addrinfo *list;
    int one = 1, rc = resolve(address, 1, &list);
    if (rc)
        return rc;
    int s = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) || bind(s, list->ai_addr, list->ai_addrlen) || listen(s, 16)) {
        rc = err_set(ERR_NET, "%s: %s", address, strerror(errno));
        goto out;
    }
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    char host[64], port[8];
    if (getsockname(s, (struct sockaddr *)&a, &len) ||
        getnameinfo((struct sockaddr *)&a, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV)) {
        rc = err_set(ERR_NET, "%s: %s", address, strerror(errno));
        goto out;
    }
    snprintf(bound, bound_len, a.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
    *fd = s;
    s = -1;
out:
    if (s >= 0)
        close(s);
    freeaddrinfo(list);
    return rc;
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
    no_delay(*fd);
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
    no_delay(*fd);
    return 0;
}
