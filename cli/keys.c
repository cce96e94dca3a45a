// SPDX-License-Identifier: ISC
#include "cli/keys.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/prg.h"
#include "cli/cli.h"

#define SECRET_WORD "tacit-secret-key "
#define LINE_MAX_BYTES 512

void cli_hex(char out[CLI_HEX_BYTES], const uint8_t key[32]) { sodium_bin2hex(out, CLI_HEX_BYTES, key, 32); }

int cli_unhex(uint8_t out[32], const char *text)
{
    size_t len;
    return strlen(text) != 64 || sodium_hex2bin(out, 32, text, 64, NULL, &len, NULL) || len != 32;
}

static int cannot(const char *file) { return err_set(ERR_DATA, "%s: %s", file, strerror(errno)); }

/* ---- secret keys ---- */

/** is_credential: a file that systemd passed (LoadCredential): root's, and what shows as the group's right is this user's own. */
static int is_credential(const char *file, const struct stat *st)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    const size_t n = folder ? strlen(folder) : 0;
    return n && !strncmp(file, folder, n) && file[n] == '/' && !strchr(file + n + 1, '/') && st->st_uid == 0 &&
           !(st->st_mode & 037);
}

int cli_key_load(noise_keypair *k, const char *file)
{
    char line[128] = {0};
    struct stat st;
    int rc = 0;
    const int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is refused, not waited for */
    if (fd < 0)
        return cannot(file);
    if (fstat(fd, &st))
        rc = cannot(file);
    else if (!S_ISREG(st.st_mode))
        rc = err_set(ERR_DATA, "%s: not a file; tacit keygen FILE makes a key", file);
    const ssize_t n = rc ? 0 : read(fd, line, sizeof line - 1);
    close(fd);
    if (n < 0)
        rc = cannot(file);
    line[strcspn(line, "\r\n")] = 0;
    const size_t word = sizeof SECRET_WORD - 1;
    if (!rc && !cli_unhex(k->secret, line))
        rc = err_set(ERR_DATA, "%s: a public key; the secret one is in the file that tacit keygen made", file);
    else if (!rc && (strncmp(line, SECRET_WORD, word) || cli_unhex(k->secret, line + word)))
        rc = err_set(ERR_DATA, "%s: not a secret key; tacit keygen FILE makes one", file);
    else if (!rc && st.st_mode & 077 && !is_credential(file, &st))
        rc = err_set(ERR_DATA,
                     "%s: others may read this secret key (mode %03o); chmod 600 it, or make a new one if they did",
                     file, st.st_mode & 0777);
    mem_wipe(line, sizeof line);
    if (rc)
        mem_wipe(k->secret, sizeof k->secret);
    return rc ? rc : noise_keypair_public(k);
}

int cli_key_fresh(noise_keypair *k)
{
    prg rng;
    int rc = prg_init_random(&rng);
    if (!rc)
        rc = noise_keypair_new(k, &rng);
    prg_wipe(&rng);
    return rc;
}

/** save_new: a file that did not exist, for its owner only; 0, or errno is set. */
static int save_new(const char *file, const char *text, size_t len)
{
    const int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    const ssize_t n = write(fd, text, len);
    const int bad = n != (ssize_t)len || fsync(fd);
    if (n >= 0 && n != (ssize_t)len)
        errno = ENOSPC;
    const int why = errno;
    close(fd);
    if (bad)
        unlink(file); /* half a key is none */
    errno = why;
    return bad ? -1 : 0;
}

/** save_key: k's secret half as a new file. */
static int save_key(const noise_keypair *k, const char *file)
{
    char text[sizeof SECRET_WORD + CLI_HEX_BYTES] = SECRET_WORD;
    int rc = 0;
    cli_hex(text + sizeof SECRET_WORD - 1, k->secret);
    strcat(text, "\n");
    if (save_new(file, text, strlen(text)))
        rc = errno == EEXIST ? err_set(ERR_DATA,
                                       "%s: it exists, and a key is never overwritten: take another name (keygen "
                                       "--public prints the public half of a key that is there)",
                                       file)
                             : cannot(file);
    mem_wipe(text, sizeof text);
    return rc;
}

