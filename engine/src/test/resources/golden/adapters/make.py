"""Makes adapters with PEFT on the pico models, in PEFT's own files, and what PEFT computes with them.

Everything expected is computed after reading the written files back, so the files are the whole truth.
Run with the peers' python (tools/peers --path), here, after ../pico-llama/make.py. Same versions, same bytes.
"""

import json
import os
import pathlib
import shutil
import sys
import warnings

if os.environ.get("PYTHONHASHSEED") != "0":  # PEFT writes target_modules from a set
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONHASHSEED": "0"})

import peft
import torch
import transformers
from peft import LoraConfig, OFTConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
PICO = HERE.parent / "pico-llama"
LAST = 6  # positions whose logits are kept
QV = ["q_proj", "v_proj"]


def oft(model="own-head", after=None, **settings):
    settings.setdefault("oft_block_size", 16)
    settings.setdefault("target_modules", QV)
    return dict(kind=OFTConfig, model=model, after=after, settings=settings)


def lora(model="own-head", after=None, **settings):
    settings = {"r": 4, "lora_alpha": 8, "target_modules": QV, **settings}
    return dict(kind=LoraConfig, model=model, after=after, settings=settings)


def older(folder):
    """A file as PEFT wrote them before 0.18: it does not say which version made it."""
    rewrite(folder, lambda c: {k: v for k, v in c.items() if k != "peft_version"})


def minimal(folder):
    rewrite(folder, lambda c: {k: c[k] for k in ("peft_type", "oft_block_size", "target_modules")})


def rewrite(folder, change):
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(change(json.loads(file.read_text())), indent=2, sort_keys=True))


def bf16(folder):
    file = folder / "adapter_model.safetensors"
    save_file({k: v.to(torch.bfloat16) for k, v in load_file(file).items()}, file, {"format": "pt"})


MLP_AND_O = r".*\.(o_proj|(gate|up|down)_proj)"
CASES = {
    "oft-block-8": oft(oft_block_size=8, target_modules="all-linear"),
    "oft-block-16": oft(target_modules="all-linear"),
    "oft-block-32": oft(oft_block_size=32, target_modules=["q_proj", "v_proj", "down_proj"]),
    "oft-blocks-4": oft(r=4, oft_block_size=0, target_modules=["q_proj", "o_proj", "down_proj"]),
    "oft-adjusted-block": oft(oft_block_size=24, target_modules=["q_proj", "down_proj"]),  # 64 -> 16, 96 -> 24
    "oft-adjusted-blocks": oft(r=5, oft_block_size=0, target_modules=["k_proj", "down_proj"]),
    "oft-block-too-large": oft(oft_block_size=80, target_modules=["v_proj"], layers_to_transform=[0]),
    **{f"oft-terms-{t}": oft(num_cayley_neumann_terms=t) for t in (2, 3, 4, 6, 8)},
    "oft-exact": oft(use_cayley_neumann=False, target_modules=QV + ["up_proj"]),
    "oft-coft": oft(coft=True, eps=0.5, target_modules=QV + ["down_proj"]),
    "oft-coft-share": oft(coft=True, eps=0.2, block_share=True),
    "oft-share": oft(block_share=True, target_modules="all-linear"),
    "oft-share-exact": oft(block_share=True, use_cayley_neumann=False),
    "oft-regex": oft(target_modules=MLP_AND_O, oft_block_size=8),
    "oft-exclude": oft(target_modules="all-linear", exclude_modules=["gate_proj", "up_proj", "down_proj", "layers.0.self_attn.k_proj"]),
    "oft-exclude-regex": oft(target_modules="all-linear", exclude_modules=r".*\.mlp\..*"),
    "oft-layer": oft(layers_to_transform=1),
    "oft-layers": oft("tied-biased", layers_to_transform=[0, 2], layers_pattern="layers", target_modules=QV + ["gate_proj"]),
    "oft-save-head": oft(modules_to_save=["lm_head"]),
    "oft-save-norms": oft(modules_to_save=["norm"]),
    "oft-bias-own": oft("tied-biased", bias="oft_only", target_modules=["q_proj", "o_proj"]),
    "oft-bias-all": oft("tied-biased", bias="all"),
    "oft-embedding": oft(target_modules=["embed_tokens", "q_proj"]),
    "oft-embedding-tied": oft("tied-biased", target_modules=["embed_tokens"]),
    "oft-older": oft(after=older),
    "oft-minimal": oft(after=minimal),
    "oft-dropout": oft(module_dropout=0.1),
    "oft-random-start": oft(init_weights=False),
    "oft-bf16": oft(after=bf16),
    "lora": lora(target_modules="all-linear"),
    "lora-rslora": lora(use_rslora=True),
    "lora-dropout": lora(lora_dropout=0.1),
    "lora-bias-own": lora("tied-biased", bias="lora_only"),
    "lora-bias-all": lora("tied-biased", bias="all"),
    "lora-bias-of-b": lora("tied-biased", lora_bias=True, target_modules=["q_proj", "o_proj"]),
    "lora-rank-pattern": lora(rank_pattern={"model.layers.1.self_attn.q_proj": 8, "v_proj": 2}),
    "lora-alpha-pattern": lora(alpha_pattern={"model.layers.0.self_attn.q_proj": 16, "v_proj": 3}),
    "lora-regex-patterns": lora(rank_pattern={r".*\.1\..*q_proj": 6, r"layers\.0\..*\.v_proj": 3}, alpha_pattern={r"^model\.layers\.1\..*": 5}),
    "lora-patterns-rslora": lora(rank_pattern={"q_proj": 6}, alpha_pattern={"v_proj": 3}, use_rslora=True),
    "lora-save-head": lora(modules_to_save=["lm_head"]),
    "lora-save-norms": lora(modules_to_save=["norm"]),
    "lora-layer": lora(layers_to_transform=1),
    "lora-layers": lora("tied-biased", layers_to_transform=[0, 2], layers_pattern="layers"),
    "lora-regex": lora(target_modules=MLP_AND_O),
    "lora-exclude": lora(target_modules="all-linear", exclude_modules=["down_proj"]),
    "lora-embedding": lora(target_modules=["embed_tokens", "q_proj"]),
    "lora-gaussian": lora(init_lora_weights="gaussian"),
    "lora-random-start": lora(init_lora_weights=False),
    "lora-bf16": lora(after=bf16),
}
STACKS = {  # active one after another, in this order
    "stack-oft": ("own-head", ["oft-block-16", "oft-exact"]),
    "stack-oft-reversed": ("own-head", ["oft-exact", "oft-block-16"]),
    "stack-lora": ("own-head", ["lora", "lora-rslora"]),
}


