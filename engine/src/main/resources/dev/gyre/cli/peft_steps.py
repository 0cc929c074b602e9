"""One training step of Hugging Face PEFT for each JSON line of token rows on stdin; see Peft.java."""
import json
import os
import sys
import time

task = json.loads(sys.argv[1])
protocol = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what libraries print must not stand between the answers

import torch
from peft import LoraConfig, OFTConfig, get_peft_model
from transformers import AutoModelForCausalLM

torch.set_num_threads(task["threads"])
torch.manual_seed(0)


def config(method):
    settings = dict(method)
    name = settings.pop("name")
    common = {"target_modules": "all-linear", "task_type": "CAUSAL_LM"}
    if name == "oft":
        made = OFTConfig(
            oft_block_size=settings.pop("block", 32), r=0,
            use_cayley_neumann=not settings.pop("exact", False),
            num_cayley_neumann_terms=settings.pop("terms", 5), **common)
    elif name == "lora":
        rank = settings.pop("rank", 16)
        made = LoraConfig(
            r=rank, lora_alpha=settings.pop("alpha", 2 * rank),
            lora_dropout=settings.pop("dropout", 0.0), use_rslora=settings.pop("rslora", False), **common)
    else:
        sys.exit(f"this comparison knows oft and lora, not {name}")
    if settings:
        sys.exit(f"this comparison does not know the settings {', '.join(settings)} of {name}")
    return made


def peak_rss():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


path = task["model"]
if path.endswith(".gguf"):
    folder, name = os.path.split(path)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
else:
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
model = get_peft_model(model, config(task["method"]))
model.train()
optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=1e-4, weight_decay=0.0)

for line in sys.stdin:
    rows = json.loads(line)
    # Rows of different lengths are padded to the longest, as its trainers do.
    longest = max(map(len, rows))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in rows])
    labels = torch.tensor([row + [-100] * (longest - len(row)) for row in rows])
    even = all(len(row) == longest for row in rows)
    begun = time.perf_counter()
    loss = model(input_ids=ids, labels=labels, attention_mask=None if even else (labels >= 0).long()).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    value = loss.item()
    row = {"seconds": time.perf_counter() - begun, "loss": value, "peak_rss_bytes": peak_rss()}
    print(json.dumps(row), file=protocol, flush=True)
