"""Makes the goldens of routed experts with torch, transformers and peft (f32, CPU): nothing here is Skein's.

    python make_phatgoose_goldens.py path/to/SmolLM2-135M-Instruct.Q4_1.gguf [--experts FOLDER]

FOLDER holds the shipped experts; by default experts/smollm2-135m-instruct of this repository. The equations are in
Benchmarks/phatgoose_torch.py. Needs: torch, transformers, peft, gguf, tokenizers, safetensors. Writes, beside this file,

phatgoose/golden.json
    experts             names; their index is the expert id
    adapterSHA256       of each expert's adapter_model.safetensors, gatesSHA256 of its gates: a test checks them first
    sites               the 210 sites, layer by layer, q k v o gate up down: the first axis of every array with "sites" below
    methods             {"phatgoose:1": {"route": "phatgoose", "k": 1, "smallestGap": {PROMPT: …}}, …}; the other k are 2 and 3, and
                        "arrow:3", "arrow:unit:3" (temperature 1). smallestGap: the least difference between the last score chosen and
                        the first one not chosen, over all sites and tokens
    prompts             {PROMPT: {"ids": […]}}
    recorded            {"prompt": PROMPT, "positions": [P positions]}: where inputs and scores below were taken
    nll                 {"ids": [256 ids], "mean": {METHOD or "trunk" | "merged" | "single:NAME": nats per predicted token}}, free-running
    logitStride         16: the ids 0, 16, 32, … of which logits are stored
    tops                {PROMPT: {METHOD: {"ids": […], "values": […]}}}: the 32 greatest logits of the last position, replayed
    peft                {"prompt": PROMPT, "ids", "values", "trunkDistance"}: the same for phatgoose/qk-only; trunkDistance is the greatest
                        change that the adapter makes to a logit
phatgoose/golden.safetensors
    u.LAYER.INPUT       f16 [P, in]: what the sites saw, rounded to f16 (the scores below are of the rounded values); INPUT is `attention` (the
                        input of q, k, v), `output` (o), `feedForward` (gate, up), `down`
    scores.ROUTE        f32 [sites, P, experts], ROUTE one of phatgoose, arrow, arrow:unit: computed in f64 from u
    PROMPT.METHOD.experts   u8  [sites, tokens, k]: the choices of the free-running reference, ascending within a token
    PROMPT.METHOD.weights   f16 [sites, tokens, k]: their weights, rounded to f16
    PROMPT.METHOD.logits    f32 [3072]: logits of the last position, every 16th id, with exactly these choices and rounded weights replayed
    PROMPT.qk-only.logits   f32 [3072]: the same from `peft` with the adapter phatgoose/qk-only
phatgoose/qk-only/      a stock PEFT folder that peft saved: rank 2, q_proj and k_proj of layers 0, 1, 14, 29, random, f16
"""

import argparse
import hashlib
import json
import shutil
import sys
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent.parent
sys.path.insert(0, str(REPOSITORY / "Benchmarks"))
from make_goldens import floats, load_gguf  # noqa: E402
from phatgoose_torch import Method, RoutedModel  # noqa: E402

FOLDER = HERE / "phatgoose"
METHODS = ["phatgoose:1", "phatgoose:2", "phatgoose:3", "arrow:3", "arrow:unit:3"]
STRIDE = 16
LINEARS = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj",
           "mlp.down_proj"]
INPUTS = {"attention": "self_attn.q_proj", "output": "self_attn.o_proj", "feedForward": "mlp.gate_proj", "down": "mlp.down_proj"}

PROMPTS = {
    "french": "La commande affiche le nom du fichier. Options:\n-l long format\nfor i in",
    "mixed": "And the LORD said unto him:\nimport json\nfunc read() -> Int {\nDie Datei wird",
}

