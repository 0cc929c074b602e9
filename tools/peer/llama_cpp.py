"""Greedy answers of llama.cpp to single user turns, with the model's own chat template.

    llama_cpp.py --model FILE.gguf [--lora FILE.gguf] --prompts FILE --tokens N

Keys and values are kept in f32. The last line is a JSON list with one answer for each line of the prompts' file.
"""

import argparse
import json
import pathlib
import sys

import xllamacpp


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--lora")
    parser.add_argument("--prompts", required=True)
    parser.add_argument("--tokens", type=int, required=True)
    args = parser.parse_args()
    params = xllamacpp.CommonParams()
    params.model.path = args.model
    if args.lora:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(args.lora, 1.0)]
    params.n_ctx = 1024
    params.n_parallel = 1
    # one thread: several wait for one another at every operation, for long where cores are shared
    params.cpuparams.n_threads = 1
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    server = xllamacpp.Server(params)
    answers = []
    for prompt in pathlib.Path(args.prompts).read_text().splitlines():
        reply = server.handle_chat_completions(
            {
                "messages": [{"role": "user", "content": prompt}],
                "max_tokens": args.tokens,
                "temperature": 0,
                "top_k": 1,
                "cache_prompt": False,
            }
        )
        if "choices" not in reply:
            sys.exit(f"{prompt}: {reply}")
        answers.append(reply["choices"][0]["message"]["content"])
    # whatever the library says on stdout is on lines before
    print("\n" + json.dumps(answers), flush=True)


if __name__ == "__main__":
    main()
