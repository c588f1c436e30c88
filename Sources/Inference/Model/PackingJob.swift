import Digest
import Kernels
import Synchronization
import Weights

/// What the threads of a load have done so far.
private struct PackingState: Sendable {
    let total: Int
    var done = 0
    var matrices: [String: PackedMatrix] = [:]
    /// Of the stored bytes, where they are wanted.
    var digests: [String: SHA256Digest] = [:]
    var failure: ModelError?

    init(total: Int) { self.total = total }

    /// Returns the fraction done.
    mutating func record(_ job: PackingJob, _ result: Result<PackedMatrix, PackingError>) -> Double {
        switch result {
        case .success(let matrix): matrices[job.tensor.name] = matrix
        case .failure(let error): failure = failure ?? .packing(tensor: job.tensor.name, error)
        }
        done += job.tensor.elementCount
        return Double(done) / Double(total)
    }
}

/// One matrix to pack.
struct PackingJob: Sendable {
    let tensor: TensorView
    /// Not quantised in any mode.
    var isExact = false
    /// The tensor is [inputs, outputs].
    var isTransposed = false

    static let attention = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"]
    static let extra = ["extra_mlp.gate_proj", "extra_mlp.up_proj", "extra_mlp.down_proj"]
    static let dense = ["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]

    static func headName(of configuration: ModelConfiguration) -> String {
        configuration.tiedEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight"
    }

    /// The head first: it is the largest and should not be what the others wait for.
    static func all(
        of checkpoint: Checkpoint, _ elsewhere: Set<MixtureCell>
    ) throws(ModelError) -> [PackingJob] {
        let configuration = checkpoint.configuration
        var names = [headName(of: configuration)]
        for layer in 0..<configuration.layerCount {
            let isMixture = configuration.mixture?.contains(layer: layer) == true
            let extra = isMixture && configuration.mixture?.hasExtra == true ? self.extra : []
            names += (attention + (isMixture ? extra : dense)).map { "model.layers.\(layer).\($0).weight" }
        }
        do throws(WeightsError) {
            var jobs = try names.map { name throws(WeightsError) in PackingJob(tensor: try checkpoint.tensor(name)) }
            for layer in configuration.mixture?.layers ?? [] {
                jobs += all(of: try MixtureTensors(checkpoint, layer: layer), layer, elsewhere)
            }
            return jobs
        } catch { throw .weights(error) }
    }

    private static func all(
        of tensors: MixtureTensors, _ layer: Int, _ elsewhere: Set<MixtureCell>
    ) -> [PackingJob] {
        let experts = tensors.experts.enumerated().filter {
            !elsewhere.contains(MixtureCell(layer: layer, expert: $0.offset))
        }.compactMap(\.element)
        return [PackingJob(tensor: tensors.router, isExact: true)]
            + (tensors.shared.map { [PackingJob(tensor: $0.weigher, isExact: true)] } ?? [])
            + (experts + (tensors.shared.map { [$0.expert] } ?? [])).flatMap { all(of: $0) }
    }

    static func all(of expert: MixtureExpert) -> [PackingJob] {
        [expert.gate, expert.up, expert.down].map { PackingJob(tensor: $0, isTransposed: expert.isTransposed) }
    }

    func pack(_ mode: ComputeMode) throws(PackingError) -> PackedMatrix {
        if isTransposed { return try packTransposed() }
        if let elements = ElementFormat(rawValue: tensor.type.name) {
            return try PackedMatrix(outputs: tensor.rows, inputs: tensor.columns, elements: elements) { output, take in
                tensor.withRow(output, take)
            }
        }
        guard mode == .fast, !isExact, let layout = BlockLayout(rawValue: tensor.type.name) else {
            return try PackedMatrix(outputs: tensor.rows, inputs: tensor.columns) { output, row in
                tensor.dequantise(row: output, into: &row)
            }
        }
        return try PackedMatrix(outputs: tensor.rows, inputs: tensor.columns, layout: layout) { output, take in
            tensor.withRow(output, take)
        }
    }
}

extension PackingJob {
    private func packTransposed() throws(PackingError) -> PackedMatrix {
        let values = tensor.floats()
        let outputs = tensor.columns
        return try PackedMatrix(outputs: outputs, inputs: tensor.rows) { output, row in
            for input in 0..<tensor.rows { row[input] = values[input * outputs + output] }
        }
    }
}

extension PackingJob {
    static func pack(
        _ jobs: [PackingJob], mode: ComputeMode, team: ComputeTeam, progress: @Sendable (Double) -> Void
    ) throws(ModelError) -> [String: PackedMatrix] {
        try run(jobs, mode: mode, hashes: false, team: team, progress: progress).matrices
    }

    /// By tensor: the matrix, and the digest of what it was made of. Each is hashed and packed by one thread while it is in the cache, and
    /// its pages of the file are let go of at once: what is resident is what has been packed.
    static func packHashing(
        _ jobs: [PackingJob], mode: ComputeMode, team: ComputeTeam
    ) throws(ModelError) -> (matrices: [String: PackedMatrix], digests: [String: SHA256Digest]) {
        let done = try run(jobs, mode: mode, hashes: true, team: team, progress: { _ in })
        return (done.matrices, done.digests)
    }

    private static func run(
        _ jobs: [PackingJob], mode: ComputeMode, hashes: Bool, team: ComputeTeam, progress: @Sendable (Double) -> Void
    ) throws(ModelError) -> PackingState {
        let state = Mutex(PackingState(total: jobs.reduce(0) { $0 + $1.tensor.elementCount }))
        team.run(parts: jobs.count) { part in
            let job = jobs[part]
            let digest = hashes ? job.tensor.digest : nil
            let result = Result { () throws(PackingError) in try job.pack(mode) }
            if hashes { job.tensor.releasePages() }
            let fraction = state.withLock {
                $0.digests[job.tensor.name] = digest
                return $0.record(job, result)
            }
            progress(fraction)
        }
        let done = state.withLock { $0 }
        if let failure = done.failure { throw failure }
        return done
    }
}
