import Glibc
import Support
import Testing

@testable import Sockets

/// Our sessions with OpenSSL's own programs on the loopback: `s_server` and `s_client`.
struct TLSInteroperabilityTests {
    let certificates: Certificates
    let identity: Certificates.Pair

    init() throws {
        certificates = try Certificates()
        identity = try certificates.issue()
    }

    @Test(arguments: ["TLSv1.2", "TLSv1.3"])
    func `a page is read from s_server to its clean end`(version: String) throws {
        let peer = try serverPeer([version == "TLSv1.2" ? "-tls1_2" : "-tls1_3", "-alpn", "http/1.1"])
        var page: [UInt8] = []
        var agreed: [String?] = []
        try withSession(to: peer) { session, socket in
            try socket.complete { try session.handshake() }
            agreed = [session.version, session.applicationProtocol]
            try socket.complete { try session.write("GET / HTTP/1.0\r\n\r\n".utf8) }
            while true {
                let (transfer, bytes) = try session.read()
                if transfer == .endOfStream { break }
                if transfer == .wantsRead { try socket.wait(for: POLLIN) }
                page += bytes
            }
        }
        #expect(agreed == [version, "http/1.1"])
        #expect(String(decoding: page, as: UTF8.self).contains("\(version), Cipher is"))
    }

