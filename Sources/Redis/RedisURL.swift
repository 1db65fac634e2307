import Sockets

/// Where a server is: `redis://[user@]host[:port][/database]`, or `rediss` for TLS.
///
/// Strictly: ASCII, no password, no query, no fragment.
package struct RedisURL: Hashable, Sendable, CustomStringConvertible {
    /// Why a text is no such URL.
    package enum Mistake: Error, Hashable, Sendable {
        case scheme
        /// A password, which does not belong where everybody can see it.
        case password
        case user, host, port, database
    }

    /// Longer ones are none.
    package static let maximumBytes = 2048
    package static let defaultPort: UInt16 = 6379

    package let isTLS: Bool
    package let user: String?
    /// A name, an IPv4 address, or an IPv6 address without its brackets; lower case.
    package let host: String
    package let port: UInt16
    package let database: Int

    package init(_ text: String) throws(Mistake) {
        guard text.utf8.count <= Self.maximumBytes, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .host
        }
        let rest: Substring
        if text.hasPrefix("rediss://") {
            (isTLS, rest) = (true, text.dropFirst(9))
        } else if text.hasPrefix("redis://") {
            (isTLS, rest) = (false, text.dropFirst(8))
        } else {
            throw .scheme
        }
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        database = try parts.count == 1 || parts[1].isEmpty ? 0 : Self.number(parts[1], upTo: 65_535, or: .database)
        var place = parts[0]
        // The last one, so that what was meant as a password is not taken for a host.
        if let at = place.lastIndex(of: "@") {
            let user = place[..<at]
            guard !user.contains(":") else { throw .password }
            guard (1...128).contains(user.utf8.count), user.utf8.allSatisfy(Self.isNameByte) else { throw .user }
            self.user = String(user)
            place = place[place.index(after: at)...]
        } else {
            user = nil
        }
        (host, port) = try Self.hostAndPort(place)
    }

    private static func hostAndPort(_ place: Substring) throws(Mistake) -> (String, UInt16) {
        var host = place
        var port = defaultPort
        let bracketEnd = place.hasPrefix("[") ? place.firstIndex(of: "]") : place.startIndex
        guard let bracketEnd else { throw .host }
        if let colon = place[bracketEnd...].lastIndex(of: ":") {
            port = UInt16(try number(place[colon...].dropFirst(), upTo: 65_535, or: .port))
            guard port > 0 else { throw .port }
            host = place[..<colon]
        }
        if host.hasPrefix("[") {
            guard SocketAddress("\(host):0") != nil else { throw .host }
            host = host.dropFirst().dropLast()
        } else {
            guard host.utf8.allSatisfy(isNameByte) else { throw .host }
        }
        guard !host.isEmpty else { throw .host }
        return (host.lowercased(), port)
    }

    private static func number(_ text: Substring, upTo maximum: Int, or mistake: Mistake) throws(Mistake) -> Int {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(text), number <= maximum
        else { throw mistake }
        return number
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x30...0x39: true
        default: "-._".utf8.contains(byte)
        }
    }

    /// Whether the host is the loopback, the only place that plain `redis` may go.
    package var isLoopback: Bool {
        host == "localhost" || SocketAddress(host.contains(":") ? "[\(host)]:0" : "\(host):0")?.isLoopback == true
    }

    package var description: String {
        let place = host.contains(":") ? "[\(host)]" : host
        return "\(isTLS ? "rediss" : "redis")://\(user.map { "\($0)@" } ?? "")\(place):\(port)/\(database)"
    }
}