TEXT = """
In the beginning God created the heaven and the earth. And the earth was without form, and void; and darkness was upon the face
of the deep. And the Spirit of God moved upon the face of the waters. And God said, Let there be light: and there was light.

Le programme lit chaque ligne du fichier et affiche celles qui contiennent le motif. Sans fichier, il lit l'entrée standard.

def count(words):
    \"\"\"Return how often each word occurs.\"\"\"
    table = {}
    for word in words:
        table[word] = table.get(word, 0) + 1
    return table

Das Programm gibt eine Fehlermeldung aus, wenn die Datei nicht gelesen werden kann, und beendet sich mit dem Status 1.

public struct Point: Sendable {
    var x: Double
    var y: Double
    func distance(to other: Point) -> Double { (x - other.x) * (x - other.x) }
}

goose (noun): a large water bird with a long neck. skein (noun): geese in flight.
What is the capital of France? The capital of France is Paris, a city on the river Seine, known for its museums.
"""


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def smallest_gap(found, k: int) -> float:
    ordered = [parts["scores"].sort(-1, descending=True).values for parts in found.values()]
    return min((values[:, k - 1] - values[:, k]).min().item() for values in ordered)


def routed(model: RoutedModel, name: str, ids, tensors, sites):
    """Choices and replayed logits of every method; returns what golden.json says of them."""
    tops, gaps = {}, {}
    for text in METHODS:
        method = Method.parse(text)
        found, free = model.record(method, ids)
        gaps[text] = smallest_gap(found, method.k)
        choices = {s: (found[s]["experts"].to(torch.uint8), found[s]["weights"].half()) for s in sites}
        logits = model.replay(choices, ids)[-1]
        print(f"{name} {text}: smallest gap {gaps[text]:.2e}, rounding the weights moves a logit by "
              f"{(logits - free[-1]).abs().max():.1e}")
        tensors[f"{name}.{text}.experts"] = torch.stack([choices[s][0] for s in sites])
        tensors[f"{name}.{text}.weights"] = torch.stack([choices[s][1] for s in sites])
        tensors[f"{name}.{text}.logits"] = logits[::STRIDE].clone()
        tops[text] = greatest(logits)
    return tops, gaps


def greatest(logits):
    best = torch.topk(logits, 32)
    return {"ids": best.indices.tolist(), "values": floats(best.values)}


