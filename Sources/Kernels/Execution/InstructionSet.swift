import CKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The processor instructions that kernels use. Every set gives the same bits; only speed differs.
package enum InstructionSet: String, CaseIterable, Comparable, Sendable {
    /// Plain C (NEON through the compiler on aarch64).
    case portable
    /// AVX2, FMA, F16C.
    case avx2
    /// AVX-512 F, BW, VL, DQ and VNNI.
    case avx512

    /// The fastest set of this machine, or the one that the environment variable SKEIN_INSTRUCTION_SET names, for diagnostics
    /// (ignored when it names none, or one that this machine lacks).
    package static let best: InstructionSet = {
        if let named = getenv("SKEIN_INSTRUCTION_SET").flatMap({ InstructionSet(rawValue: String(cString: $0)) }),
            named.isAvailable
        {
            return named
        }
        return available.last ?? .portable
    }()

    /// The sets this machine runs, slowest first.
    package static var available: [InstructionSet] { allCases.filter(\.isAvailable) }

    package var isAvailable: Bool { ck_isa_available(code) == 1 }

    package static func < (left: Self, right: Self) -> Bool { left.code < right.code }

    var code: Int32 {
        switch self {
        case .portable: Int32(CK_PORTABLE)
        case .avx2: Int32(CK_AVX2)
        case .avx512: Int32(CK_AVX512)
        }
    }
}

/// What a router compares before it mixes workers' results: kernels of one version give the same bits on every machine.
/// Raise it with any change that changes a bit of any result.
package enum KernelVersion {
    package static let current = "skein-kernels-1"
}
