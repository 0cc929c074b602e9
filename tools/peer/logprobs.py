"""Log-probabilities of a text under a base with adapters, in the JSON of `gyre eval perplexity --per-token --json`.

    logprobs.py --gguf FILE|--model DIR [--adapter DIR ...] --text FILE [--out FILE]

Several adapters act one after another, in the order given.
"""

import argparse

import basemodel as base


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    base.add_base_arguments(parser)
    parser.add_argument("--adapter", action="append", default=[])
    parser.add_argument("--text", required=True)
    parser.add_argument("--out", default="-")
    args = parser.parse_args()
    model = base.load(args)
    if args.adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, args.adapter[0], adapter_name="adapter0")
        for number, more in enumerate(args.adapter[1:], start=1):
            model.load_adapter(more, adapter_name=f"adapter{number}")
        model.base_model.set_adapter([f"adapter{i}" for i in range(len(args.adapter))])
        model.eval()
    base.write(base.scores(model, base.tokenizer(args), base.read(args.text)), args.out)


if __name__ == "__main__":
    main()
