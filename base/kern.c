// SPDX-License-Identifier: ISC
#include "base/kern.h"

#include <stdio.h>
#include <string.h>

#include "base/cpu.h"

int kern_usable(kern_set *s, unsigned i, unsigned features)
{
    const kern_head *k = i < KERN_MOST ? s->of[i] : NULL;
    return k && (features & k->needs) == k->needs && !(atomic_load_explicit(&s->wrong, memory_order_relaxed) >> i & 1);
}

const void *kern_pick(kern_set *s)
{
    const void *k = NULL;
    for (unsigned i = 0; i < KERN_MOST; i++)
        if (kern_usable(s, i, cpu_features()))
            k = s->of[i];
    atomic_store_explicit(&s->best, k, memory_order_relaxed); /* two threads that race store the same */
    return k;
}

int kern_check(kern_set *s, void (*warn)(const char *line))
{
    char line[160];
    unsigned wrong = 0;
    const kern_head *best = s->of[0];
    for (unsigned i = 0; i < KERN_MOST; i++) {
        uint64_t sum = 0;
        if (!kern_usable(s, i, cpu_features()))
            continue;
        const int rc = s->answer(s->of[i], &sum);
        if (rc)
            return rc;
        wrong |= (unsigned)(sum != s->right) << i;
    }
    if (wrong & 1 && !best->needs)
        return err_set(ERR_CPU,
                       "kernel %s portable gives wrong results: this CPU or its emulator is faulty, or the build is",
                       s->what);
    atomic_fetch_or(&s->wrong, wrong);
    best = kern_pick(s);
    for (unsigned i = 0; i < KERN_MOST; i++)
        if (wrong >> i & 1) {
            snprintf(line, sizeof line, "kernel %s %s gives wrong results on this CPU; using %s", s->what,
                     ((const kern_head *)s->of[i])->name, best ? best->name : "none");
            warn(line);
        }
    return 0;
}

void kern_fill(void *p, size_t n, uint64_t seed)
{
    uint8_t *to = p;
    for (size_t at = 0; at < n; at += 8) { /* splitmix64 */
        uint64_t x = seed += UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
        x ^= x >> 31;
        memcpy(to + at, &x, n - at < 8 ? n - at : 8);
    }
}

void kern_mix(uint64_t *sum, const void *p, size_t n)
{
    const uint8_t *from = p;
    for (size_t at = 0; at < n; at += 8) { /* each step is a bijection of *sum: one wrong word is always seen */
        uint64_t x = 0;
        memcpy(&x, from + at, n - at < 8 ? n - at : 8);
        *sum = (*sum ^ x) * UINT64_C(0x9e3779b97f4a7c15);
        *sum ^= *sum >> 29;
    }
}
