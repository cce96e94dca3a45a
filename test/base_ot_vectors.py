#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Recomputes the digests in test_base_ot.c (known_answer) from the definitions: RFC 9496, FIPS 197, BLAKE2b, and the headers of
base/prg.h and ot/base_ot.h.  Shares no code with the library.  Prints five digests."""
import hashlib

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def sqrt_ratio(u, v):
    """(was square, nonnegative root of u/v or of i*u/v)  [RFC 9496, 4.2]"""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check, good = v * r * r % P, None
    if check == u % P:
        good = True
    elif check == -u % P:
        good, r = True, r * SQRT_M1 % P
    else:
        good = False
        if check == -u * SQRT_M1 % P:
            r = r * SQRT_M1 % P
    return good, (P - r if r & 1 else r)


def root(x):
    good, r = sqrt_ratio(x, 1)
    assert good
    return r


INVSQRT_A_MINUS_D = sqrt_ratio(1, (-1 - D) % P)[1]
# of the two roots the one in the table of constants of RFC 9496
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
assert SQRT_AD_MINUS_ONE**2 % P == (-D - 1) % P


def add(p, q):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = p, q
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * D * t1 * t2 % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def neg(p):
    return -p[0] % P, p[1], p[2], -p[3] % P


def mul(k, p):
    r = (0, 1, 1, 0)
    for bit in bin(k)[2:]:
        r = add(r, r)
        if bit == "1":
            r = add(r, p)
    return r


def encode(p):
    x, y, z, t = p
    u1, u2 = (z + y) * (z - y) % P, x * y % P
    inv = sqrt_ratio(1, u1 * u2 * u2)[1]
    d1, d2 = inv * u1 % P, inv * u2 % P
    zinv = d1 * d2 * t % P
    if t * zinv % P & 1:
        x, y, den = y * SQRT_M1 % P, x * SQRT_M1 % P, d1 * INVSQRT_A_MINUS_D % P
    else:
        den = d2
    if x * zinv % P & 1:
        y = -y
    s = den * (z - y) % P
    return (P - s if s & 1 else s).to_bytes(32, "little")


def elligator(b):
    t = int.from_bytes(b, "little") % 2**255 % P
    r = SQRT_M1 * t * t % P
    u, v = (r + 1) * (1 - D * D) % P, (-1 - r * D) * (r + D) % P
    good, s = sqrt_ratio(u, v)
    c = -1
    if not good:
        s = s * t % P
        s = s if s & 1 else P - s  # minus the absolute value
        c = r
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1, w2, w3 = 2 * s * v, n * SQRT_AD_MINUS_ONE, 1 - s * s, 1 + s * s
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


def from_hash(b):
    return add(elligator(b[:32]), elligator(b[32:]))


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = root((BASE_Y**2 - 1) * pow(D * BASE_Y**2 + 1, P - 2, P))
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)
assert encode(BASE).hex() == "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"


def aes_tables():
    box, p, q = [0] * 256, 1, 1
    while True:
        p ^= (p << 1 & 255) ^ (27 if p & 128 else 0)
        for s in 1, 2, 4:
            q ^= q << s & 255
        if q & 128:
            q ^= 9
        box[p] = 99 ^ q
        for s in 1, 2, 3, 4:
            box[p] ^= (q << s | q >> (8 - s)) & 255
        if p == 1:
            box[0] = 99
            return box


BOX = aes_tables()


def aes_expand(key):
    w, rcon = [list(key[i : i + 4]) for i in range(0, 16, 4)], 1
    for i in range(4, 44):
        t = list(w[-1])
        if i % 4 == 0:
            t = [BOX[x] for x in t[1:] + t[:1]]
            t[0] ^= rcon
            rcon = rcon << 1 ^ (283 if rcon & 128 else 0)
        w.append([a ^ b for a, b in zip(w[-4], t)])
    return [sum(w[i : i + 4], []) for i in range(0, 44, 4)]


def aes(keys, block):
    double = lambda x: x << 1 ^ (283 if x & 128 else 0)
    s = [a ^ b for a, b in zip(block, keys[0])]
    for n, k in enumerate(keys[1:], 1):
        s = [BOX[s[(i + 4 * (i % 4)) % 16]] for i in range(16)]
        if n < 10:
            m = []
            for c in range(0, 16, 4):
                a = s[c : c + 4]
                m += [double(a[i]) ^ double(a[(i + 1) % 4]) ^ a[(i + 1) % 4] ^ a[(i + 2) % 4] ^ a[(i + 3) % 4] for i in range(4)]
            s = m
        s = [a ^ b for a, b in zip(s, k)]
    return bytes(s)


assert aes(aes_expand(bytes(range(16))), bytes.fromhex("00112233445566778899aabbccddeeff")).hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"


class Prg:
    def __init__(self, seed, domain, index):
        d = hashlib.blake2b(domain.to_bytes(4, "little") + index.to_bytes(8, "little"), digest_size=24, key=seed).digest()
        self.keys, self.nonce, self.ctr = aes_expand(d[:16]), d[16:], 0

    def bytes(self, n):
        out = b"".join(aes(self.keys, (self.ctr + i).to_bytes(8, "little") + self.nonce) for i in range(n // 16))
        self.ctr += n // 16
        return out

    def scalar(self):
        return int.from_bytes(self.bytes(64), "little") % L


def blake(name, data, size=32):
    return hashlib.blake2b(data, digest_size=size, person=b"tacit-ot-2-" + name).digest()


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


def main():
    seed, session = b"base".ljust(32, b"\0"), b"\x33" * 32
    choice = 0x13198A2E03707344243F6A8885A308D3
    rng_r, rng_s = Prg(seed, 1000, 26), Prg(seed, 1000, 27)
    r = rng_s.scalar()
    z = encode(mul(r, BASE))
    message = rng_r.bytes(32)
    t = from_hash(blake(b"group", session + message, 64))
    elements = []
    for i in range(128):
        b = mul(rng_r.scalar(), BASE)
        elements.append(add(b, t) if choice >> i & 1 else b)
        message += encode(elements[-1])
    transcript = blake(b"trans", session + message + z)
    h = lambda name, i, x: blake(name, transcript + i.to_bytes(4, "little") + x)
    rt, keys, challenge, marks = mul(r, t), b"", b"", b""
    for i, b in enumerate(elements):
        p = mul(r, b)
        key = [h(b"key..", i, encode(x)) for x in (p, add(p, neg(rt)))]
        mark = [h(b"mark.", i, k) for k in key]
        keys, challenge, marks = keys + key[0] + key[1], challenge + xor(*mark), marks + mark[0]
    answer = blake(b"answ.", transcript + marks)
    challenge += blake(b"proof", transcript + answer)
    for x in message, z, challenge, answer, keys:
        print(hashlib.blake2b(x, digest_size=32).hexdigest())


main()
