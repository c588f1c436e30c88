/// What a connection has still to write, in order.
struct OutgoingBytes {
    /// Frames up to this size are copied behind one another, so that one call writes them; longer ones are written from where they are.
    private static let copiedBytesMax = 16 << 10

    private var pieces: [[UInt8]] = []
    /// Of the first piece so much is written.
    private var written = 0

    var isEmpty: Bool { pieces.isEmpty }
    var count: Int { pieces.count }

    mutating func append(_ bytes: [UInt8]) {
        if !bytes.isEmpty { pieces.append(bytes) }
    }

    /// Appends a message's frames with their headers.
    mutating func append(message frames: [[UInt8]]) {
        var short: [UInt8] = []
        for (index, frame) in frames.enumerated() {
            ZMTP.FrameHeader.append(size: frame.count, hasMore: index < frames.count - 1, to: &short)
            if frame.count <= Self.copiedBytesMax {
                short += frame
            } else {
                append(short)
                append(frame)
                short = []
            }
        }
        append(short)
    }

    /// Writes as far as the kernel takes it. False when the peer has gone.
    mutating func write(to stream: StreamDescriptor) -> Bool {
        while !pieces.isEmpty {
            switch writeOnce(to: stream) {
            case .bytes(let count): drop(count)
            case .wouldBlock: return true
            case .ended: return false
            }
        }
        return true
    }

    private func writeOnce(to stream: StreamDescriptor) -> StreamDescriptor.Progress {
        pieces[0].withUnsafeBytes { first in
            let first = UnsafeRawBufferPointer(rebasing: first[written...])
            guard pieces.count > 1 else { return stream.write([first]) }
            return pieces[1].withUnsafeBytes { stream.write([first, $0]) }
        }
    }

    private mutating func drop(_ count: Int) {
        written += count
        while let first = pieces.first, written >= first.count {
            written -= first.count
            pieces.removeFirst()
        }
    }
}
