// SPDX-License-Identifier: ISC
#include "cli/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/keys.h"

#define MAGIC "tacit-journal 1 "
#define PLAN "plan "
#define SERVER "server "
#define SERVERS 64

struct cli_journal {
    int fd;
    const char *file;
    int planned; /* the plan below is in the file */
    int torn;    /* a write has failed */
    uint32_t servers, before; /* keys in the file; when it was opened */
    uint8_t server[SERVERS][32];
    uint8_t plan[32];
};

static int cannot(const cli_journal *j) { return err_set(ERR_DATA, "--resume %s: %s", j->file, strerror(errno)); }

/** append: all of text, or nothing, and then never again: what follows half a line would be read as its end. */
static int append(cli_journal *j, const char *text, size_t len)
{
    const off_t before = lseek(j->fd, 0, SEEK_END);
    if (j->torn || before < 0)
        return err_set(ERR_DATA, "--resume %s: it could not be written", j->file);
    while (len) {
        const ssize_t n = write(j->fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            const int rc = cannot(j);
            j->torn = 1;
            (void)!ftruncate(j->fd, before);
            return rc;
        }
        text += n;
        len -= (size_t)n;
    }
    return fdatasync(j->fd) && errno != EINVAL && errno != EROFS ? cannot(j) : 0;
}

static int keyed_line(cli_journal *j, const char *word, const uint8_t hash[32])
{
    char hex[CLI_HEX_BYTES], text[128];
    cli_hex(hex, hash);
    return append(j, text, (size_t)snprintf(text, sizeof text, "%s%s\n", word, hex));
}

/** entry: one line after the first. */
static int entry(cli_journal *j, const char *text, unsigned number, uint32_t count, int32_t *labels, uint8_t *done)
{
    char *end;
    if (!strncmp(text, PLAN, sizeof PLAN - 1) && !j->planned) {
        j->planned = 1;
        if (!cli_unhex(j->plan, text + sizeof PLAN - 1))
            return 0;
    } else if (!strncmp(text, SERVER, sizeof SERVER - 1) && j->servers < SERVERS) {
        if (!cli_unhex(j->server[j->servers++], text + sizeof SERVER - 1))
            return 0;
    } else if (*text >= '0' && *text <= '9') {
        errno = 0;
        const unsigned long i = strtoul(text, &end, 10);
        const long label = *end == ' ' ? strtol(end + 1, &end, 10) : -2;
        if (!errno && !*end && i < count && label >= -1 && label <= INT32_MAX) {
            labels[i] = (int32_t)label;
            done[i] = 1;
            return 0;
        }
    }
    return err_set(ERR_DATA, "--resume %s: line %u is none of a journal's", j->file, number);
}

/** read_back: what the file has; `whole` gets the length of its whole lines. */
static int read_back(cli_journal *j, FILE *f, const uint8_t job[32], uint32_t count, int32_t *labels, uint8_t *done,
                     off_t *whole)
{
    char text[160], hex[CLI_HEX_BYTES];
    unsigned number = 0;
    int rc = 0;
    cli_hex(hex, job);
    *whole = 0;
    while (!rc && fgets(text, sizeof text, f)) {
        const size_t len = strlen(text);
        if (!len || text[len - 1] != '\n') {
            const size_t word = len < sizeof MAGIC - 1 ? len : sizeof MAGIC - 1;
            if (!number && (memcmp(text, MAGIC, word) || strncmp(text + word, hex, len - word)))
                rc = err_set(ERR_DATA, "--resume %s: not a journal of tacit infer; name a new file", j->file);
            else
                rc = feof(f) ? 0 : err_set(ERR_DATA, "--resume %s: line %u is none of a journal's", j->file, number + 1);
            break;
        }
        *whole += (off_t)len;
        text[len - 1] = 0;
        if (++number > 1)
            rc = entry(j, text, number, count, labels, done);
        else if (strncmp(text, MAGIC, sizeof MAGIC - 1))
            rc = err_set(ERR_DATA, "--resume %s: not a journal of tacit infer; name a new file", j->file);
        else if (strcmp(text + sizeof MAGIC - 1, hex))
            rc = err_set(ERR_DATA,
                         "--resume %s: it belongs to other images (or another --skip or --count); name a new file",
                         j->file);
    }
    return rc || !ferror(f) ? rc : cannot(j);
}

