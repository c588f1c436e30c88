import CEnvelope

/// What an envelope may hold.
package enum Message: Sendable, Equatable {
    case query(Query)
    case accepted(Accepted)
    case partial(Partial)
    case final(Final)
    case failure(Failure)
    case cancel(Cancel)
    case lease(Lease)
    case statisticsRequest(StatisticsRequest)
    case statisticsReply(StatisticsReply)
    case statisticsEvent(StatisticsEvent)
    case statusRequest(StatusRequest)
    case statusReply(StatusReply)
    case routingRequest(RoutingRequest)
    case routingReport(RoutingReport)
    case hello(Hello)
    case welcome(Welcome)
    case heartbeat(Heartbeat)
    case goodbye(Goodbye)
    case assign(Assign)
    case withdraw(Withdraw)
    case generated(Generated)
    case ended(Ended)
    case membership(Membership)
    case openSet(OpenSet)
    case setOpened(SetOpened)
    case dispatch(Dispatch)
    case combine(Combine)
    case dispatchFailed(DispatchFailed)
    case changeExperts(ChangeExperts)
    case expertsChanged(ExpertsChanged)
    case arrangeExperts(ArrangeExperts)
    case expertsArranged(ExpertsArranged)
    case shadowReport(ShadowReport)
    case contentRequest(ContentRequest)
    case contentPart(ContentPart)
}

