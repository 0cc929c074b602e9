"""Golden encodings: numbers encoded by ggml's reference quantisers, those of the xllamacpp wheel (2026.10.11549), called from its
shared library. Seed 20261126.

Writes encoded.safetensors: values (F32 [blocks, 256]) and TYPE.bytes (U8) for each encoding.
Run: python make.py   (needs numpy, safetensors, xllamacpp)
"""

import ctypes
import importlib.util
import pathlib

import numpy as np
from safetensors.numpy import save_file

folder = pathlib.Path(importlib.util.find_spec("xllamacpp").origin).parent
ggml = ctypes.CDLL(str(next(folder.glob("xllamacpp*.so"))))
# values and bytes of a block
TYPES = {"q4_0": (32, 18), "q4_1": (32, 20), "q5_0": (32, 22), "q5_1": (32, 24), "q8_0": (32, 34), "q4_K": (256, 144), "q5_K": (256, 176), "q6_K": (256, 210)}

rng = np.random.default_rng(20261126)
gen = lambda n: (((37 * np.arange(n) + 11) % 101) - 50) / 64
rows = [gen(256), np.zeros(256), np.full(256, 0.25), np.full(256, -0.25), gen(256) * 65536 * 4]
rows += [rng.normal(size=256) * s for s in (1e-8, 1e-6, 1e-4, 0.02, 0.02, 0.02, 0.02, 1, 1, 100, 1e4)]
rows += [np.abs(rng.normal(size=256)), -np.abs(rng.normal(size=256)), rng.normal(size=256) + 10, rng.normal(size=256) - 10]
rows += [np.where(rng.random(256) < 0.02, 50, 1) * rng.normal(size=256) for _ in range(4)]
rows += [rng.integers(-8, 9, 256) / 16 for _ in range(4)]  # ties of rounding
rows += [np.where(np.arange(256) // 16 % 3 == 0, 0, rng.normal(size=256)) for _ in range(2)]  # sub-blocks of zeros
rows += [rng.standard_t(2, size=256) * 0.01 for _ in range(8)]
values = np.ascontiguousarray(np.stack(rows), dtype=np.float32)

out = {"values": values}
for name, (per, size) in TYPES.items():
    made = np.zeros(values.size // per * size, dtype=np.uint8)
    quantise = getattr(ggml, f"quantize_row_{name}_ref")
    quantise.restype = None
    quantise(values.ctypes.data_as(ctypes.c_void_p), made.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(values.size))
    out[name.upper() + ".bytes"] = made
save_file(out, pathlib.Path(__file__).with_name("encoded.safetensors"))
