"""The base model, its tokenizer and its log-probabilities, as transformers has them. Used by the scripts beside it."""

import json
import math
import os
import pathlib
import re
import resource
import sys
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TQDM_DISABLE", "1")
# PEFT's warnings are judged by the scripts themselves; transformers' chatter is not wanted on stderr.
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()


def add_base_arguments(parser):
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--gguf", help="a .gguf file, decoded to f32")
    which.add_argument("--model", help="a Hugging Face folder, read to f32")
    parser.add_argument("--threads", type=int, default=2)


def names(args):
    """What from_pretrained wants to be told."""
    torch.set_num_threads(args.threads)
    if args.model:
        return args.model, {}
    file = pathlib.Path(args.gguf).resolve()
    return str(file.parent), {"gguf_file": file.name}


def tokenizer(args):
    folder, more = names(args)
    return AutoTokenizer.from_pretrained(folder, **more)


def load(args):
    folder, more = names(args)
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **more).eval()


def scores(model, words, text):
    """One document: the ids as the tokenizer gives them by default, and log p of each given those before it."""
    ids = words(text)["input_ids"]
    longest = model.config.max_position_embeddings
    if len(ids) > longest:
        sys.exit(f"the document has {len(ids)} tokens, the model takes {longest}; this script does no windows")
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits[0, -len(ids) : -1]  # virtual tokens have rows too
        every = torch.log_softmax(logits.double(), dim=-1)
        taken = every.gather(1, torch.tensor(ids[1:]).unsqueeze(1)).squeeze(1).tolist()
    nll = -math.fsum(taken)
    return {"documents": [{"ids": ids, "logprobs": [None, *taken]}], "tokens": len(taken), "nll": nll, "perplexity": math.exp(nll / len(taken))}


def read(file):
    return pathlib.Path(file).read_bytes().decode("utf-8")


def write(value, file):
    """JSON to a file, or to stdout for '-'."""
    text = json.dumps(value) + "\n"
    if file == "-":
        sys.stdout.write(text)
    else:
        pathlib.Path(file).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(file).write_text(text)


def peak_rss_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def say(event):
    print(json.dumps(event), flush=True)


# What all layers share, PEFT reads once, and misses where its own files repeat it for each layer.
REPEATED = re.compile(r"'[^']*\.(?:vera|randlora)_[AB]\.default'(?:, )?")


def key_warnings(caught, own=()):
    """Those warnings that say a key of a config or a tensor's name was missing or not understood, but for our own keys."""
    said = [REPEATED.sub("", str(w.message)) for w in caught]
    for key in own:
        said = [words.replace(f"'{key}', ", "").replace(f"'{key}'", "") for words in said]
    signs = (" key", "keyword argument", "unexpected")
    return [words for words in said if any(sign in words.lower() for sign in signs) and "[]" not in words]


class WarningsAboutKeys:
    """Within this block a warning about keys, other than our own, ends the script with exit code 3; every other warning is let go."""

    def __init__(self, own=()):
        self.own = own

    def __enter__(self):
        self.catching = warnings.catch_warnings(record=True)
        self.caught = self.catching.__enter__()
        warnings.simplefilter("always")
        return self

    def __exit__(self, *failure):
        self.catching.__exit__(*failure)
        if failure[0] is None and (found := key_warnings(self.caught, self.own)):
            print("\n".join(found), file=sys.stderr)
            sys.exit(3)
