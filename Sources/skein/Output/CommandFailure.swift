import Benchmarking
import Client
import ExpertStore
import Gating
import Inference
import Kernels
import Launcher
import Learning
import Messaging
import Threading
import Tokenization
import Topology
import Weights
import WorkerService

/// How a command ends when it does not end well. The message says what, where, and what to do.
struct CommandFailure: Error {
    enum Kind: String {
        case failed
        case usage
        case refused

        /// 1 failed, 2 usage, 3 refused or unavailable.
        var exitCode: Int32 {
            switch self {
            case .failed: 1
            case .usage: 2
            case .refused: 3
            }
        }
    }

    let kind: Kind
    /// Empty where everything has been said already.
    let message: String

    static func failed(_ message: String) -> Self { Self(kind: .failed, message: message) }
    static func usage(_ message: String) -> Self { Self(kind: .usage, message: message) }
    static func refused(_ message: String) -> Self { Self(kind: .refused, message: message) }
}

extension CommandFailure {
    /// The failures that other targets expect; nil for what only the argument parser can explain.
    init?(expected error: any Error) {
        switch error {
        case let error as CommandFailure: self = error
        case let error as TopologyError: self = .usage(error.description)
        case let error as WeightsError: self = .failed(error.description)
        case let error as ExpertStoreError: self = .init(error)
        case let error as ModelError: self = .failed(error.description)
        case let error as TokenizationError: self = .failed(error.description)
        case let error as ScoreError: self = .init(error)
        case let error as LearningError: self = .init(error)
        case let error as AdmissionError: self = .init(error)
        case let error as EngineLimitsError: self = .failed(error.description)
        case let error as LauncherError: self = .init(error)
        case let error as ClientError: self = .init(error)
        case let error as Failure: self = .init(error)
        case let error as SocketError: self = .failed(error.description)
        case let error as KeyError: self = .usage(error.description)
        case let error as WorkerFault: self = .failed(error.description)
        case let error as PeerError: self = .failed(error.description)
        case let error as PackingError: self = .failed("\(error)")
        case let error as ClusterPathsError: self = .failed(error.description)
        case let error as ThreadingError: self = .failed(error.description)
        case let error as ExpertSetError: self = .failed(error.description)
        default: return nil
        }
    }

    /// Another trunk's expert and a taken name are refused; a file that is not what it should be is a failure, as with models.
    private init(_ error: ExpertStoreError) {
        switch error.reason {
        case .otherTrunk, .nameTaken: self = .refused(error.description)
        case .unreadable, .missing, .malformed, .hashMismatch, .unsupported, .adapter: self = .failed(error.description)
        }
    }

    /// What is wrong with the data is a wrong input; a run that does not fit beside another, or to a trunk, is refused.
    private init(_ error: LearningError) {
        switch error.reason {
        case .malformed, .tooLittle, .tooLong, .unreadable: self = .usage(error.description)
        case .mismatch, .taken: self = .refused(error.description)
        case .unwritable, .notFinite: self = .failed(error.description)
        }
    }

    /// Ids that no model of this vocabulary has, or too few of them, are a wrong input; too many are for a model to refuse.
    private init(_ error: ScoreError) {
        switch error {
        case .tooManyTokens: self = .refused(error.description)
        case .expert: self = .failed(error.description)
        default: self = .usage(error.description)
        }
    }

    private init(_ error: LauncherError) {
        switch error {
        case .alreadyLaunched, .leftovers, .detachedEnded(_, code: 3, _): self = .refused(error.description)
        case .detachedEnded(_, code: 2, _): self = .usage(error.description)
        default: self = .failed(error.description)
        }
    }

    /// Parameters outside their range are usage errors; a prompt that does not fit is refused.
    private init(_ error: AdmissionError) {
        switch error {
        case .invalidSampling, .invalidMaxTokens, .invalidGeneratedBefore, .invalidTopLogprobs, .invalidRoute:
            self = .usage(error.description)
        case .emptyPrompt, .nothingToPredict, .promptTooLong, .tokenOutOfVocabulary, .exceedsCache, .queueFull,
            .noMaster, .promptNotWhole:
            self = .refused(error.description)
        }
    }

    private init(_ error: ClientError) {
        switch error {
        case .refused(let failure): self.init(failure)
        case .unreachable, .timedOut, .closed, .busy: self = .refused(error.description)
        }
    }

    /// Refused is what was never begun; failed is what began and came to no good end.
    init(_ failure: Failure) {
        switch failure.kind {
        case .workerLost, .poisonQuery, .deadlineExceeded, .cancelled, .leaseExpired, .internal, .unknownOutcome,
            .numericsMismatch, .endpointFailed:
            self = .failed(failure.description)
        case .malformed, .unknownVersion, .oversize, .wrongDType, .truncatedTensor, .forbidden, .unknownNode,
            .emptyPrompt,
            .promptTooLong, .invalidParameter, .idConflict, .unknownQuery, .busy, .noWorker, .draining, .nameTaken,
            .unknownWorker, .unknownExpert, .unknownSite, .unknownSet, .unfitExpert, .workerFull,
            .refused:
            self = .refused(failure.description)
        }
    }
}