def base(name):
    return LlamaForCausalLM.from_pretrained(PICO / name, dtype=torch.float32).eval()


def nudge(model, source):
    """Moves every learned tensor away from where it starts, so that nothing is hidden by zeros."""
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            if p.requires_grad and "lora_A" not in name:
                p.add_(0.05 * torch.randn(p.shape, generator=source))


def make(name, case, seed):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(seed)
    model = get_peft_model(base(case["model"]), case["kind"](task_type="CAUSAL_LM", **case["settings"]))
    starts_random = case["settings"].get("init_weights") is False or case["settings"].get("init_lora_weights") is False
    if not starts_random:
        nudge(model, torch.Generator().manual_seed(seed))
    model.peft_config["default"].base_model_name_or_path = f"pico-llama/{case['model']}"  # else PEFT writes this machine's path
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    if case["after"]:
        case["after"](folder)


def key_of(parameter, adapter):
    return parameter.replace(f".modules_to_save.{adapter}", "").replace(f".{adapter}", "")


def expect(folder, base_name, adapters):
    """Writes what the adapters, read from their files, compute: logits, loss, and the gradient of every learned tensor."""
    named = {f"adapter{i}": a for i, a in enumerate(adapters)}
    model = PeftModel.from_pretrained(base(base_name), HERE / adapters[0], adapter_name="adapter0", is_trainable=True)
    for name, more in list(named.items())[1:]:
        model.load_adapter(HERE / more, adapter_name=name, is_trainable=True)
    if len(adapters) > 1:
        model.base_model.set_adapter(list(named))
    model.eval()
    ids = torch.randint(3, 320, (2, 20), generator=torch.Generator().manual_seed(11))
    logits = model(input_ids=ids).logits
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, 320), ids[:, 1:].reshape(-1))
    loss.backward()
    out = {"ids": ids, "logits": logits[:, -LAST:].detach().contiguous(), "loss": loss.detach().reshape(1)}
    for name, p in model.named_parameters():
        if not p.requires_grad:
            continue
        inside = next((a for a in named if a in name.split(".")), "adapter0")
        owner, key = named[inside], key_of(name, inside)
        assert key in load_file(HERE / owner / "adapter_model.safetensors"), (name, key)
        assert p.grad is not None and p.grad.abs().max() > 0, f"no gradient reaches {name}"
        out[f"grad.{key}" if len(adapters) == 1 else f"grad.{owner}.{key}"] = p.grad.contiguous()
    folder.mkdir(exist_ok=True)
    save_file(out, folder / "expected.safetensors", {"format": "pt"})
    with torch.no_grad(), model.disable_adapter():
        moved = (model(input_ids=ids).logits[:, -LAST:] - out["logits"]).abs().max().item()
    assert moved > 1e-3, f"{folder.name} changes nothing"
    return moved


def main():
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.utils.logging.disable_progress_bar()
    listed = []
    for seed, (name, case) in enumerate(CASES.items()):
        make(name, case, 1000 + seed)
        moved = expect(HERE / name, case["model"], [name])
        listed.append({"case": name, "model": case["model"], "adapters": [name]})
        print(f"{name:24} moves the logits by {moved:.3f}", flush=True)
    for name, (model, adapters) in STACKS.items():
        moved = expect(HERE / name, model, adapters)
        listed.append({"case": name, "model": model, "adapters": adapters})
        print(f"{name:24} moves the logits by {moved:.3f}", flush=True)
    (HERE / "cases.json").write_text(json.dumps(listed, indent=1) + "\n")
    (HERE / "README").write_text(
        f"Made by make.py with torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}, peft {peft.__version__}; "
        "tolerance 1e-4: sums in another order in f32.\n")


if __name__ == "__main__":
    main()
