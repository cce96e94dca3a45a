// SPDX-License-Identifier: ISC
#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

volatile int cli_stop;
int cli_json;

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

/** tell: an error, for people and, where they asked for it, for programs; `code` again. */
static int tell(const char *command, int code, const char *text)
{
    fprintf(stderr, "tacit %s: %s\n", command, text);
    if (cli_json) {
        printf("{\"error\":{\"exit\":%d,\"text\":", code);
        cli_json_text(stdout, text);
        printf("}}\n");
    }
    return code;
}

int cli_usage(const char *command, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    tell(command, EXIT_USAGE, text);
    fprintf(stderr, "(tacit %s --help lists the options)\n", command);
    return cli_close_stdout(EXIT_USAGE);
}

int cli_fail(const char *command, int rc)
{
    static const int codes[] = {
        [-ERR_ARG] = EXIT_USAGE, [-ERR_MEM] = EXIT_FAILED,  [-ERR_DATA] = EXIT_DATA,
        [-ERR_NET] = EXIT_PEER,  [-ERR_PEER] = EXIT_PEER,   [-ERR_LIMIT] = EXIT_PEER,
        [-ERR_BUSY] = EXIT_PEER, [-ERR_DENIED] = EXIT_PEER, [-ERR_INTERRUPTED] = EXIT_SIGNAL,
    };
    const int known = rc < 0 && (size_t)-rc < sizeof codes / sizeof *codes && codes[-rc];
    return tell(command, known ? codes[-rc] : EXIT_FAILED,
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

int cli_close_stdout(int code)
{
    if (!fflush(stdout) && !ferror(stdout))
        return code;
    fprintf(stderr, "tacit: standard output could not be written: %s\n", strerror(errno));
    return code ? code : EXIT_FAILED;
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
