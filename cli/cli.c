// SPDX-License-Identifier: ISC
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

volatile int cli_stop;

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

int cli_usage(const char *command, const char *fmt, ...)
{
    va_list args;
    fprintf(stderr, "tacit %s: ", command);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\n(tacit %s --help lists the options)\n", command);
    return EXIT_USAGE;
}

int cli_fail(const char *command, int rc)
{
    fprintf(stderr, "tacit %s: %s\n", command, rc == ERR_MEM && !*err_text() ? "out of memory" : err_text());
    switch (rc) {
    case ERR_ARG: return EXIT_USAGE;
    case ERR_DATA: return EXIT_DATA;
    case ERR_NET:
    case ERR_PEER:
    case ERR_BUSY:
    case ERR_DENIED:
    case ERR_LIMIT: return EXIT_PEER;
    case ERR_INTERRUPTED: return EXIT_SIGNAL;
    default: return EXIT_FAILED;
    }
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

int cli_close_stdout(int code)
{
    if (!fflush(stdout) && !ferror(stdout))
        return code;
    fprintf(stderr, "tacit: standard output could not be written: %s\n", strerror(errno));
    return code ? code : EXIT_FAILED;
}

uint64_t cli_peak_rss(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) ? 0 : (uint64_t)u.ru_maxrss * 1024;
}

double cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
