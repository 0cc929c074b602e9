"""LoftQ's A and B as PEFT 0.21 finds them for a weight that bitsandbytes encoded. Deterministic.

expected.safetensors: lora_A [5, 128] and lora_B [48, 5] for the weight "nf4" of ../bitsandbytes, from PEFT's own
decomposition of W - Q (what its replace_lora_weights_loftq calls), for a scale of 1.
Run with the peers' python (tools/peers --path): python make.py
"""

import pathlib

from peft.utils.loftq_utils import _low_rank_decomposition
from safetensors.torch import load_file, save_file

HERE = pathlib.Path(__file__).parent
weights = load_file(HERE.parent / "bitsandbytes" / "decoded.safetensors")
parts = _low_rank_decomposition(weights["nf4.before"] - weights["nf4.after"], reduced_rank=5)
save_file({"lora_A": parts["R"].contiguous(), "lora_B": parts["L"].contiguous()}, HERE / "expected.safetensors")
