import Dispatch
import Glibc
import Synchronization

/// Host names to addresses, by the system's resolver.
///
/// `getaddrinfo` blocks and has no deadline, so it runs on threads apart, of which there is a bound: when that many hang,
/// further names fail at once instead of piling up.
package enum NameResolver {
    private static let maximumPending = 64
    private static let pending = Atomic<Int>(0)
    private static let threads = DispatchQueue(label: "tokenwell.name-resolver", attributes: .concurrent)

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
        guard pending.wrappingAdd(1, ordering: .relaxed).newValue <= maximumPending else {
            pending.wrappingSubtract(1, ordering: .relaxed)
            throw .unknownHost("the resolver is busy")
        }
        let answer = await withCheckedContinuation { continuation in
            let first = FirstAnswer(continuation)
            threads.async {
                let found = lookUp(host, port: port)
                pending.wrappingSubtract(1, ordering: .relaxed)
                first.give(found)
            }
            Task(executorPreference: loop) {
                await loop.sleep(until: deadline)
                first.give(.failure(.timedOut))
            }
        }
        return try answer.get()
    }

    private static func lookUp(_ host: String, port: UInt16) -> Result<[SocketAddress], SocketError> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, String(port), &hints, &list)
        guard result == 0 else { return .failure(.unknownHost(String(cString: gai_strerror(result)))) }
        defer { freeaddrinfo(list) }
        let addresses = sequence(first: list, next: { $0?.pointee.ai_next }).compactMap { entry in
            entry?.pointee.ai_addr.map { SocketAddress(copying: $0, length: entry?.pointee.ai_addrlen ?? 0) }
        }
        return .success(Array(addresses.prefix(8)))
    }
}

/// A continuation that the first of several answers resumes.
private final class FirstAnswer: Sendable {
    typealias Answer = Result<[SocketAddress], SocketError>
    private let continuation: Mutex<CheckedContinuation<Answer, Never>?>

    init(_ continuation: CheckedContinuation<Answer, Never>) { self.continuation = Mutex(continuation) }

    func give(_ answer: Answer) {
        continuation.withLock { continuation in
            defer { continuation = nil }
            return continuation
        }?.resume(returning: answer)
    }
}
