"""As make.py, for what stands before a sequence: prompt tuning and prefix tuning.

Run with the peers' python (tools/peers --path), here, after ../pico-llama/make.py. Same versions, same bytes.
"""

import json
import warnings
import zlib

import make as shared  # starts python again with hashes that do not change
import torch
import transformers
from peft import PeftModel, PrefixTuningConfig, PromptTuningConfig
from safetensors.torch import save_file


def case(kind, model="own-head", **settings):
    return dict(kind=kind, model=model, after=None, settings=settings)


CASES = {
    "prompt-tuning": case(PromptTuningConfig, num_virtual_tokens=5),
    "prompt-tuning-vocabulary": case(PromptTuningConfig, "tied-biased", num_virtual_tokens=3, prompt_tuning_init="SAMPLE_VOCAB"),
    "prefix-tuning": case(PrefixTuningConfig, num_virtual_tokens=4),
    "prefix-tuning-zero": case(PrefixTuningConfig, "tied-biased", num_virtual_tokens=2, init_weights="zero"),
    "prefix-tuning-projected": case(PrefixTuningConfig, num_virtual_tokens=3, prefix_projection=True, encoder_hidden_size=24),
}


def expect(name, base_name):
    """PEFT does not load these for training, but what it loads is a parameter like any other."""
    folder = shared.HERE / name
    model = PeftModel.from_pretrained(shared.base(base_name), folder).eval()
    prompt = model.prompt_encoder["default"].embedding.weight.requires_grad_(True)
    ids = torch.randint(3, 320, (2, 20), generator=torch.Generator().manual_seed(11))
    logits = model(input_ids=ids).logits[:, -ids.shape[1] :]
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, 320), ids[:, 1:].reshape(-1))
    loss.backward()
    kept = logits[:, -shared.LAST :].detach().contiguous()
    out = {"ids": ids, "logits": kept, "loss": loss.detach().reshape(1), "grad.prompt_embeddings": prompt.grad.contiguous()}
    save_file(out, folder / "expected.safetensors", {"format": "pt"})
    with torch.no_grad(), model.disable_adapter():
        return (model(input_ids=ids).logits[:, -shared.LAST :] - kept).abs().max().item()


def main():
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    transformers.utils.logging.disable_progress_bar()
    for name, c in CASES.items():
        shared.make(name, c, zlib.crc32(name.encode()))
        print(f"{name:24} moves the logits by {expect(name, c['model']):.3f}", flush=True)
    listed = [{"case": name, "model": c["model"], "adapters": [name]} for name, c in CASES.items()]
    (shared.HERE / "cases-prompts.json").write_text(json.dumps(listed, indent=1) + "\n")


if __name__ == "__main__":
    main()
