"""Trains adapters with PEFT on the pico model: losses, learning rates, and the parameters before and after.

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
from peft import LoraConfig, OFTConfig, get_peft_model
from safetensors.torch import save_file
from transformers import LlamaForCausalLM, get_constant_schedule, get_cosine_schedule_with_warmup

HERE = pathlib.Path(__file__).resolve().parent
STEPS, ROWS, TOKENS = 12, 4, 16
METHODS = {
    "oft": lambda: OFTConfig(task_type="CAUSAL_LM", oft_block_size=16, target_modules="all-linear"),
    "lora": lambda: LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules="all-linear"),
}
PLAIN = dict(accumulate=1, weight_decay=0.0, clip=0.0, schedule="constant", warmup=0)
FULL = dict(accumulate=2, weight_decay=0.1, clip=0.5, schedule="cosine", warmup=3)
RUNS = {"oft-plain": ("oft", PLAIN), "lora-plain": ("lora", PLAIN), "oft-full": ("oft", FULL), "lora-full": ("lora", FULL)}


def batches(accumulate):
    """ids and labels [steps·accumulate, rows, tokens]; -100 is not learned. How much is learned differs from row to row."""
    source = torch.Generator().manual_seed(21)
    ids = torch.randint(3, 320, (STEPS * accumulate, ROWS, TOKENS), generator=source)
    starts = torch.randint(1, TOKENS - 2, ids.shape[:2], generator=source)
    labels = torch.where(torch.arange(TOKENS) >= starts[..., None], ids, torch.full_like(ids, -100))
    return ids, labels


def train(name, method, how):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(5)
    base = LlamaForCausalLM.from_pretrained(HERE.parent / "pico-llama" / "own-head", dtype=torch.float32)
    model = get_peft_model(base, METHODS[method]())
    model.peft_config["default"].base_model_name_or_path = "pico-llama/own-head"  # else PEFT writes this machine's path
    model.save_pretrained(folder / "initial")
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=3e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=how["weight_decay"])
    schedule = (get_constant_schedule(optimizer) if how["schedule"] == "constant"
                else get_cosine_schedule_with_warmup(optimizer, how["warmup"], STEPS))
    ids, labels = batches(how["accumulate"])
    losses, rates, norms = [], [], []
    model.train()
    for step in range(STEPS):
        parts = range(step * how["accumulate"], (step + 1) * how["accumulate"])
        tokens = sum(int((labels[i, :, 1:] != -100).sum()) for i in parts)
        loss = 0.0
        for i in parts:
            logits = model(input_ids=ids[i]).logits
            part = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, 320), labels[i, :, 1:].reshape(-1), reduction="sum") / tokens
            part.backward()
            loss += part.item()
        norms.append(torch.nn.utils.clip_grad_norm_(learned, how["clip"] or float("inf")).item())
        rates.append(optimizer.param_groups[0]["lr"])
        losses.append(loss)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    model.save_pretrained(folder / "final")
    for part in ("initial", "final"):
        (folder / part / "README.md").unlink(missing_ok=True)
    real = lambda values: torch.tensor(values, dtype=torch.float64)
    save_file({"ids": ids, "labels": labels, "losses": real(losses), "learning_rates": real(rates), "gradient_norms": real(norms)},
              folder / "expected.safetensors", {"format": "pt"})
    print(f"{name:12} loss {losses[0]:.4f} -> {losses[-1]:.4f}; gradient norms {min(norms):.3f} to {max(norms):.3f}", flush=True)
    return {"run": name, "method": method, "model": "own-head", "steps": STEPS, "learning_rate": 3e-3, **how}


def main():
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    runs = [train(name, *run) for name, run in RUNS.items()]
    (HERE / "runs.json").write_text(json.dumps(runs, indent=1) + "\n")
    (HERE / "README").write_text(
        f"Made by make.py with torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}, peft {peft.__version__}; "
        "tolerance 1e-3: Adam divides by small moments, so twelve steps magnify the rounding of sums.\n")


if __name__ == "__main__":
    main()
