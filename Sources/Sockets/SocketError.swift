import Glibc

/// What can go wrong with a socket.
package enum SocketError: Error, Equatable, Sendable {
    /// A system call failed; the number is its `errno`.
    case system(call: String, errno: Int32)
    /// The deadline passed.
    case timedOut
    /// The peer is gone: reset, or closed while we were writing.
    case closed
    /// The wait was ended by ``EventLoop/interrupt()``.
    case interrupted
    /// The name has no address, or the resolver gave none in time; the text is `getaddrinfo`'s.
    case unknownHost(String)
    case tls(TLSError)

    /// Whether the process, or the system, has no descriptor or memory left.
    package var isScarcity: Bool {
        guard case .system(_, let number) = self else { return false }
        return [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(number)
    }

    /// The error of the system call that has just returned -1.
    static func last(_ call: String) -> SocketError {
        let number = errno
        return number == EPIPE || number == ECONNRESET ? .closed : .system(call: call, errno: number)
    }
}

extension SocketError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .system(let call, let number): "\(call): \(String(cString: strerror(number)))"
        case .timedOut: "timed out"
        case .closed: "closed by the peer"
        case .interrupted: "interrupted"
        case .unknownHost(let reason): "unknown host: \(reason)"
        case .tls(let error): error.description
        }
    }
}
