import Glibc

/// Host names to addresses, by the system's resolver.
///
/// `getaddrinfo` blocks and has no deadline, so it runs on threads apart, at most one for each name.
package enum NameResolver {
    private static let lookups = HostLookups(maximum: 64, lookUp: lookUp)

    /// The addresses of `host` in the resolver's order of preference (RFC 6724).
    ///
    /// A literal address is answered at once.
    ///
    /// - Throws: ``SocketError/unknownHost(_:)``, or ``SocketError/timedOut`` when the resolver gave no answer by `deadline`.
    package static func resolve(
        _ host: String, port: UInt16, on loop: EventLoop, by deadline: ContinuousClock.Instant
    ) async throws(SocketError) -> [SocketAddress] {
        if let literal = SocketAddress(host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)") {
            return [literal]
        }
        guard deadline > .now else { throw .timedOut }
        return try await lookups.addresses(of: host, on: loop, by: deadline).get().map { $0.with(port: port) }
    }

    private static func lookUp(_ host: String) -> HostLookups.Outcome {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, nil, &hints, &list)
        guard result == 0 else { return .failure(.unknownHost(String(cString: gai_strerror(result)))) }
        defer { freeaddrinfo(list) }
        let addresses = sequence(first: list, next: { $0?.pointee.ai_next }).compactMap { entry in
            entry?.pointee.ai_addr.map { SocketAddress(copying: $0, length: entry?.pointee.ai_addrlen ?? 0) }
        }
        return .success(Array(addresses.prefix(8)))
    }
}
