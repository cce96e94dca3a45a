#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Trains the demo's network (CryptoNets with ReLU) and writes it as ONNX.  Needs PyTorch and NumPy, nothing else; models/README.md says
how demo.onnx was made."""
import argparse
import gzip
import math
import os
import struct
import time

import numpy as np
import torch
import torch.nn.functional as F


def read_idx(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        data = f.read()
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise SystemExit(f"{path}: not an IDX file of unsigned bytes")
    dims = struct.unpack_from(f">{data[3]}I", data, 4)
    start = 4 + 4 * len(dims)
    if len(data) - start != math.prod(dims):
        raise SystemExit(f"{path}: {len(data) - start} bytes of data, its header says {dims}")
    return torch.from_numpy(np.frombuffer(data, np.uint8, offset=start).reshape(dims).copy())


def read_set(images, labels):
    x, y = read_idx(images), read_idx(labels).long()
    if x.shape != (len(y), 28, 28):
        raise SystemExit(f"{images}: {tuple(x.shape)} does not go with {len(y)} labels of 28x28 images")
    return x, y


def mnist(folder, part):
    for end in (".gz", ""):
        names = [os.path.join(folder, f"{part}-{kind}-ubyte{end}") for kind in ("images-idx3", "labels-idx1")]
        if all(map(os.path.exists, names)):
            return read_set(*names)
    raise SystemExit(f"{folder}: no {part}-images-idx3-ubyte[.gz] with its labels")


class Net(torch.nn.Module):
    """28x28 -> conv 5x5 stride 2, 5 maps (13x13x5) -> ReLU -> 100 -> ReLU -> 10; a zero row below and a zero column on the right."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 5, 5, stride=2)
        self.hidden = torch.nn.Linear(845, 100)
        self.out = torch.nn.Linear(100, 10)

    def forward(self, x):
        x = F.relu(self.conv(F.pad(x, (0, 1, 0, 1))))
        return self.out(F.relu(self.hidden(x.flatten(1))))


