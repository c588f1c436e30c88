import Messaging
import Testing

@Suite struct DataFamilyTests {
    @Test func rowsTravelBitForBit() throws {
        let values: [Float] = [0, -0.0, .leastNonzeroMagnitude, .infinity, -.pi, 3]
        let tensor = Tensor(shape: [2, 3]) { floats in
            for index in values.indices { floats[index] = values[index] }
        }
        let dispatch = Dispatch(
            dispatch: 1, set: 2, group: 3, selections: [Selection(site: 0, expert: 4, rows: [0, 1])])
        let decoded = try Envelope(frames: Envelope(.dispatch(dispatch), tensors: [tensor]).frames())
        #expect(decoded.message == .dispatch(dispatch))
        let floats = try decoded.tensors[0].withFloats { span in (0..<span.count).map { span[$0].bitPattern } }
        #expect(floats == values.map(\.bitPattern))
        #expect(try decoded.tensors[0].floats().map(\.bitPattern) == floats)
    }

    @Test func aDispatchOfOtherElementsIsRefused() throws {
        let tensor = try Tensor(type: .bf16, shape: [1, 2], bytes: [1, 2, 3, 4])
        #expect(throws: WireError.wrongDType("expected f32, found bf16")) { try tensor.withFloats { $0.count } }
        #expect(throws: WireError.self) { try Tensor(type: .f32, shape: [1, 2], bytes: [1, 2, 3, 4]) }
    }

    @Test func aNonceHasSixteenBytes() throws {
        let frames = Envelope(.setOpened(SetOpened(set: 1, nonce: [1, 2, 3]))).frames()
        #expect(throws: WireError.malformed("SetOpened.nonce has 3 bytes instead of 16")) {
            try Envelope(frames: frames)
        }
    }

    @Test func boundsHold() throws {
        let rows = [UInt32](repeating: 0, count: WireLimits.dispatchRowsMax + 1)
        let frames = Envelope(.dispatch(Dispatch(selections: [Selection(rows: rows)]))).frames()
        #expect(throws: WireError.oversize("Selection.rows has 8193 entries, at most 8192")) {
            try Envelope(frames: frames)
        }
    }
}
