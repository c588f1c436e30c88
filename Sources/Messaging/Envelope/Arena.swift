import CProtobufC

/// Memory for one envelope's C structs: handed out piece by piece, given back all at once.
///
/// protobuf-c allocates through it too, so that whatever way a hostile message takes through that library, nothing leaks
/// and nothing beyond the budget is allocated.
final class Arena {
    private var blocks: [UnsafeMutableRawPointer] = []
    private var free = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var budget: Int
    private static let alignment = 16
    private static let blockBytes = 4096

    init(budget: Int = .max) { self.budget = budget }

    /// Nil beyond the budget. Not zeroed.
    func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
        guard bytes >= 0, bytes <= budget else { return nil }
        let size = (bytes + Self.alignment - 1) & ~(Self.alignment - 1)
        budget -= min(size, budget)
        if size > free.count { free = block(max(size, Self.blockBytes)) }
        let start = free.baseAddress
        free = UnsafeMutableRawBufferPointer(rebasing: free[size...])
        return start
    }

    private func block(_ bytes: Int) -> UnsafeMutableRawBufferPointer {
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: max(bytes, 1), alignment: Self.alignment)
        if let start = block.baseAddress { blocks.append(start) }
        return block
    }

    /// protobuf-c's view of this arena; good only while the arena is.
    func allocator() -> ProtobufCAllocator {
        ProtobufCAllocator(
            alloc: { arena, size in
                guard let arena else { return nil }
                return Unmanaged<Arena>.fromOpaque(arena).takeUnretainedValue().allocate(size)
            },
            free: { _, _ in },
            allocator_data: Unmanaged.passUnretained(self).toOpaque())
    }

    deinit {
        for block in blocks { block.deallocate() }
    }
}

// Building messages.
extension Arena {
    private func take(_ bytes: Int) -> UnsafeMutableRawPointer {
        guard let memory = allocate(bytes) else { preconditionFailure("an arena for encoding has no budget") }
        return memory
    }

    func message<C>(
        _ initialise: (UnsafeMutablePointer<C>?) -> Void, _ fill: (inout C) -> Void
    ) -> UnsafeMutablePointer<C> {
        let message = take(MemoryLayout<C>.size).bindMemory(to: C.self, capacity: 1)
        initialise(message)
        fill(&message.pointee)
        return message
    }

    func bytes(_ bytes: some Collection<UInt8>) -> ProtobufCBinaryData {
        let count = bytes.count
        let memory = take(count).bindMemory(to: UInt8.self, capacity: count)
        _ = UnsafeMutableBufferPointer(start: memory, count: count).initialize(from: bytes)
        return ProtobufCBinaryData(len: count, data: memory)
    }

    func text(_ text: String) -> ProtobufCBinaryData { bytes(text.utf8) }

    func list<Element, C>(_ elements: [Element], _ make: (Element) -> C) -> UnsafeMutablePointer<C>? {
        guard !elements.isEmpty else { return nil }
        let list = take(elements.count * MemoryLayout<C>.stride).bindMemory(to: C.self, capacity: elements.count)
        for (index, element) in elements.enumerated() { (list + index).initialize(to: make(element)) }
        return list
    }
}