extension Message {
    /// Puts the message into the envelope's one-of.
    func encode(into c: inout Skein__Envelope, _ arena: Arena) {
        switch self {
        case .query(let body): (c.body_case, c.query) = (SKEIN__ENVELOPE__BODY_QUERY, body.encoded(arena))
        case .accepted(let body): (c.body_case, c.accepted) = (SKEIN__ENVELOPE__BODY_ACCEPTED, body.encoded(arena))
        case .partial(let body): (c.body_case, c.partial) = (SKEIN__ENVELOPE__BODY_PARTIAL, body.encoded(arena))
        case .final(let body): (c.body_case, c.final) = (SKEIN__ENVELOPE__BODY_FINAL, body.encoded(arena))
        case .failure(let body): (c.body_case, c.failure) = (SKEIN__ENVELOPE__BODY_FAILURE, body.encoded(arena))
        case .cancel(let body): (c.body_case, c.cancel) = (SKEIN__ENVELOPE__BODY_CANCEL, body.encoded(arena))
        case .lease(let body): (c.body_case, c.lease) = (SKEIN__ENVELOPE__BODY_LEASE, body.encoded(arena))
        case .statisticsRequest(let body):
            (c.body_case, c.statistics_request) = (SKEIN__ENVELOPE__BODY_STATISTICS_REQUEST, body.encoded(arena))
        case .statisticsReply(let body):
            (c.body_case, c.statistics_reply) = (SKEIN__ENVELOPE__BODY_STATISTICS_REPLY, body.encoded(arena))
        case .statisticsEvent(let body):
            (c.body_case, c.statistics_event) = (SKEIN__ENVELOPE__BODY_STATISTICS_EVENT, body.encoded(arena))
        case .statusRequest(let body):
            (c.body_case, c.status_request) = (SKEIN__ENVELOPE__BODY_STATUS_REQUEST, body.encoded(arena))
        case .statusReply(let body):
            (c.body_case, c.status_reply) = (SKEIN__ENVELOPE__BODY_STATUS_REPLY, body.encoded(arena))
        case .routingRequest(let body):
            (c.body_case, c.routing_request) = (SKEIN__ENVELOPE__BODY_ROUTING_REQUEST, body.encoded(arena))
        case .routingReport(let body):
            (c.body_case, c.routing_report) = (SKEIN__ENVELOPE__BODY_ROUTING_REPORT, body.encoded(arena))
        case .hello(let body): (c.body_case, c.hello) = (SKEIN__ENVELOPE__BODY_HELLO, body.encoded(arena))
        case .welcome(let body): (c.body_case, c.welcome) = (SKEIN__ENVELOPE__BODY_WELCOME, body.encoded(arena))
        case .heartbeat(let body): (c.body_case, c.heartbeat) = (SKEIN__ENVELOPE__BODY_HEARTBEAT, body.encoded(arena))
        case .goodbye(let body): (c.body_case, c.goodbye) = (SKEIN__ENVELOPE__BODY_GOODBYE, body.encoded(arena))
        case .assign(let body): (c.body_case, c.assign) = (SKEIN__ENVELOPE__BODY_ASSIGN, body.encoded(arena))
        case .withdraw(let body): (c.body_case, c.withdraw) = (SKEIN__ENVELOPE__BODY_WITHDRAW, body.encoded(arena))
        case .generated(let body): (c.body_case, c.generated) = (SKEIN__ENVELOPE__BODY_GENERATED, body.encoded(arena))
        case .ended(let body): (c.body_case, c.ended) = (SKEIN__ENVELOPE__BODY_ENDED, body.encoded(arena))
        case .membership(let body):
            (c.body_case, c.membership) = (SKEIN__ENVELOPE__BODY_MEMBERSHIP, body.encoded(arena))
        case .openSet(let body): (c.body_case, c.open_set) = (SKEIN__ENVELOPE__BODY_OPEN_SET, body.encoded(arena))
        case .setOpened(let body): (c.body_case, c.set_opened) = (SKEIN__ENVELOPE__BODY_SET_OPENED, body.encoded(arena))
        case .dispatch(let body): (c.body_case, c.dispatch) = (SKEIN__ENVELOPE__BODY_DISPATCH, body.encoded(arena))
        case .combine(let body): (c.body_case, c.combine) = (SKEIN__ENVELOPE__BODY_COMBINE, body.encoded(arena))
        case .dispatchFailed(let body):
            (c.body_case, c.dispatch_failed) = (SKEIN__ENVELOPE__BODY_DISPATCH_FAILED, body.encoded(arena))
        case .changeExperts(let body):
            (c.body_case, c.change_experts) = (SKEIN__ENVELOPE__BODY_CHANGE_EXPERTS, body.encoded(arena))
        case .expertsChanged(let body):
            (c.body_case, c.experts_changed) = (SKEIN__ENVELOPE__BODY_EXPERTS_CHANGED, body.encoded(arena))
        case .arrangeExperts(let body):
            (c.body_case, c.arrange_experts) = (SKEIN__ENVELOPE__BODY_ARRANGE_EXPERTS, body.encoded(arena))
        case .expertsArranged(let body):
            (c.body_case, c.experts_arranged) = (SKEIN__ENVELOPE__BODY_EXPERTS_ARRANGED, body.encoded(arena))
        case .shadowReport(let body):
            (c.body_case, c.shadow_report) = (SKEIN__ENVELOPE__BODY_SHADOW_REPORT, body.encoded(arena))
        case .contentRequest(let body):
            (c.body_case, c.content_request) = (SKEIN__ENVELOPE__BODY_CONTENT_REQUEST, body.encoded(arena))
        case .contentPart(let body):
            (c.body_case, c.content_part) = (SKEIN__ENVELOPE__BODY_CONTENT_PART, body.encoded(arena))
        }
    }

