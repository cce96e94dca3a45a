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
    case ERR_LIMIT: return EXIT_PEER;
    case ERR_INTERRUPTED: return EXIT_SIGNAL;
    default: return EXIT_FAILED;
    }
}

/** listed: whether `name` is one of the words of `list`. */
static int listed(const char *list, const char *name)
{
    const size_t len = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return 1;
    return 0;
}

/** extension: the k of ot/extend.h that a name stands for, 0: none. */
static uint32_t extension(const char *name)
{
    static const char *const names[] = {[1] = "iknp", [2] = "softspoken2", [4] = "softspoken4", [8] = "softspoken8"};
    uint32_t k = 8;
    while (k && strcmp(name, names[k]))
        k /= 2;
    return k;
}

int cli_parse(cli_args *a, int argc, char **argv, const char *allowed, const char *operand, const char *help)
{
    memset(a, 0, sizeof *a);
    a->command = argv[1];
    const char *ot = NULL;
    a->quant = (nn_quant_options){NN_DEFAULT_WBITS, NN_DEFAULT_ABITS};
    const struct {
        const char *name;
        const char **text;
        uint32_t *number;
        uint32_t least;
    } options[] = {
        {"--listen", &a->listen, NULL, 0},   {"--images", &a->images, NULL, 0},  {"--labels", &a->labels, NULL, 0},
        {"--reference", &a->reference, NULL, 0}, {"--count", NULL, &a->count, 1},    {"--skip", NULL, &a->skip, 0},
        {"--batch", NULL, &a->batch, 1},     {"--sessions", NULL, &a->sessions, 1}, {"--wbits", NULL, &a->quant.wbits, 2},
        {"--abits", NULL, &a->quant.abits, 4}, {"--ot", &ot, NULL, 0},
    };
    for (int i = 2; i < argc; i++) {
        const char *s = argv[i];
        size_t o = 0;
        if (!strcmp(s, "--help") || !strcmp(s, "-h")) {
            fputs(help, stdout);
            return cli_close_stdout(EXIT_OK);
        }
        if (!strcmp(s, "--json") && listed(allowed, s)) {
            a->json = 1;
            continue;
        }
        if (!strcmp(s, "--verbose") && listed(allowed, s)) {
            a->verbose = 1;
            continue;
        }
        if (s[0] != '-' || !s[1]) {
            if (!operand || a->operand)
                return cli_usage(a->command, "%s: one operand too many", s);
            a->operand = s;
            continue;
        }
        while (o < sizeof options / sizeof *options && strcmp(s, options[o].name))
            o++;
        if (o == sizeof options / sizeof *options || !listed(allowed, s))
            return cli_usage(a->command, "%s: no such option", s);
        if (++i == argc)
            return cli_usage(a->command, "%s: its value is missing", s);
        if (options[o].text) {
            *options[o].text = argv[i];
            continue;
        }
        char *end;
        errno = 0;
        unsigned long x = strtoul(argv[i], &end, 10);
        if (errno || *end || argv[i][0] < '0' || argv[i][0] > '9' || x < options[o].least || x > UINT32_MAX / 2)
            return cli_usage(a->command, "%s %s: not a number from %u on", s, argv[i], options[o].least);
        *options[o].number = (uint32_t)x;
    }
    if (ot && !(a->ot = extension(ot)))
        return cli_usage(a->command, "--ot %s: iknp, softspoken2, softspoken4 or softspoken8", ot);
    return operand && !a->operand ? cli_usage(a->command, "%s is missing", operand) : -1;
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
