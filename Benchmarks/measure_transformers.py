"""Times transformers (torch, f32, CPU) on a folder in Hugging Face's layout, for comparison with Skein.

    python measure_transformers.py --serve FOLDER… [--threads 2] [--experts eager,grouped_mm]

One figure at a time, for `skein bench engine --against PYTHON --against-script Benchmarks/measure_transformers.py --against-file FOLDER`; the
protocol is that of measure_llama_cpp.py. Prefill is one forward of the ids from an empty cache, logits of the last position only; decode
is greedy, one stream, with the cache, after a prompt of the ids. Of a mixture of experts each implementation of its experts that is named
is a contestant: which is fastest depends on torch. The first figure of each contestant is measured twice, so that nothing is warmed up
inside a round.
Needs: torch, transformers.
"""

import argparse
import json
import sys
import time

import torch
import transformers

transformers.logging.set_verbosity_error()


class Model:
    def __init__(self, folder: str, experts: str):
        settings = {"experts_implementation": experts} if experts else {}
        self.model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, **settings).eval()
        self.name = f"{folder.rstrip('/').split('/')[-1]}.{experts or 'transformers'}.f32"
        self.is_warm = False

    @torch.inference_mode()
    def evaluate(self, ids, cache):
        """Returns the best next token and the cache."""
        output = self.model(torch.tensor([ids]), past_key_values=cache, use_cache=True, logits_to_keep=1)
        return int(output.logits[0, -1].argmax()), output.past_key_values

    def prefill(self, ids):
        start = time.perf_counter()
        self.evaluate(ids, None)
        return len(ids) / (time.perf_counter() - start)

    def decode(self, ids, count):
        token, cache = self.evaluate(ids, None)
        start = time.perf_counter()
        for _ in range(count):
            token, cache = self.evaluate([token], cache)
        return count / (time.perf_counter() - start)

    def measure(self, request):
        if request["measure"] == "prefill":
            return self.prefill(request["ids"])
        return self.decode(request["ids"], request["count"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--context", type=int, help="not needed here")
    parser.add_argument("--experts", default="eager,grouped_mm", help="implementations, separated by commas")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    models = []
    for folder in options.models:
        config = transformers.AutoConfig.from_pretrained(folder)
        is_mixture = getattr(config, "num_experts_per_tok", None)
        models += [Model(folder, experts) for experts in (options.experts.split(",") if is_mixture else [""])]
    print(json.dumps({"version": f"{transformers.__version__}, torch {torch.__version__}",
                      "program": "transformers", "models": [model.name for model in models]}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        model = models[request["model"]]
        if not model.is_warm:
            model.measure(request)
            model.is_warm = True
        print(json.dumps({"tokensPerSecond": model.measure(request)}), flush=True)


if __name__ == "__main__":
    main()
