// SPDX-License-Identifier: ISC
#include "cli/args.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

enum kind { TEXT, NUMBER, BYTES, FLAG, EXTENSION };

typedef struct {
    const char *name;
    enum kind kind;
    unsigned commands;
    size_t at;            /* in cli_args */
    uint32_t least, most; /* of a NUMBER */
    const char *value;    /* what the help calls it */
    const char *help;     /* with the default */
} option;

#define AT(field) offsetof(cli_args, field)
#define ANY (UINT32_MAX / 2)
#define QUANT (CLI_PLAN | CLI_SERVE | CLI_INFER)

static const option options[] = {
    {"--listen", TEXT, CLI_SERVE, AT(listen), 0, 0, "ADDR:PORT",
     "where to listen (127.0.0.1:0; port 0 takes a free one and says which)"},
    {"--key", TEXT, CLI_SERVE | CLI_INFER, AT(key), 0, 0, "FILE", "own secret key, from tacit keygen (a fresh one)"},
    {"--allow", TEXT, CLI_SERVE, AT(allow), 0, 0, "FILE",
     "public keys of the clients to admit, one a line; read anew on SIGHUP (everybody)"},
    {"--sessions", NUMBER, CLI_SERVE, AT(sessions), 1, 4096, "n",
     "sessions at once; further clients are told to wait (one a core)"},
    {"--memory", BYTES, CLI_SERVE, AT(memory), 1, 0, "SIZE",
     "memory that all sessions may take together, as 512M or 4G (half of this machine's)"},
    {"--stop-after", NUMBER, CLI_SERVE, AT(stop_after), 1, ANY, "n", "ends after n sessions (never)"},
    {"--idle", NUMBER, CLI_SERVE, AT(idle), 1, 4000000, "SECONDS",
     "a session that asks nothing for so long is ended (600)"},
    {"--session-limit", NUMBER, CLI_SERVE, AT(session_limit), 1, 4000000, "SECONDS",
     "the longest that a session may last (no limit)"},
    {"--min-rate", NUMBER, CLI_SERVE, AT(min_rate), 1, ANY, "BYTES",
     "a client that sends fewer bytes a second while they are due is dropped (4096)"},
    {"--drain", NUMBER, CLI_SERVE, AT(drain), 1, ANY, "SECONDS",
     "how long running sessions may go on after SIGTERM (30)"},
    {"--metrics", TEXT, CLI_SERVE, AT(metrics), 0, 0, "FILE",
     "counters in Prometheus' text format, written anew every few seconds"},
    {"--names", FLAG, CLI_SERVE, AT(names), 0, 0, NULL, "tells clients the names of the layers"},
    {"--images", TEXT, CLI_INFER, AT(images), 0, 0, "FILE",
     "IDX file of unsigned bytes, N x H x W or N x C x H x W; - is standard input; a pixel p enters as p/255"},
    {"--labels", TEXT, CLI_INFER, AT(labels), 0, 0, "FILE", "IDX file of true labels: counts the correct ones"},
    {"--images", TEXT, CLI_DEMO, AT(images), 0, 0, "FILE",
     "writes the digits there as an IDX file, for infer, in place of running"},
    {"--labels", TEXT, CLI_DEMO, AT(labels), 0, 0, "FILE", "writes their labels there"},
    {"--count", NUMBER, CLI_DEMO, AT(count), 1, 100000, "n", "how many digits to write (20)"},
    {"--count", NUMBER, CLI_INFER, AT(count), 1, ANY, "n", "only n images (all)"},
    {"--skip", NUMBER, CLI_INFER, AT(skip), 0, ANY, "n", "not the first n images (0)"},
    {"--batch", NUMBER, CLI_INFER | CLI_PLAN, AT(batch), 1, ANY, "n", "images a batch (as many as the plan allows)"},
    {"--server-key", TEXT, CLI_INFER, AT(server_key), 0, 0, "HEX|FILE",
     "the server's public key (the known one, else trust on first use)"},
    {"--known-servers", TEXT, CLI_INFER, AT(known_servers), 0, 0, "FILE",
     "where servers' keys are kept ($XDG_CONFIG_HOME/tacit/known_servers)"},
    {"--resume", TEXT, CLI_INFER, AT(resume), 0, 0, "FILE",
     "keeps finished labels in FILE and goes on from there after a cut"},
    {"--retry", NUMBER, CLI_INFER, AT(retry), 1, ANY, "SECONDS",
     "how long to try again where a server is busy or lost, or, if given, not there yet (60)"},
    {"--timeout", NUMBER, CLI_INFER, AT(timeout), 1, 4000000, "SECONDS",
     "a server that stays silent for so long is lost (600)"},
    {"--reference", TEXT, CLI_INFER, AT(reference), 0, 0, "MODEL",
     "the model itself, for tests: runs it in the clear too and counts agreement"},
    {"--public", FLAG, CLI_KEYGEN, AT(public_half), 0, 0, NULL,
     "makes nothing: prints the public half of the key that FILE has"},
    {"--wbits", NUMBER, QUANT, AT(quant.wbits), 2, 11, "n", "bits of a weight, 2 to 11 (8)"},
    {"--abits", NUMBER, QUANT, AT(quant.abits), 4, 20, "n",
     "bits kept of one standard deviation of a layer's output, 4 to 20 (6)"},
    {"--ot", EXTENSION, QUANT, AT(ot), 0, 0, "NAME",
     "iknp, softspoken2, softspoken4 or softspoken8: fewer bytes, more AES (softspoken2)"},
    {"--insecure-plaintext", FLAG, CLI_SERVE | CLI_INFER, AT(plaintext), 0, 0, NULL,
     "no encryption, no keys; loopback only, for tests"},
    {"--verbose", FLAG, CLI_INFER, AT(verbose), 0, 0, NULL,
     "a line a prediction for people too (only up to 100 images)"},
    {"--json", FLAG, CLI_PLAN | CLI_SERVE | CLI_INFER | CLI_DEMO | CLI_KEYGEN, AT(json), 0, 0, NULL,
     "one JSON object a line on standard output, nothing else there"},
};
#define OPTIONS (sizeof options / sizeof *options)

