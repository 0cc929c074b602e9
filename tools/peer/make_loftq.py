"""Makes a LoftQ adapter with PEFT, saves it and the base that PEFT encoded for it, and what PEFT computes with it.

    make_loftq.py --gguf FILE|--model DIR --config JSON [--seed N] [--scale X] --text FILE --out DIR

--config holds LoraConfig's arguments, loftq_config among them. The adapter goes to DIR/adapter, B moved by --scale times
normal numbers as training would, and the encoded base to DIR/base. The log-probabilities, in DIR/logprobs.json, are of the
adapter read from its file over the plain base: PEFT encodes a plain base anew when it reads such an adapter.
"""

import argparse
import copy
import importlib.util
import inspect
import json
import pathlib
import warnings

import basemodel as base
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import layer
from peft.utils import loftq_utils


def on_processor():
    """PEFT 0.21's own start of LoftQ, but for the device, as it knows GPUs alone, and for SciPy, which it asks for and does not use."""
    source = inspect.getsource(loftq_utils.loftq_init)
    assert source.count('"cuda"') == 1
    exec(source.replace('"cuda"', '"cpu"'), vars(loftq_utils))
    layer.loftq_init = loftq_utils.loftq_init
    found = importlib.util.find_spec
    importlib.util.find_spec = lambda name, *more: found("torch" if name == "scipy" else name, *more)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    base.add_base_arguments(parser)
    parser.add_argument("--config", type=json.loads, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scale", type=float, default=0.01)
    parser.add_argument("--text", required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    on_processor()
    model, words = base.load(args), base.tokenizer(args)
    config = LoraConfig(task_type="CAUSAL_LM", init_lora_weights="loftq", **args.config)
    adapted = get_peft_model(copy.deepcopy(model), config)
    source = torch.Generator().manual_seed(args.seed)
    with torch.no_grad():
        for name, p in sorted(adapted.named_parameters()):
            if "lora_B" in name:
                p.add_(args.scale * torch.randn(p.shape, generator=source))
    adapted.save_pretrained(args.out / "adapter")
    read_back = PeftModel.from_pretrained(model, args.out / "adapter").eval()
    base.write(base.scores(read_back, words, base.read(args.text)), args.out / "logprobs.json")
    encoded = adapted.unload()
    encoded.hf_quantizer = None  # it came from a GGUF file, perhaps; it is plain numbers now
    encoded.config.__dict__.pop("quantization_config", None)
    encoded.save_pretrained(args.out / "base")
    words.save_pretrained(args.out / "base")


if __name__ == "__main__":
    main()
