import Sockets

/// An absolute `http` or `https` URL (RFC 9110 §4.2), strictly: ASCII, no user information, no fragment.
package struct HTTPURL: Hashable, Sendable, CustomStringConvertible {
    /// Which of the two, and so whether TLS is spoken.
    package enum Scheme: String, Sendable { case http, https }

    /// Longer ones are none.
    package static let maximumBytes = 2048

    package let scheme: Scheme
    /// A name, an IPv4 address, or an IPv6 address without its brackets; lower case.
    package let host: String
    package let port: UInt16
    /// Path and query as they go on the request line; `/` when the URL has no path.
    package let target: String

    /// nil for anything that is not such a URL.
    package init?(_ text: String) {
        // From here on it is ASCII, so that bytes are characters, and much faster to look at.
        guard text.utf8.count <= Self.maximumBytes, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        let scheme: Scheme
        if text.hasPrefix("https://") {
            scheme = .https
        } else if text.hasPrefix("http://") {
            scheme = .http
        } else {
            return nil
        }
        let rest = text.dropFirst(scheme.rawValue.count + 3)
        let end = rest.utf8.firstIndex(where: { "/?#".utf8.contains($0) }) ?? rest.endIndex
        let authority = rest[..<end]
        var target = String(rest[end...])
        guard !target.utf8.contains(UInt8(ascii: "#")), !authority.isEmpty, !authority.utf8.contains(UInt8(ascii: "@"))
        else { return nil }
        if !target.hasPrefix("/") { target = "/" + target }

        var host = authority
        var port: UInt16 = scheme == .https ? 443 : 80
        let bracketEnd =
            authority.hasPrefix("[") ? authority.utf8.firstIndex(of: UInt8(ascii: "]")) : authority.startIndex
        guard let bracketEnd else { return nil }
        if let colon = authority[bracketEnd...].utf8.lastIndex(of: UInt8(ascii: ":")) {
            let digits = authority[colon...].dropFirst()
            guard !digits.isEmpty, digits.utf8.allSatisfy(\.isASCIIDigit), let number = UInt16(digits),
                number > 0
            else { return nil }
            host = authority[..<colon]
            port = number
        }
        if host.hasPrefix("[") {
            guard SocketAddress("\(host):0") != nil else { return nil }
            host = host.dropFirst().dropLast()
        } else {
            guard host.utf8.allSatisfy({ Self.isNameByte($0) }) else { return nil }
        }
        guard !host.isEmpty else { return nil }
        self.scheme = scheme
        self.host = host.lowercased()
        self.port = port
        self.target = target
    }

    /// The `Host` field: the port only where it is not the scheme's own.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (scheme == .https ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Whether the host is the loopback, the only place plain `http` may go.
    package var isLoopback: Bool { host == "localhost" || host == "::1" || Self.isLoopbackIPv4(host) }

    package var description: String { "\(scheme.rawValue)://\(authority)\(target)" }

    private static func isLoopbackIPv4(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte.isASCIILetter || byte.isASCIIDigit || "-._".utf8.contains(byte)
    }
}