/** What has no effect, or none without another: refused, since whoever wrote it expected one. */
static const struct {
    unsigned command;
    const char *name, *beside, *without; /* one of the last two */
} vain[] = {
    {CLI_SERVE, "--key", "--insecure-plaintext", NULL},
    {CLI_SERVE, "--allow", "--insecure-plaintext", NULL},
    {CLI_INFER, "--key", "--insecure-plaintext", NULL},
    {CLI_INFER, "--server-key", "--insecure-plaintext", NULL},
    {CLI_INFER, "--known-servers", "--insecure-plaintext", NULL},
    {CLI_INFER, "--known-servers", "--server-key", NULL},
    {CLI_INFER, "--wbits", NULL, "--reference"},
    {CLI_INFER, "--abits", NULL, "--reference"},
    {CLI_INFER, "--verbose", "--json", NULL},
    {CLI_DEMO, "--labels", NULL, "--images"},
    {CLI_DEMO, "--count", NULL, "--images"},
};

/** distance: edits from a to b, capped by the length of a line. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[32];
    const size_t n = strlen(b);
    if (n >= sizeof row / sizeof *row)
        return UINT32_MAX;
    for (unsigned j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        unsigned corner = row[0]++;
        for (size_t j = 0; j < n; j++) {
            const unsigned same = corner + (a[i] != b[j]), other = 1 + (row[j] < row[j + 1] ? row[j] : row[j + 1]);
            corner = row[j + 1];
            row[j + 1] = same < other ? same : other;
        }
    }
    return row[n];
}

const char *cli_nearest(const char *name, const char *const *names, size_t count)
{
    const size_t len = strlen(name + strspn(name, "-"));
    const char *nearest = NULL;
    unsigned least = len < 8 ? (unsigned)len / 2 : 4; /* fewer edits than that: short names are all alike */
    for (size_t i = 0; i < count; i++) {
        const unsigned d = distance(name, names[i]);
        if (d < least) {
            least = d;
            nearest = names[i];
        }
    }
    return nearest;
}

static int unknown(const cli_args *a, unsigned command, const char *name)
{
    const char *names[OPTIONS];
    size_t count = 0;
    for (size_t o = 0; o < OPTIONS; o++)
        if (options[o].commands & command)
            names[count++] = options[o].name;
    const char *nearest = cli_nearest(name, names, count);
    return nearest ? cli_usage(a->command, "%s: no such option; is it %s?", name, nearest)
                   : cli_usage(a->command, "%s: no such option", name);
}

static void help(unsigned command, const char *about)
{
    fputs(about, stdout);
    printf("\nOptions (in brackets: without it):\n");
    for (size_t o = 0; o < OPTIONS; o++)
        if (options[o].commands & command) {
            char left[40];
            snprintf(left, sizeof left, "%s %s", options[o].name, options[o].value ? options[o].value : "");
            printf("  %-26s %s\n", left, options[o].help);
        }
    printf("  %-26s %s\n", "--help", "this text");
}

