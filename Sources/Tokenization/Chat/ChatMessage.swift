/// Who speaks. A closed set: a role is inserted as text, and text of a user must not name it.
package enum ChatRole: String, Sendable {
    case system
    case user
    case assistant
}

/// One turn of a conversation.
package struct ChatMessage: Sendable, Equatable {
    package var role: ChatRole
    package var content: String

    package init(_ role: ChatRole, _ content: String) {
        self.role = role
        self.content = content
    }
}
