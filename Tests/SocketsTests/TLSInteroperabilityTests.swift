import COpenSSL
import FoundationEssentials
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

    @Test func `a ticket is worth nothing to another context, such as the next after a reload`() throws {
        let ticket = certificates.path("ticket")
        _ = try greet(clientWith: ["-sess_out", ticket], by: serverContext())
        #expect(try greet(clientWith: ["-sess_in", ticket], by: serverContext()).output.contains("New, "))
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a ticket proves nothing where other authorities vouch for clients`(version: String) throws {
        let ticket = certificates.path("ticket")
        let client = try certificates.issue()
        let options = [version, "-cert", client.certificateFile, "-key", client.keyFile]
        let before = try serverContext(asking: .init(caFile: certificates.authorityFile, isRequired: true))
        _ = try greet(clientWith: options + ["-sess_out", ticket], by: before)
        let others = try Certificates()
        let after = try serverContext(asking: .init(caFile: others.authorityFile, isRequired: true))
        #expect(throws: TLSError.noCertificate) {
            _ = try greet(clientWith: [version, "-sess_in", ticket], by: after)
        }
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a resumed session is still that of the certificate`(version: String) throws {
        let ticket = certificates.path("ticket")
        let context = try serverContext(asking: .init(caFile: certificates.authorityFile, isRequired: true))
        let client = try certificates.issue(names: "URI:spiffe://a.example/payroll,DNS:payroll.a.example")
        let options = [version, "-cert", client.certificateFile, "-key", client.keyFile]
        let first = try greet(clientWith: options + ["-sess_out", ticket], by: context)
        #expect(first.output.contains("New, "))
        #expect(first.clientCertificate?.uris == ["spiffe://a.example/payroll"])
        #expect(first.clientCertificate?.dnsNames == ["payroll.a.example"])
        let second = try greet(clientWith: [version, "-sess_in", ticket], by: context)
        #expect(second.output.contains("Reused, "))
        #expect(second.clientCertificate?.uris == ["spiffe://a.example/payroll"])
        #expect(second.clientCertificate?.dnsNames == ["payroll.a.example"])
    }

    /// Whether the client is who it was, when other contexts take the place of the one it came to.
    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a client stays as long as authorities do, resumed or not`(version: String) throws {
        let (ticket, ours) = (certificates.path("ticket"), certificates.authorityFile)
        let (client, chained) = (try certificates.issue(), try certificates.issueThroughIntermediate())
        let strangers = try Certificates()
        let both = try [ours, strangers.authorityFile].map { try String(contentsOfFile: $0, encoding: .utf8) }
        let context = { (file: String?) in
            try self.serverContext(asking: file.map { .init(caFile: $0, isRequired: true) })
        }
        let (more, others) = try (
            certificates.write(both.joined(), to: "both"), certificates.write(both[1], to: "other")
        )
        let contexts = try [ours, more, others, nil].map(context)
        for (pair, resumed) in [(client, [true, true, false, false]), (chained, [true, false, false, false])] {
            let options = [version, "-cert", pair.certificateFile, "-key", pair.keyFile]
            let chain = ["-cert_chain", pair.certificateFile, "-sess_out", ticket]
            let first = try greet(clientWith: options + chain, by: contexts[0], then: contexts)
            #expect(first.isTrusted == [true, true, false, false])
            let second = try greet(clientWith: [version, "-sess_in", ticket], by: contexts[0], then: contexts)
            #expect(second.output.contains("Reused, ") && second.isTrusted == resumed)
        }
    }

    /// Verification does not look at the time, so that the first handshake can be one from before its certificate expired.
    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a ticket whose certificate has expired is ignored, and a renewed certificate taken`(version: String) throws {
        let ticket = certificates.path("ticket")
        let context = try serverContext(asking: .init(caFile: certificates.authorityFile, isRequired: true))
        let (old, renewed) = try (
            certificates.issue(names: "DNS:old.example", validity: .past), certificates.issue(names: "DNS:new.example")
        )
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context.pointer), UInt(X509_V_FLAG_NO_CHECK_TIME))
        #expect(throws: TLSError.expired) {
            _ = try greet(
                clientWith: [version, "-cert", old.certificateFile, "-key", old.keyFile, "-sess_out", ticket],
                verifying: [], by: context)
        }
        let options = [version, "-cert", renewed.certificateFile, "-key", renewed.keyFile, "-sess_in", ticket]
        let second = try greet(clientWith: options, by: context)
        #expect(second.output.contains("New, "))
        #expect(second.clientCertificate?.dnsNames == ["new.example"])
    }

    @Test func `no ticket allows early data, which could be replayed`() throws {
        #expect(try greet(clientWith: ["-tls1_3"]).output.contains("Max Early Data: 0\n"))
    }

    /// A client, and which of three certificates it is shown: for `localhost`, `b.example` or `*.c.example`.
    @Test(arguments: [
        (["-noservername"], "DNS:localhost"), (["-servername", "localhost"], "DNS:localhost"),
        (["-servername", "b.example"], "DNS:b.example"), (["-servername", "B.EXAMPLE"], "DNS:b.example"),
        (["-servername", "x.c.example"], "DNS:*.c.example"), (["-servername", "c.example"], "DNS:localhost"),
        (["-servername", "x.y.c.example"], "DNS:localhost"), (["-servername", "elsewhere.example"], "DNS:localhost"),
    ])
    func `the certificate is the one for the name asked for`(options: [String], names: String) throws {
        var shown: [String: CertificateFiles] = [:]
        for names in ["DNS:localhost", "DNS:b.example", "DNS:*.c.example"] {
            let pair = try certificates.issue(names: names, commonName: String(names.dropFirst(4)))
            shown[names] = CertificateFiles(certificate: pair.certificateFile, key: pair.keyFile)
        }
        let (first, second, third) = try (
            #require(shown["DNS:localhost"]), #require(shown["DNS:b.example"]), #require(shown["DNS:*.c.example"])
        )
        let context = try TLSContext.server(
            certificateFile: first.certificate, keyFile: first.key, additional: [second, third])
        for version in ["-tls1_2", "-tls1_3"] {
            let output = try greet(clientWith: options + [version], verifying: [], by: context).output
            #expect(output.contains("subject=CN = \(names.dropFirst(4))\n"))
        }
    }

    /// What the server makes of a client: its certificate's issuer and use, and what it says then.
    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a client's certificate has to be one of ours, for clients, in its time`(version: String) throws {
        let context = try serverContext(asking: .init(caFile: certificates.authorityFile, isRequired: false))
        let others = try Certificates()
        let cases: [(Certificates.Pair, TLSError)] = [
            (try others.issue(), .unknownIssuer), (try others.selfSigned(), .selfSigned),
            (try certificates.issue(validity: .past), .expired),
            (try certificates.issue(validity: .future), .notYetValid),
            (try certificates.issue(usage: "serverAuth"), .untrusted(code: 26)),
            (try certificates.issue(names: Certificates.encoded([.dns(Array("a\0b".utf8))])), .unusableNames),
        ]
        for (pair, error) in cases {
            #expect(throws: error) {
                _ = try greet(
                    clientWith: [version, "-cert", pair.certificateFile, "-key", pair.keyFile], by: context)
            }
        }
        #expect(try greet(clientWith: [version], by: context).clientCertificate == nil)
        let proper = try certificates.issue(names: "DNS:a.example", usage: "clientAuth")
        let options = [version, "-cert", proper.certificateFile, "-key", proper.keyFile]
        #expect(try greet(clientWith: options, by: context).clientCertificate?.dnsNames == ["a.example"])
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a client without certificate is refused where one is required`(version: String) throws {
        let context = try serverContext(asking: .init(caFile: certificates.authorityFile, isRequired: true))
        #expect(throws: TLSError.noCertificate) { _ = try greet(clientWith: [version], by: context) }
    }

    @Test func `the client is told whose certificates are taken`() throws {
        let context = try serverContext(asking: .init(caFile: certificates.authorityFile, isRequired: false))
        let output = try greet(clientWith: [], by: context).output
        #expect(output.contains("Acceptable client certificate CA names\nCN = Private CA\n"))
    }

    @Test func `the server shows the chain of its file, and adds nothing of its clients' authorities`() throws {
        let context = try serverContext(asking: .init(caFile: certificates.authorityFile, isRequired: false))
        let output = try greet(clientWith: [], by: context).output
        #expect(output.contains("\n 0 s:CN = server\n"))
        #expect(!output.contains("\n 1 s:"))
    }

    @Test(arguments: ["TLSv1.2", "TLSv1.3"])
    func `our client shows its certificate to a server that asks for one, or says that it has none`(
        version: String
    ) throws {
        let options =
            [version == "TLSv1.2" ? "-tls1_2" : "-tls1_3", "-Verify", "1", "-verify_return_error"]
            + ["-CAfile", certificates.authorityFile]
        let pair = try certificates.issue(names: "DNS:client.example")
        let certificate = CertificateFiles(certificate: pair.certificateFile, key: pair.keyFile)
        try withSession(to: serverPeer(options), showing: certificate) { session, socket in
            try socket.complete { try session.handshake() }
            try socket.complete { try session.write("GET / HTTP/1.0\r\n\r\n".utf8) }
            try socket.complete { try session.read().transfer }
        }
        #expect(throws: TLSError.certificateRequired) {
            try withSession(to: serverPeer(options)) { session, socket in
                try socket.complete { try session.handshake() }
                try socket.complete { try session.read().transfer }
            }
        }
        let others = try Certificates().issue()
        let unknown = CertificateFiles(certificate: others.certificateFile, key: others.keyFile)
        #expect(throws: TLSError.refusedByPeer(alert: "unknown ca")) {
            try withSession(to: serverPeer(options), showing: unknown) { session, socket in
                try socket.complete { try session.handshake() }
                try socket.complete { try session.read().transfer }
            }
        }
    }

    private func serverContext(asking clients: TLSContext.ClientAuthorities? = nil) throws -> TLSContext {
        try .server(certificateFile: identity.certificateFile, keyFile: identity.keyFile, clients: clients)
    }

    /// A server that answers a request with a page about the session.
    private func serverPeer(_ options: [String]) throws -> PeerProgram {
        try PeerProgram(
            ["s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-www"]
                + ["-cert", identity.certificateFile, "-key", identity.keyFile] + options)
    }

    /// Connects to the port that `s_server` says it has taken.
    private func withSession(
        to peer: PeerProgram, host: String = "localhost", showing certificate: CertificateFiles? = nil,
        _ body: (inout TLSSession, borrowing LoopbackSocket) throws -> Void
    ) throws {
        let address = try #require(SocketAddress(peer.line(after: "ACCEPT ")))
        let socket = try LoopbackSocket(connectedTo: address)
        var session = try TLSSession(
            client: .client(caFile: certificates.authorityFile, certificate: certificate),
            descriptor: socket.descriptor, host: host)
        try body(&session, socket)
    }

    /// Lets `s_client` connect, sends it a line, and closes.
    private func greet(
        clientWith options: [String],
        verifying checks: [String] = ["-verify_return_error", "-verify_ip", "127.0.0.1"], by context: TLSContext? = nil,
        then others: [TLSContext] = []
    ) throws -> Greeting {
        let listener = try LoopbackSocket()
        let peer = try PeerProgram(
            ["s_client", "-connect", "127.0.0.1:\(listener.port)", "-CAfile", certificates.authorityFile]
                + ["-ign_eof"] + checks + options)
        let socket = try listener.accept()
        var session = try TLSSession(server: context ?? serverContext(), descriptor: socket.descriptor)
        try socket.complete { try session.handshake() }
        try socket.complete { try session.write("\nhello\n".utf8) }
        let isTrusted = others.map { session.isClientTrusted(by: $0) }
        session.close()
        let end = peer.finish()
        return Greeting(
            status: end.status, output: end.output, applicationProtocol: session.applicationProtocol,
            clientCertificate: try session.clientCertificate(), isTrusted: isTrusted)
    }

    /// What `s_client` printed, and what the server knows of it.
    private struct Greeting {
        let status: Int32, output: String, applicationProtocol: String?, clientCertificate: ClientCertificate?
        let isTrusted: [Bool]
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
        try self.init(owning: socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        let bound = SocketAddress.loopback().withSockaddr { bind(descriptor, $0, $1) }
        precondition(bound == 0 && listen(descriptor, 1) == 0, "the loopback has a free port")
    }

    init(connectedTo address: SocketAddress) throws {
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
