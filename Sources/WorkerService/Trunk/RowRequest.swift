import Inference
import Kernels

/// Experts that workers hold, in the order of the ids that the wire calls them by: low-rank experts of a routed model, or the experts
/// of mixture layers.
protocol DistributedSet: AnyObject {
    var experts: [ExpertSet.Member] { get }
}

extension ExpertSet: DistributedSet {}

/// What a trunk wants to know of a batch at one place of the model: pairs of an expert and the rows that it works on.
struct RowRequest {
    struct Pair {
        /// Index of the linear in its group.
        let site: Int
        /// Expert id: index into `set.experts`.
        let expert: Int
        /// Its rows are `rows[first ..< first + count]`.
        let first: Int
        let count: Int
        /// Floats of a result.
        let outputs: Int

        var floats: Int { count * outputs }
    }

    let set: any DistributedSet
    /// Index of the group of sites, as the set was opened with.
    let group: Int
    let pairs: [Pair]
    /// Of the batch.
    let rows: [Int32]
    /// [rows of the batch, inputs]
    let input: Columns
}

/// Takes the rows of a request.
protocol RowSink {
    /// - Parameter block: [count, outputs] of the pair.
    func write(_ block: Span<Float>, ofPair pair: Int)
}

extension ExpertRows: RowSink {
    func write(_ block: Span<Float>, ofPair pair: Int) {
        withBlock(ofPair: pair) { $0.copy(block, to: 0) }
    }
}
