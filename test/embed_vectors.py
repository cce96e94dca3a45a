#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Prints test/embed_vectors.h: values of the canonical embedding from the definition in ckks/embed.h, in integers of 256 fraction bits
(errors below 2^-200).  The inputs are the 53-bit fractions that `sample` below and `vector_input` of test/embed_input.h both make."""
from math import isqrt

BITS = 256
ONE = 1 << BITS


def sample(n, i):
    """splitmix64 of n 2^32 + i, to a multiple of 2^-52 in [-1, 1)"""
    mask = 2**64 - 1
    x = ((n << 32) + i + 1) * 0x9E3779B97F4A7C15 & mask
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & mask
    x = (x ^ x >> 27) * 0x94D049BB133111EB & mask
    x ^= x >> 31
    return ((x >> 11) - 2**52) << (BITS - 52)


def roots(order):
    """exp(2 pi i k / order) for all k, order a power of two: angles are halved by square roots, then multiplied out"""
    c, s, turn = 0, ONE, 4  # a quarter turn
    while turn < order:
        c, s, turn = isqrt((ONE + c) * ONE // 2), isqrt((ONE - c) * ONE // 2), turn * 2
    # sin of a small angle from 1 - cos loses bits: take it from sin = sqrt(1 - cos^2), with all bits of the square
    s = isqrt(ONE * ONE - c * c)
    r = [(ONE, 0)]
    for k in range(1, order // 8 + 1):
        x, y = r[-1]
        r.append(((x * c - y * s) >> BITS, (x * s + y * c) >> BITS))
    full = []
    for k in range(order):
        octant, rest = divmod(k, order // 8)
        x, y = r[order // 8 - rest if octant & 1 else rest]
        if octant in (1, 2, 5, 6):
            x, y = y, x
        full.append((-x if 2 <= octant < 6 else x, -y if octant >= 4 else y))
    return full


def pair(x):
    """two doubles whose sum is x"""
    hi = to_double(x)
    lo = to_double(x - int(hi * 2.0**200) * 2 ** (BITS - 200))
    return "%s, %s" % (hi.hex(), lo.hex())


def to_double(x):
    return x / ONE  # the quotient of integers is rounded correctly


def main():
    print("// SPDX-License-Identifier: ISC")
    print("/* Made by test/embed_vectors.py.  v = vector_input(n, .); a value is the sum of two doubles.")
    print(" * coeff: (n/2) times coefficient `at` of the polynomial with slots v[j] + i v[n/2 + j];")
    print(" * slot: slot `at` of the polynomial v. */")
    print("static const struct {\n    uint32_t n;\n    struct {\n        uint32_t at;\n        double v[2];\n    } coeff[4];")
    print("    struct {\n        uint32_t at;\n        double re[2], im[2];\n    } slot[4];\n} embed_vectors[] = {")
    n = 16
    while n <= 32768:
        m = n // 2
        w = roots(2 * n)
        v = [sample(n, i) for i in range(n)]
        orbit = [1]
        while len(orbit) < m:
            orbit.append(orbit[-1] * 5 % (2 * n))
        print("    {%d,\n     {" % n, end="")
        for i, k in enumerate((0, 1, m, n * 5 // 7)):
            s = 0
            for j in range(m):
                x, y = w[orbit[j] * k % (2 * n)]
                s += v[j] * x + v[m + j] * y
            print("%s{%d, {%s}}" % (",\n      " if i else "", k, pair(s >> BITS)), end="")
        print("},\n     {", end="")
        for i, j in enumerate((0, 1, m - 1, m * 3 // 5)):
            s = t = 0
            for k in range(n):
                x, y = w[orbit[j] * k % (2 * n)]
                s += v[k] * x
                t += v[k] * y
            print("%s{%d, {%s}, {%s}}" % (",\n      " if i else "", j, pair(s >> BITS), pair(t >> BITS)), end="")
        print("}},")
        n *= 2
    print("};")


main()
