"""Loads adapters of ours in PEFT, each alone, and prints the log-probabilities of a text.

    check_load.py --gguf FILE|--model DIR --adapter DIR [--adapter DIR ...] --text FILE [--out FILE ...]

PEFT has no word for some methods whose files it reads as LoRA's: the key gyre_method names them, and their other keys
are ours too. Any other warning about keys, a tensor that PEFT does not take, or a tensor that it misses ends the script with exit code 3.
"""

import argparse
import copy
import inspect
import json
import pathlib
import sys

import basemodel as base
from peft import LoraConfig, PeftModel
from peft.utils import load_peft_weights, set_peft_model_state_dict


def own_keys(folder):
    """The keys of a method that PEFT reads as another one, and passes over."""
    config = json.loads((pathlib.Path(folder) / "adapter_config.json").read_text())
    known = inspect.signature(LoraConfig).parameters
    return [key for key in config if key not in known] if "gyre_method" in config else []


def load_strictly(model, folder):
    with base.WarningsAboutKeys(own_keys(folder)):
        loaded = PeftModel.from_pretrained(model, folder)
        took = set_peft_model_state_dict(loaded, load_peft_weights(folder, device="cpu"))
    # What stands before a sequence PEFT takes in beside the module's own parameters, which know no such key.
    unknown = set(took.unexpected_keys) - ({"prompt_embeddings"} if loaded.active_peft_config.is_prompt_learning else set())
    if unknown:
        print(f"{folder}: PEFT does not take {sorted(unknown)}", file=sys.stderr)
        sys.exit(3)
    return loaded.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    base.add_base_arguments(parser)
    parser.add_argument("--adapter", action="append", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--out", action="append", help="one for each adapter; default stdout, a line each")
    args = parser.parse_args()
    outs = args.out or ["-"] * len(args.adapter)
    if len(outs) != len(args.adapter):
        parser.error("give --out once for each --adapter, or not at all")
    model, words, text = base.load(args), base.tokenizer(args), base.read(args.text)
    for folder, out in zip(args.adapter, outs):
        base.write(base.scores(load_strictly(copy.deepcopy(model), folder), words, text), out)


if __name__ == "__main__":
    main()
