import Foundation

/// Why the system did not do what a file operation asked for, in the system's own few words ("Permission denied"): Foundation's
/// sentences name the file once more, and never what to do.
package enum SystemReason {
    package static func text(of error: any Error) -> String {
        var next: NSError? = error as NSError
        while let current = next {
            if current.domain == NSPOSIXErrorDomain { return String(cString: strerror(Int32(current.code))) }
            next = current.userInfo[NSUnderlyingErrorKey] as? NSError
        }
        return String(cString: strerror(number(of: error)))
    }

    /// Foundation's codes that stand for one of the system's; anything else is an input/output error.
    private static func number(of error: any Error) -> Int32 {
        switch (error as? CocoaError)?.code {
        case .fileNoSuchFile, .fileReadNoSuchFile: ENOENT
        case .fileReadNoPermission, .fileWriteNoPermission: EACCES
        case .fileWriteOutOfSpace: ENOSPC
        case .fileWriteFileExists: EEXIST
        case .fileWriteVolumeReadOnly: EROFS
        case .fileReadTooLarge: EFBIG
        case .fileReadInvalidFileName, .fileWriteInvalidFileName: EINVAL
        default: EIO
        }
    }

    /// Where a JSON document is not what it should be, and how: `models.m.published[2].expert is missing`.
    package static func text(of error: DecodingError) -> String {
        func place(_ path: [any CodingKey]) -> String {
            path.reduce(into: "") { text, key in
                if let index = key.intValue { return text += "[\(index)]" }
                text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        func at(_ path: [any CodingKey], _ what: String) -> String {
            let place = place(path)
            return place.isEmpty ? what : "\(place) \(what)"
        }
        return switch error {
        case .keyNotFound(let key, let context): at(context.codingPath + [key], "is missing")
        case .typeMismatch(_, let context): at(context.codingPath, "has the wrong type")
        case .valueNotFound(_, let context): at(context.codingPath, "is null")
        case .dataCorrupted(let context) where context.codingPath.isEmpty: "is not JSON"
        case .dataCorrupted(let context): at(context.codingPath, "has a value that cannot be")
        @unknown default: "is not what it should be"
        }
    }
}
