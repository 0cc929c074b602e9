"""Golden blocks: random bytes with finite scales, decoded by the gguf package (0.19.0). Seed 20261125.

Writes blocks.safetensors: TYPE.bytes (U8) and TYPE.values (F32) for each encoding.
Run: python make.py   (needs numpy, gguf, safetensors)
"""

import pathlib

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize
from safetensors.numpy import save_file

rng = np.random.default_rng(20261125)
# where the f16 scales of a block lie
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
# zero, minus zero, the smallest and largest subnormals, the largest numbers, then ordinary ones
SPECIAL = np.array([0x0000, 0x8000, 0x0001, 0x83FF, 0x7BFF, 0xFBFF], dtype=np.uint16)


def scale(i):
    return SPECIAL[i].tobytes() if i < len(SPECIAL) else np.float16(rng.normal() * 10.0 ** rng.integers(-4, 3)).tobytes()


out = {}
for name in ["F32", "F16", "BF16", *SCALES]:
    per, size = GGML_QUANT_SIZES[T[name]]
    blocks = 600 if per == 1 else 24 if per == 32 else 10
    raw = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
    for b in range(blocks):
        for i, at in enumerate(SCALES.get(name, [])):
            raw[b, at : at + 2] = np.frombuffer(scale((b + 3 * i) % blocks), dtype=np.uint8)
    if per == 1:  # no NaN: its payload is nobody's promise
        values = dequantize(raw.reshape(-1).view(np.float32) if name == "F32" else raw.reshape(1, -1).view(np.float16) if name == "F16" else raw.reshape(1, -1), T[name])
        raw = raw[~np.isnan(np.asarray(values).reshape(-1))]
        shaped = raw.reshape(-1).view(np.float32) if name == "F32" else raw.reshape(-1).view(np.float16) if name == "F16" else raw.reshape(1, -1)
        values = dequantize(shaped, T[name])
    else:
        values = dequantize(raw.reshape(1, -1), T[name])
    out[name + ".bytes"] = raw.reshape(-1).copy()
    out[name + ".values"] = np.asarray(values, dtype=np.float32).reshape(-1).copy()
save_file(out, pathlib.Path(__file__).with_name("blocks.safetensors"))
