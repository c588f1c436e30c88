import CKernels

/// The keys and values of every layer, in pages of 64 positions. A page index stands for the same page in all layers.
///
/// Shape [pagesMax, layers, heads], of K as [headDim, 64 positions] and then V as [64 positions, headDim], f32: each is a panel that
/// the f32 kernels read as it is. Addresses are reserved for `pagesMax` at once; memory is taken from the system as pages are used.
package final class KeyValuePages {
    package static let positionsPerPage = Int(CK_PAGE)

    package let layers: Int
    package let heads: Int
    package let headDim: Int
    package let pagesMax: Int
    private let data: UnsafeMutablePointer<Float>
    /// Pages to hand out, the next one last.
    private var free: [Int32]
    /// Those among them that hold the values of their last owner.
    private var released: Set<Int32> = []

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

    deinit { ck_free(data, layers * pagesMax * floatsPerLayer * 4) }

    /// Bytes of one page over all layers.
    package var bytesPerPage: Int { layers * floatsPerLayer * 4 }
    package var freePages: Int { free.count }

    /// A page of zeros, or nil when all are taken.
    package func allocate() -> Int32? {
        guard let page = free.popLast() else { return nil }
        if released.remove(page) != nil {
            (data + Int(page) * layers * floatsPerLayer).update(repeating: 0, count: layers * floatsPerLayer)
        }
        return page
    }

    /// Gives a page back. Each allocated page once.
    package func release(_ page: Int32) {
        precondition(page >= 0 && page < pagesMax, "page \(page) of \(pagesMax)")
        precondition(released.insert(page).inserted, "page \(page) was released twice")
        free.append(page)
    }

    /// Floats of one page in one layer.
    private var floatsPerLayer: Int { heads * headDim * 2 * Self.positionsPerPage }

    func view(layer: Int) -> ck_pages {
        precondition(layer >= 0 && layer < layers, "layer \(layer) of \(layers)")
        return ck_pages(
            data: data + layer * floatsPerLayer, page_stride: Int64(layers * floatsPerLayer), head_dim: Int64(headDim),
            kv_heads: Int64(heads))
    }
}
