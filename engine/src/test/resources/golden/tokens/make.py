"""Makes the goldens of this folder: token ids and offsets of transformers.

  python make.py [SmolLM2-135M-Instruct.Q4_1.gguf]

Needs transformers >= 5, tokenizers and gguf. Without the GGUF file only the goldens of the small vocabulary are made.
"""

import json
import os
import pathlib
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer
from transformers.integrations.gguf.gguf_tokenizer_mapping import convert_gguf_tokenizer

HERE = pathlib.Path(__file__).parent

TEXTS = [
    "",
    " ",
    "a",
    "Hello, world!",
    "  leading and   inner    runs \t of\t\tspace  ",
    "\n\n\n\r\n\r\n line \n  \n\tindented\n",
    "def f(x: int) -> str:\n    return {'a': [x * 2, 0x1F], \"b\": None}  # \u00fcnicode\n\n\nclass A(B):\n\tpass\n",
    "public static <T extends Comparable<T>> int max(List<? super T> xs) { return xs.isEmpty() ? -1 : 1; }",
    "Zw\u00f6lf Boxk\u00e4mpfer jagen Viktor quer \u00fcber den gro\u00dfen Sylter Deich. Stra\u00dfe, M\u00e4dchen, \u00c4\u00d6\u00dc!",
    "\u4eca\u5929\u5929\u6c14\u5f88\u597d\uff0c\u6211\u4eec\u53bb\u516c\u56ed\u5427\u3002 \u65e5\u672c\u8a9e\u306e\u6587\u7ae0\u3067\u3059\u3002\ud55c\uad6d\uc5b4",
    "emoji \U0001f600\U0001f680 family \U0001f468\u200d\U0001f469\u200d\U0001f467 flag \U0001f1e9\U0001f1ea skin \U0001f44d\U0001f3fd.",
    "0 1 12 123 1234 12345 3.14159 1,000,000 2024-01-31 0b1011 x2y3",
    "I'm you're HE'LL they'VE don't '90s",
    "a\u0301 e\u0308 \ufb01 \u00bd \u2460 \u2122 \ufffd \ufeff\u200b\u00a0\u2003\u3000x",
    "\u0440\u0443\u0441\u0441\u043a\u0438\u0439 \u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac \u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e2\u05d1\u05e8\u05d9\u05ea \u0939\u093f\u0928\u094d\u0926\u0940 \u0e44\u0e17\u0e22",
    "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|> <|im_end|><|im_end|>  <|endoftext|>x <|im_start",
    "https://example.org/a?b=c&d=%20#e user@example.org C:\\dir\\file.txt",
    "a  23   456\t7 \n 8",
    "\u0000\u0001\u001f\u007f\u0085 control",
    "CamelCaseWords ALLCAPS mixedCASE snake_case kebab-case",
    "x" * 70,
    "=" * 40 + " " * 17 + "!",
]

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
OWN = ["<think>"]


def write(name, value):
    text = json.dumps(value, ensure_ascii=True, indent=None, separators=(",", ":"))
    (HERE / name).write_text(text.replace('},{', '},\n{') + "\n", encoding="utf-8")


def encoded(tokenizer, add_special):
    rows = []
    for text in TEXTS:
        e = tokenizer.encode(text, add_special_tokens=add_special)
        rows.append({
            "text": text,
            "ids": e.ids,
            "offsets": [n for pair in e.offsets for n in pair],
            "decoded": tokenizer.decode(e.ids, skip_special_tokens=False),
            "plain": tokenizer.decode(e.ids, skip_special_tokens=True),
        })
    return rows


def small():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340, special_tokens=SPECIAL, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    t.train_from_iterator(TEXTS, trainer)
    model = json.loads(t.to_str())["model"]
    tokens = [token for token, _ in sorted(model["vocab"].items(), key=lambda kv: kv[1])] + OWN
    types = [3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL) - len(OWN)) + [4] * len(OWN)
    merges = [" ".join(m) for m in model["merges"]]
    vocabulary = {
        "model": "gpt2", "pre": "smollm", "tokens": tokens, "types": types, "merges": merges,
        "bos": 1, "eos": 2, "unknown": 0, "addBos": False,
    }
    write("small.json", vocabulary)
    for pre in ["smollm", "llama-bpe", "qwen2", "tekken", "gpt-4o"]:
        backend, _ = convert_gguf_tokenizer("llama", {
            "tokenizer_type": "gpt2", "pre_tokenizer_type": pre, "tokens": tokens, "token_type": types, "merges": merges,
        })
        write(f"small-{pre}.json", encoded(backend, False))
    # The same as a tokenizer.json of Hugging Face's with what must not have an effect: cutting and padding.
    t.post_processor = processors.TemplateProcessing(single="<|im_start|> $A", special_tokens=[("<|im_start|>", 1)])
    write("small-template.json", encoded(t, True))
    t.enable_truncation(max_length=5)
    t.enable_padding(length=9, pad_token="<|endoftext|>")
    t.save(str(HERE / "small-tokenizer.json"), pretty=False)


def smollm2(gguf):
    folder, name = os.path.split(gguf)
    write("smollm2.json", encoded(AutoTokenizer.from_pretrained(folder, gguf_file=name).backend_tokenizer, False))


if __name__ == "__main__":
    small()
    if len(sys.argv) > 1:
        smollm2(sys.argv[1])
