package import Sockets

/// Why a command got no answer.
package enum RedisError: Error, Hashable, Sendable {
    case unknownHost(String)
    /// No connection: refused, unreachable; the text names the call and its error.
    case connect(String)
    /// No TLS with whom we meant to talk to.
    case tls(TLSError)
    /// Connected, and then reset or closed. The command may have been carried out.
    case closed
    /// The deadline passed. The command may have been carried out.
    case timedOut
    /// What came is no RESP, exceeds the limits, or is not what was asked for.
    case malformed
    case refused(RedisRefusal)
    /// A Sentinel, which knows where a server is and is none.
    case sentinel
    /// A node of a Redis Cluster.
    case cluster
    /// More waits for the server than is kept in memory.
    case overloaded
}

extension RedisError {
    /// What broke an exchange that had begun.
    init(_ error: SocketError) {
        switch error {
        case .timedOut: self = .timedOut
        case .tls(.truncated), .tls(.closedByPeer), .tls(.reset): self = .closed
        case .tls(let error): self = .tls(error)
        default: self = .closed
        }
    }

    /// What kept a connection from being made.
    init(connecting error: SocketError) {
        switch error {
        case .timedOut: self = .timedOut
        case .unknownHost(let reason): self = .unknownHost(reason)
        case .tls(let error): self = .tls(error)
        default: self = .connect(error.description)
        }
    }
}

extension RedisError: CustomStringConvertible {
    /// A clause for people, without a full stop; it holds nothing that the server worded.
    package var description: String {
        switch self {
        case .unknownHost(let reason): "unknown host: \(reason)"
        case .connect(let reason): reason
        case .tls(let error): error.description
        case .closed: "the connection was closed"
        case .timedOut: "timed out"
        case .malformed: "what it sends is not what a Redis server sends"
        case .refused(let refusal): refusal.description
        case .sentinel: "it is a Sentinel, which is not asked for the primary: name the primary"
        case .cluster: "it is a node of a Redis Cluster, whose redirects are not followed: name a server on its own"
        case .overloaded: "too many commands wait for it"
        }
    }
}
