"""Loads a merged folder of ours in transformers and prints the log-probabilities of a text.

    check_merged.py --model DIR --text FILE [--out FILE]

A tensor that transformers misses, does not know or would have in another shape ends the script with exit code 3.
"""

import argparse
import sys

import basemodel as base
import torch
from transformers import AutoModelForCausalLM


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    base.add_base_arguments(parser)
    parser.add_argument("--text", required=True)
    parser.add_argument("--out", default="-")
    args = parser.parse_args()
    folder, more = base.names(args)
    model, report = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True, **more)
    wrong = {kind: sorted(map(str, keys)) for kind, keys in report.items() if keys}
    if wrong:
        print(f"{folder}: {wrong}", file=sys.stderr)
        sys.exit(3)
    base.write(base.scores(model.eval(), base.tokenizer(args), base.read(args.text)), args.out)


if __name__ == "__main__":
    main()
