"""Compares what Skein and peft (torch, f32) make of a LoRA expert that `skein train expert` wrote.

    python check_trained.py path/to/skein MODEL.gguf EXPERT

MODEL is a llama-family GGUF file with tied embeddings; peft loads the folder EXPERT as it is, and must have made exactly the pairs that stand
in its file (with `--layers` those of some layers). For each prompt the greedy tokens must be equal, and the log-probabilities of the
eight most probable tokens at each step must agree within 2e-3.
Needs: torch, transformers, peft, gguf, safetensors, tokenizers.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "Tests/InferenceTests/Goldens"))
from make_goldens import load_gguf  # noqa: E402

PROMPTS = ["Gravity is", "Le petit chat est assis sur", "def fibonacci(n):\n    ", "NOM\n       ls - "]
BOUND = 2e-3
TOKENS = 16


def skein(options, prompt):
    name = Path(options.expert).name
    command = [options.skein, "generate", "--model", options.model, "--experts", options.expert, "--route", f"single:{name}",
               "--compute", "exact", "--raw", "--max-tokens", str(TOKENS), "--top-logprobs", "8", "--json", prompt]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def check_pairs(model, folder):
    """peft passes over keys that it does not know, and starts pairs that it does not find at random: neither may happen."""
    stored = load_file(Path(folder) / "adapter_model.safetensors")
    made = {name.replace(".default.", "."): value for name, value in model.state_dict().items() if ".lora_" in name}
    assert made.keys() == stored.keys(), sorted(made.keys() ^ stored.keys())[:4]
    for name, value in stored.items():
        assert torch.equal(made[name].float(), value.float()), name
    layers = sorted({int(name.split(".layers.")[1].split(".")[0]) for name in stored})
    print(f"{len(stored) // 2} pairs in the layers {layers[0]} to {layers[-1]}, the same in peft")


@torch.no_grad()
def compare(model, options) -> float:
    worst = 0.0
    for prompt in PROMPTS:
        ours = skein(options, prompt)
        ids = list(ours["promptTokens"])
        for step in ours["logprobs"]:
            theirs = torch.log_softmax(model(torch.tensor([ids])).logits[0, -1], -1)
            assert int(theirs.argmax()) == step["token"], f"{prompt!r}: {step['token']}, peft {int(theirs.argmax())}"
            for other in step["top"]:
                worst = max(worst, abs(other["logprob"] - float(theirs[other["token"]])))
            ids.append(step["token"])
        print(f"{prompt!r}: {len(ours['logprobs'])} tokens equal, worst difference so far {worst:.2e}")
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("skein")
    parser.add_argument("model")
    parser.add_argument("expert")
    options = parser.parse_args()
    torch.set_num_threads(2)
    trunk, _ = load_gguf(options.model)
    model = PeftModel.from_pretrained(trunk, options.expert).eval()
    check_pairs(model, options.expert)
    worst = compare(model, options)
    assert worst < BOUND, worst


if __name__ == "__main__":
    main()
