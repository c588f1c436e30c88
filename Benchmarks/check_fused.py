"""Compares what Skein and transformers (f32, CPU) make of a checkpoint that `skein expert fuse` wrote.

    python check_fused.py path/to/skein path/to/folder [path/to/file.gguf]

With a GGUF file (of --gguf --f32), llama.cpp must give the same greedy tokens too. Needs: transformers, torch; llama-cpp-python. For each prompt: 24 greedy tokens must be equal, and the log-probabilities of the eight most probable tokens at
each step must agree within 2e-3; then the mean NLL of a text must agree within 2e-3. Tokens come from the folder's tokenizer by either side.
"""

import json
import math
import subprocess
import sys
import tempfile

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = [
    "Gravity is", "Le petit chat est assis sur", "def fibonacci(n):\n    ", "In the beginning", "El gobierno de", "Der Hund",
    "ls - list directory contents\n\nSYNOPSIS\n", "let numbers = [1, 2, 3].map { ",
]
TEXT = ("The estuary empties twice a day. At low water the mud lies bare for a mile, ribbed by the last of the tide, and the birds "
        "come down to feed: dunlin in tight grey flocks that turn together like one animal. Le soir, la mer revient, et tout "
        "recommence. for i in range(10): print(i)\n") * 2
BOUND = 2e-3


def skein(*arguments):
    return json.loads(subprocess.run([sys.argv[1], *arguments], stdout=subprocess.PIPE, check=True).stdout)


def check_llama(path, folder):
    import llama_cpp
    # Its cache is F16 unless told otherwise, with which a greedy choice 0.2 nats ahead was seen to turn.
    exact = llama_cpp.GGML_TYPE_F32
    llama = llama_cpp.Llama(path, n_ctx=256, n_threads=2, type_k=exact, type_v=exact, verbose=False)
    for prompt in PROMPTS:
        ours = skein("generate", "--model", folder, "--compute", "exact", "--raw", "--max-tokens", "24", "--json", prompt)
        theirs = []
        for token in llama.generate(ours["promptTokens"], temp=0.0, top_k=1, repeat_penalty=1.0):
            theirs.append(token)
            if len(theirs) == len(ours["tokens"]):
                break
        assert theirs == ours["tokens"], f"{prompt!r}: {ours['tokens']}, llama.cpp {theirs}"
        print(f"{prompt!r}: llama.cpp gives the same {len(theirs)} tokens")


def main():
    folder = sys.argv[2]
    words = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    worst = 0.0
    for prompt in PROMPTS:
        ours = skein("generate", "--model", folder, "--compute", "exact", "--raw", "--max-tokens", "24", "--top-logprobs", "8",
                     "--json", prompt)
        ids = words(prompt, add_special_tokens=False)["input_ids"]
        for step in ours["logprobs"]:
            with torch.no_grad():
                theirs = torch.log_softmax(model(torch.tensor([ids])).logits[0, -1], -1)
            token = int(theirs.argmax())
            assert token == step["token"], f"{prompt!r}: {step['token']}, transformers {token}"
            for other in step["top"]:
                worst = max(worst, abs(other["logprob"] - float(theirs[other["token"]])))
            ids.append(token)
        print(f"{prompt!r}: {len(ours['logprobs'])} tokens equal, worst difference so far {worst:.2e}: {words.decode(ids)!r}")
    assert worst < BOUND, worst
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(TEXT)
        file.flush()
        ours = skein("score", "--model", folder, "--compute", "exact", "--text-file", file.name, "--json")
    if len(sys.argv) > 3:
        check_llama(sys.argv[3], folder)
    ids = torch.tensor([words(TEXT, add_special_tokens=False)["input_ids"]])
    assert ids.shape[1] == ours["tokens"], (ids.shape, ours["tokens"])
    with torch.no_grad():
        nll = torch.nn.functional.cross_entropy(model(ids).logits[0, :-1], ids[0, 1:]).item()
    print(f"mean NLL: Skein {ours['meanNLL']:.6f}, transformers {nll:.6f} over {ours['tokens']} tokens")
    assert math.isclose(ours["meanNLL"], nll, abs_tol=BOUND)


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
