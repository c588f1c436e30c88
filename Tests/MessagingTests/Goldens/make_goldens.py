#!/usr/bin/env python3
"""Writes envelopes.txt: the messages of MessageExamples.swift as Google's protobuf serialises them.

    python3 -m grpc_tools.protoc --python_out=. -I ../../../Sources/CEnvelope skein.proto && python3 make_goldens.py
"""

import pathlib

import skein_pb2 as w

ID = bytes.fromhex("0123456789abcdeffedcba9876543210")
sampling = w.Sampling(temperature=0.7, top_k=40, top_p=0.9, min_p=0.05, repetition_penalty=1.1,
                      repetition_window=128, seed=2**64 - 1)
logprobs = [
    w.TokenLogprobs(logprob=-0.5, top=[w.Alternative(token=7, logprob=-0.5), w.Alternative(token=-1, logprob=-3)]),
    w.TokenLogprobs(logprob=-1.25),
]
scopes = [w.ScopeStatistics(
    scope="worker", name="w1", counters=[w.Counter(name="queries", value=12)],
    latencies=[w.Percentiles(name="queue", count=3, mean=1.5, p50=1, p90=2, p99=3, max=4)])]
route = w.RouteOptions(method="single:french", top_k=3, temperature=0.5, null="joins", common="dropped:1",
                       allowed=["german", "python"], biases=[w.NamedValue(name="swift", value=-1.5)],
                       weights=[w.NamedValue(name="manual", value=0.25)])
missing = [w.MissingExpert(expert="swift", rows=12), w.MissingExpert(expert="manual", rows=1)]
relocated = [w.Relocation(**{"expert": "swift", "from": "w1", "to": "w2", "reloaded": True})]
drops = [w.LayerDrops(layer=2, choices=9, by_rank=[1, 2], by_position=[0, 3])]
score = w.Score(mean_nll=2.5, tokens=77, logits_sha256=bytes(255 - i for i in range(32)))
shadow = w.ShadowReport(model="m", expert="dutch", texts=3, tokens=99, nll_change=-0.25, share=0.125, live_rows=77,
                        live_share=0.375, run=5)
holding = w.ExpertHolding(expert="french", trunk_sha256="aa", sha256="bb", gates_sha256="cc", bytes=1 << 33, stand_in=True)
data = w.DataEndpoint(address="tcp://host:7081", public_key="Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID")
routed = w.RoutedTokens(experts=["french", "swift"], experts_sha256=["aa", "bb"], set_sha256="cc", route=route,
                        first_position=3, heaviest=[2, 0, 1], shares=[0.75, 0, 0.5], null_shares=[0.25, 1, 0])
site = w.SiteRouting(site="model.layers.0.self_attn.q_proj", rows=7, kept_null=1.5, kept_common=0.5, empty_rows=1,
                     full_rows=6, full_null=0.75, entropy=9.5, kept=[3, 2], full=[2.5, 2.75], chosen=[5, 4],
                     heaviest=[4, 2], entropies=[0, 2, 4],
                     mixture=w.MixtureRouting(together=[3], squared_log_sums=2.5, capacity_choices=9,
                                              dropped_by_rank=[1, 2], dropped_by_position=[0, 3], costs=[96, 0]))
nonce = bytes(17 * i for i in range(16))


def query(**prompt):
    return dict(query=w.Query(id=ID, node="writer", sampling=sampling, max_tokens=99, stop=["\n\n", "ende"],
                              deadline_milliseconds=30000, from_position=17, trace=True, top_logprobs=3, route=route, score=True,
                              **prompt))