    @Test(arguments: [
        ("TLS 1.1", ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "tlsv1 alert protocol version"),
        ("a cipher in CBC mode", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], "sslv3 alert handshake failure"),
    ])
    func `our client refuses a server that has only`(what: String, options: [String], reason: String) throws {
        let peer = try serverPeer(options)
        #expect(throws: TLSError.protocolError(reason: reason)) {
            try withSession(to: peer) { session, socket in try socket.complete { try session.handshake() } }
        }
    }

    @Test(arguments: [
        ("TLS 1.1", ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "unsupported protocol"),
        ("a cipher in CBC mode", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], "no shared cipher"),
        ("another protocol in ALPN", ["-alpn", "h2,http/1.0"], "no application protocol"),
    ])
    func `our server refuses a client that has only`(what: String, options: [String], reason: String) throws {
        #expect(throws: TLSError.protocolError(reason: reason)) { _ = try greet(clientWith: options) }
    }

    @Test(arguments: [
        (["-tls1_2", "-alpn", "h2,http/1.1"], "New, TLSv1.2", "http/1.1"),
        (["-tls1_3", "-alpn", "http/1.1"], "New, TLSv1.3", "http/1.1"),
        ([], "New, TLSv1.3", nil),
    ])
    func `s_client trusts our server, and reads what it sends`(options: [String], line: String, alpn: String?) throws {
        let greeting = try greet(clientWith: options)
        #expect(greeting.output.contains("Verify return code: 0 (ok)"))
        #expect(greeting.output.contains(line))
        #expect(greeting.output.contains("\nhello\n"))
        #expect(greeting.status == 0)
        #expect(greeting.applicationProtocol == alpn)
    }

    /// The server shows its second certificate when `host` is announced to it, and the first otherwise.
    @Test(arguments: ["localhost", "127.0.0.1"])
    func `a name is announced to the server, an address is not`(host: String) throws {
        let address = try certificates.issue(names: "IP:127.0.0.1")
        let name = try certificates.issue(names: "DNS:localhost")
        let peer = try serverPeer(
            ["-cert", address.certificateFile, "-key", address.keyFile, "-servername", host]
                + ["-cert2", name.certificateFile, "-key2", name.keyFile])
        try withSession(to: peer, host: host) { session, socket in try socket.complete { try session.handshake() } }
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a ticket resumes a session`(version: String) throws {
        let ticket = certificates.path("ticket")
        let context = try serverContext()
        let first = try greet(clientWith: [version, "-sess_out", ticket], by: context)
        #expect(first.output.contains("New, "))
        let second = try greet(clientWith: [version, "-sess_in", ticket], by: context)
        #expect(second.output.contains("Reused, "))
    }

    private func serverContext() throws -> TLSContext {
        try .server(certificateFile: identity.certificateFile, keyFile: identity.keyFile)
    }

    /// A server that answers a request with a page about the session.
    private func serverPeer(_ options: [String]) throws -> OpenSSLCommand {
        try OpenSSLCommand(
            ["s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-www"]
                + ["-cert", identity.certificateFile, "-key", identity.keyFile] + options)
    }

    /// Connects to the port that `s_server` says it has taken.
    private func withSession(
        to peer: OpenSSLCommand, host: String = "localhost",
        _ body: (inout TLSSession, borrowing LoopbackSocket) throws -> Void
    ) throws {
        let address = try #require(SocketAddress(peer.line(after: "ACCEPT ")))
        let socket = try LoopbackSocket(connectedTo: address)
        var session = try TLSSession(
            client: .client(caFile: certificates.authorityFile), descriptor: socket.descriptor, host: host)
        try body(&session, socket)
    }

    /// Lets `s_client` connect, sends it a line, and closes.
    private func greet(
        clientWith options: [String], by context: TLSContext? = nil
    ) throws -> (status: Int32, output: String, applicationProtocol: String?) {
        let listener = try LoopbackSocket()
        let peer = try OpenSSLCommand(
            ["s_client", "-connect", "127.0.0.1:\(listener.port)", "-CAfile", certificates.authorityFile]
                + ["-verify_return_error", "-verify_ip", "127.0.0.1", "-ign_eof"] + options)
        let socket = try listener.accept()
        var session = try TLSSession(server: context ?? serverContext(), descriptor: socket.descriptor)
        try socket.complete { try session.handshake() }
        try socket.complete { try session.write("\nhello\n".utf8) }
        session.close()
        let end = peer.finish()
        return (end.status, end.output, session.applicationProtocol)
    }
}

/// A non-blocking TCP socket on the loopback, which closes itself.
private struct LoopbackSocket: ~Copyable {
    struct TimedOut: Error {}

    let descriptor: Int32

    private init(owning descriptor: Int32) throws {
        guard descriptor >= 0 else { throw TLSError.reset(errno: errno) }
        self.descriptor = descriptor
    }

    /// Listens on a port of the kernel's choice.
    init() throws {
        ignoreSIGPIPE()
        try self.init(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        let bound = SocketAddress.loopback().withSockaddr { bind(descriptor, $0, $1) }
        precondition(bound == 0 && listen(descriptor, 1) == 0, "the loopback has a free port")
    }

    init(connectedTo address: SocketAddress) throws {
        ignoreSIGPIPE()
        try self.init(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        precondition(address.withSockaddr { connect(descriptor, $0, $1) } == 0, "the peer listens")
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { close(descriptor) }

    var port: UInt16 {
        var address = sockaddr()
        var length = socklen_t(MemoryLayout<sockaddr>.size)
        getsockname(descriptor, &address, &length)
        return SocketAddress(copying: &address, length: length).port
    }

    func accept() throws -> LoopbackSocket {
        try wait(for: POLLIN)
        let accepted = try LoopbackSocket(owning: Glibc.accept(descriptor, nil, nil))
        _ = fcntl(accepted.descriptor, F_SETFL, O_NONBLOCK)
        return accepted
    }

    func wait(for events: Int32) throws {
        var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        guard poll(&entry, 1, 10_000) == 1 else { throw TimedOut() }
    }

    func complete(_ step: () throws -> TLSSession.Step) throws {
        while true {
            switch try step() {
            case .done: return
            case .wantsRead: try wait(for: POLLIN)
            case .wantsWrite: try wait(for: POLLOUT)
            }
        }
    }

    func complete(_ transfer: () throws -> TLSSession.Transfer) throws {
        while true {
            switch try transfer() {
            case .bytes, .endOfStream: return
            case .wantsRead: try wait(for: POLLIN)
            case .wantsWrite: try wait(for: POLLOUT)
            }
        }
    }
}
