"""Writes ../BlockGoldens.swift: one row of 256 weights per layout, its bytes and gguf-py's dequantisation of them.

Needs numpy and gguf (PyPI). The bytes of the K layouts are random with ordinary scales, since gguf-py does not quantise to them.
"""

import pathlib

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf.quants import dequantize, quantize

random = np.random.default_rng(5)
out = pathlib.Path(__file__).resolve().parent.parent / "BlockGoldens.swift"
lines = [
    "// Made by Goldens/make_goldens.py: do not edit.",
    "",
    "/// A row of 256 weights in GGML's layout, and the same weights dequantised by gguf-py.",
    "struct Golden {",
    "    let bytes: [UInt8]",
    "    let values: [Float]",
    "",
    "    var magnitude: Float { values.map(abs).reduce(0, max) }",
    "}",
    "",
    "let goldens: [String: Golden] = [",
]


def wrapped(items, indent):
    rows, row = [], ""
    for item in items:
        if len(row) + len(item) + 2 > 120 - indent:
            rows.append(row.rstrip())
            row = ""
        row += item + ", "
    return [" " * indent + r for r in rows + [row.rstrip()]]


for kind in [T.Q8_0, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q4_K, T.Q5_K]:
    if kind in (T.Q4_K, T.Q5_K):
        data = random.integers(0, 256, (1, 144 if kind == T.Q4_K else 176), dtype=np.uint8)
        data[0, :4] = np.array([0.0123, 0.0456], dtype=np.float16).view(np.uint8)
    else:
        data = quantize(random.normal(0, 0.1, (1, 256)).astype(np.float32), kind)
    values = dequantize(data, kind)[0]
    lines += [f'    "{kind.name}": Golden(', "        bytes: ["]
    lines += wrapped([str(b) for b in data[0]], 12)
    lines += ["        ],", "        values: ["]
    lines += wrapped([repr(float(v)) for v in values.astype(np.float64)], 12)
    lines += ["        ]),"]
lines += ["]", ""]
out.write_text("\n".join(lines))