int cli_journal_open(cli_journal **out, const char *file, const uint8_t *pixels, uint32_t count, uint32_t size,
                     uint32_t first, int32_t *labels, uint8_t *done)
{
    const uint32_t numbers[3] = {count, size, first};
    crypto_generichash_state h;
    uint8_t job[32];
    off_t whole = 0;

    *out = NULL;
    crypto_generichash_init(&h, (const uint8_t *)"tacit journal", 13, sizeof job);
    for (int i = 0; i < 12; i++) {
        const uint8_t b = (uint8_t)(numbers[i / 4] >> 8 * (i % 4));
        crypto_generichash_update(&h, &b, 1);
    }
    crypto_generichash_update(&h, pixels, (size_t)count * size);
    crypto_generichash_final(&h, job, sizeof job);

    cli_journal *j = mem_alloc(1, sizeof *j);
    if (!j)
        return err_set(ERR_MEM, "out of memory");
    j->file = file;
    j->fd = open(file, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    FILE *f = j->fd < 0 ? NULL : fopen(file, "re");
    int rc = f ? 0 : cannot(j);
    if (!rc && flock(j->fd, LOCK_EX | LOCK_NB))
        rc = err_set(ERR_DATA, "--resume %s: another job is writing it", file);
    if (!rc)
        rc = read_back(j, f, job, count, labels, done, &whole);
    j->before = j->servers;
    if (!rc && ftruncate(j->fd, whole))
        rc = cannot(j);
    if (f)
        fclose(f);
    if (!rc && !whole)
        rc = keyed_line(j, MAGIC, job);
    if (rc)
        cli_journal_close(j);
    else
        *out = j;
    return rc;
}

int cli_journal_plan(cli_journal *j, const nn_plan *p)
{
    uint8_t *wire = mem_alloc(1, NN_PLAN_BYTES_MAX), hash[32];
    nn_plan *bare = mem_alloc(1, sizeof *bare);
    int rc = 0;
    if (wire && bare) { /* names may be told or not */
        *bare = *p;
        for (uint32_t i = 0; i < bare->layers; i++)
            memset(bare->layer[i].name, 0, sizeof bare->layer[i].name);
        crypto_generichash(hash, sizeof hash, wire, nn_plan_write(bare, wire), NULL, 0);
    } else {
        rc = err_set(ERR_MEM, "out of memory");
    }
    mem_free(wire);
    mem_free(bare);
    if (rc)
        return rc;
    if (j->planned)
        return memcmp(j->plan, hash, sizeof hash)
                   ? err_set(ERR_DATA, "--resume %s: it belongs to another model's plan; name a new file", j->file)
                   : 0;
    j->planned = 1;
    memcpy(j->plan, hash, sizeof hash);
    return keyed_line(j, PLAN, hash);
}

int cli_journal_server(cli_journal *j, const uint8_t key[32])
{
    for (uint32_t i = 0; i < j->servers; i++)
        if (!memcmp(j->server[i], key, 32))
            return 0;
    if (j->before)
        return err_set(ERR_DATA,
                       "--resume %s: its labels are of a server with another key, so perhaps of another model; "
                       "name that server, or a new file",
                       j->file);
    if (j->servers == SERVERS)
        return err_set(ERR_DATA, "--resume %s: more than %d servers", j->file, SERVERS);
    memcpy(j->server[j->servers++], key, 32);
    return keyed_line(j, SERVER, key);
}

int cli_journal_add(cli_journal *j, const int32_t *labels, uint32_t at, uint32_t n)
{
    char *text = mem_alloc(n, 24);
    size_t len = 0;
    if (!text)
        return err_set(ERR_MEM, "out of memory");
    for (uint32_t i = at; i < at + n; i++)
        len += (size_t)sprintf(text + len, "%u %d\n", i, labels[i]);
    const int rc = append(j, text, len);
    mem_free(text);
    return rc;
}

void cli_journal_close(cli_journal *j)
{
    if (!j)
        return;
    if (j->fd >= 0)
        close(j->fd);
    mem_free(j);
}
