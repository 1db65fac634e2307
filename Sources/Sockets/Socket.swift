import CLinux
import Glibc

/// Owns a non-blocking stream socket, and closes it when it goes out of scope.
package struct Socket: ~Copyable {
    package let descriptor: Int32

    /// Takes over a descriptor.
    package init(adopting descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Gives the descriptor up to whoever adopts it next.
    package consuming func release() -> Int32 {
        let descriptor = descriptor
        discard self
        return descriptor
    }

    private init(family: Int32) throws(SocketError) {
        // SOCK_STREAM is an enumeration in Glibc's module.
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { throw .last("socket") }
    }

    /// What the kernel holds for a client that does not read, in bytes; it counts its own overhead too, so it takes twice
    /// that. Left alone, it would go up to 4 MB.
    private static let sendBuffer: Int32 = 128 * 1024

    /// A listening socket. What it accepts has its options.
    ///
    /// - Parameter isShared: Whether others may listen at the same address: the kernel then spreads connections over them.
    package static func listening(
        at address: SocketAddress, isShared: Bool, backlog: Int32 = 4096
    ) throws(SocketError) -> Socket {
        let socket = try Socket(family: address.family)
        try socket.set(SO_REUSEADDR, at: SOL_SOCKET)
        if isShared { try socket.set(SO_REUSEPORT, at: SOL_SOCKET) }
        try socket.set(SO_SNDBUF, at: SOL_SOCKET, to: sendBuffer)
        guard address.withSockaddr({ bind(socket.descriptor, $0, $1) }) == 0 else { throw .last("bind") }
        guard listen(socket.descriptor, backlog) == 0 else { throw .last("listen") }
        return socket
    }

    /// Begins to connect; the socket is writable when that is done, and ``connectionError()`` says how it went.
    static func connecting(to address: SocketAddress) throws(SocketError) -> Socket {
        let socket = try Socket(family: address.family)
        try socket.set(Int32(TCP_NODELAY), at: Int32(IPPROTO_TCP))
        guard address.withSockaddr({ connect(socket.descriptor, $0, $1) }) == 0 || errno == EINPROGRESS else {
            throw .last("connect")
        }
        return socket
    }

    /// The address that it is bound to.
    package func localAddress() throws(SocketError) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return try withUnsafeMutablePointer(to: &storage) { pointer throws(SocketError) in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address throws(SocketError) in
                guard getsockname(descriptor, address, &length) == 0 else { throw .last("getsockname") }
                return SocketAddress(copying: address, length: length)
            }
        }
    }

    /// Accepts one connection.
    ///
    /// - Returns: The connection's descriptor, which the caller adopts, and the peer's address; nil when none is waiting.
    package func accept() throws(SocketError) -> (descriptor: Int32, peer: SocketAddress)? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return try withUnsafeMutablePointer(to: &storage) { pointer throws(SocketError) in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address throws(SocketError) in
                let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
                let accepted = accept4(descriptor, address, &length, flags)
                guard accepted >= 0 else {
                    switch errno {
                    case EAGAIN: return nil
                    case EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL, ENOTSOCK: throw .last("accept4")
                    // The client was gone before we came, or its network is (accept(2)): there may be more behind it.
                    default: throw .closed
                    }
                }
                var on: Int32 = 1
                setsockopt(accepted, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
                return (accepted, SocketAddress(copying: address, length: length))
            }
        }
    }

    /// How a connection attempt ended; nil when it succeeded.
    func connectionError() -> SocketError? {
        var number: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &length) == 0 else { return .last("getsockopt") }
        return number == 0 ? nil : .system(call: "connect", errno: number)
    }

    /// What a non-blocking call came to.
    enum Outcome { case bytes(Int), blocked, failed(SocketError) }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
        outcome(of: "recv") { recv(descriptor, buffer.baseAddress, buffer.count, 0) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        outcome(of: "send") { send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
    }

    /// Whether the peer has sent something or closed: what no idle connection should show.
    func hasNews() -> Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) >= 0 || errno != EAGAIN
    }

    func finishWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Has the close reset the connection, so that the kernel keeps nothing of what the peer has not taken.
    func resetWhenClosed() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    private func outcome(of name: String, _ call: () -> Int) -> Outcome {
        while true {
            let count = call()
            if count >= 0 { return .bytes(count) }
            // After a signal there may be something: only EAGAIN has the next edge announced.
            if errno != EINTR { return errno == EAGAIN ? .blocked : .failed(.last(name)) }
        }
    }

    private func set(_ option: Int32, at level: Int32, to value: Int32 = 1) throws(SocketError) {
        var value = value
        guard setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw .last("setsockopt")
        }
    }
}
