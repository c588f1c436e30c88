import Messaging
import Testing

@Suite struct EnvelopeTests {
    @Test(arguments: MessageExamples.all)
    func roundTrip(_ message: Message) throws {
        let envelope = Envelope(message)
        #expect(try Envelope(frames: envelope.frames()) == envelope)
    }

    @Test func roundTripOfTensors() throws {
        let tensors = [
            Tensor([1, -2, Int32.max]), Tensor([0.5, -0.0, .infinity, 3], shape: [2, 2]),
            Tensor([Float](), shape: [0, 7]),
            try Tensor(type: .u8, shape: [1, 1, 1, 3], bytes: [1, 2, 3]),
            try Tensor(type: .bf16, shape: [], bytes: [0x80, 0x3F]),
        ]
        let envelope = Envelope(.assign(Assign(assignment: 1, model: "m")), tensors: tensors)
        let decoded = try Envelope(frames: envelope.frames())
        #expect(decoded == envelope)
        #expect(try decoded.tensors[0].int32s() == [1, -2, Int32.max])
        #expect(try decoded.tensors[1].floats() == [0.5, -0.0, .infinity, 3])
        #expect(throws: WireError.wrongDType("expected i32, found f32")) { try decoded.tensors[1].int32s() }
    }

    /// What Google's protobuf makes of the same messages (Goldens/make_goldens.py).
    @Test func readsAndWritesTheBytesOfAnotherImplementation() throws {
        let lines = try Goldens.lines("envelopes.txt")
        #expect(lines.count == MessageExamples.all.count)
        for (line, message) in zip(lines, MessageExamples.all) {
            #expect(try Envelope(frames: [Goldens.bytes(hex: line)]).message == message)
            #expect(Envelope(message).frames() == [Goldens.bytes(hex: line)])
        }
    }

    @Test func failureKindsFollowTheProtoFile() throws {
        for (name, number) in try ProtoFile.enumeration("FailureKind") where number != 0 {
            let kind = try #require(FailureKind(rawValue: number), "\(name)")
            #expect("\(kind)".lowercased() == name.replacing("_", with: "").lowercased())
        }
        #expect(try ProtoFile.enumeration("FailureKind").count == FailureKind.allCases.count + 1)
    }

    @Test func aKindFromTheFutureStillEndsTheQuery() throws {
        var frame = Envelope(.failure(Failure(id: MessageExamples.id, kind: .nameTaken, message: ""))).frames()[0]
        let at = try #require(frame.lastIndex(of: UInt8(FailureKind.nameTaken.rawValue)))
        frame[at] = 99
        guard case .failure(let failure) = try Envelope(frames: [frame]).message else {
            Issue.record("not a failure"); return
        }
        #expect(failure.kind == .internal)
        #expect(failure.id == MessageExamples.id)
    }
}
