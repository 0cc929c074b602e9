"""Weights that bitsandbytes encodes: a folder of ours in transformers, and one that transformers saves.

    check_bitsandbytes.py --plain DIR --at DIR KIND ...

For each kind, nf4 or int8: loads our folder AT/ours-KIND, encodes the plain one and saves it as AT/made-KIND, loads that
again, and writes what the weights of both decode to beside them, as .safetensors. A tensor that transformers misses or
does not know ends the script with exit code 3.
"""

import argparse
import math
import pathlib
import sys

import basemodel  # noqa: F401, it keeps transformers quiet and offline
import bitsandbytes
import safetensors.torch
import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

CONFIGS = {
    "nf4": dict(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.float32),
    "int8": dict(load_in_8bit=True),
}


def load(folder, **more):
    model, report = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, device_map="cpu", **more)
    wrong = {kind: sorted(map(str, keys)) for kind, keys in report.items() if keys}
    if wrong:
        print(f"{folder}: {wrong}", file=sys.stderr)
        sys.exit(3)
    return model.eval()


def decoded(module):
    weight = module.weight
    if isinstance(module, bitsandbytes.nn.Linear4bit):
        state = weight.quant_state
        shape, state.shape = state.shape, torch.Size((math.prod(state.shape) // state.blocksize, state.blocksize))
        # On a processor bitsandbytes 0.50 begins a block with each row, though blocks cross rows: so each row is a block.
        return bitsandbytes.functional.dequantize_4bit(weight.data, state).view(shape)
    codes = weight.CB if weight.CB is not None else weight.data
    return bitsandbytes.functional.int8_vectorwise_dequant(codes, weight.SCB)


def weights(model):
    kinds = (bitsandbytes.nn.Linear4bit, bitsandbytes.nn.Linear8bitLt)
    return {name + ".weight": decoded(m).float().contiguous() for name, m in model.named_modules() if isinstance(m, kinds)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="+", choices=sorted(CONFIGS))
    parser.add_argument("--plain", required=True)
    parser.add_argument("--at", required=True, type=pathlib.Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    for kind in args.kinds:
        encoded = load(args.plain, quantization_config=BitsAndBytesConfig(**CONFIGS[kind]))
        encoded.save_pretrained(args.at / f"made-{kind}")
        for name in (f"ours-{kind}", f"made-{kind}"):
            found = weights(load(args.at / name))
            if not found:
                sys.exit(f"{name}: nothing in it is encoded")
            safetensors.torch.save_file(found, args.at / f"{name}.safetensors")


if __name__ == "__main__":
    main()
