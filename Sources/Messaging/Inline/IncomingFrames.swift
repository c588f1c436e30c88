import Glibc

/// Reads a connection's bytes and cuts them into frames.
///
/// Short frames come through one buffer, so that one call reads several; the rest of a long one is read to where it stays.
struct IncomingFrames: ~Copyable {
    enum Step {
        case frame(ZMTP.FrameHeader, [UInt8])
        case nothing
        case ended
    }

    private static let bufferBytes = 16 << 10

    /// The most bytes of one frame.
    private let frameBytesMax: Int
    private let buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    /// The frame whose body is being read.
    private var header: ZMTP.FrameHeader?
    private var body: [UInt8] = []
    private var filled = 0
    /// The last call took all that the kernel had.
    private var isDrained = false

    init(frameBytesMax: Int) {
        self.frameBytesMax = frameBytesMax
        buffer = .allocate(byteCount: Self.bufferBytes, alignment: 64)
    }

    deinit { buffer.deallocate() }

    /// The first `count` bytes, once they are there: the greeting.
    mutating func take(_ count: Int, from stream: StreamDescriptor) -> Result<[UInt8]?, ZMTP.Fault> {
        while end - start < count {
            switch read(stream) {
            case .bytes: break
            case .wouldBlock: return .success(nil)
            case .ended: return .failure(ZMTP.Fault("the peer has gone"))
            }
        }
        defer { start += count }
        return .success(Array(buffer[start..<start + count]))
    }

    /// Whether asking the kernel once more would be for nothing, as far as is known: true once after each reading.
    mutating func takeDrained() -> Bool {
        defer { isDrained = false }
        return isDrained && start == end
    }

    mutating func next(from stream: StreamDescriptor) throws(ZMTP.Fault) -> Step {
        while true {
            if header == nil { try begin() }
            if let header, filled == header.size {
                self.header = nil
                defer { body = [] }
                return .frame(header, body)
            }
            switch read(stream) {
            case .bytes: continue
            case .wouldBlock: return .nothing
            case .ended: return .ended
            }
        }
    }

    /// Takes the next header and what is there of its body.
    private mutating func begin() throws(ZMTP.Fault) {
        let here = UnsafeRawBufferPointer(rebasing: buffer[start..<end])
        guard let (found, length) = try ZMTP.FrameHeader.read(here) else { return }
        let bound = found.isCommand ? ZMTP.commandBytesMax : frameBytesMax
        guard found.size <= bound else { throw ZMTP.Fault("a frame of \(found.size) bytes, at most \(bound)") }
        start += length
        let present = min(found.size, end - start)
        let source = UnsafeRawBufferPointer(rebasing: buffer[start..<start + present])
        body = [UInt8](unsafeUninitializedCapacity: found.size) { target, count in
            UnsafeMutableRawBufferPointer(target).copyMemory(from: source)
            // The rest is written before anyone reads it.
            count = found.size
        }
        start += present
        filled = present
        header = found
    }

    /// Reads once: first what the body lacks, then into the buffer.
    private mutating func read(_ stream: StreamDescriptor) -> StreamDescriptor.Progress {
        makeRoom()
        let lacking = header.map { $0.size - filled } ?? 0
        let free = UnsafeMutableRawBufferPointer(rebasing: buffer[end...])
        let progress =
            lacking == 0
            ? stream.read(into: [free])
            : body.withUnsafeMutableBytes {
                stream.read(into: [UnsafeMutableRawBufferPointer(rebasing: $0[filled...]), free])
            }
        isDrained = false
        if case .bytes(let count) = progress {
            isDrained = count < lacking + free.count
            filled += min(count, lacking)
            end += max(0, count - lacking)
        }
        return progress
    }

    private mutating func makeRoom() {
        if start == end { (start, end) = (0, 0) }
        guard start > 0, buffer.count - end < ZMTP.greetingBytes, let base = buffer.baseAddress else { return }
        memmove(base, base + start, end - start)
        (start, end) = (0, end - start)
    }
}
