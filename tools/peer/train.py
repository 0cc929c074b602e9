"""Trains an adapter with PEFT on prompt-completion rows, in file order, printing the JSON lines of `gyre train --json`.

    train.py --gguf FILE|--model DIR --rows FILE.jsonl --method oft|lora [--block 32] [--rank 16] --steps N --batch N --lr X [--out DIR]

The prompt is a user turn and the completion the assistant's, in the base's chat template with its default system text.
Learned: the completion and the end-of-turn token, not what the template writes after it. AdamW without decay, constant
rate, no clipping. --init goes on from an adapter (LoRA starts at random: two runs agree only from one start).
"""

import argparse
import json
import pathlib
import time
import warnings

import basemodel as base
import torch
from peft import LoraConfig, OFTConfig, PeftModel, get_peft_model


def encode(words, row):
    """ids and labels of one example; -100 is not learned."""
    turns = [{"role": "user", "content": row["prompt"]}, {"role": "assistant", "content": row["completion"]}]
    before = words.apply_chat_template(turns[:1], tokenize=False, add_generation_prompt=True)
    whole = words.apply_chat_template(turns, tokenize=False)
    answer = row["completion"] + words.eos_token
    assert whole.startswith(before + answer), "the template does not write prompt, answer, end of turn"
    begin, end = len(before), len(before) + len(answer)
    made = words(whole, add_special_tokens=False, return_offsets_mapping=True)
    labels = [i if begin <= first and last <= end else -100 for i, (first, last) in zip(made["input_ids"], made["offset_mapping"])]
    return made["input_ids"], labels


def batch(examples):
    longest = max(len(ids) for ids, _ in examples)
    fill = lambda rows, value: torch.tensor([row + [value] * (longest - len(row)) for row in rows])
    ids = [ids for ids, _ in examples]
    return {"input_ids": fill(ids, 0), "attention_mask": fill([[1] * len(i) for i in ids], 0)}, fill([labels for _, labels in examples], -100)


def adapted(args, model):
    if args.init:
        return PeftModel.from_pretrained(model, args.init, is_trainable=True)
    torch.manual_seed(args.seed)
    if args.method == "oft":
        return get_peft_model(model, OFTConfig(task_type="CAUSAL_LM", oft_block_size=args.block, target_modules="all-linear"))
    return get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=args.rank, lora_alpha=2 * args.rank, target_modules="all-linear"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    base.add_base_arguments(parser)
    parser.add_argument("--rows", required=True)
    parser.add_argument("--method", choices=["oft", "lora"], default="oft")
    parser.add_argument("--block", type=int, default=32)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--init")
    parser.add_argument("--out")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    words = base.tokenizer(args)
    rows = [json.loads(line) for line in pathlib.Path(args.rows).read_text().splitlines() if line.strip()]
    examples = [encode(words, row) for row in rows]
    model = adapted(args, base.load(args)).train()
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=args.lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    begun = last = time.perf_counter()
    seen = 0
    for step in range(args.steps):
        chosen = [examples[i % len(examples)] for i in range(step * args.batch, (step + 1) * args.batch)]
        inputs, labels = batch(chosen)
        logits = model(**inputs).logits[:, :-1]
        targets = labels[:, 1:]
        tokens = int((targets != -100).sum())
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), reduction="sum") / tokens
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seen += sum(len(ids) for ids, _ in chosen)
        now = time.perf_counter()
        base.say({"event": "step", "step": step + 1, "loss": loss.item(), "learned_tokens": tokens, "learning_rate": args.lr, "seconds": now - last})
        last = now
    if args.out:
        model.save_pretrained(args.out)
    base.say({"event": "done", "steps": args.steps, "seconds": last - begun, "tokens_per_second": seen / (last - begun),
              "peak_rss_bytes": base.peak_rss_bytes(), "adapter": args.out})


if __name__ == "__main__":
    main()
