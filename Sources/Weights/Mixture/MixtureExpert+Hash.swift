import Digest

extension MixtureExpert {
    /// SHA-256 over kind, shape and stored bytes of W_gate, W_up and W_down, whatever file they stand in: equal hashes, equal bits.
    package var contentHash: SHA256Digest {
        var hash = SHA256()
        for tensor in [gate, up, down] {
            hash.update(Array("\(tensor.type.name) \(tensor.shape) \(isTransposed)\n".utf8))
            tensor.withAllRows { hash.update($0) }
        }
        return hash.finalise()
    }

    /// As stored.
    package var byteCount: Int { gate.byteCount + up.byteCount + down.byteCount }
}
