#!/usr/bin/env python3
"""Streams one answer from a Skein router, over ipc or over tcp with CURVE.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python -m grpc_tools.protoc -I ../../../Sources/CEnvelope --python_out=. skein.proto
    .venv/bin/python stream.py ENDPOINT "What is a skein of geese?"
    .venv/bin/python stream.py tcp://127.0.0.1:5570 --key client.key --server-key router.pub "…"
"""

import argparse
import os
import sys
import time

import zmq
from zmq.utils import z85

import skein_pb2 as wire


def connect(endpoint, key=None, server_key=None):
    socket = zmq.Context.instance().socket(zmq.DEALER)
    # Whoever never got through has nothing that is worth waiting for at the end.
    socket.linger = 0
    if key:
        secret = read_key(key)
        socket.curve_secretkey = secret
        socket.curve_publickey = zmq.curve_public(secret)
        socket.curve_serverkey = read_key(server_key)
    socket.connect(endpoint)
    return socket


def read_key(path):
    """A key file holds one Z85 key on the first line that is not a comment."""
    with open(path) as file:
        key = next(line.strip() for line in file if line.strip() and not line.startswith("#"))
    if len(z85.decode(key.encode())) != 32:
        sys.exit(f"{path}: not a Z85 key of 40 characters")
    return key.encode()


def envelope(**body):
    return wire.Envelope(version=1, **body).SerializeToString()


def send(socket, message, patience_seconds):
    """`send` alone would wait without end where nobody listens or the router refuses the key."""
    if not socket.poll(int(patience_seconds * 1000), zmq.POLLOUT):
        raise RuntimeError(f"no router took the message within {patience_seconds} s: is the endpoint right, and the key?")
    socket.send(message, zmq.DONTWAIT)


def whole_number(bits):
    """For argparse: 0 ... 2^bits - 1, what the wire can carry."""

    def parse(text):
        number = int(text)
        if not 0 <= number < 1 << bits:
            raise argparse.ArgumentTypeError(f"{text} is not in 0 ... 2^{bits} - 1")
        return number

    parse.__name__ = "number"
    return parse


def stream(socket, prompt, node="", max_tokens=0, temperature=0.0, seed=0, patience_seconds=10.0):
    """Yields text as it arrives; returns after the one ending. Raises RuntimeError on a Failure."""
    query = wire.Query(
        id=os.urandom(16),
        node=node,
        chat=wire.Chat(messages=[wire.ChatMessage(role=wire.USER, content=prompt)]),
        sampling=wire.Sampling(temperature=temperature, seed=seed),
        max_tokens=max_tokens,
    )
    send(socket, envelope(query=query), patience_seconds)
    lease_seconds, renewed, heard = 3.0, time.monotonic(), time.monotonic()
    while True:
        if socket.poll(200):
            heard = time.monotonic()
            reply = wire.Envelope.FromString(socket.recv_multipart()[0])
            kind = reply.WhichOneof("body")
            if kind == "accepted":
                lease_seconds = reply.accepted.lease_milliseconds / 1000
            elif kind == "partial":
                yield reply.partial.text
            elif kind == "final":
                return
            elif kind == "failure":
                name = wire.FailureKind.Name(reply.failure.kind)
                raise RuntimeError(f"{name}: {reply.failure.message}")
        if time.monotonic() - renewed > lease_seconds / 3:
            renewed = time.monotonic()
            send(socket, envelope(lease=wire.Lease(ids=[query.id])), patience_seconds)
        if time.monotonic() - heard > patience_seconds:
            raise RuntimeError(f"no word from the router for {patience_seconds} s: the outcome is unknown")


def main():
    parser = argparse.ArgumentParser(description="Streams one answer from a Skein router.")
    parser.add_argument("endpoint", help="the router's front endpoint, as `skein status` prints it")
    parser.add_argument("prompt")
    parser.add_argument("--node", default="")
    parser.add_argument("--max-tokens", type=whole_number(32), default=0)
    parser.add_argument("--temperature", type=float, default=0.0)
    parser.add_argument("--seed", type=whole_number(64), default=0)
    parser.add_argument("--key", help="the client's secret key file")
    parser.add_argument("--server-key", help="the router's public key file")
    options = parser.parse_args()
    if bool(options.key) != bool(options.server_key):
        parser.error("--key and --server-key belong together")
    socket = connect(options.endpoint, options.key, options.server_key)
    try:
        for text in stream(
            socket, options.prompt, options.node, options.max_tokens, options.temperature, options.seed
        ):
            print(text, end="", flush=True)
        print()
    except RuntimeError as error:
        sys.exit(f"stream.py: {error}")


if __name__ == "__main__":
    main()
