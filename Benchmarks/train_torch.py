"""Training steps of torch and PEFT, one at a time on request: what `skein bench training` is compared with.

    python train_torch.py MODEL.gguf [--autocast none|bf16] [--rank 8] [--threads 2]

MODEL is a llama-family GGUF file with tied embeddings, dequantised to f32 (transformers' LlamaForCausalLM). A LoRA pair of PEFT sits
at every linear layer but the head, B zero at first, alpha twice the rank; torch's AdamW trains the pairs at 2e-3, and the gradient is
clipped to 1. It prints a line {"version"} when it is ready, then for every line {"blocks": [[id, …], …]} on standard input takes one
step (forward, backward, AdamW) on them and prints {"seconds", "loss", "peakMebibytes"}: the last is VmHWM of this process, loading included.
Needs: torch, transformers, peft, gguf, tokenizers.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "Tests/InferenceTests/Goldens"))
from make_goldens import load_gguf  # noqa: E402

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def peak_mebibytes() -> float:
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--autocast", choices=["none", "bf16"], default="none")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model, _ = load_gguf(options.model)
    model = get_peft_model(
        model, LoraConfig(r=options.rank, lora_alpha=2 * options.rank, lora_dropout=0.0, target_modules=LINEARS))
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=2e-3, weight_decay=0.0)
    print(json.dumps({"version": f"torch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        ids = torch.tensor(json.loads(line)["blocks"])
        start = time.perf_counter()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=options.autocast == "bf16"):
            loss = model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "loss": loss.item(), "peakMebibytes": peak_mebibytes()}), flush=True)


if __name__ == "__main__":
    main()