bodies = [
    query(chat=w.Chat(messages=[w.ChatMessage(role=w.SYSTEM, content="Kurz."),
                                w.ChatMessage(role=w.USER, content="Grüße 🪿\0!")])),
    query(text="<|im_end|>", parse_special=True),
    query(tokens=w.TokenIDs(ids=[1, 0, 2**31 - 1, -1])),
    query(),
    dict(accepted=w.Accepted(id=ID, attempt=2, prompt_tokens=31, node="writer", lease_milliseconds=3000,
                             deadline_milliseconds=29999)),
    dict(partial=w.Partial(id=ID, attempt=1, position=5, tokens=[11, 12], text="né\0", logprobs=logprobs,
                           text_offset=44)),
    dict(final=w.Final(
        id=ID, attempt=2, finish_reason=w.STOP_STRING, usage=w.Usage(prompt_tokens=3, generated_tokens=4),
        timings=w.Timings(queue=1, prefill=2, decode=3, total=6),
        trace=[w.TraceAttempt(worker="w1", attempt=1, first_position=2, tokens=3, queue_microseconds=4,
                              prefill_microseconds=5, decode_microseconds=6, outcome="workerLost")],
        receipt=w.Receipt(model_sha256="ab12", numerics="k1/exact", seed=9, sampling=sampling, max_tokens=5,
                          prompt=[1, 300, 7]), missing=missing, score=score, routed=routed, relocated=relocated, drops=drops)),
    dict(failure=w.Failure(id=ID, kind=w.BUSY, message="queue full: 64 of 64", retry_after_milliseconds=250,
                           tokens_sent=8)),
    dict(failure=w.Failure(kind=w.MALFORMED, message="no id")),
    dict(cancel=w.Cancel(id=ID)),
    dict(lease=w.Lease(ids=[ID, bytes([0] * 7 + [1] + [0] * 7 + [2])])),
    dict(statistics_request=w.StatisticsRequest(window_seconds=60)),
    dict(statistics_reply=w.StatisticsReply(window_seconds=60, since_unix_seconds=1700000000, scopes=scopes, shadows=[shadow])),
    dict(statistics_event=w.StatisticsEvent(sequence=3, unix_milliseconds=1700000000123, router_epoch=8,
                                            scopes=scopes)),
    dict(status_request=w.StatusRequest()),
    dict(status_reply=w.StatusReply(
        cluster="quickstart", state="ready", uptime_milliseconds=12, queued=1, in_flight=2,
        workers=[w.WorkerStatus(name="w1", state="ready", models=["m", "n"], in_flight=1, capacity=8,
                                resident_bytes=1 << 33, progress=77, numerics="k1/fast", experts=["french", "swift"])],
        nodes=[w.NodeStatus(name="writer", model="m", ready_workers=2)])),
    dict(routing_request=w.RoutingRequest(model="m", first_site=210)),
    dict(routing_report=w.RoutingReport(model="m", set_sha256="cc", experts=["french", "swift"], sites=[site],
                                        first_site=1, site_count=2, since_unix_seconds=1700000000)),
    dict(hello=w.Hello(worker="w1", incarnation=4, numerics="k1/fast",
                       models=[w.ModelHolding(model="m", sha256="ff", context_length=2048, vocabulary=49152,
                                              routed=True)],
                       capacity=8, ready=True, experts=[holding], data=data)),
    dict(welcome=w.Welcome(incarnation=4, heartbeat_milliseconds=250)),
    dict(heartbeat=w.Heartbeat(incarnation=4, progress=9, in_flight=2, resident_bytes=1 << 34)),
    dict(goodbye=w.Goodbye(incarnation=4, reason="SIGTERM")),
    dict(assign=w.Assign(assignment=5, model="m", generated_before=2, sampling=sampling, max_tokens=64,
                         top_logprobs=2, deadline_milliseconds=1234,
                         route=w.RouteOptions(method="phatgoose", top_k=2), score=True, trace=True)),
    dict(withdraw=w.Withdraw(assignment=5)),
    dict(generated=w.Generated(assignment=5, position=2, tokens=[4, 5], logprobs=logprobs)),
    dict(ended=w.Ended(assignment=5, kind=w.ENDED_REFUSED, message="full", prefill_microseconds=6,
                       decode_microseconds=7, missing=missing, generated_tokens=8, score=score, routed=routed,
                       relocated=relocated, drops=drops)),
    dict(arrange_experts=w.ArrangeExperts(
        request=6, model="m", trunk=True, trunk_sha256="aa",
        published=[w.PlacedExpert(expert="dutch", sha256="dd", folder="/experts/dutch", shadow=True,
                                stand_in=True)], retired=["swift"])),
    dict(arrange_experts=w.ArrangeExperts(
        request=8, model="m", trunk=True,
        shares=[w.PlacedShare(worker="w1", experts=["m/0.0", "m/0.1"]), w.PlacedShare(worker="w2", experts=["m/0.2"])])),
    dict(experts_arranged=w.ExpertsArranged(request=6)),
    dict(experts_arranged=w.ExpertsArranged(request=7, kind=w.WORKER_FULL, message="full")),
    dict(change_experts=w.ChangeExperts(id=ID, change=w.PUBLISH, model="m", expert="dutch", sha256="dd",
                                        folder="/experts/dutch", worker="w1", shadow=True)),
    dict(change_experts=w.ChangeExperts(id=ID, change=w.PLACE, model="m",
                                        shares=[w.PlacedShare(worker="w1", experts=["m/0.0"])])),
    dict(shadow_report=shadow),
    dict(content_request=w.ContentRequest(sha256="dd", file="expert.yaml", offset=1 << 33)),
    dict(content_part=w.ContentPart(sha256="dd", file="expert.yaml", offset=1 << 33, size=1 << 34, kind=w.UNKNOWN_EXPERT,
                                    message="gone")),
    dict(experts_changed=w.ExpertsChanged(id=ID, model="m", version=2, worker="w1", experts=["dutch", "french"])),
    dict(membership=w.Membership(version=3, holders=[
        w.ExpertHolder(worker="w1", incarnation=4, data=data, experts=[holding])])),
    dict(open_set=w.OpenSet(set=2, nonce=nonce, worker="w1", incarnation=4, trunk_sha256="aa", numerics="lr1",
                            experts=[w.SetExpert(id=3, expert="french", sha256="bb")],
                            groups=[w.SiteGroup(sites=["q", "k"], outputs=[576, 192], inputs=576)])),
    dict(set_opened=w.SetOpened(set=2, nonce=nonce, worker="w1", incarnation=4)),
    dict(dispatch=w.Dispatch(dispatch=9, set=2, group=118, selections=[
        w.Selection(site=1, expert=3, rows=[0, 2, 300]), w.Selection(site=2, expert=4, rows=[1])])),
    dict(combine=w.Combine(dispatch=9)),
    dict(dispatch_failed=w.DispatchFailed(dispatch=9, set=2, kind=w.UNKNOWN_EXPERT, message="no expert 3")),
]
lines = [w.Envelope(version=1, **body).SerializeToString(deterministic=True).hex() for body in bodies]
pathlib.Path(__file__).with_name("envelopes.txt").write_text("\n".join(lines) + "\n")
