"""PEFT's training step under a stop watch, driven line by line, so that another program can take turns with it.

    bench_train.py --gguf FILE|--model DIR [--method oft|lora] [--block 32] [--rank 16] [--rows 4] [--tokens 256] [--seed 0]

Prints {"event":"ready",...} when loaded. Then, for each line on stdin:
  step   one whole step (forward, backward, AdamW) on rows of random tokens -> {"seconds":...,"loss":...}
  quit   -> {"peak_rss_bytes":...} and the end; so does the end of stdin
Between lines it sleeps in read(), so its threads do not disturb the other program.
"""

import argparse
import sys
import time
import warnings

import basemodel as base
import peft
import torch
from peft import LoraConfig, OFTConfig, get_peft_model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    base.add_base_arguments(parser)
    parser.add_argument("--method", choices=["oft", "lora"], default="oft")
    parser.add_argument("--block", type=int, default=32)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.manual_seed(args.seed)
    if args.method == "oft":
        config = OFTConfig(task_type="CAUSAL_LM", oft_block_size=args.block, target_modules="all-linear")
    else:
        config = LoraConfig(task_type="CAUSAL_LM", r=args.rank, lora_alpha=2 * args.rank, target_modules="all-linear")
    model = get_peft_model(base.load(args), config).train()
    learned = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=args.lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    source = torch.Generator().manual_seed(args.seed)
    base.say({"event": "ready", "peer": "peft", "version": peft.__version__, "torch": torch.__version__, "threads": torch.get_num_threads(),
              "learned": sum(p.numel() for p in learned)})
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        if line.strip() != "step":
            sys.exit(f"unknown line {line.strip()!r}; wanted step or quit")
        ids = torch.randint(0, model.config.vocab_size, (args.rows, args.tokens), generator=source)
        begun = time.perf_counter()
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        base.say({"seconds": time.perf_counter() - begun, "loss": loss.item()})
    base.say({"peak_rss_bytes": base.peak_rss_bytes()})


if __name__ == "__main__":
    main()
