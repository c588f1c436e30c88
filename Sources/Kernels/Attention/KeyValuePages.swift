import CKernels

/// The keys and values of every layer, in pages of 64 positions. A page index stands for the same page in all layers.
///
/// Per layer, page and key-value head: K as [headDim, 64 positions], then V as [64 positions, headDim], f32: each is a panel that the
/// f32 kernels read as it is. Memory is reserved for `pagesMax` at once and taken from the system page by page as it is used.
package final class KeyValuePages {
    package static let positionsPerPage = Int(CK_PAGE)

    package let layers: Int
    package let heads: Int
    package let headDim: Int
    package let pagesMax: Int
    private let data: UnsafeMutablePointer<Float>
    /// Pages to hand out; the lowest index is last. Those in `used` hold old values.
    private var free: [Int32]
    private var used: Set<Int32> = []

    /// `headDim` is a multiple of 16.
    package init(layers: Int, heads: Int, headDim: Int, pagesMax: Int) {
        precondition(layers > 0 && heads > 0 && pagesMax > 0 && pagesMax <= Int(Int32.max))
        precondition(headDim > 0 && headDim % 16 == 0, "a head of \(headDim) is no multiple of 16")
        self.layers = layers
        self.heads = heads
        self.headDim = headDim
        self.pagesMax = pagesMax
        let floats = layers * pagesMax * heads * headDim * 2 * Self.positionsPerPage
        guard let memory = ck_allocate(floats * 4) else {
            fatalError("no memory for \(floats * 4) bytes of keys and values; lower the number of cached tokens")
        }
        data = memory.bindMemory(to: Float.self, capacity: floats)
        free = (0..<Int32(pagesMax)).reversed()
    }

    deinit { ck_free(data, layers * pagesMax * floatsPerPage * 4) }

    /// Bytes of one page over all layers.
    package var bytesPerPage: Int { layers * floatsPerPage * 4 }
    package var freePages: Int { free.count }

    /// A page of zeros, or nil when all are taken.
    package func allocate() -> Int32? {
        guard let page = free.popLast() else { return nil }
        if used.remove(page) != nil {
            for layer in 0..<layers {
                (data + (layer * pagesMax + Int(page)) * floatsPerPage).update(repeating: 0, count: floatsPerPage)
            }
        }
        return page
    }

    /// Gives a page back. Each allocated page once.
    package func release(_ page: Int32) {
        precondition(page >= 0 && page < pagesMax, "page \(page) of \(pagesMax)")
        precondition(used.insert(page).inserted, "page \(page) was released twice")
        free.append(page)
    }

    private var floatsPerPage: Int { heads * headDim * 2 * Self.positionsPerPage }

    func view(layer: Int) -> ck_pages {
        precondition(layer >= 0 && layer < layers, "layer \(layer) of \(layers)")
        return ck_pages(
            data: data + layer * pagesMax * floatsPerPage, page_stride: Int64(floatsPerPage), head_dim: Int64(headDim),
            kv_heads: Int64(heads))
    }
}