def recorded(model: RoutedModel, ids, positions, tensors, sites):
    """Inputs of every site at some positions, from a PHATGOOSE pass, and the scores of each route on them in f64."""
    found, _ = model.record(Method.parse("phatgoose:2"), ids)
    rounded = {}
    for layer in range(len(sites) // len(LINEARS)):
        for name, linear in INPUTS.items():
            u = found[f"model.layers.{layer}.{linear}"]["u"][positions].half()
            assert u.isfinite().all()
            rounded[layer, name] = tensors[f"u.{layer}.{name}"] = u
    source = dict(zip(LINEARS, ["attention"] * 3 + ["output"] + ["feedForward"] * 2 + ["down"]))
    for route in ("phatgoose", "arrow", "arrow:unit"):
        rows = []
        for site in sites:
            _, _, layer, linear = site.split(".", 3)
            module = model.sites[site]
            module.method = Method(route, 1)
            gates, prototypes = module.gates, module.prototypes
            module.gates, module.prototypes = module.gates64, module.prototypes.double()
            rows.append(module.scores(rounded[int(layer), source[linear]].double()).float())
            module.gates, module.prototypes = gates, prototypes
        tensors[f"scores.{route}"] = torch.stack(rows)


def keep_gates_in_f64(model: RoutedModel):
    from phatgoose_torch import standardise
    for site, module in model.sites.items():
        module.gates64 = standardise(torch.stack([e.gates[site].double() for e in model.experts]))


def qk_only(path: str, ids, tensors, prompt: str):
    """A small random adapter, saved and loaded by peft; its logits."""
    folder = FOLDER / "qk-only"
    trunk, _ = load_gguf(path)
    with torch.no_grad():
        plain = trunk(torch.tensor([ids])).logits[0, -1]
    trunk.name_or_path = trunk.config._name_or_path = "HuggingFaceTB/SmolLM2-135M-Instruct"
    config = LoraConfig(r=2, lora_alpha=3, target_modules=["q_proj", "k_proj"], layers_to_transform=[0, 1, 14, 29],
                        task_type="CAUSAL_LM")
    model = get_peft_model(trunk, config)
    generator = torch.Generator().manual_seed(20261123)
    for key, value in sorted(model.named_parameters()):
        if "lora_" in key:
            spread = 1.5 if "lora_A" in key else 0.03
            value.data = (torch.randn(value.shape, generator=generator) * spread).half()
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    saved = json.loads((folder / "adapter_config.json").read_text())
    saved["target_modules"] = sorted(saved["target_modules"])
    (folder / "adapter_config.json").write_text(json.dumps(saved, indent=2) + "\n")
    assert all(t.dtype == torch.float16 for t in load_file(folder / "adapter_model.safetensors").values())
    fresh, _ = load_gguf(path)
    with torch.no_grad():
        logits = PeftModel.from_pretrained(fresh, folder).eval()(torch.tensor([ids])).logits[0, -1]
    distance = (logits - plain).abs().max().item()
    print(f"{prompt} qk-only: moves a logit by {distance:.3f}")
    assert distance > 0.5
    tensors[f"{prompt}.qk-only.logits"] = logits[::STRIDE].clone()
    return {"prompt": prompt, "trunkDistance": distance} | greatest(logits)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--experts", type=Path, default=REPOSITORY / "experts/smollm2-135m-instruct")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    model = RoutedModel(options.model, options.experts)
    keep_gates_in_f64(model)
    sites = [f"model.layers.{layer}.{linear}" for layer in range(30) for linear in LINEARS]
    assert set(sites) == model.sites.keys()
    encode = lambda text: model.words.encode(text.strip(), add_special_tokens=False).ids  # noqa: E731
    prompts, tensors = {name: encode(text) for name, text in PROMPTS.items()}, {}
    tops, gaps = {}, {}
    for name, ids in prompts.items():
        tops[name], gaps[name] = routed(model, name, ids, tensors, sites)
    positions = [0, len(prompts["mixed"]) - 2]
    recorded(model, prompts["mixed"], positions, tensors, sites)
    ids, mean = encode(TEXT)[:256], {}
    assert len(ids) == 256, len(ids)
    for text in METHODS + ["trunk", "merged", "single:french"]:
        model.use(Method.parse(text))
        mean[text] = model.mean_loss([ids])
        print(f"mean NLL {text}: {mean[text]:.6f}")
    adapter = qk_only(options.model, prompts["french"], tensors, "french")
    folders = {name: options.experts / name for name in model.names}
    golden = {
        "experts": model.names,
        "adapterSHA256": {n: sha256(f / "adapter_model.safetensors") for n, f in folders.items()},
        "gatesSHA256": {n: sha256(f / "phatgoose_gates.safetensors") for n, f in folders.items()},
        "sites": sites,
        "methods": {m: {"route": Method.parse(m).kind, "k": Method.parse(m).k,
                        "smallestGap": {p: gaps[p][m] for p in prompts}} for m in METHODS},
        "prompts": {name: {"ids": ids} for name, ids in prompts.items()},
        "recorded": {"prompt": "mixed", "positions": positions},
        "nll": {"ids": ids, "mean": mean}, "logitStride": STRIDE, "tops": tops, "peft": adapter}
    (FOLDER / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
    save_file(tensors, FOLDER / "golden.safetensors")
    size = sum(f.stat().st_size for f in FOLDER.rglob("*") if f.is_file())
    print({name: len(ids) for name, ids in prompts.items()}, f"{size} bytes")
    assert size <= 1 << 20, "over 1 MiB"


if __name__ == "__main__":
    main()
