"""Writes layers.json: what transformers' routers and DeepSeek's load balancer make of random inputs, for GatingTests.

SKEIN_EPLB names eplb.py of github.com/deepseek-ai/EPLB; without it nothing is written. Arguments are ignored.

Each router gets the identity as its weight, so that the hidden state is the logits. OpenMoE, which transformers lacks, is the
expression of its reference: top-2 of the f32 softmax, raw. The last balancer case is the example of EPLB's README.
"""
import importlib.util, json, os, pathlib, sys
import torch
from transformers.models.deepseek_v2 import modeling_deepseek_v2 as v2
from transformers.models.deepseek_v3 import modeling_deepseek_v3 as v3
from transformers.models.gpt_oss import modeling_gpt_oss as oss
from transformers.models.granitemoe import modeling_granitemoe as granite
from transformers.models.mixtral import modeling_mixtral as mixtral
from transformers.models.olmoe import modeling_olmoe as olmoe
from transformers.models.qwen2_moe import modeling_qwen2_moe as qwen2
from transformers.models.qwen3_moe import modeling_qwen3_moe as qwen3


class Config(dict):
    __getattr__ = dict.__getitem__


def run(kind, experts, k, logits, bias=None, **more):
    config = Config(
        num_experts=experts, num_local_experts=experts, num_experts_per_tok=k, hidden_size=experts, **more)
    router = kind(config)
    router.weight.data = torch.eye(experts)
    if kind is oss.GptOssTopKRouter:
        router.bias.data.zero_()
    if bias is not None:
        router.e_score_correction_bias.data = bias
    with torch.no_grad():
        _, weights, ids = router(logits)
    return weights, ids


def case(family, logits, weights, ids, **options):
    order = torch.argsort(ids, -1)
    return {
        "family": family, "topK": ids.shape[-1], "logits": logits.tolist(), **options,
        "experts": ids.gather(-1, order).tolist(), "weights": weights.gather(-1, order).tolist(),
    }


def tidy(x):
    return (x * 1000).round() / 1000


torch.manual_seed(6)
cases = []
logits = tidy(torch.randn(6, 8) * 2)
cases.append(case("mixtral", logits, *run(mixtral.MixtralTopKRouter, 8, 2, logits)))
logits = tidy(torch.randn(6, 16) * 2)
for name, kind in [
    ("qwen", qwen2.Qwen2MoeTopKRouter), ("qwen", qwen3.Qwen3MoeTopKRouter), ("qwen", olmoe.OlmoeTopKRouter)
]:
    for norm in (False, True):
        cases.append(case(name, logits, *run(kind, 16, 4, logits, norm_topk_prob=norm), norm=norm))
cases.append(case("openMoE", logits, *torch.topk(torch.softmax(logits.float(), -1), 2)))
for method in ("greedy", "group_limited_greedy"):
    out = run(v2.DeepseekV2TopkRouter, 16, 4, logits, routed_scaling_factor=2.5, topk_method=method, n_group=4,
              topk_group=2)
    groups = [4, 2] if "group" in method else None
    cases.append(case("deepSeekV2", logits, *out, scale=2.5, groups=groups))
bias = tidy(torch.randn(16))
for norm in (False, True):
    out = run(v3.DeepseekV3TopkRouter, 16, 4, logits, bias=bias, routed_scaling_factor=2.5, n_group=4, topk_group=2,
              norm_topk_prob=norm)
    cases.append(case("deepSeekV3", logits, *out, scale=2.5, groups=[4, 2], bias=bias.tolist(), norm=norm))
cases.append(case("gptOSS", logits, *run(oss.GptOssTopKRouter, 16, 4, logits)))
cases.append(case("granite", logits, *run(granite.GraniteMoeTopKRouter, 16, 4, logits)))

if not os.environ.get("SKEIN_EPLB"):
    sys.exit(print("SKIPPED: SKEIN_EPLB names no eplb.py"))
spec = importlib.util.spec_from_file_location("eplb", os.environ["SKEIN_EPLB"])
eplb = importlib.util.module_from_spec(spec)
spec.loader.exec_module(eplb)
plans = []


def plan(weight, replicas, groups, nodes, devices):
    places, back, _ = eplb.rebalance_experts(weight, replicas, groups, nodes, devices)
    for layer in range(weight.shape[0]):
        plans.append({
            "load": weight[layer].tolist(), "replicas": replicas, "groups": groups, "nodes": nodes, "devices": devices,
            "experts": places[layer].tolist(),
            "places": [[p for p in row if p >= 0] for row in back[layer].tolist()],
        })


for experts, shape in [(16, (24, 4, 2, 8)), (12, (18, 1, 1, 6)), (8, (8, 1, 1, 4)), (16, (20, 4, 3, 5)), (16, (32, 8, 4, 4))]:
    plan(torch.randperm(997)[:experts][None].float() + 1, *shape)
plan(torch.tensor([[90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86],
                   [20, 107, 104, 64, 19, 197, 187, 157, 172, 86, 16, 27]]), 16, 4, 2, 8)
pathlib.Path(__file__).with_name("layers.json").write_text(json.dumps({"gates": cases, "plans": plans}) + "\n")
