import CCurl

/// One call on its way: a libcurl handle and what has come of it. Lives on the callers' thread.
final class Transfer {
    let ticket: UInt64
    let handle: UnsafeMutableRawPointer
    private let request: EndpointRequest
    private let body: [UInt8]
    private var headers: UnsafeMutablePointer<curl_slist>?
    private let emit: (EndpointEvent) -> Void
    private var stream = AnswerStream()
    /// Of anything but a stream.
    private var other: [UInt8] = []
    private(set) var fault: EndpointFault?
    private let startedMicroseconds: UInt64
    private(set) var heardMicroseconds: UInt64
    private var clock: () -> UInt64

    private static let otherBytesMax = 1 << 20

    /// nil when libcurl has no memory left.
    init?(
        _ ticket: UInt64, _ request: EndpointRequest, clock: @escaping () -> UInt64,
        emit: @escaping (EndpointEvent) -> Void
    ) {
        guard let handle = curl_easy_init() else { return nil }
        self.handle = handle
        self.ticket = ticket
        self.request = request
        self.emit = emit
        self.clock = clock
        body = request.body()
        startedMicroseconds = clock()
        heardMicroseconds = startedMicroseconds
        configure()
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_slist_free_all(headers)
    }

    /// When silence is too long; the deadline is libcurl's.
    var silentAtMicroseconds: UInt64 { heardMicroseconds + UInt64(request.silenceMilliseconds) * 1000 }

    private func configure() {
        for header in ["Content-Type: application/json", "Accept: text/event-stream", "Expect:"] {
            headers = curl_slist_append(headers, header)
        }
        if let key = request.key { headers = curl_slist_append(headers, "Authorization: Bearer \(key)") }
        text(CURLOPT_URL, request.url + "/chat/completions")
        text(CURLOPT_PROTOCOLS_STR, "http,https")
        text(CURLOPT_USERAGENT, "skein")
        if let file = request.certificatesFile { text(CURLOPT_CAINFO, file) }
        number(CURLOPT_NOSIGNAL, 1)
        number(CURLOPT_POST, 1)
        number(CURLOPT_CONNECTTIMEOUT_MS, request.connectMilliseconds)
        number(CURLOPT_TIMEOUT_MS, max(1, request.deadlineMilliseconds))
        number(CURLOPT_POSTFIELDSIZE, body.count)
        _ = skein_curl_set_list(handle, CURLOPT_HTTPHEADER, headers)
        body.withUnsafeBytes { bytes in
            // Copied by libcurl.
            _ = skein_curl_set_context(
                handle, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: bytes.baseAddress))
        }
        _ = skein_curl_set_receiver(handle, CURLOPT_WRITEFUNCTION, receive)
        _ = skein_curl_set_context(handle, CURLOPT_WRITEDATA, Unmanaged.passUnretained(self).toOpaque())
    }

    private func text(_ option: CURLoption, _ value: String) { _ = skein_curl_set_text(handle, option, value) }
    private func number(_ option: CURLoption, _ value: Int) { _ = skein_curl_set_number(handle, option, value) }

    private var status: Int { skein_curl_status(handle) }
    private var contentType: String { skein_curl_content_type(handle).map { String(cString: $0).lowercased() } ?? "" }
    private var streams: Bool { status == 200 && contentType.hasPrefix("text/event-stream") }

    /// False: no more of this is wanted.
    func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        heardMicroseconds = clock()
        guard streams else {
            other += bytes.prefix(Self.otherBytesMax - other.count)
            return other.count < Self.otherBytesMax
        }
        do throws(EndpointFault) {
            let text = try stream.take(bytes)
            if !text.isEmpty { emit(.text(text)) }
            return true
        } catch {
            fault = error
            return false
        }
    }

    /// libcurl has nothing more to do with it.
    func end(_ code: CURLcode) {
        do throws(EndpointFault) { emit(.ended(.finished(reason: try outcome(code)))) } catch { fail(error) }
    }

    func fail(_ fault: EndpointFault) {
        let placed = EndpointFault(
            fault.kind, "\(request.url): \(fault.description)", retryAfterMilliseconds: fault.retryAfterMilliseconds)
        emit(.ended(.failed(placed)))
    }

    func failForSilence() {
        fail(
            EndpointFault(
                .silent,
                "it has been silent for \(request.silenceMilliseconds) ms; raise silence_milliseconds, or see what it does"
            ))
    }

    private func outcome(_ code: CURLcode) throws(EndpointFault) -> String {
        if let fault { throw fault }
        if code != CURLE_OK, let fault = connectionFault(code) { throw fault }
        if let fault = statusFault() { throw fault }
        if contentType.hasPrefix("text/event-stream") {
            guard stream.isComplete else {
                throw EndpointFault(.halfStream, "its answer broke off in the middle")
            }
            return stream.finishReason ?? "stop"
        }
        guard contentType.hasPrefix("application/json") else {
            throw EndpointFault(
                .notStream,
                "it sent \(contentType.isEmpty ? "no content type" : contentType) where an event stream was asked for; "
                    + "is the url that of an OpenAI-compatible server, up to /v1?")
        }
        let (text, reason) = try AnswerStream.whole(other)
        emit(.text(text))
        return reason
    }

    private func connectionFault(_ code: CURLcode) -> EndpointFault? {
        let said = String(cString: curl_easy_strerror(code))
        switch code {
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CONNECT_ERROR:
            return EndpointFault(
                .certificate, "\(said); give certificates: FILE in the topology, or correct the server's certificate")
        case CURLE_OPERATION_TIMEDOUT:
            let waited = (clock() - startedMicroseconds) / 1000
            return waited + 50 < UInt64(max(1, request.deadlineMilliseconds))
                ? EndpointFault(.unreachable, "no connection within \(request.connectMilliseconds) ms")
                : EndpointFault(.deadline, "it has not answered within the query's time")
        // The stream may have been complete all the same.
        case CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_GOT_NOTHING, CURLE_HTTP2_STREAM:
            return streams && stream.isComplete ? nil : EndpointFault(.halfStream, "its answer broke off: \(said)")
        default: return EndpointFault(.unreachable, "\(said); is it up?")
        }
    }

    private func statusFault() -> EndpointFault? {
        let retry = UInt64(max(0, skein_curl_retry_after_seconds(handle))) * 1000
        switch status {
        case 200: return nil
        case 429, 503:
            return EndpointFault(
                .busy, "it is busy (\(status)): \(AnswerStream.message(other))", retryAfterMilliseconds: retry)
        case 401, 403:
            return EndpointFault(
                .key, "it refuses the key (\(status)): \(AnswerStream.message(other)); see key_variable in the topology"
            )
        default:
            return EndpointFault(
                .status, "it answered \(status): \(AnswerStream.message(other))", retryAfterMilliseconds: retry)
        }
    }
}

/// libcurl's word that bytes have come.
private func receive(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context, let bytes else { return 0 }
    let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    return transfer.take(UnsafeRawBufferPointer(start: bytes, count: size * count)) ? size * count : 0
}
