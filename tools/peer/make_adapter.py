"""Makes PEFT adapters with seeded random parameters, and optionally what PEFT computes with each.

    make_adapter.py --gguf FILE|--model DIR --kind oft|lora|… --config JSON [--seed N] [--scale X] --out DIR [--text FILE]
    make_adapter.py --gguf FILE|--model DIR --cases FILE --out DIR [--text FILE]

--config holds the arguments of PEFT's OFTConfig or LoraConfig. --scale is the spread of what is added to the start
(LoRA's A keeps its start, which is random already); 0 leaves PEFT's own start. --cases is a JSON list of
{"name", "kind", "config", "seed", "scale"}; each is written to DIR/name. With --text the log-probabilities, computed
from the written files, go to logprobs.json in the adapter's folder.
"""

import argparse
import copy
import json
import pathlib
import warnings

import basemodel as base
import torch
from peft import PeftModel, get_peft_model
from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

KINDS = {kind.value.lower(): config for kind, config in PEFT_TYPE_TO_CONFIG_MAPPING.items()}


def make(model, case, folder):
    torch.manual_seed(case.get("seed", 0))
    adapted = get_peft_model(model, KINDS[case["kind"]](task_type="CAUSAL_LM", **case["config"]))
    scale, source = case.get("scale", 0.01), torch.Generator().manual_seed(case.get("seed", 0))
    with torch.no_grad():
        for name, p in sorted(adapted.named_parameters()):
            if p.requires_grad and "lora_A" not in name:
                p.add_(scale * torch.randn(p.shape, generator=source))
    adapted.save_pretrained(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    base.add_base_arguments(parser)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--config", type=json.loads, default={})
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=0.01)
    parser.add_argument("--cases")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--text")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if args.cases:
        cases = [(case, args.out / case["name"]) for case in json.loads(pathlib.Path(args.cases).read_text())]
    elif args.kind:
        cases = [({"kind": args.kind, "config": args.config, "seed": args.seed, "scale": args.scale}, args.out)]
    else:
        parser.error("give --kind and --config, or --cases")
    model = base.load(args)
    words = base.tokenizer(args) if args.text else None
    for case, folder in cases:
        make(copy.deepcopy(model), case, folder)
        if args.text:
            read_back = PeftModel.from_pretrained(copy.deepcopy(model), folder).eval()
            base.write(base.scores(read_back, words, base.read(args.text)), folder / "logprobs.json")


if __name__ == "__main__":
    main()
