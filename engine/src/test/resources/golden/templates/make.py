"""Makes the goldens of this folder: what transformers renders for the templates here, and small pieces of the language.

  python make.py
"""

import json
import pathlib

from transformers.utils.chat_template_utils import render_jinja_template

HERE = pathlib.Path(__file__).parent
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}

USER = {"role": "user", "content": "Hi there"}
CHATS = [
    [USER],
    [{"role": "system", "content": "Be brief."}, USER],
    [USER, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Who?"}],
    [{"role": "system", "content": "  Be brief.\n"}, USER, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "1+1?"},
     {"role": "assistant", "content": "2"}],
    [{"role": "user", "content": "  \n odd \t blanks \n\n"}, {"role": "assistant", "content": "\n  and here  "}],
    [{"role": "user", "content": "\u00fc \u4f60\u597d \U0001f600 <b>&amp;\"q\" 'x'\\n {{ x }} {% if %}\u00a0\u3000"}],
    [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}],
    [{"role": "assistant", "content": "first"}, USER],
    [USER, {"role": "assistant", "content": "<think>\nhm\n</think>\n\nyes"}],
    [USER, {"role": "system", "content": "late"}, {"role": "narrator", "content": "odd role"}],
    [USER, {"role": "tool", "content": "{\"a\": \"\u00e4<\"}"}, {"role": "tool", "content": "2"}, USER],
]

PIECES = pathlib.Path(HERE / "pieces.txt").read_text(encoding="utf-8").split("\n=====\n")


def render(source, chat, prompt):
    try:
        out, _ = render_jinja_template([chat], chat_template=source, add_generation_prompt=prompt, **SPECIAL)
        return {"out": out[0]}
    except Exception as e:  # whatever it is, the template does not render
        return {"error": str(e)}


def main():
    rows = []
    for file in sorted(HERE.glob("*.jinja")):
        source = file.read_bytes().decode("utf-8")
        for chat in CHATS:
            for prompt in (True, False):
                rows.append({"template": file.name, "messages": chat, "prompt": prompt, **render(source, chat, prompt)})
    save("chats.json", rows)
    chat = CHATS[3]
    save("pieces.json", [{"template": piece, "messages": chat, "prompt": True, **render(piece, chat, True)} for piece in PIECES])


def save(name, rows):
    (HERE / name).write_text("[" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows) + "]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
