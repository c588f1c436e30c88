import Kernels
import Weights

/// Vocabulary rows appended after a trunk's own: the functional tokens of a master. Id V + i is row i, V being the trunk's vocabulary.
package struct FunctionalRows: Sendable {
    package let count: Int
    /// [count, hidden]
    let head: PackedMatrix
    /// [count, hidden], row-major.
    private let embedding: [Float]
    private let hidden: Int

    package init(_ folder: MasterFolder) throws(PackingError) {
        (count, hidden, embedding) = (folder.tokens.count, folder.hidden, folder.embedding)
        head = try PackedMatrix(outputs: count, inputs: folder.hidden) { output, row in
            for column in 0..<folder.hidden { row[column] = folder.head[output * folder.hidden + column] }
        }
    }

    func copyEmbedding(_ index: Int, into row: inout MutableSpan<Float>) {
        for column in 0..<hidden { row[column] = embedding[index * hidden + column] }
    }
}

extension LanguageModel {
    /// The same trunk, every weight shared, with a longer vocabulary. No logit of the trunk's own tokens changes.
    package func appending(_ rows: FunctionalRows) -> LanguageModel {
        LanguageModel(
            configuration: configuration, mode: mode, embedding: embedding, layers: layers, finalNorm: finalNorm,
            head: SiteGroup(
                index: head.index, linears: head.linears + [Linear(site: "functional_tokens", base: rows.head)]),
            functional: rows)
    }

    /// Where each linear of the head writes, side by side.
    func logitColumns(of logits: RowBuffer) -> [Columns] {
        var first = 0
        return head.linears.map { linear in
            defer { first += linear.base.outputs }
            return logits.columns(first..<first + linear.base.outputs)
        }
    }
}
