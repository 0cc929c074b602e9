"""Makes two tiny Llamas from a seed, their tokenizer, and the logits that transformers computes.

Run with the peers' python (tools/peers --path), here. Same versions, same bytes.
"""

import json
import pathlib
import shutil

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
SENTENCES = [
    "The quick brown fox jumps over the lazy dog.",
    "Show me the orders of the last week, please.",
    "for (int i = 0; i < n; i++) sum += x[i] * y[i];",
    "Grüße aus Köln, und schönes Wetter!",
    "You are a helpful assistant. The user asks, the assistant answers.",
]
CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SHAPE = dict(
    vocab_size=320, hidden_size=64, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
    max_position_embeddings=128, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2, pad_token_id=None,
)
MODELS = {
    "own-head": dict(num_hidden_layers=2, rope_theta=10000.0, tie_word_embeddings=False, attention_bias=False),
    "tied-biased": dict(num_hidden_layers=3, rope_theta=100000.0, tie_word_embeddings=True, attention_bias=True),
}


def config(rope_theta, **more):
    return LlamaConfig(**SHAPE, **more, rope_parameters={"rope_type": "default", "rope_theta": rope_theta})


def old_style(new):
    """The same settings as transformers 4 wrote them."""
    old = {k: v for k, v in new.items() if k not in ("rope_parameters", "dtype")}
    old["rope_theta"] = new["rope_parameters"]["rope_theta"]
    old["rope_scaling"] = None
    old["torch_dtype"] = "float32"
    old["transformers_version"] = "4.49.0"
    return dict(sorted(old.items()))


def randomise(model, seed):
    """Large enough weights that attention is far from uniform and every norm and bias matters."""
    source = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=source)
            if "norm" in name:
                p.copy_(1 + 0.1 * noise)
            elif name.endswith("bias"):
                p.copy_(0.1 * noise)
            elif "embed_tokens" in name:
                p.copy_(0.5 * noise)
            else:
                p.copy_(noise / p.shape[1] ** 0.5)


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def tokenizer():
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(
            vocab_size=SHAPE["vocab_size"], special_tokens=SPECIALS, show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    assert made.get_vocab_size() == SHAPE["vocab_size"], made.get_vocab_size()
    return made


def main():
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    words = tokenizer()
    for number, (name, more) in enumerate(MODELS.items()):
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        model = LlamaForCausalLM(config(**more)).float().eval()
        randomise(model, 100 + number)
        model.config.dtype = "float32"
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        new = json.loads((folder / "config.json").read_text())
        old = old_style(new)
        write_json(folder / "config.json", new if number == 0 else old)
        write_json(folder / ("config.transformers4.json" if number == 0 else "config.transformers5.json"), old if number == 0 else new)
        words.save(str(folder / "tokenizer.json"))
        write_json(folder / "tokenizer_config.json", {
            "add_prefix_space": False, "bos_token": "<|im_start|>", "chat_template": CHATML, "clean_up_tokenization_spaces": False,
            "eos_token": "<|im_end|>", "model_max_length": 128, "pad_token": "<|im_end|>", "tokenizer_class": "PreTrainedTokenizerFast",
            "unk_token": "<|endoftext|>",
        })
        ids = torch.randint(3, SHAPE["vocab_size"], (2, 24), generator=torch.Generator().manual_seed(7))
        with torch.no_grad():
            logits = model(input_ids=ids).logits
            again = LlamaForCausalLM.from_pretrained(folder).eval()(input_ids=ids).logits  # what the written folder gives
        assert torch.equal(logits, again), "the folder does not give the model back"
        text = SENTENCES[1] + " " + SENTENCES[3]
        chat = transformers.AutoTokenizer.from_pretrained(folder)
        rendered = chat.apply_chat_template([{"role": "user", "content": "Hello?"}], tokenize=False, add_generation_prompt=True)
        save_file({"ids": ids, "logits": logits.contiguous()}, folder / "expected.safetensors", {"format": "pt"})
        write_json(folder / "tokens.json", {
            "text": text, "ids": words.encode(text).ids, "chat": rendered, "chat_ids": chat.encode(rendered, add_special_tokens=False)})
    (HERE / "README").write_text(
        f"Made by make.py with torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}; "
        "tolerance 1e-4: sums in another order in f32.\n")


if __name__ == "__main__":
    main()
