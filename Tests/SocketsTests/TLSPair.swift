import Glibc

@testable import Sockets

/// A client's and a server's session at the ends of a socket pair, stepped by turns on one thread.
struct TLSPair: ~Copyable {
    /// Neither side got further in a generous number of steps.
    struct Stalled: Error {}

    var client: TLSSession
    var server: TLSSession
    let link: SocketPair

    init(client: TLSContext, server: TLSContext, host: String = "localhost") throws {
        let link = try SocketPair()
        let clientSession = try TLSSession(client: client, descriptor: link.client, host: host)
        self.server = try TLSSession(server: server, descriptor: link.server)
        self.client = clientSession
        self.link = link
    }

    /// Steps both until each is done or has failed; what each failed with.
    mutating func handshake() throws -> (client: TLSError?, server: TLSError?) {
        var client = Progress.underway
        var server = Progress.underway
        for _ in 0..<20 {
            client.advance(&self.client)
            server.advance(&self.server)
            if case (.ended(let client), .ended(let server)) = (client, server) { return (client, server) }
        }
        throw Stalled()
    }

    /// A pair whose handshake has succeeded.
    static func connected(client: TLSContext, server: TLSContext) throws -> TLSPair {
        var pair = try TLSPair(client: client, server: server)
        let errors = try pair.handshake()
        if let error = errors.client ?? errors.server { throw error }
        return pair
    }

    private enum Progress {
        case underway
        case ended(TLSError?)

        mutating func advance(_ session: inout TLSSession) {
            guard case .underway = self else { return }
            do throws(TLSError) {
                if try session.handshake() == .done { self = .ended(nil) }
            } catch {
                self = .ended(error)
            }
        }
    }
}

/// Two connected non-blocking descriptors, closed together.
struct SocketPair: ~Copyable {
    let client: Int32
    let server: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        let type = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
        guard socketpair(AF_UNIX, Int32(type), 0, &ends) == 0 else { throw TLSError.reset(errno: errno) }
        (client, server) = (ends[0], ends[1])
    }

    deinit {
        close(client)
        close(server)
    }
}

extension TLSSession {
    mutating func write(_ bytes: some Sequence<UInt8>) throws -> Transfer {
        let copy = Array(bytes)
        return try copy.withUnsafeBytes { try write($0) }
    }

    mutating func read(upTo count: Int = 65_536) throws -> (transfer: Transfer, bytes: [UInt8]) {
        var buffer = [UInt8](repeating: 0, count: count)
        let transfer = try buffer.withUnsafeMutableBytes { try read(into: $0) }
        guard case .bytes(let read) = transfer else { return (transfer, []) }
        return (transfer, Array(buffer.prefix(read)))
    }
}
