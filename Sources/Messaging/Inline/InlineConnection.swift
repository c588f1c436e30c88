/// One connection of a socket whose owner's thread reads and writes itself: handshake, messages in, messages out.
final class InlineConnection {
    private enum Stage { case greeting, ready, open }

    let stream: StreamDescriptor
    private let kind: Socket.Kind
    private let options: SocketOptions
    private var stage = Stage.greeting
    private var incoming: IncomingFrames
    private var outgoing = OutgoingBytes()
    private var message = MessageInProgress()
    /// Why nothing comes over it any more.
    private(set) var fault: ZMTP.Fault?
    /// The handshake has to be done by then.
    private let handshakeEnds: UInt64

    init(_ stream: StreamDescriptor, _ kind: Socket.Kind, _ options: SocketOptions, nowMicroseconds: UInt64) {
        self.stream = stream
        self.kind = kind
        self.options = options
        incoming = IncomingFrames(frameBytesMax: options.frameBytesMax)
        handshakeEnds = nowMicroseconds + UInt64(options.handshakeMilliseconds) * 1000
        outgoing.append(ZMTP.greeting)
        flush()
    }

    var isOpen: Bool { stage == .open && fault == nil }

    func hasFailedToShakeHands(nowMicroseconds: UInt64) -> Bool { stage != .open && nowMicroseconds >= handshakeEnds }

    var pollItem: PollItem { PollItem(descriptor: stream.number, writing: !outgoing.isEmpty) }

    func send(_ frames: [[UInt8]]) -> SendOutcome {
        guard isOpen else { return .unroutable }
        if !outgoing.isEmpty { flush() }
        guard fault == nil else { return .unroutable }
        guard outgoing.count < options.sendMessagesMax else { return .full }
        outgoing.append(message: frames)
        flush()
        return fault == nil ? .sent : .unroutable
    }

    /// Goes on with whatever there is to do. Returns the next message, if there is a whole one.
    func receive(limits: FrameLimits) -> Reception {
        if !outgoing.isEmpty { flush() }
        if incoming.takeDrained() { return .nothing }
        guard shakeHands() else { return .nothing }
        while fault == nil, let (header, body) = nextFrame() {
            if header.isCommand {
                answer(command: body)
                continue
            }
            message.add(body, limits)
            if !header.hasMore { return message.end(limits) }
        }
        return .nothing
    }

    /// Goes on with the handshake. Whether it is done.
    func shakeHands() -> Bool {
        while fault == nil, stage != .open {
            do throws(ZMTP.Fault) {
                if stage == .greeting {
                    guard try takeGreeting() else { return false }
                }
                guard let (header, body) = nextFrame() else { return false }
                guard header.isCommand else { throw ZMTP.Fault("a message before the handshake's end") }
                try ZMTP.checkReady(body, for: kind)
                stage = .open
            } catch { fault = error }
        }
        return fault == nil
    }

    private func nextFrame() -> (ZMTP.FrameHeader, [UInt8])? {
        do throws(ZMTP.Fault) {
            switch try incoming.next(from: stream) {
            case .nothing: return nil
            case .ended: throw ZMTP.Fault("the peer has gone")
            case .frame(let header, let body): return (header, body)
            }
        } catch {
            fault = error
            return nil
        }
    }

    private func takeGreeting() throws(ZMTP.Fault) -> Bool {
        guard let bytes = try incoming.take(ZMTP.greetingBytes, from: stream).get() else { return false }
        try ZMTP.checkGreeting(bytes)
        outgoing.append(ZMTP.ready(kind))
        flush()
        stage = .ready
        return true
    }

    private func answer(command body: [UInt8]) {
        guard let pong = ZMTP.pong(to: body) else { return }
        outgoing.append(pong)
        flush()
    }

    private func flush() {
        if !outgoing.write(to: stream) { fault = ZMTP.Fault("the peer has gone") }
    }
}

/// The frames of a message that is not whole yet. Beyond the limits nothing of it is kept.
private struct MessageInProgress {
    private var frames: [[UInt8]] = []
    private var framesSeen = 0
    private var bytesSeen = 0

    private func isOversize(_ limits: FrameLimits) -> Bool {
        framesSeen > limits.framesMax || bytesSeen > limits.bytesMax
    }

    mutating func add(_ frame: [UInt8], _ limits: FrameLimits) {
        framesSeen += 1
        bytesSeen += frame.count
        if isOversize(limits) { frames = [] } else { frames.append(frame) }
    }

    mutating func end(_ limits: FrameLimits) -> Reception {
        defer { self = MessageInProgress() }
        return isOversize(limits)
            ? .oversize(Oversize(routingID: [], frames: framesSeen, bytes: bytesSeen))
            : .message(Received(frames: frames))
    }
}
