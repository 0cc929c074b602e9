"""Weights as bitsandbytes 0.50.2 encodes and saves them, and as it decodes them. Seed 20261126.

encoded.safetensors: linear layers "nf4" [48, 128], "short" (nf4, [3, 50], a last block of 22 numbers), "plain" (nf4 without double
quantisation, [16, 64]) and "int8" [24, 40], as bitsandbytes' state_dict has them.
decoded.safetensors: X.before, what was encoded; X.after, what bitsandbytes decodes it to (f32).
The rows of "nf4" are whole blocks: with 80 columns its CPU library decodes with scales of other blocks.
Run: python make.py   (needs torch, safetensors, bitsandbytes)
"""

import pathlib

import bitsandbytes.functional as F
import torch
from bitsandbytes.nn import Linear4bit, Linear8bitLt
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
torch.manual_seed(20261126)
encoded, decoded = {}, {}


def weight(rows, columns):
    w = torch.randn(rows, columns) * 0.02
    w[0, :5] = torch.tensor([0.0, 0.3, -0.3, 1e-6, -0.0])  # an outlier and zeros
    return w


for name, rows, columns, double in [("nf4", 48, 128, True), ("short", 3, 50, True), ("plain", 16, 64, False)]:
    w = weight(rows, columns)
    if name == "nf4":
        w[4:8] = 0  # whole blocks of zeros
    layer = Linear4bit(columns, rows, bias=False, compress_statistics=double, quant_type="nf4")
    layer.weight.data = w.clone()
    layer.to("cpu")
    layer.weight = layer.weight.to("cpu")
    if layer.weight.quant_state is None:
        layer.weight = layer.weight._quantize("cpu")
    for key, value in layer.state_dict().items():
        encoded[f"{name}.{key}"] = value.contiguous()
    decoded[f"{name}.before"] = w
    decoded[f"{name}.after"] = F.dequantize_4bit(layer.weight.data, layer.weight.quant_state).float()

w = weight(24, 40)
codes, absmax, _ = F.int8_vectorwise_quant(w.half())
encoded["int8.weight"], encoded["int8.SCB"], encoded["int8.weight_format"] = codes, absmax, torch.tensor(0, dtype=torch.uint8)
decoded["int8.before"] = w.half().float()
decoded["int8.after"] = F.int8_vectorwise_dequant(codes, absmax)
decoded["dynamic_map"] = F.create_dynamic_map(signed=True)

save_file(encoded, HERE / "encoded.safetensors")
save_file(decoded, HERE / "decoded.safetensors")
