#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Prints test/ntt_vectors.h: the transform of ckks/ntt.h from its definition, in Python's integers: its primes and roots searched for here,
its values by a cyclic transform of the twisted input, split into even and odd terms, and four of them once more by Horner's rule.  Then
the powers that FIPS 204 prints in its Appendix B."""

SIZES = [16 << i for i in range(12)]
BITS = (30, 47, 50, 60)
POINT = 0x9E3779B97F4A7C15  # the fingerprint of r[n] is sum r[j] POINT^j mod q
MLDSA_Q, MLDSA_ZETA = 8380417, 1753


def sample(n, i):
    """splitmix64 of n 2^32 + i, as vector_word of test/embed_input.h"""
    mask = 2**64 - 1
    x = ((n << 32) + i + 1) * 0x9E3779B97F4A7C15 & mask
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & mask
    x = (x ^ x >> 27) * 0x94D049BB133111EB & mask
    return x ^ x >> 31


def is_prime(p):
    """strong tests to twelve bases: certain below 2^64"""
    d, s = p - 1, 0
    while d % 2 == 0:
        d, s = d // 2, s + 1
    for a in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37):
        x = pow(a, d, p)
        if x not in (1, p - 1) and all(pow(x, 2**k, p) != p - 1 for k in range(1, s)):
            return False
    return True


def prime_below(top, step):
    p = (top - 2) // step * step + 1
    while not is_prime(p):
        p -= step
    return p


def root(q, n):
    """x^((q-1)/2n) for the least x >= 2 that makes it primitive"""
    x = 2
    while pow(x, (q - 1) // 2, q) == 1:
        x += 1
    return pow(x, (q - 1) // (2 * n), q)


def reversal(n):
    w = n.bit_length() - 1
    return [int(format(j, "0%db" % w)[::-1], 2) for j in range(n)]


def cyclic(a, w, q):
    """sum_i a[i] w^(i j) for every j"""
    if len(a) == 1:
        return a
    even, odd = cyclic(a[0::2], w * w % q, q), cyclic(a[1::2], w * w % q, q)
    low, high, t = [], [], 1
    for e, o in zip(even, odd):
        low.append((e + t * o) % q)
        high.append((e - t * o) % q)
        t = t * w % q
    return low + high


def twist(a, w, q):
    r, t = [], 1
    for x in a:
        r.append(x * t % q)
        t = t * w % q
    return r


def forward(a, psi, q):
    natural = cyclic(twist(a, psi, q), psi * psi % q, q)
    return [natural[j] for j in reversal(len(a))]


def inverse(a, psi, q):
    n, back = len(a), pow(psi, -1, q)
    r = twist(cyclic([a[j] for j in reversal(n)], back * back % q, q), back, q)
    return [x * pow(n, -1, q) % q for x in r]


def horner(a, x, q):
    r = 0
    for c in reversed(a):
        r = (r * x + c) % q
    return r


def main():
    print("// SPDX-License-Identifier: ISC")
    print("/* Made by test/ntt_vectors.py.  Input: vector_word(n, i) mod q, q the largest prime = 1 mod 2n below 2^bits.  forward, inverse: the values")
    print(" * at ntt_at(n, 0 .. 3) and the fingerprint sum r[j] NTT_POINT^j mod q of all n. */")
    print("#define NTT_POINT UINT64_C(%#x)" % POINT)
    print("static const struct {\n    uint32_t n, bits;\n    uint64_t q, psi, forward[5], inverse[5];\n} ntt_vectors[] = {")
    for n in SIZES:
        rev, at = reversal(n), (0, 1, n * 3 // 5, n - 1)
        for bits in BITS:
            q = prime_below(2**bits, 2 * n)
            psi = root(q, n)
            a = [sample(n, i) % q for i in range(n)]
            f, b = forward(a, psi, q), inverse(a, psi, q)
            assert all(f[j] == horner(a, pow(psi, 2 * rev[j] + 1, q), q) for j in at)
            assert all(a[j] == horner(b, pow(psi, 2 * rev[j] + 1, q), q) for j in at)
            rows = ("{%s}" % ", ".join("%#x" % x for x in [r[j] for j in at] + [horner(r, POINT, q)]) for r in (f, b))
            print("    {%d, %d, %#x, %#x,\n     %s,\n     %s}," % ((n, bits, q, psi) + tuple(rows)))
    print("};\n")
    print("/* zeta^brv(k) mod q, zeta = %d, brv the reversal of eight bits, for k = 0 .. 255: the table of [FIPS-204, Appendix B], which leaves" % MLDSA_ZETA)
    print(" * k = 0 unused. */")
    print("#define MLDSA_Q %d\n#define MLDSA_ZETA %d" % (MLDSA_Q, MLDSA_ZETA))
    print("static const uint32_t mldsa_zetas[256] = {")
    z = [pow(MLDSA_ZETA, k, MLDSA_Q) for k in reversal(256)]
    for k in range(0, 256, 16):
        print("    %s," % ", ".join(str(x) for x in z[k : k + 16]))
    print("};")


main()
