"""Weights that bitsandbytes encodes: a folder of ours in transformers, and one that transformers saves.

    check_bitsandbytes.py --kind nf4|int8 --plain DIR --ours DIR --made DIR --out DIR

Loads our folder, encodes the plain one and saves it as --made, loads that again, and writes what the weights of both
decode to: ours.safetensors and made.safetensors. A tensor that transformers misses or does not know ends the script
with exit code 3.
"""

import argparse
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
        return bitsandbytes.functional.dequantize_4bit(weight.data, weight.quant_state)
    codes = weight.CB if weight.CB is not None else weight.data
    return bitsandbytes.functional.int8_vectorwise_dequant(codes, weight.SCB)


def weights(model):
    kinds = (bitsandbytes.nn.Linear4bit, bitsandbytes.nn.Linear8bitLt)
    return {name + ".weight": decoded(m).float().contiguous() for name, m in model.named_modules() if isinstance(m, kinds)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", required=True, choices=sorted(CONFIGS))
    for name in ("plain", "ours", "made", "out"):
        parser.add_argument(f"--{name}", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    load(args.plain, quantization_config=BitsAndBytesConfig(**CONFIGS[args.kind])).save_pretrained(args.made)
    for name, folder in (("ours", args.ours), ("made", args.made)):
        found = weights(load(folder))
        if not found:
            sys.exit(f"{folder}: nothing in it is encoded")
        safetensors.torch.save_file(found, pathlib.Path(args.out) / f"{name}.safetensors")


if __name__ == "__main__":
    main()