static const char about[] = "usage: tacit keygen FILE [options]\n"
                            "\n"
                            "Makes a secret key, of a server or a client, in FILE (which must not exist; only its "
                            "owner may read it) and prints the public half:\n"
                            "what a server's clients pin with infer --server-key, and what a client's server lists in "
                            "the file of serve --allow.\n";

int cli_keygen(int argc, char **argv)
{
    cli_args a;
    noise_keypair k;
    char hex[CLI_HEX_BYTES];
    int code = cli_parse(&a, argc, argv, CLI_KEYGEN, "FILE", about);
    if (code >= 0)
        return code;
    if (!strcmp(a.operand, "-"))
        return cli_usage("keygen", "-: a secret key goes into a file only");
    int rc = a.public_half ? cli_key_load(&k, a.operand) : cli_key_fresh(&k);
    if (!rc && !a.public_half)
        rc = save_key(&k, a.operand);
    mem_wipe(k.secret, sizeof k.secret);
    if (rc)
        return cli_fail("keygen", rc);
    cli_hex(hex, k.public);
    printf(a.json ? "{\"public_key\":\"%s\"}\n" : "%s\n", hex);
    code = cli_close_stdout(EXIT_OK);
    if (code && !a.public_half)
        fprintf(stderr, "(%s has the key; tacit keygen --public prints its public half)\n", a.operand);
    return code;
}

/* ---- lists ---- */

/** line: the next line with something on it, without comment and blanks at its ends; 1, 0 at the end, or an error. */
static int line(FILE *f, const char *file, unsigned *number, char text[LINE_MAX_BYTES])
{
    while (fgets(text, LINE_MAX_BYTES, f)) {
        ++*number;
        if (!strchr(text, '\n') && !feof(f))
            return err_set(ERR_DATA, "%s: line %u is longer than any key", file, *number);
        text[strcspn(text, "#\r\n")] = 0;
        size_t n = strlen(text), from = strspn(text, " \t");
        while (n > from && isspace((unsigned char)text[n - 1]))
            n--;
        text[n] = 0;
        memmove(text, text + from, n - from + 1);
        if (*text)
            return 1;
    }
    return ferror(f) ? cannot(file) : 0;
}

int cli_server_key(uint8_t out[32], const char *hex_or_file)
{
    char text[LINE_MAX_BYTES];
    unsigned number = 0;
    if (!cli_unhex(out, hex_or_file))
        return 0;
    FILE *f = fopen(hex_or_file, "re");
    if (!f)
        return err_set(ERR_DATA, "--server-key %s: neither 64 hexadecimal digits nor a file: %s", hex_or_file,
                       strerror(errno));
    int rc = line(f, hex_or_file, &number, text);
    fclose(f);
    if (rc < 0)
        return rc;
    if (rc && !strncmp(text, SECRET_WORD, sizeof SECRET_WORD - 1))
        return err_set(
            ERR_DATA,
            "%s: a secret key, which belongs on the server only; tacit keygen --public there prints its public half",
            hex_or_file);
    return rc && !cli_unhex(out, text)
               ? 0
               : err_set(ERR_DATA, "%s: no key of 64 hexadecimal digits on its first line", hex_or_file);
}

int cli_known_file(char *path, size_t size, const char *file)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int n;
    if (file)
        n = snprintf(path, size, "%s", file);
    else if (xdg && *xdg == '/')
        n = snprintf(path, size, "%s/tacit/known_servers", xdg);
    else if (home && *home)
        n = snprintf(path, size, "%s/.config/tacit/known_servers", home);
    else
        return err_set(ERR_DATA,
                       "neither XDG_CONFIG_HOME nor HOME is set; say where keys are kept with --known-servers FILE");
    return n < 0 || (size_t)n >= size ? err_set(ERR_DATA, "known servers: the file's name is too long") : 0;
}

