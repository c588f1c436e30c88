/// What a timer is about. A query has one timer, at the earliest of its deadline, its lease's end and the end of its
/// wait for a worker; a worker has one, at the earliest moment at which its state may change by itself.
enum TimerKey: Hashable, Sendable {
    case query(QueryKey)
    case worker(String)
    case congestion(ClientConnection)
    case retention
    case drain
}
