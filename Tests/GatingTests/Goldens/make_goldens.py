"""Writes scores.json: what torch makes of the equations of PHATGOOSE and Arrow, for GatingTests.

The experts are the shipped ones; arguments are ignored.

Random cases carry all they need. Real cases take the gates and adapters of three sites and random inputs of roughly the scale and
offset that a normalised hidden state has; only dot products, sums and results are kept, not vectors, except one small case
that carries its u and v so that standardisation and moments are checked too.
"""
import json, pathlib
import torch
from safetensors.torch import load_file

EPS = 1e-5
NAMES = ["french", "german", "glossary", "manual", "python", "scripture", "spanish", "swift"]
SITES = ["model.layers.3.self_attn.q_proj", "model.layers.14.mlp.up_proj", "model.layers.29.mlp.down_proj"]


def standardise(x):
    return torch.nn.functional.layer_norm(x, x.shape[-1:], eps=EPS)


def chosen(scores, k, temperature):
    values, ids = torch.topk(scores, min(k, len(scores)))
    weights = torch.softmax(values / temperature, -1)
    order = torch.argsort(ids)
    return {"k": k, "temperature": temperature, "experts": ids[order].tolist(), "weights": weights[order].tolist()}


def case(label, gates, prototypes, u, keep_vectors):
    """gates, prototypes: [N, d] raw; u: [d]."""
    standard = standardise(gates)
    methods = {
        "phatgoose": standardise(u) @ standard.T / u.numel() ** 0.5,
        "arrow": (prototypes @ u).abs(),
        "arrow:unit": (prototypes @ u).abs() / u.norm(),
    }
    out = {
        "label": label, "width": u.numel(), "mean": u.mean().item(), "variance": u.var(unbiased=False).item(),
        "norm": u.norm().item(), "gateSums": standard.double().sum(-1).tolist(),
        "gateDots": (standard @ u).tolist(), "prototypeDots": (prototypes @ u).tolist(), "methods": [],
    }
    for name, scores in methods.items():
        full = torch.softmax(scores.double(), -1)
        out["methods"].append({
            "name": name, "scores": scores.tolist(),
            "choices": [chosen(scores, k, t) for k in (1, 2, 3) for t in (1.0, 2.0)] + [chosen(scores, len(scores), 1.0)],
            "entropy": -(full * full.clamp_min(1e-300).log()).sum().item(), "full": full.tolist(),
        })
    if keep_vectors:
        out["u"], out["gates"] = u.tolist(), gates.tolist()
    return out


def real(folder, site):
    gates, prototypes = [], []
    for name in NAMES:
        gates.append(load_file(folder / name / "phatgoose_gates.safetensors")[f"base_model.model.{site}.phatgoose_gate.weight"].float().flatten())
        adapter = load_file(folder / name / "adapter_model.safetensors")
        a = adapter[f"base_model.model.{site}.lora_A.weight"].double()
        b = adapter[f"base_model.model.{site}.lora_B.weight"].double()
        prototypes.append(torch.linalg.svd(b @ a, full_matrices=False).Vh[0].float())
    return torch.stack(gates), torch.stack(prototypes)


def main():
    torch.manual_seed(7)
    torch.set_num_threads(1)
    folder = pathlib.Path(__file__).resolve().parents[3] / "experts/smollm2-135m-instruct"
    cases = []
    for n, width in [(1, 33), (5, 40), (128, 64)]:
        gates = torch.randn(n, width) * 0.03 + 0.01
        prototypes = torch.nn.functional.normalize(torch.randn(n, width), dim=-1)
        cases.append(case(f"random {n} x {width}", gates, prototypes, torch.randn(width) * 2 + 0.3, n < 100))
    for site in SITES:
        gates, prototypes = real(folder, site)
        for row in range(4):
            u = torch.randn(gates.shape[1]) * (0.2 + row) + 0.1 * row
            cases.append(case(f"{site} row {row}", gates, prototypes, u, False))
    text = json.dumps({"torch": torch.__version__, "cases": cases})
    pathlib.Path(__file__).with_name("scores.json").write_text(text + "\n")


main()
