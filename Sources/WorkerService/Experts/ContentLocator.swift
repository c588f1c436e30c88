import ContentTransfer
import ExpertStore
import Messaging

/// Finds the folder of an expert that the router names by its content.
struct ContentLocator: Sendable {
    /// The topology's folder of experts, as this process sees it.
    let experts: String
    /// What came over the wire.
    let content: ContentStore
    let inbox: ContentInbox
    /// Nil where the router looks after the store.
    let keeper: ContentKeeper?

    /// Where the router has it, in the topology's folder, among what came earlier; else the router is asked for its bytes.
    func folder(of placed: PlacedExpert) throws(ArrangementRefusal) -> String {
        if !placed.folder.isEmpty, ContentStore.expert(in: placed.folder, placed.sha256) != nil { return placed.folder }
        if let own = ContentStore.expert(in: "\(experts)/\(placed.expert)", placed.sha256) { return own.folder }
        if let held = content.find(placed.sha256, name: placed.expert) { return held.folder }
        do throws(ExpertStoreError) {
            return try content.take(placed.sha256, name: placed.expert, from: inbox.source(of: placed.sha256)).folder
        } catch {
            throw ArrangementRefusal(.unfitExpert, "expert \(placed.expert) does not get here: \(error)")
        }
    }
}