    init(_ c: Skein__Envelope) throws(WireError) {
        switch c.body_case {
        case SKEIN__ENVELOPE__BODY_QUERY: self = .query(try Query(body(c.query)))
        case SKEIN__ENVELOPE__BODY_ACCEPTED: self = .accepted(try Accepted(body(c.accepted)))
        case SKEIN__ENVELOPE__BODY_PARTIAL: self = .partial(try Partial(body(c.partial)))
        case SKEIN__ENVELOPE__BODY_FINAL: self = .final(try Final(body(c.final)))
        case SKEIN__ENVELOPE__BODY_FAILURE: self = .failure(try Failure(body(c.failure)))
        case SKEIN__ENVELOPE__BODY_CANCEL: self = .cancel(try Cancel(body(c.cancel)))
        case SKEIN__ENVELOPE__BODY_LEASE: self = .lease(try Lease(body(c.lease)))
        case SKEIN__ENVELOPE__BODY_STATISTICS_REQUEST:
            self = .statisticsRequest(try StatisticsRequest(body(c.statistics_request)))
        case SKEIN__ENVELOPE__BODY_STATISTICS_REPLY:
            self = .statisticsReply(try StatisticsReply(body(c.statistics_reply)))
        case SKEIN__ENVELOPE__BODY_STATISTICS_EVENT:
            self = .statisticsEvent(try StatisticsEvent(body(c.statistics_event)))
        case SKEIN__ENVELOPE__BODY_STATUS_REQUEST: self = .statusRequest(try StatusRequest(body(c.status_request)))
        case SKEIN__ENVELOPE__BODY_STATUS_REPLY: self = .statusReply(try StatusReply(body(c.status_reply)))
        case SKEIN__ENVELOPE__BODY_ROUTING_REQUEST: self = .routingRequest(try RoutingRequest(body(c.routing_request)))
        case SKEIN__ENVELOPE__BODY_ROUTING_REPORT: self = .routingReport(try RoutingReport(body(c.routing_report)))
        case SKEIN__ENVELOPE__BODY_HELLO: self = .hello(try Hello(body(c.hello)))
        case SKEIN__ENVELOPE__BODY_WELCOME: self = .welcome(try Welcome(body(c.welcome)))
        case SKEIN__ENVELOPE__BODY_HEARTBEAT: self = .heartbeat(try Heartbeat(body(c.heartbeat)))
        case SKEIN__ENVELOPE__BODY_GOODBYE: self = .goodbye(try Goodbye(body(c.goodbye)))
        case SKEIN__ENVELOPE__BODY_ASSIGN: self = .assign(try Assign(body(c.assign)))
        case SKEIN__ENVELOPE__BODY_WITHDRAW: self = .withdraw(try Withdraw(body(c.withdraw)))
        case SKEIN__ENVELOPE__BODY_GENERATED: self = .generated(try Generated(body(c.generated)))
        case SKEIN__ENVELOPE__BODY_ENDED: self = .ended(try Ended(body(c.ended)))
        case SKEIN__ENVELOPE__BODY_MEMBERSHIP: self = .membership(try Membership(body(c.membership)))
        case SKEIN__ENVELOPE__BODY_OPEN_SET: self = .openSet(try OpenSet(body(c.open_set)))
        case SKEIN__ENVELOPE__BODY_SET_OPENED: self = .setOpened(try SetOpened(body(c.set_opened)))
        case SKEIN__ENVELOPE__BODY_DISPATCH: self = .dispatch(try Dispatch(body(c.dispatch)))
        case SKEIN__ENVELOPE__BODY_COMBINE: self = .combine(try Combine(body(c.combine)))
        case SKEIN__ENVELOPE__BODY_DISPATCH_FAILED: self = .dispatchFailed(try DispatchFailed(body(c.dispatch_failed)))
        case SKEIN__ENVELOPE__BODY_CHANGE_EXPERTS: self = .changeExperts(try ChangeExperts(body(c.change_experts)))
        case SKEIN__ENVELOPE__BODY_EXPERTS_CHANGED: self = .expertsChanged(try ExpertsChanged(body(c.experts_changed)))
        case SKEIN__ENVELOPE__BODY_ARRANGE_EXPERTS: self = .arrangeExperts(try ArrangeExperts(body(c.arrange_experts)))
        case SKEIN__ENVELOPE__BODY_EXPERTS_ARRANGED:
            self = .expertsArranged(try ExpertsArranged(body(c.experts_arranged)))
        case SKEIN__ENVELOPE__BODY_SHADOW_REPORT: self = .shadowReport(try ShadowReport(body(c.shadow_report)))
        case SKEIN__ENVELOPE__BODY_CONTENT_REQUEST: self = .contentRequest(try ContentRequest(body(c.content_request)))
        case SKEIN__ENVELOPE__BODY_CONTENT_PART: self = .contentPart(try ContentPart(body(c.content_part)))
        default: throw .unknownBody
        }
    }
}

private func body<C>(_ pointer: UnsafeMutablePointer<C>?) throws(WireError) -> C {
    guard let pointer else { throw .unknownBody }
    return pointer.pointee
}