int cli_known_find(uint8_t key[32], const char *file, const char *address)
{
    char path[4096], text[LINE_MAX_BYTES];
    unsigned number = 0;
    int rc = cli_known_file(path, sizeof path, file), found = 0;
    if (rc)
        return rc;
    FILE *f = fopen(path, "re");
    if (!f)
        return errno == ENOENT ? 0 : cannot(path);
    while (!found && (rc = line(f, path, &number, text)) > 0) {
        char *hex = text + strcspn(text, " \t");
        if (*hex)
            *hex++ = 0;
        hex += strspn(hex, " \t");
        uint8_t read[32];
        if (cli_unhex(read, hex)) {
            rc = err_set(ERR_DATA, "%s: line %u is not ADDR:PORT and 64 hexadecimal digits", path, number);
            break;
        }
        found = !strcmp(text, address);
        if (found)
            memcpy(key, read, 32);
    }
    fclose(f);
    return rc < 0 ? rc : found;
}

/** folders: makes those that `path` needs, for their owner only. */
static int folders(char *path)
{
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = 0;
        const int bad = mkdir(path, 0700) && errno != EEXIST;
        *at = '/';
        if (bad)
            return -1;
    }
    return 0;
}

int cli_known_add(const char *file, const char *address, const uint8_t key[32])
{
    char path[4096], text[LINE_MAX_BYTES], hex[CLI_HEX_BYTES];
    int rc = cli_known_file(path, sizeof path, file);
    if (rc)
        return rc;
    cli_hex(hex, key);
    if (folders(path))
        return cannot(path);
    const int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return cannot(path);
    const off_t end = lseek(fd, 0, SEEK_END);
    char last = '\n'; /* a line that an editor left without its end gets it */
    if (end > 0 && pread(fd, &last, 1, end - 1) != 1)
        last = '\n';
    const int n = snprintf(text, sizeof text, "%s%s %s\n", last == '\n' ? "" : "\n", address, hex);
    if (n < 0 || (size_t)n >= sizeof text) {
        close(fd);
        return err_set(ERR_DATA, "known servers: the address is too long");
    }
    const ssize_t put = write(fd, text, (size_t)n); /* one write: lines of two clients do not mix */
    if (put != n) {
        rc = put < 0 ? cannot(path) : err_set(ERR_DATA, "%s: no room", path);
        (void)!ftruncate(fd, end);
    }
    close(fd);
    return rc;
}

static int ascending(const void *a, const void *b) { return memcmp(a, b, 32); }

int cli_allowed_load(cli_allowed *out, const char *file)
{
    cli_allowed a = {0};
    char text[LINE_MAX_BYTES];
    unsigned number = 0;
    size_t room = 0;
    int rc;
    FILE *f = fopen(file, "re");
    if (!f)
        return cannot(file);
    while ((rc = line(f, file, &number, text)) > 0) {
        if (a.count == room) {
            uint8_t(*more)[32] = mem_alloc(room = room ? 2 * room : 64, sizeof *more);
            if (!more) {
                rc = err_set(ERR_MEM, "out of memory for %s", file);
                break;
            }
            if (a.count)
                memcpy(more, a.key, a.count * sizeof *more);
            mem_free(a.key);
            a.key = more;
        }
        if (cli_unhex(a.key[a.count++], text)) {
            const int secret = !strncmp(text, SECRET_WORD, sizeof SECRET_WORD - 1);
            rc = err_set(ERR_DATA,
                         secret ? "%s: line %u is a secret key, its client's alone; list what keygen --public prints"
                                : "%s: line %u is not a public key of 64 hexadecimal digits",
                         file, number);
            mem_wipe(text, sizeof text);
            break;
        }
    }
    fclose(f);
    if (rc) {
        cli_allowed_free(&a);
        return rc;
    }
    if (a.count)
        qsort(a.key, a.count, sizeof *a.key, ascending);
    cli_allowed_free(out);
    *out = a;
    return 0;
}

int cli_allowed_has(const cli_allowed *a, const uint8_t key[32])
{
    return a->count && bsearch(key, a->key, a->count, sizeof *a->key, ascending) != NULL;
}

void cli_allowed_free(cli_allowed *a)
{
    mem_free(a->key);
    *a = (cli_allowed){0};
}