/** number: a decimal number, for BYTES with K, M or G behind it. */
static int number(const char *text, int bytes, uint64_t *x)
{
    char *end;
    errno = 0;
    *x = strtoull(text, &end, 10);
    if (errno || *text < '0' || *text > '9')
        return 0;
    const char *unit = bytes && *end ? strchr("KMG", *end) : NULL;
    const unsigned shift = unit ? 10 * (unsigned)(unit - "KMG" + 1) : 0;
    end += unit != NULL;
    if (*end || *x > UINT64_MAX >> 1 >> shift)
        return 0;
    *x <<= shift;
    return 1;
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

static int store(cli_args *a, const option *o, const char *text)
{
    void *at = (char *)a + o->at;
    uint64_t x;
    switch (o->kind) {
    case TEXT:
        if (!*text)
            return cli_usage(a->command, "%s: its value is empty", o->name);
        *(const char **)at = text;
        return -1;
    case FLAG: *(int *)at = 1; return -1;
    case EXTENSION:
        *(uint32_t *)at = extension(text);
        return *(uint32_t *)at ? -1
                               : cli_usage(a->command, "--ot %s: iknp, softspoken2, softspoken4 or softspoken8", text);
    case BYTES:
        if (!number(text, 1, &x) || x < o->least)
            return cli_usage(a->command, "%s %s: not a size, as 512M or 4G", o->name, text);
        *(uint64_t *)at = x;
        return -1;
    default:
        if (!number(text, 0, &x) || x < o->least || x > o->most)
            return cli_usage(a->command, "%s %s: not a number from %u to %u", o->name, text, o->least, o->most);
        *(uint32_t *)at = (uint32_t)x;
        return -1;
    }
}

static int operand(cli_args *a, unsigned command, const char *name, const char *text)
{
    if (!*text)
        return cli_usage(a->command, "an operand is empty (a variable that is not set?)");
    if (!name || a->operand_count == (command == CLI_INFER ? CLI_SERVERS_MAX : 1))
        return cli_usage(a->command, "%s: one operand too many", text);
    a->operands[a->operand_count++] = text;
    a->operand = a->operands[0];
    return -1;
}

static size_t find(unsigned command, const char *name, size_t len)
{
    size_t o = 0;
    while (o < OPTIONS &&
           !(options[o].commands & command && strlen(options[o].name) == len && !memcmp(options[o].name, name, len)))
        o++;
    return o;
}

int cli_parse(cli_args *a, int argc, char **argv, unsigned command, const char *takes, const char *about)
{
    uint8_t given[OPTIONS] = {0};

    *a = (cli_args){.command = argv[1], .quant = {NN_DEFAULT_WBITS, NN_DEFAULT_ABITS}};
    for (int i = 2; i < argc; i++) {
        const char *s = argv[i], *value = strchr(s, '=');
        const size_t len = value ? (size_t)(value - s) : strlen(s), o = find(command, s, len);
        int code;
        if (!strcmp(s, "--help") || !strcmp(s, "-h")) {
            help(command, about);
            return cli_close_stdout(EXIT_OK);
        }
        if (s[0] != '-' || !s[1]) {
            if ((code = operand(a, command, takes, s)) >= 0)
                return code;
            continue;
        }
        if (o == OPTIONS)
            return unknown(a, command, s);
        if (given[o]++)
            return cli_usage(a->command, "%s is given twice", options[o].name);
        value += value != NULL;
        if (options[o].kind == FLAG ? value != NULL : !value && i + 1 == argc)
            return cli_usage(a->command, options[o].kind == FLAG ? "%s takes no value" : "%s: its value is missing",
                             options[o].name);
        if (options[o].kind != FLAG && !value)
            value = argv[++i];
        if ((code = store(a, &options[o], value)) >= 0)
            return code;
    }
    for (size_t i = 0; i < sizeof vain / sizeof *vain; i++) {
        const char *other = vain[i].beside ? vain[i].beside : vain[i].without;
        if (vain[i].command != command || !given[find(command, vain[i].name, strlen(vain[i].name))])
            continue;
        if (!given[find(command, other, strlen(other))] == !vain[i].beside)
            return cli_usage(a->command, "%s has no effect %s %s", vain[i].name, vain[i].beside ? "beside" : "without",
                             other);
    }
    return takes && !a->operand_count ? cli_usage(a->command, "%s is missing", takes) : -1;
}
