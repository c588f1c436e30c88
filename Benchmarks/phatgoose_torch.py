"""PHATGOOSE (arXiv 2402.05859), Arrow (arXiv 2405.11157) and their baselines in plain torch: what Skein is compared with.

    python phatgoose_torch.py score  MODEL.gguf EXPERTS METHOD… --ids FILE…          mean NLL of each file under each method
    python phatgoose_torch.py score  MODEL.gguf EXPERTS METHOD… --texts FOLDER [--domain NAME]… [--tokens 1024]
    python phatgoose_torch.py record MODEL.gguf EXPERTS METHOD  --ids FILE --out FILE.safetensors
    python phatgoose_torch.py time   MODEL.gguf EXPERTS METHOD… [--threads 2] [--prefill 512] [--decode 64] [--repeats 7]
    python phatgoose_torch.py serve  MODEL.gguf EXPERTS METHOD… [--threads 2]        one figure at a time, for `skein bench routing`

MODEL is a llama-family GGUF file with tied embeddings, dequantised to f32. EXPERTS is a folder whose sub-folders are PEFT LoRA
adapters with `phatgoose_gates.safetensors` beside them; sorted by name they are experts 0, 1, 2, … An ids file is a JSON array of
token ids, or of such arrays (documents: each starts from an empty context). A texts folder holds NAME.jsonl with lines
{"split": "train" | "held", "text": …}; what is scored is the first --tokens tokens of the held documents, token 0 after each (with
--join-lines: joined by a blank line instead), in blocks of 256. METHOD is one of
    trunk             the dense model alone
    merged            y = W u + (1/N) Σ s B A u: the average of the products
    single:NAME       y = W u + s B A u of one expert
    phatgoose[:K]     standardised gates and activations, top K (2), softmax over the K
    average[:K]       the same with each gate replaced by the site's mean input with that expert active (needs --texts: train split)
    arrow[:K]         |p·u|, p the unit top right singular vector of B A, top K (3), temperature 1: as PEFT computes it
    arrow:unit[:K]    |p·u| / |u|: as PEFT's documentation says it

`record` writes tensors: per site `SITE.u` [tokens, in], `SITE.scores` [tokens, N], `SITE.experts` (u8) and `SITE.weights`
[tokens, K], experts ascending within a token, and `logits` [tokens, vocabulary]. Everything else prints one JSON object.
`time` measures like measure_llama_cpp.py: prefill is one forward pass of the ids from an empty cache, logits of the last position
only; decode is greedy, one stream, after a prompt of the first 16 ids; methods take turns within a repeat, the first repeat is a
warm-up and not reported. All experts' A (and B) of a site are one matrix, so that N experts cost two products and not 2 N.
Needs: torch, transformers, gguf, tokenizers, safetensors.
"""

import argparse
import json
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "Tests/InferenceTests/Goldens"))
from make_goldens import load_gguf  # noqa: E402

EPSILON = 1e-5
BLOCK = 256
PREFIX = "base_model.model."


@dataclass(frozen=True)
class Method:
    kind: str
    k: int = 0
    expert: str = ""

    @staticmethod
    def parse(text: str) -> "Method":
        if text in ("trunk", "merged"):
            return Method(text)
        if text.startswith("single:"):
            return Method("single", expert=text[len("single:"):])
        name, _, last = text.rpartition(":")
        name, k = (name, int(last)) if last.isdigit() else (text, None)
        defaults = {"phatgoose": 2, "average": 2, "arrow": 3, "arrow:unit": 3}
        if name not in defaults:
            raise SystemExit(f"{text}: no such method; see --help")
        return Method(name, k or defaults[name])

    @property
    def routes(self) -> bool:
        return self.k > 0


def standardise(x: torch.Tensor) -> torch.Tensor:
    """(x - mean) / sqrt(var + eps) over the last axis, the biased variance, no affine."""
    return torch.nn.functional.layer_norm(x, x.shape[-1:], eps=EPSILON)


