import CLinux
import Glibc

/// A TCP connection of a test on the loopback: it sends bytes as they stand and collects what comes back.
///
/// Its calls block, and fail after five minutes.
package final class RawConnection {
    package enum Failure: Error {
        case system(call: String, errno: Int32)
        /// The time, or the connection, ended before what was waited for had come.
        case incomplete(String)
    }

    private let descriptor: Int32
    private var received: [UInt8] = []
    private var isResetWhenClosed = false

    fileprivate init(adopting descriptor: Int32) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 300, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Connects.
    package convenience init(port: UInt16) throws {
        self.init(adopting: socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0))
        guard withLoopback(port: port, { connect(descriptor, $0, $1) }) == 0 else {
            throw Failure.system(call: "connect", errno: errno)
        }
    }

    deinit {
        // The end reaches the peer now, even if a child process that is just being started holds the descriptor too.
        if !isResetWhenClosed { shutdown(descriptor, Int32(SHUT_RDWR)) }
        close(descriptor)
    }

    /// Sends all of the bytes.
    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure.system(call: "send", errno: errno) }
            sent += count
        }
    }

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Sends a byte as urgent data (RFC 9293 §3.8.5).
    package func sendUrgent(_ byte: UInt8) {
        _ = [byte].withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, 1, Int32(MSG_NOSIGNAL | MSG_OOB)) }
    }

    /// Sends what it can without waiting for room; how many bytes that was.
    package func sendAtOnce(_ bytes: [UInt8]) -> Int {
        Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
    }

    /// The next bytes, through the end of `marker`.
    package func receive(through marker: String) throws -> String {
        let marker = Array(marker.utf8)
        while true {
            if let end = received.indices.first(where: { received[$0...].starts(with: marker) }) {
                return take(end + marker.count)
            }
            guard try receiveMore() else { throw Failure.incomplete(take(received.count)) }
        }
    }

    /// The next bytes, so many of them.
    package func receive(count: Int) throws -> String {
        while received.count < count {
            guard try receiveMore() else { throw Failure.incomplete(take(received.count)) }
        }
        return take(count)
    }

    /// Everything until the peer finishes.
    package func receiveToEnd() throws -> String {
        while try receiveMore() {}
        return take(received.count)
    }

    /// Whether something has arrived that was not received yet.
    package var hasArrived: Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return !received.isEmpty || Glibc.poll(&poll, 1, 0) > 0
    }

    /// Tells the peer that no more will come.
    package func finishWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Has the connection reset, not ended in good order, when this object goes.
    package func resetWhenClosed() {
        isResetWhenClosed = true
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    private func take(_ count: Int) -> String {
        defer { received.removeFirst(count) }
        return String(decoding: received.prefix(count), as: UTF8.self)
    }

    private func receiveMore() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count < 0, errno == EAGAIN { throw Failure.incomplete(take(received.count)) }
        guard count >= 0 else { throw Failure.system(call: "recv", errno: errno) }
        received += chunk.prefix(count)
        return count > 0
    }
}

/// Where a test waits for connections on the loopback, at a port that the kernel chooses.
package final class RawListener {
    package let port: UInt16
    private let descriptor: Int32

    /// - Parameter backlog: How many connections more than one the kernel takes on before ``accept()`` is called; further
    ///   ones hang. nil to hold the port without listening, so that every connection is refused.
    package init(backlog: Int32? = 16) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard withLoopback(port: 0, { bind(descriptor, $0, $1) }) == 0,
            backlog.map({ listen(descriptor, $0) }) ?? 0 == 0
        else {
            throw RawConnection.Failure.system(call: "listen", errno: errno)
        }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutableBytes(of: &address) { bytes in
            _ = bytes.withMemoryRebound(to: sockaddr.self) { getsockname(descriptor, $0.baseAddress, &length) }
        }
        self.descriptor = descriptor
        port = UInt16(bigEndian: address.sin_port)
        var limit = timeval(tv_sec: 300, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    /// Waits for a connection.
    package func accept() throws -> RawConnection {
        // A child process of another test that inherited it would keep it open when we close it.
        let accepted = accept4(descriptor, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
        guard accepted >= 0 else { throw RawConnection.Failure.system(call: "accept", errno: errno) }
        return RawConnection(adopting: accepted)
    }

    /// Whether a connection is waiting now.
    package var hasWaiting: Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, 0) > 0
    }
}

private func withLoopback(port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
}
