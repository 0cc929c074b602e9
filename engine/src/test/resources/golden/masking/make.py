"""Makes the goldens of this folder: which tokens of a conversation transformers says the assistant wrote.

  python make.py [SmolLM2-135M-Instruct.Q4_1.gguf]

Needs transformers >= 5, tokenizers and gguf. The template is SmolLM2's with {% generation %} around what is learned of
an answer, which is how transformers marks it; the text that it writes is the same. A token that lies across an answer's
beginning (its first space and the newline before it, say) counts as learned in transformers and as the prompt's here;
"across" lists such tokens. Without the GGUF file only the
golden of the small vocabulary is made.
"""

import json
import pathlib
import re
import sys

from transformers import AutoTokenizer, PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
PLAIN = (HERE / "../templates/smollm2.jinja").read_text(encoding="utf-8")
SYSTEM = PLAIN.split("{{ '")[1].split("' }}")[0]
MARKED = (
    "{% for message in messages %}"
    "{% if loop.first and messages[0]['role'] != 'system' %}{{ SYSTEM }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n'}}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + '<|im_end|>' }}{% endgeneration %}"
    "{% else %}{{ message['content'] + '<|im_end|>' }}{% endif %}{{'\n'}}"
    "{% endfor %}"
).replace("SYSTEM", "'" + SYSTEM + "'")


def turns(*contents, system=None):
    roles = ["user", "assistant"]
    out = [{"role": "system", "content": system}] if system is not None else []
    return out + [{"role": roles[i % 2], "content": c} for i, c in enumerate(contents)]


CHATS = [
    turns("Hi there", "Hello!"),
    turns("two plus two?", "4", "and three?", "7.", system="Be brief."),
    turns("", ""),
    turns("empty answer", "", "again", "now one"),
    turns("spaces", "  kept  \n"),
    turns("code", "def f(x):\n    return x * 2\n\n\nprint(f(21))"),
    turns("Stra\u00dfe", "Zw\u00f6lf Boxk\u00e4mpfer \u4eca\u5929\u5929\u6c14 \U0001f600\U0001f1e9\U0001f1ea."),
    turns("an end inside", "text <|im_end|> and <|im_start|>assistant more"),
    turns("repeat", "repeat", "repeat", "repeat"),
    turns("assistant\nassistant", "<|im_start"),
    turns("the last word", "is the user's", "isn't it?"),
    [{"role": "user", "content": "q"}, {"role": "tool", "content": "42"}, {"role": "assistant", "content": "It is 42."}],
    [{"role": "user", "content": "q"}, {"role": "assistant", "content": "one"}, {"role": "assistant", "content": "two"}],
]


def write(name, tokenizer):
    rows = []
    for chat in CHATS:
        plain = tokenizer.apply_chat_template(chat, chat_template=PLAIN, tokenize=False)
        marked = tokenizer.apply_chat_template(chat, chat_template=MARKED, tokenize=False)
        assert plain == marked, (plain, marked)
        got = tokenizer.apply_chat_template(
            chat, chat_template=MARKED, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        begins = [m.end() for m in re.finditer(r"<\|im_start\|>assistant\n", plain)]
        spans = tokenizer(plain, add_special_tokens=False, return_offsets_mapping=True)
        assert spans["input_ids"] == got["input_ids"]
        across = [i for i, (a, b) in enumerate(spans["offset_mapping"]) if any(a < begin < b for begin in begins)]
        assert all(got["assistant_masks"][i] for i in across)
        rows.append({"messages": chat, "ids": got["input_ids"], "mask": got["assistant_masks"], "across": across})
    text = json.dumps(rows, ensure_ascii=True, separators=(",", ":")).replace(']},{"messages', ']},\n{"messages')
    (HERE / name).write_text(text + "\n", encoding="utf-8")


write("small.json", PreTrainedTokenizerFast(tokenizer_file=str(HERE / "../tokens/small-tokenizer.json")))
if len(sys.argv) > 1:
    gguf = pathlib.Path(sys.argv[1])
    write("smollm2.json", AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name))
