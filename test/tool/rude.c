// SPDX-License-Identifier: ISC
/* What strangers do to a server, and what a service manager does for one; loopback only.
 *
 *      rude open PORT n seconds      n connections that say nothing
 *      rude drip PORT n seconds      n connections that send a byte of the handshake each half second
 *      rude hello PORT n seconds     n connections that finish the handshake and then send a byte each half second
 *      rude say PORT text            sends text, prints what comes back
 *      rude silent                   listens, prints the port, accepts and says nothing
 *      rude banner text              listens, prints the port, says text to each who comes
 *      rude stuck PROGRAM ...        runs PROGRAM, passes its first line on, and reads no more of a pipe that holds a page
 *      rude activate PROGRAM ...     runs PROGRAM with a listening socket, as systemd would
 * open, drip and hello print "up" once all are connected and at the end how many of them the server has closed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "net/noise.h"

#define MOST 2000

static const uint8_t magic[] = {'T', 'A', 'C', 'I', 'T', 0, 0, 2, 1, 9, 9, 9, 9, 9, 9,
                                9,   9,   9,   9,   9,   9, 9, 9, 9, 9, 9, 9, 9, 9, 9};

static struct sockaddr_in at(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int dial(int port)
{
    const struct sockaddr_in a = at(port);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof a)) {
        perror("rude: connect");
        exit(1);
    }
    return fd;
}

static int listener(int *port)
{
    struct sockaddr_in a = at(0);
    socklen_t len = sizeof a;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 64) ||
        getsockname(fd, (struct sockaddr *)&a, &len))
        exit(1);
    *port = ntohs(a.sin_port);
    return fd;
}

/** gone: whether the server has closed, whatever it said before. */
static int gone(int fd)
{
    char away[512];
    ssize_t n;
    while ((n = recv(fd, away, sizeof away, MSG_DONTWAIT)) > 0)
        ;
    return n == 0 || (errno != EAGAIN && errno != EINTR);
}

static int crowd(const char *what, int port, int n, int seconds)
{
    static int fd[MOST];
    const struct rlimit room = {MOST + 64, MOST + 64};
    int closed = 0;
    setrlimit(RLIMIT_NOFILE, &room);
    for (int i = 0; i < n; i++) {
        fd[i] = dial(port);
        if (!strcmp(what, "hello")) {
            noise_handshake h;
            prg rng;
            if (prg_init_random(&rng))
                return 1;
            noise_client_start(&h, NULL, NULL, &rng);
            if (noise_connect(fd[i], &h, 5000, NULL)) {
                fprintf(stderr, "rude: handshake: %s\n", err_text());
                return 1;
            }
        }
    }
    puts("up");
    fflush(stdout);
    for (int tick = 0; tick < 2 * seconds; tick++) {
        for (int i = 0; i < n && strcmp(what, "open"); i++)
            (void)!send(fd[i], magic + tick % (int)sizeof magic, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        usleep(500000);
    }
    for (int i = 0; i < n; i++)
        closed += gone(fd[i]);
    printf("%d of %d closed\n", closed, n);
    return 0;
}

static int say(int port, const char *text)
{
    char answer[4096];
    const int fd = dial(port);
    struct pollfd p = {fd, POLLIN, 0};
    (void)!send(fd, text, strlen(text), MSG_NOSIGNAL);
    while (poll(&p, 1, 8000) > 0) {
        const ssize_t n = recv(fd, answer, sizeof answer, 0);
        if (n <= 0) {
            puts("closed");
            return 0;
        }
        fwrite(answer, 1, (size_t)n, stdout);
    }
    puts("still open");
    return 0;
}

static int serve(const char *text)
{
    int port;
    const int fd = listener(&port);
    printf("%d\n", port);
    fflush(stdout);
    for (int i = 0; i < 100; i++) {
        const int c = accept(fd, NULL, NULL);
        if (text && c >= 0) {
            (void)!send(c, text, strlen(text), MSG_NOSIGNAL);
            shutdown(c, SHUT_WR);
        }
    }
    return 0;
}

static int stuck(char **argv)
{
    char line[1024];
    int end[2];
    if (pipe(end) || fcntl(end[0], F_SETPIPE_SZ, 4096) < 0)
        return 1;
    const pid_t child = fork();
    if (!child) {
        dup2(end[1], STDOUT_FILENO);
        close(end[0]);
        close(end[1]);
        execv(argv[0], argv);
        _exit(1);
    }
    close(end[1]);
    for (size_t n = 0; n + 1 < sizeof line && read(end[0], line + n, 1) == 1; n++)
        if (line[n] == '\n') {
            line[n] = 0;
            printf("%d %s\n", (int)child, line);
            fflush(stdout);
            break;
        }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int activate(char **argv)
{
    int port;
    char pid[16];
    const int fd = listener(&port);
    if (fd != 3 && (dup2(fd, 3) != 3 || close(fd)))
        return 1;
    fcntl(3, F_SETFD, 0);
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
    execv(argv[0], argv);
    return 1;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    signal(SIGPIPE, SIG_IGN);
    if (argc == 5 && (!strcmp(what, "open") || !strcmp(what, "drip") || !strcmp(what, "hello")) &&
        atoi(argv[3]) <= MOST)
        return crowd(what, atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
    if (argc == 4 && !strcmp(what, "say"))
        return say(atoi(argv[2]), argv[3]);
    if (argc == 2 && !strcmp(what, "silent"))
        return serve(NULL);
    if (argc == 3 && !strcmp(what, "banner"))
        return serve(argv[2]);
    if (argc > 2 && !strcmp(what, "stuck"))
        return stuck(argv + 2);
    if (argc > 2 && !strcmp(what, "activate"))
        return activate(argv + 2);
    fprintf(stderr, "usage: see the head of test/tool/rude.c\n");
    return 2;
}
