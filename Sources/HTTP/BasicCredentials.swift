import FoundationEssentials

/// The `Basic` authentication scheme (RFC 7617), as OAuth uses it (RFC 6749 §2.3.1).
package struct BasicCredentials: Sendable, Equatable {
    package var user: String
    package var password: String

    /// - Parameter user: Without a colon, which would end it (RFC 7617 §2).
    package init(user: String, password: String) {
        self.user = user
        self.password = password
    }

    /// Reads the value of an `Authorization` field, without form-decoding; nil when it is not well-formed Basic.
    package init?(field value: String) {
        guard value.utf8.count > 6, value.prefix(6).lowercased() == "basic ",
            let decoded = Data(base64Encoded: String(value.dropFirst(6))),
            let text = String(validating: decoded, as: UTF8.self),
            let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            !text.utf8.contains(where: \.isASCIIControl)
        else { return nil }
        user = String(text[..<colon])
        password = String(text[text.utf8.index(after: colon)...])
    }

    /// The value for an `Authorization` field.
    package var field: String { "Basic " + Data("\(user):\(password)".utf8).base64EncodedString() }
}
