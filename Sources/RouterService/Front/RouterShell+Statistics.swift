import Messaging
import Routing
import Statistics

extension RouterShell {
    /// Since the beginning comes from memory; a window comes from the history, off this thread.
    func answer(_ request: StatisticsRequest, from connection: ClientConnection) {
        let shadows = publishing.shadowReports
        guard request.windowSeconds > 0 else {
            var reply = statistics.total()
            reply.shadows = shadows
            return answer(.statisticsReply(reply), to: connection)
        }
        let inbox = inbox
        let asked = statistics.window(seconds: request.windowSeconds) { result in
            switch result {
            case .success(let snapshot):
                var reply = StatisticsReply(snapshot)
                reply.shadows = shadows
                inbox.post(.reply(.statisticsReply(reply), connection))
            case .failure(let error):
                inbox.post(.reply(.failure(Failure(kind: .internal, message: error.description)), connection))
            }
        }
        if !asked {
            refuse(.internal, "there is no statistics history; the router's log says why", to: connection)
        }
    }
}