def top_right_singular_vector(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Of B A, by QR of Aᵀ and of B and the SVD of the r x r core: B A = Q_b (R_b R_aᵀ) Q_aᵀ."""
    (qa, ra), (_, rb) = torch.linalg.qr(a.double().T), torch.linalg.qr(b.double())
    return (qa @ torch.linalg.svd(rb @ ra.T).Vh[0]).to(a.dtype)


class Expert:
    """One PEFT LoRA folder: A [r, in] and B [out, r] per site, B scaled by alpha / r, and the gates v [in]."""

    def __init__(self, folder: Path):
        config = json.loads((folder / "adapter_config.json").read_text())
        for key in ("use_dora", "lora_bias", "rank_pattern", "alpha_pattern", "fan_in_fan_out"):
            if config.get(key):
                raise SystemExit(f"{folder}: {key} is not handled here")
        root = config["r"] ** 0.5 if config.get("use_rslora") else config["r"]
        scale = config["lora_alpha"] / root
        tensors = load_file(folder / "adapter_model.safetensors")
        self.a, self.b = {}, {}
        for key, value in tensors.items():
            site, kind, _ = key.removeprefix(PREFIX).rsplit(".", 2)
            if kind == "lora_A":
                self.a[site] = value.float()
            else:
                self.b[site] = value.float() * scale
        gates = folder / "phatgoose_gates.safetensors"
        named = load_file(gates) if gates.exists() else {}
        self.gates = {k.removeprefix(PREFIX).removesuffix(".phatgoose_gate.weight"): v.float() for k, v in named.items()}
        self.name = folder.name
        if self.gates and self.gates.keys() != self.a.keys():
            raise SystemExit(f"{gates}: its sites are not the adapter's")


class RoutedLinear(torch.nn.Module):
    """A linear layer with N experts. `method` says what happens; `replay` [tokens, N], where set, replaces the choice."""

    def __init__(self, base: torch.nn.Linear, site: str, experts: list[Expert]):
        super().__init__()
        self.weight, self.bias, self.site = base.weight, base.bias, site
        kind = base.weight.dtype
        self.count, self.rank = len(experts), experts[0].a[site].shape[0]
        pairs = [(e.a[site].to(kind), e.b[site].to(kind)) for e in experts]
        self.a = torch.cat([a for a, _ in pairs])                       # [N r, in]
        self.b = torch.cat([b for _, b in pairs], dim=1)                # [out, N r]
        if all(e.gates for e in experts):
            self.gates = standardise(torch.stack([e.gates[site].to(kind) for e in experts]))    # [N, in]
        self.prototypes = torch.stack([top_right_singular_vector(a, b) for a, b in pairs])      # [N, in]
        self.averages = None                                            # [N, in], standardised
        self.names = [e.name for e in experts]
        self.method, self.replay, self.recorder = Method("trunk"), None, None

    def scores(self, u: torch.Tensor) -> torch.Tensor:
        """[tokens, in] -> [tokens, N]"""
        match self.method.kind:
            case "phatgoose":
                return standardise(u) @ self.gates.T / math.sqrt(u.shape[-1])
            case "average":
                return standardise(u) @ self.averages.T / math.sqrt(u.shape[-1])
            case "arrow":
                return (u @ self.prototypes.T).abs()
            case "arrow:unit":
                return (u @ self.prototypes.T).abs() / u.norm(dim=-1, keepdim=True)

    def choose(self, scores: torch.Tensor):
        """Experts [tokens, K], ascending, and their weights: softmax over the best K. Ties go to the lower id."""
        best = torch.sort(scores, dim=-1, descending=True, stable=True)
        weights = torch.softmax(best.values[:, : self.method.k], dim=-1)
        experts, order = torch.sort(best.indices[:, : self.method.k], dim=-1)
        return experts, weights.gather(-1, order)

    def weights_per_expert(self, u: torch.Tensor) -> torch.Tensor:
        """[tokens, N], zero where an expert was not chosen."""
        match self.method.kind:
            case "merged":
                return u.new_full((1, self.count), 1 / self.count)
            case "single":
                return torch.tensor([[float(n == self.method.expert) for n in self.names]], dtype=u.dtype)
        scores = self.scores(u)
        experts, weights = self.choose(scores)
        if self.recorder:
            self.recorder(self.site, u, scores, experts, weights)
        return torch.zeros_like(scores).scatter(-1, experts, weights)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """y = W u + Σ w · (s B) (A u)"""
        y = torch.nn.functional.linear(x, self.weight, self.bias)
        if self.method.kind == "trunk":
            return y
        u = x.reshape(-1, x.shape[-1])
        weights = self.replay if self.replay is not None else self.weights_per_expert(u)
        z = (u @ self.a.T).view(-1, self.count, self.rank) * weights[..., None]
        return y + (z.flatten(1) @ self.b.T).view(y.shape)


class RoutedModel:
    def __init__(self, path: str, folder: str, dtype=torch.float32):
        self.model, self.words = load_gguf(path)
        self.model.to(dtype)
        # A master's LoRA, with its functional tokens, is no expert.
        folders = sorted(p.parent for p in Path(folder).glob("*/adapter_config.json")
                         if not (p.parent / "functional_tokens.json").exists())
        if not folders:
            raise SystemExit(f"{folder}: no sub-folder holds an adapter_config.json")
        self.experts = [Expert(f) for f in folders]
        self.names = [e.name for e in self.experts]
        sites = self.experts[0].a.keys()
        for expert in self.experts:
            if expert.a.keys() != sites:
                raise SystemExit(f"{expert.name}: its sites are not those of {self.names[0]}")
        self.sites = {}
        for name, module in list(self.model.named_modules()):
            if name in sites:
                self.sites[name] = RoutedLinear(module, name, self.experts)
                self.model.set_submodule(name, self.sites[name])
        if self.sites.keys() != sites:
            raise SystemExit(f"{folder}: the model has no {sorted(sites - self.sites.keys())[:3]} …")

    def use(self, method: Method):
        if method.kind == "single" and method.expert not in self.names:
            raise SystemExit(f"single:{method.expert}: the experts are {', '.join(self.names)}")
        for site in self.sites.values():
            site.method = method

    @torch.no_grad()
    def logits(self, ids: list[int]) -> torch.Tensor:
        return self.model(torch.tensor([ids])).logits[0]

    def summed_loss(self, ids: list[int]) -> float:
        logits = self.logits(ids)[:-1]
        return torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:]), reduction="sum").item()

    def mean_loss(self, documents: list[list[int]]) -> float:
        """Nats per predicted token: the first of each document is given."""
        return sum(map(self.summed_loss, documents)) / sum(len(d) - 1 for d in documents)

    @torch.no_grad()
    def measure_averages(self, documents_of):
        """Average activation: per expert, the mean input of each site over its own documents with that expert active."""
        means = {name: [] for name in self.sites}
        for expert in self.names:
            self.use(Method("single", expert=expert))
            sums, hooks = {}, []
            for name, site in self.sites.items():
                def add(_, inputs, name=name):
                    u = inputs[0].reshape(-1, inputs[0].shape[-1])
                    total, count = sums.get(name, (0, 0))
                    sums[name] = (total + u.sum(0), count + len(u))
                hooks.append(site.register_forward_pre_hook(add))
            for document in documents_of(expert):
                self.logits(document)
            for hook in hooks:
                hook.remove()
            for name, (total, count) in sums.items():
                means[name].append(total / count)
        for name, site in self.sites.items():
            site.averages = standardise(torch.stack(means[name]))

    def record(self, method: Method, ids: list[int]):
        """u, scores, experts and weights of every site on one pass, and the logits."""
        found = {}

        def keep(site, u, scores, experts, weights):
            found[site] = {"u": u, "scores": scores, "experts": experts, "weights": weights}
        self.use(method)
        for site in self.sites.values():
            site.recorder = keep
        logits = self.logits(ids)
        for site in self.sites.values():
            site.recorder = None
        return found, logits

    def replay(self, choices, ids: list[int]) -> torch.Tensor:
        """Logits with given choices: {site: (experts [tokens, K], weights [tokens, K])}."""
        self.use(Method("phatgoose", 1))
        for name, (experts, weights) in choices.items():
            site = self.sites[name]
            dense = torch.zeros(len(ids), site.count, dtype=site.weight.dtype)
            site.replay = dense.scatter(-1, experts.long(), weights.to(dense.dtype))
        logits = self.logits(ids)
        for site in self.sites.values():
            site.replay = None
        return logits

    @torch.no_grad()
    def prefill(self, ids: list[int]) -> float:
        """Tokens per second."""
        start = time.perf_counter()
        self.model(torch.tensor([ids]), logits_to_keep=1, use_cache=True)
        return len(ids) / (time.perf_counter() - start)

    @torch.no_grad()
    def decode(self, ids: list[int], count: int) -> float:
        """Tokens per second, greedy, after a prompt that is not counted."""
        out = self.model(torch.tensor([ids]), logits_to_keep=1, use_cache=True)
        start = time.perf_counter()
        for _ in range(count):
            token = out.logits[:, -1].argmax(-1, keepdim=True)
            out = self.model(token, past_key_values=out.past_key_values, use_cache=True)
        return count / (time.perf_counter() - start)

    def time(self, ids: list[int], decode: int) -> tuple[float, float]:
        """Prefill of all ids, decoding after the first 16."""
        return self.prefill(ids), self.decode(ids[:16], decode)


class Texts:
    """NAME.jsonl files: documents as ids, and blocks of them."""

    def __init__(self, folder: str, encode, join_lines: bool):
        self.folder, self.encode, self.join_lines = Path(folder), encode, join_lines

    def domains(self) -> list[str]:
        return sorted(p.stem for p in self.folder.glob("*.jsonl"))

    def blocks(self, domain: str, split: str, tokens: int) -> list[list[int]]:
        lines = (self.folder / f"{domain}.jsonl").read_text().split("\n")
        documents = [d["text"] for d in map(json.loads, filter(None, lines)) if d["split"] == split]
        ids = self.encode("\n\n".join(documents)) if self.join_lines else []
        for document in documents:
            if len(ids) < tokens:
                ids += self.encode(document) + [0]
        if len(ids) < tokens:
            print(f"{domain}: {len(ids)} {split} tokens, {tokens} asked for", file=sys.stderr)
        ids = ids[:tokens]
        return [ids[i: i + BLOCK] for i in range(0, len(ids), BLOCK) if len(ids) > i + 1]


def read_ids(path: str) -> list[list[int]]:
    ids = json.loads(Path(path).read_text())
    return ids if ids and isinstance(ids[0], list) else [ids]


def score(model: RoutedModel, methods: list[str], options):
    encode = lambda text: model.words.encode(text, add_special_tokens=False).ids  # noqa: E731
    sets = {path: read_ids(path) for path in options.ids}
    if options.texts:
        texts = Texts(options.texts, encode, options.join_lines)
        for domain in options.domain or texts.domains():
            sets[domain] = texts.blocks(domain, "held", options.tokens)
    if any(Method.parse(m).kind == "average" for m in methods):
        if not options.texts:
            raise SystemExit("average needs --texts with a train split of every expert")
        model.measure_averages(lambda expert: texts.blocks(expert, "train", options.average_tokens))
    table = {}
    for name, documents in sets.items():
        table[name] = {}
        for method in methods:
            model.use(Method.parse(method))
            table[name][method] = model.mean_loss(documents)
            print(f"{name} {method} {table[name][method]:.4f}", file=sys.stderr)
    print(json.dumps({"experts": model.names, "meanNLL": table}))


def record(model: RoutedModel, methods: list[str], options):
    [ids], = [read_ids(path) for path in options.ids]
    found, logits = model.record(Method.parse(methods[0]), ids)
    tensors = {f"{site}.{part}": value.contiguous() for site, parts in found.items() for part, value in parts.items()}
    tensors = {k: v.to(torch.uint8) if k.endswith(".experts") else v for k, v in tensors.items()}
    save_file(tensors | {"logits": logits}, options.out)
    print(json.dumps({"written": options.out, "experts": model.names, "tokens": len(ids), "sites": len(found)}))


def measure(model: RoutedModel, methods: list[str], options):
    ids = [(7919 * i + 104729) % 40000 + 100 for i in range(options.prefill)]
    if options.ids:
        ids = read_ids(options.ids[0])[0][: options.prefill]
    results = {m: {"prefillTokensPerSecond": [], "decodeTokensPerSecond": []} for m in methods}
    for repeat in range(options.repeats + 1):
        for method in methods:
            model.use(Method.parse(method))
            prefill, decode = model.time(ids, options.decode)
            if repeat > 0:
                results[method]["prefillTokensPerSecond"].append(prefill)
                results[method]["decodeTokensPerSecond"].append(decode)
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "prefill": len(ids),
                      "decode": options.decode, "experts": model.names, "methods": results}))


def serve(model: RoutedModel, methods: list[str], options):
    """The protocol of measure_llama_cpp.py --serve; its models are methods here."""
    print(json.dumps({"version": f"torch {torch.__version__}", "models": methods}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        model.use(Method.parse(methods[request["model"]]))
        prefill = request["measure"] == "prefill"
        speed = model.prefill(request["ids"]) if prefill else model.decode(request["ids"], request["count"])
        print(json.dumps({"tokensPerSecond": speed}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=["score", "record", "time", "serve"])
    parser.add_argument("model")
    parser.add_argument("experts")
    parser.add_argument("methods", nargs="+")
    parser.add_argument("--ids", nargs="*", default=[])
    parser.add_argument("--texts")
    parser.add_argument("--domain", nargs="*")
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--join-lines", action="store_true")
    parser.add_argument("--average-tokens", type=int, default=8192, help="train tokens per expert for average activation")
    parser.add_argument("--out", default="record.safetensors")
    parser.add_argument("--scratch", help="taken and not used")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prefill", type=int, default=512)
    parser.add_argument("--decode", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_intermixed_args()
    torch.set_num_threads(options.threads)
    if options.task == "record" and len(options.ids) != 1:
        raise SystemExit("record needs one --ids FILE with one array")
    model = RoutedModel(options.model, options.experts)
    {"score": score, "record": record, "time": measure, "serve": serve}[options.task](model, options.methods, options)


if __name__ == "__main__":
    main()
