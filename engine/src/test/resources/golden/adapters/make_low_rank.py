"""Makes adapters of the methods around LoRA with PEFT, as make.py does for OFT and LoRA, whose functions it uses.

Run with the peers' python (tools/peers --path), here, after ../pico-llama/make.py. Same versions, same bytes.
With names it makes those cases alone.
"""

import json
import sys
import warnings
import zlib

import make as shared  # starts python again with hashes that do not change
import torch
import transformers
from peft import LoHaConfig, LoKrConfig, LoraConfig, RandLoraConfig, VeraConfig

QV = shared.QV
key_of = shared.key_of
# PEFT saves this one parameter without its last name.
shared.key_of = lambda name, adapter: key_of(name, adapter).replace("magnitude_vector.weight", "magnitude_vector")
ATTENTION_AND_DOWN = ["q_proj", "k_proj", "down_proj"]


def case(kind, model="own-head", after=None, **settings):
    settings.setdefault("target_modules", QV)
    return dict(kind=kind, model=model, after=after, settings=settings)


def lora(model="own-head", **settings):
    return case(LoraConfig, model, **{"r": 4, "lora_alpha": 8, **settings})


CASES = {
    "dora": lora(use_dora=True, target_modules="all-linear"),
    "dora-rslora-patterns": lora(use_dora=True, use_rslora=True, rank_pattern={"q_proj": 6}, alpha_pattern={"v_proj": 3}),
    "dora-biased": lora("tied-biased", use_dora=True, bias="lora_only", lora_dropout=0.1, target_modules=["q_proj", "o_proj"]),
    "vera": case(VeraConfig, r=8, d_initial=0.3, target_modules=ATTENTION_AND_DOWN),
    "vera-unsaved": case(VeraConfig, "tied-biased", r=5, projection_prng_key=7, save_projection=False, bias="vera_only"),
    "randlora": case(RandLoraConfig, r=6, randlora_alpha=50, target_modules=ATTENTION_AND_DOWN),
    "randlora-sparse-unsaved": case(RandLoraConfig, "tied-biased", r=5, randlora_alpha=20, sparse=True, projection_prng_key=3, save_projection=False),
    "randlora-very-sparse": case(RandLoraConfig, r=32, very_sparse=True, save_projection=False, randlora_dropout=0.1),
    # Its usual alpha of 640 would make gradients on a model this small hang on the last bits.
    "randlora-unsaved": case(RandLoraConfig, r=7, randlora_alpha=60, projection_prng_key=11, save_projection=False, target_modules="all-linear"),
    "loha": case(LoHaConfig, r=4, alpha=40, target_modules="all-linear"),
    "loha-patterns": case(LoHaConfig, "tied-biased", r=3, alpha=30, rank_pattern={"q_proj": 5}, alpha_pattern={"v_proj": 16}),
    "lokr": case(LoKrConfig, r=2, alpha=20, target_modules="all-linear"),
    "lokr-factor": case(LoKrConfig, r=2, alpha=9, decompose_factor=4, rank_pattern={"q_proj": 1}),
    "lokr-both": case(LoKrConfig, "tied-biased", r=3, alpha=9, decompose_both=True, target_modules=ATTENTION_AND_DOWN),
    "pissa": lora(init_lora_weights="pissa", target_modules=["q_proj", "down_proj"]),
    "pissa-rslora": lora("tied-biased", init_lora_weights="pissa", use_rslora=True, r=6, layers_to_transform=1),
    "olora": lora(init_lora_weights="olora", target_modules=["k_proj", "up_proj"]),
}


def main():
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.utils.logging.disable_progress_bar()
    for name, c in CASES.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        shared.make(name, c, zlib.crc32(name.encode()))
        moved = shared.expect(shared.HERE / name, c["model"], [name])
        print(f"{name:24} moves the logits by {moved:.3f}", flush=True)
    listed = [{"case": name, "model": c["model"], "adapters": [name]} for name, c in CASES.items()]
    (shared.HERE / "cases-low-rank.json").write_text(json.dumps(listed, indent=1) + "\n")


if __name__ == "__main__":
    main()
