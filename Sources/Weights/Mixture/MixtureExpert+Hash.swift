import Digest

extension MixtureExpert {
    /// W_gate, W_up and W_down, in the order in which they are hashed.
    package var tensors: [TensorView] { [gate, up, down] }

    /// SHA-256 over kind, shape and the SHA-256 of the stored bytes of W_gate, W_up and W_down, whatever file they stand in: equal hashes,
    /// equal bits. Of the three apart, so that whoever reads a file from its beginning to its end may meet them in any order.
    ///
    /// - Parameter digests: of the stored bytes of `tensors`.
    package func contentHash(_ digests: [SHA256Digest]) -> SHA256Digest {
        var hash = SHA256()
        for (tensor, digest) in zip(tensors, digests) {
            hash.update(Array("\(tensor.type.name) \(tensor.shape) \(isTransposed)\n".utf8))
            hash.update(digest.bytes)
        }
        return hash.finalise()
    }

    /// As stored.
    package var byteCount: Int { gate.byteCount + up.byteCount + down.byteCount }
}

extension TensorView {
    /// SHA-256 of the stored bytes of all rows.
    package var digest: SHA256Digest {
        var hash = SHA256()
        withAllRows { hash.update($0) }
        return hash.finalise()
    }
}
