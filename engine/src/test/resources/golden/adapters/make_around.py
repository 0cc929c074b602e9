"""As make.py, for the methods around a weight and on few of its entries: BOFT, HRA, RoAd, IA3, FourierFT, SHiRA, LN tuning.

Run with the peers' python (tools/peers --path), here, after make.py. Same versions, same bytes.
"""

import json
import warnings

import torch
import transformers
from peft import BOFTConfig, FourierFTConfig, HRAConfig, IA3Config, LNTuningConfig, PeftModel, RoadConfig, ShiraConfig
from peft.tuners.boft import layer as boft_layer

import make
from make import HERE, MLP_AND_O, QV, expect


def case(kind, model="own-head", after=None, **settings):
    settings.setdefault("target_modules", QV)
    return dict(kind=kind, model=model, after=after, settings=settings)


CASES = {
    "boft": case(BOFTConfig, boft_block_size=8, target_modules="all-linear"),
    "boft-blocks": case(BOFTConfig, boft_block_size=0, boft_block_num=4, target_modules=QV + ["down_proj"]),
    "boft-bias-own": case(BOFTConfig, "tied-biased", bias="boft_only", target_modules=["q_proj", "o_proj"]),
    "boft-random-start": case(BOFTConfig, boft_block_size=4, init_weights=False, boft_dropout=0.1),
    # PEFT without its CUDA extension writes one factor under a configuration that says two.
    "boft-says-two": case(BOFTConfig, boft_block_size=8, boft_n_butterfly_factor=2),
    "hra": case(HRAConfig, r=4, target_modules="all-linear"),
    "hra-odd": case(HRAConfig, r=3, layers_to_transform=1),
    "hra-gs": case(HRAConfig, r=4, apply_GS=True, init_weights=False),
    "hra-bias-all": case(HRAConfig, "tied-biased", r=2, bias="all", init_weights=False),
    "road": case(RoadConfig, group_size=16, target_modules="all-linear"),
    "road-2": case(RoadConfig, "tied-biased", group_size=8, variant="road_2", target_modules=QV + ["o_proj"]),
    "road-4": case(RoadConfig, group_size=32, variant="road_4", init_weights=False),
    "road-biased": case(RoadConfig, "tied-biased", group_size=2, target_modules="all-linear"),
    "ia3": case(IA3Config, target_modules=["k_proj", "v_proj", "down_proj"], feedforward_modules=["down_proj"]),
    "ia3-biased": case(IA3Config, "tied-biased", target_modules=MLP_AND_O, feedforward_modules=r".*(up|gate)_proj"),
    "ia3-random-start": case(IA3Config, target_modules=QV, feedforward_modules=[], init_ia3_weights=False, modules_to_save=["norm"]),
    "fourierft": case(FourierFTConfig, n_frequency=60, scaling=300.0, random_loc_seed=5, target_modules="all-linear", init_weights=True),
    "fourierft-start": case(FourierFTConfig, n_frequency=50, n_frequency_pattern={"v_proj": 20}, bias="fourier_only"),
    "shira": case(ShiraConfig, r=2, target_modules="all-linear"),
    "shira-seed": case(ShiraConfig, r=3, random_seed=42, target_modules=QV + ["down_proj"]),
    "shira-random-start": case(ShiraConfig, "tied-biased", r=1, init_weights=False),
    "ln-tuning": case(LNTuningConfig, target_modules=["input_layernorm", "post_attention_layernorm", "norm"]),
    "ln-tuning-few": case(LNTuningConfig, target_modules=r".*layers\.1\..*layernorm"),
}


def factors(name, count, block):
    """PEFT's own forward with several factors: what it does where its CUDA extension is there, in plain torch."""
    folder = HERE / name
    boft_layer.get_fbd_cuda = lambda: True
    original = boft_layer.FastBlockDiag
    boft_layer.FastBlockDiag = PlainBlockDiag
    try:
        make.make(name, case(BOFTConfig, boft_block_size=block, boft_n_butterfly_factor=count), 77 + count)
        return expect(folder, "own-head", [name])
    finally:
        boft_layer.FastBlockDiag = original


class PlainBlockDiag:
    @staticmethod
    def apply(x):
        return torch.stack([torch.block_diag(*factor) for factor in x])


def main():
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.utils.logging.disable_progress_bar()
    listed = []
    for seed, (name, c) in enumerate(CASES.items()):
        make.make(name, c, 2000 + seed)
        moved = expect(HERE / name, c["model"], [name])
        listed.append({"case": name, "model": c["model"], "adapters": [name]})
        print(f"{name:24} moves the logits by {moved:.3f}", flush=True)
    for name, count, block in (("boft-2-factors", 2, 8), ("boft-3-factors", 3, 4)):
        moved = factors(name, count, block)
        listed.append({"case": name, "model": "own-head", "adapters": [name]})
        print(f"{name:24} moves the logits by {moved:.3f}", flush=True)
    (HERE / "cases-around.json").write_text(json.dumps(listed, indent=1) + "\n")


if __name__ == "__main__":
    main()
