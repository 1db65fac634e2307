/// Which JWTs prove a caller: those that an issuer has given to a subject.
package struct CallerJWT: Hashable, Sendable {
    /// A subject as it is, or its beginning, written with a final `*`.
    package enum Subject: Hashable, Sendable, CustomStringConvertible {
        case exact(String)
        case prefix(String)

        /// nil when it is empty, of more than 1024 bytes, or has a `*` anywhere but at its end.
        package init?(_ text: String) {
            let name = text.hasSuffix("*") ? String(text.dropLast()) : text
            guard (1...1024).contains(text.utf8.count), !name.utf8.contains(UInt8(ascii: "*")) else { return nil }
            self = name == text ? .exact(name) : .prefix(name)
        }

        package var description: String {
            switch self {
            case .exact(let name): name
            case .prefix(let prefix): prefix + "*"
            }
        }
    }

    /// The `iss` claim: one of the configuration's issuers.
    package var issuer: String
    /// The `sub` claim.
    package var subject: Subject

    package init(issuer: String, subject: Subject) {
        self.issuer = issuer
        self.subject = subject
    }
}
