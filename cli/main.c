// SPDX-License-Identifier: ISC
#include <malloc.h>
#include <sodium.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/keys.h"
#include "nn/selftest.h"

#define VERSION "0.1.0"

static const char help[] =
    "usage: tacit COMMAND ...\n"
    "\n"
    "Private neural-network inference between a client with images and a server with a model.\n"
    "\n"
    "  plan MODEL.onnx                   what will run, layer by layer: what a client is told\n"
    "  serve MODEL.onnx                  answers clients until SIGINT or SIGTERM\n"
    "  infer ADDR:PORT --images FILE     asks a server, or several, for the labels of images\n"
    "  keygen FILE                       makes a secret key, prints its public half\n"
    "  demo                              server and client on this machine, 20 digits\n"
    "\n"
    "tacit COMMAND --help lists a command's options.  --version prints the version.\n"
    "Exit status: 0 done, 1 failed, 2 usage, 3 bad model or data file, 4 peer or network, 130 interrupted.\n";

static void warn(const char *line) { fprintf(stderr, "tacit: warning: %s\n", line); }

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int, char **);
    } commands[] = {
        {"plan", cli_plan}, {"serve", cli_serve}, {"infer", cli_infer}, {"demo", cli_demo}, {"keygen", cli_keygen}};
    static char help_option[] = "--help";
    const char *names[sizeof commands / sizeof *commands];

    if (argc < 2) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    for (int i = 1; i < argc; i++)
        cli_json |= !strcmp(argv[i], "--json");
    if (!strcmp(argv[1], "help") && argc > 2) { /* help COMMAND */
        argv[1] = argv[2];
        argv[2] = help_option;
        argc = 3;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        fputs(help, stdout);
        return cli_close_stdout(EXIT_OK);
    }
    if (!strcmp(argv[1], "--version")) {
        puts("tacit " VERSION);
        return cli_close_stdout(EXIT_OK);
    }
    mallopt(M_MMAP_THRESHOLD, 1 << 28); /* buffers of layers come and go: their pages are kept, not fetched anew */
    mallopt(M_TRIM_THRESHOLD, 1 << 28);
    if (sodium_init() < 0) {
        fputs("tacit: libsodium does not start\n", stderr);
        return EXIT_FAILED;
    }
    int rc = nn_selftest(warn);
    if (rc)
        return cli_close_stdout(cli_fail(NULL, rc));
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].run(argc, argv);
        names[i] = commands[i].name;
    }
    const char *nearest = cli_nearest(argv[1], names, sizeof names / sizeof *names);
    return nearest ? cli_usage(NULL, "%s: no such command; is it %s?", argv[1], nearest)
                   : cli_usage(NULL, "%s: no such command", argv[1]);
}