def augment(x, gen):
    """A small random affine map of each image: rotation by at most 10 degrees, slant, scale within 10 %, a shift of at most 2 pixels."""
    u = torch.rand(6, len(x), generator=gen) * 2 - 1
    angle, slant, shift = u[0] * 0.17, u[1] * 0.15, u[4:6] * 2 / 14
    sx, sy = 1 + 0.1 * u[2], 1 + 0.1 * u[3]
    row_x = torch.stack([angle.cos() * sx, (slant - angle.sin()) * sx, shift[0]], 1)
    row_y = torch.stack([angle.sin() * sy, angle.cos() * sy, shift[1]], 1)
    grid = F.affine_grid(torch.stack([row_x, row_y], 1), x.shape, align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


def accuracy(net, x, y):
    net.eval()
    with torch.no_grad():
        right = sum((net(a[:, None].float() / 255).argmax(1) == b).sum().item() for a, b in zip(x.split(1000), y.split(1000)))
    return right / len(y)


def train(net, x, y, args, checks):
    gen = torch.Generator().manual_seed(args.seed)
    opt = torch.optim.AdamW(net.parameters(), lr=args.rate, weight_decay=0.02)
    batches = len(y) // args.batch
    plan = torch.optim.lr_scheduler.OneCycleLR(opt, args.rate, total_steps=args.epochs * batches)
    begin = time.time()
    for epoch in range(args.epochs):
        net.train()
        total = 0.0
        for idx in torch.randperm(len(y), generator=gen)[:batches * args.batch].split(args.batch):
            loss = F.cross_entropy(net(augment(x[idx][:, None].float() / 255, gen)), y[idx])
            opt.zero_grad()
            loss.backward()
            opt.step()
            plan.step()
            total += loss.item()
        print(f"epoch {epoch + 1}/{args.epochs}: loss {total / batches:.4f}, {time.time() - begin:.0f} s", flush=True)
    for name, (cx, cy) in checks.items():
        print(f"{name}: {100 * accuracy(net, cx, cy):.2f} % of {len(cy)}")


# ONNX is a protobuf message; the few fields needed are written here by number (onnx.proto3 names in the comments).
def varint(v):
    out = b""
    while v > 127:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def num(field, v):
    return varint(field << 3) + varint(v)


def msg(field, body):
    body = body.encode() if isinstance(body, str) else body
    return varint(field << 3 | 2) + varint(len(body)) + body


def attribute(name, v):  # AttributeProto: name, i or ints, type
    if isinstance(v, int):
        return msg(5, msg(1, name) + num(3, v) + num(20, 2))
    return msg(5, msg(1, name) + b"".join(num(8, i) for i in v) + num(20, 7))


def node(op, name, inputs, output, **attributes):  # NodeProto: input, output, name, op_type, attribute
    body = b"".join(msg(1, i) for i in inputs) + msg(2, output) + msg(3, name) + msg(4, op)
    return msg(1, body + b"".join(attribute(k, v) for k, v in attributes.items()))


def tensor(name, t):  # TensorProto: dims, data_type FLOAT, name, raw_data
    t = t.detach().numpy().astype("<f4")
    return msg(5, b"".join(num(1, d) for d in t.shape) + num(2, 1) + msg(8, name) + msg(9, t.tobytes()))


def value(field, name, *dims):  # ValueInfoProto; a dimension that is a name is symbolic
    shape = b"".join(msg(1, msg(2, d) if isinstance(d, str) else num(1, d)) for d in dims)
    return msg(field, msg(1, name) + msg(2, msg(1, num(1, 1) + msg(2, shape))))


def onnx(net):
    graph = node("Conv", "/1/Conv", ["image", "1.weight", "1.bias"], "/1/Conv_output_0",
                 dilations=[1, 1], group=1, kernel_shape=[5, 5], pads=[0, 0, 1, 1], strides=[2, 2])
    graph += node("Relu", "/2/Relu", ["/1/Conv_output_0"], "/2/Relu_output_0")
    graph += node("Flatten", "/3/Flatten", ["/2/Relu_output_0"], "/3/Flatten_output_0", axis=1)
    graph += node("Gemm", "/4/Gemm", ["/3/Flatten_output_0", "4.weight", "4.bias"], "/4/Gemm_output_0", transB=1)
    graph += node("Relu", "/5/Relu", ["/4/Gemm_output_0"], "/5/Relu_output_0")
    graph += node("Gemm", "/6/Gemm", ["/5/Relu_output_0", "6.weight", "6.bias"], "logits", transB=1)
    graph += msg(2, "cryptonets-relu")
    for name, layer in (("1", net.conv), ("4", net.hidden), ("6", net.out)):
        graph += tensor(name + ".weight", layer.weight) + tensor(name + ".bias", layer.bias)
    graph += value(11, "image", "N", 1, 28, 28) + value(12, "logits", "N", 10)
    # ModelProto: ir_version 7, producer_name, graph, opset_import {domain "", version 13}
    return num(1, 7) + msg(2, "tacit/models/train.py") + msg(7, graph) + msg(8, msg(1, "") + num(2, 13))


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("mnist", help="folder with MNIST's four IDX files, gzipped or not")
    p.add_argument("--out", default="demo.onnx")
    p.add_argument("--extra-images", help="IDX file with more training images (models/dump_digits.c writes one)")
    p.add_argument("--extra-labels")
    p.add_argument("--check-images", help="IDX file of images to measure the accuracy on, beside MNIST's test set")
    p.add_argument("--check-labels")
    p.add_argument("--epochs", type=int, default=24)
    p.add_argument("--batch", type=int, default=64)
    p.add_argument("--rate", type=float, default=4e-3)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    x, y = mnist(args.mnist, "train")
    checks = {"MNIST test set": mnist(args.mnist, "t10k")}
    if args.extra_images:
        ex, ey = read_set(args.extra_images, args.extra_labels)
        x, y = torch.cat([x, ex]), torch.cat([y, ey])
    if args.check_images:
        checks["generated digits"] = read_set(args.check_images, args.check_labels)
    net = Net()
    train(net, x, y, args, checks)
    with open(args.out, "wb") as f:
        f.write(onnx(net))


if __name__ == "__main__":
    main()
