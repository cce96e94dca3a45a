// SPDX-License-Identifier: ISC
#include "cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

volatile int cli_stop;
int cli_json;
static int lost; /* errno of the first write to stdout that failed, 0: none */
static int told; /* somebody has read so */

static void on_signal(int sig)
{
    (void)sig;
    cli_stop = 1;
}

void cli_catch_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal}; /* no SA_RESTART: waits return */
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    act.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &act, NULL);
}

/** tell: an error, for people and, where they asked for it, for programs; `exit` again. */
static int tell(const char *command, const char *code, int exit, const char *text)
{
    fprintf(stderr, "tacit%s%s: %s\n", command ? " " : "", command ? command : "", text);
    if (cli_json) {
        printf("{\"error\":{\"code\":\"%s\",\"exit\":%d,\"text\":", code, exit);
        cli_json_text(stdout, text);
        printf("}}\n");
    }
    return exit;
}

int cli_usage(const char *command, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    tell(command, "usage", EXIT_USAGE, text);
    fprintf(stderr, command ? "(tacit %s --help lists the options)\n" : "(tacit --help lists the commands)\n", command);
    return cli_close_stdout(EXIT_USAGE);
}

int cli_fail(const char *command, int rc)
{
    static const struct {
        const char *name;
        int exit;
    } codes[] = {
        [-ERR_ARG] = {"usage", EXIT_USAGE},     [-ERR_MEM] = {"memory", EXIT_FAILED},
        [-ERR_DATA] = {"data", EXIT_DATA},      [-ERR_NET] = {"network", EXIT_PEER},
        [-ERR_PEER] = {"peer", EXIT_PEER},      [-ERR_LIMIT] = {"limit", EXIT_PEER},
        [-ERR_BUSY] = {"busy", EXIT_PEER},      [-ERR_INTERRUPTED] = {"interrupted", EXIT_SIGNAL},
        [-ERR_DENIED] = {"denied", EXIT_PEER},  [-ERR_OUTPUT] = {"output", EXIT_FAILED},
    };
    const size_t i = rc < 0 ? (size_t)-rc : 0;
    const int known = i < sizeof codes / sizeof *codes && codes[i].name;
    if (rc == ERR_OUTPUT && lost) {
        told = 1;
        if (lost == EPIPE)
            return EXIT_FAILED;
    }
    return tell(command, known ? codes[i].name : "failed", known ? codes[i].exit : EXIT_FAILED,
                rc == ERR_MEM && !*err_text() ? "out of memory" : err_text());
}

void cli_json_text(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++)
        if (*s == '"' || *s == '\\')
            fprintf(f, "\\%c", *s);
        else if ((unsigned char)*s < 32 || (unsigned char)*s > 126)
            fprintf(f, "\\u%04x", (unsigned)(unsigned char)*s);
        else
            fputc(*s, f);
    fputc('"', f);
}

void cli_bar(const char *what, double fraction)
{
    enum { WIDTH = 40 };
    static double shown;
    const double now = cli_now();
    if (!isatty(STDERR_FILENO) || (fraction < 1 && now - shown < 0.1))
        return;
    shown = now;
    const int full = (int)(fraction * WIDTH);
    fprintf(stderr, "\r%s [%.*s%.*s] %3d%%", what, full, "########################################", WIDTH - full,
            "                                        ", (int)(100 * fraction));
}

void cli_bar_end(void)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%79s\r", "");
}

int cli_flush(void)
{
    errno = 0;
    if (!lost && (fflush(stdout) || ferror(stdout)))
        lost = errno ? errno : EIO;
    return lost ? err_set(ERR_OUTPUT, "standard output could not be written: %s", strerror(lost)) : 0;
}

int cli_close_stdout(int code)
{
    const int rc = cli_flush();
    if (rc && !told && lost != EPIPE)
        fprintf(stderr, "tacit: %s\n", err_text());
    return rc && !code ? EXIT_FAILED : code;
}

int cli_say(int fd, const char *line)
{
    struct pollfd p = {fd, POLLOUT, 0};
    const size_t n = strlen(line);
    return poll(&p, 1, 0) == 1 && p.revents == POLLOUT && write(fd, line, n) == (ssize_t)n;
}

uint64_t cli_peak_rss(void)
{
    /* getrusage's figure outlives exec, so it may be the shell's */
    char line[128];
    unsigned long long kib = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && !kib && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %llu", &kib) != 1)
            kib = 0;
    if (f)
        fclose(f);
    return kib * 1024;
}

double cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
