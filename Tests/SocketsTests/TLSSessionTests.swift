import Glibc
import Support
import Testing

@testable import Sockets

/// Two sessions of ours with each other.
struct TLSSessionTests {
    let certificates: Certificates

    init() throws { certificates = try Certificates() }

    private func server(_ pair: Certificates.Pair) throws -> TLSContext {
        try TLSContext.server(certificateFile: pair.certificateFile, keyFile: pair.keyFile)
    }

    private func connectedPair() throws -> TLSPair {
        try .connected(
            client: .client(caFile: certificates.authorityFile), server: server(certificates.issue()))
    }

    /// What a client that trusts the authority, or only the system's, makes of a server.
    private func refusal(of pair: Certificates.Pair, host: String = "localhost", caFile: String?) throws -> TLSError? {
        var pair = try TLSPair(client: .client(caFile: caFile), server: server(pair), host: host)
        return try pair.handshake().client
    }

    @Test func `a session is TLS 1.3 and HTTP 1.1`() throws {
        let pair = try connectedPair()
        #expect(pair.client.version == "TLSv1.3")
        #expect(pair.server.version == "TLSv1.3")
        #expect(pair.client.applicationProtocol == "http/1.1")
        #expect(pair.server.applicationProtocol == "http/1.1")
    }

    @Test func `a megabyte comes back as it was sent, in partial writes from buffers that move`() throws {
        var pair = try connectedPair()
        let sent = (0..<1_048_576).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        var unsent = sent[...]
        var unechoed: [UInt8] = []
        var echoed: [UInt8] = []
        var refusals = 0
        while echoed.count < sent.count {
            // As far as it goes before the server reads, so that the socket does fill up.
            while !unsent.isEmpty {
                guard case .bytes(let count) = try pair.client.write(unsent) else {
                    refusals += 1
                    break
                }
                #expect(count > 0)
                unsent = unsent.dropFirst(count)
            }
            unechoed += try pair.server.read().bytes
            if case .bytes(let count) = try pair.server.write(unechoed) { unechoed.removeFirst(count) }
            echoed += try pair.client.read().bytes
        }
        #expect(echoed == sent)
        #expect(refusals > 0)
    }

    @Test func `a write sends no more than one record`() throws {
        var pair = try connectedPair()
        let sent = [UInt8](repeating: 7, count: 65_536)
        #expect(try pair.client.write(sent) == .bytes(16_384))
        #expect(try pair.server.read().bytes.count == 16_384)
        #expect(try pair.server.read().transfer == .wantsRead)
    }

    @Test func `an empty buffer moves nothing`() throws {
        var pair = try connectedPair()
        #expect(try pair.client.write([]) == .bytes(0))
        #expect(try pair.client.read(upTo: 0).transfer == .bytes(0))
    }

    @Test func `what a small buffer leaves over is known to be buffered`() throws {
        var pair = try connectedPair()
        #expect(try pair.client.write("hello".utf8) == .bytes(5))
        #expect(pair.server.hasBufferedBytes == false)
        #expect(try pair.server.read(upTo: 2).bytes == Array("he".utf8))
        #expect(pair.server.hasBufferedBytes == true)
        #expect(try pair.server.read().bytes == Array("llo".utf8))
        #expect(pair.server.hasBufferedBytes == false)
        #expect(try pair.server.read().transfer == .wantsRead)
    }

    @Test func `without the authority's file its certificates are from an unknown issuer`() throws {
        let pair = try certificates.issue()
        #expect(try refusal(of: pair, caFile: nil) == .unknownIssuer)
        #expect(try refusal(of: pair, caFile: certificates.authorityFile) == nil)
    }

    @Test func `another authority of the same name is unknown`() throws {
        let other = try Certificates()
        let error = try refusal(of: certificates.issue(), caFile: other.authorityFile)
        #expect(error == .unknownIssuer || error == .untrusted(code: 7))
    }

    @Test func `a chain through an intermediate authority is followed`() throws {
        let pair = try certificates.issueThroughIntermediate()
        #expect(try refusal(of: pair, caFile: certificates.authorityFile) == nil)
        #expect(try refusal(of: pair, caFile: nil) == .unknownIssuer)
    }

    @Test func `a self-signed certificate is refused unless it is the one trusted`() throws {
        let pair = try certificates.selfSigned()
        #expect(try refusal(of: pair, caFile: certificates.authorityFile) == .selfSigned)
        #expect(try refusal(of: pair, caFile: pair.certificateFile) == nil)
    }

    @Test(arguments: [(Certificates.Validity.past, TLSError.expired), (.future, .notYetValid)])
    func `a certificate out of its time is refused`(validity: Certificates.Validity, error: TLSError) throws {
        let pair = try certificates.issue(validity: validity)
        #expect(try refusal(of: pair, caFile: certificates.authorityFile) == error)
    }

    /// A certificate's names, the host asked for, and whether they fit.
    struct NameCase: CustomTestStringConvertible {
        let names: String?, commonName: String, host: String, fits: Bool

        init(_ names: String?, commonName: String = "server", _ host: String, _ fits: Bool) {
            (self.names, self.commonName, self.host, self.fits) = (names, commonName, host, fits)
        }

        var testDescription: String {
            "\(host) \(fits ? "is" : "is not") in \(names ?? "nothing but CN=\(commonName)")"
        }
    }

    @Test(arguments: [
        NameCase("DNS:localhost", "localhost", true),
        NameCase("DNS:localhost", "LOCALHOST", true),
        NameCase("DNS:localhost", "other.example", false),
        NameCase("DNS:other.example,DNS:localhost", "localhost", true),
        NameCase("DNS:*.a.example", "x.a.example", true),
        NameCase("DNS:*.a.example", "a.example", false),
        NameCase("DNS:*.a.example", "x.y.a.example", false),
        NameCase("DNS:x*.a.example", "xy.a.example", false),
        NameCase(nil, commonName: "localhost", "localhost", false),
        NameCase("IP:127.0.0.1", "127.0.0.1", true),
        NameCase("IP:127.0.0.1", "127.0.0.2", false),
        NameCase("DNS:127.0.0.1", "127.0.0.1", false),
        NameCase("IP:127.0.0.1", "localhost", false),
        NameCase("IP:::1", "::1", true),
        NameCase("IP:::1", "::2", false),
    ])
    func `the certificate has to name the host`(_ example: NameCase) throws {
        let pair = try certificates.issue(names: example.names, commonName: example.commonName)
        let error = try refusal(of: pair, host: example.host, caFile: certificates.authorityFile)
        #expect(error == (example.fits ? nil : .wrongHost))
    }

    @Test(arguments: ["", "local\0host", "127.0.0.1\0.example", String(repeating: "a", count: 256)])
    func `what cannot be a host is refused before the handshake`(host: String) throws {
        let link = try SocketPair()
        let context = try TLSContext.client()
        #expect(throws: TLSError.invalidHost(host)) {
            _ = try TLSSession(client: context, descriptor: link.client, host: host)
        }
    }

    @Test func `the server learns that it was refused`() throws {
        var pair = try TLSPair(client: .client(), server: server(certificates.issue()))
        #expect(try pair.handshake().server == .refusedByPeer(alert: "unknown ca"))
    }

    @Test func `a clean close ends the stream, and what was sent before it still arrives`() throws {
        var pair = try connectedPair()
        #expect(try pair.server.write("bye".utf8) == .bytes(3))
        pair.server.close()
        pair.server.close()
        #expect(try pair.client.read().bytes == Array("bye".utf8))
        #expect(try pair.client.read().transfer == .endOfStream)
        #expect(try pair.client.read().transfer == .endOfStream)
        #expect(try pair.client.write("go on".utf8) == .bytes(5))
        #expect(try pair.server.read().bytes == Array("go on".utf8))
    }

    @Test func `a connection that just ends is truncated, again and again`() throws {
        var pair = try connectedPair()
        // The ticket.
        #expect(try pair.client.read().transfer == .wantsRead)
        shutdown(pair.link.server, Int32(SHUT_RDWR))
        for _ in 0..<2 {
            #expect(throws: TLSError.truncated) { _ = try pair.client.read() }
        }
        #expect(throws: TLSError.truncated) { _ = try pair.client.write("x".utf8) }
    }

    @Test func `a connection that ends during the handshake is truncated`() throws {
        var pair = try TLSPair(client: .client(), server: server(certificates.issue()))
        #expect(try pair.client.handshake() == .wantsRead)
        shutdown(pair.link.server, Int32(SHUT_RDWR))
        #expect(throws: TLSError.truncated) { try pair.client.handshake() }
    }

    @Test func `a write to a peer that has gone breaks the connection, not the process`() throws {
        var pair = try connectedPair()
        shutdown(pair.link.server, Int32(SHUT_RDWR))
        #expect(throws: TLSError.reset(errno: EPIPE)) { _ = try pair.client.write("x".utf8) }
    }

    @Test func `a write to a peer that said goodbye and has gone is closed by it`() throws {
        var pair = try connectedPair()
        pair.server.close()
        #expect(try pair.client.read().bytes == [])
        shutdown(pair.link.server, Int32(SHUT_RDWR))
        #expect(throws: TLSError.closedByPeer) { _ = try pair.client.write("x".utf8) }
    }

    @Test func `closing before the handshake harms nobody`() throws {
        var pair = try TLSPair(client: .client(), server: server(certificates.issue()))
        pair.client.close()
        pair.server.close()
        #expect(OpenSSLErrors.take() == 0)
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "+OK ready\r\n", "\0\0\0\0\0\0\0\0"])
    func `a server without TLS is a protocol error`(answer: String) throws {
        let link = try SocketPair()
        var session = try TLSSession(client: .client(), descriptor: link.client, host: "localhost")
        #expect(try session.handshake() == .wantsRead)
        _ = Array(answer.utf8).withUnsafeBytes { Glibc.write(link.server, $0.baseAddress, $0.count) }
        #expect(throws: TLSError.protocolError(reason: "wrong version number")) { try session.handshake() }
    }

    @Test func `a client that speaks HTTP without TLS is known as one`() throws {
        let link = try SocketPair()
        var session = try TLSSession(server: server(certificates.issue()), descriptor: link.server)
        let request = Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        _ = request.withUnsafeBytes { Glibc.write(link.client, $0.baseAddress, $0.count) }
        #expect(throws: TLSError.plainHTTP) { try session.handshake() }
    }

    @Test func `altered bytes are a protocol error`() throws {
        var pair = try connectedPair()
        // An application data record of 32 bytes that nobody encrypted.
        let forged: [UInt8] = [23, 3, 3, 0, 32] + [UInt8](repeating: 7, count: 32)
        _ = forged.withUnsafeBytes { Glibc.write(pair.link.client, $0.baseAddress, $0.count) }
        #expect(throws: TLSError.protocolError(reason: "decryption failed or bad record mac")) {
            _ = try pair.server.read()
        }
    }

    @Test func `a context of the wrong side never becomes a session`() throws {
        let server = try server(certificates.issue())
        let link = try SocketPair()
        var session = try TLSSession(client: server, descriptor: link.client, host: "localhost")
        #expect(throws: TLSError.self) { try session.handshake() }
    }

    @Test func `a session that may not read leaves what has come where it is`() throws {
        var pair = try connectedPair()
        #expect(try pair.client.write("hello".utf8) == .bytes(5))
        pair.server.mayRead = false
        #expect(try pair.server.read().transfer == .wantsRead)
        #expect(pair.server.isDrained == true)
        pair.server.mayRead = true
        #expect(try pair.server.read().bytes == Array("hello".utf8))
    }

    @Test func `a record that was all there was leaves the session drained, one of more does not`() throws {
        var pair = try connectedPair()
        #expect(try pair.client.write("hello".utf8) == .bytes(5))
        #expect(try pair.server.read().bytes == Array("hello".utf8))
        #expect(pair.server.isDrained == true)
        for _ in 0..<2 { #expect(try pair.client.write([UInt8](repeating: 7, count: 16_384)) == .bytes(16_384)) }
        #expect(try pair.server.read().bytes.count == 16_384)
        #expect(pair.server.isDrained == false)
    }

    @Test func `two records that came together are read by one call to the kernel`() throws {
        var pair = try connectedPair()
        for text in ["one", "two"] { #expect(try pair.client.write(text.utf8) == .bytes(3)) }
        #expect(try pair.server.read().bytes == Array("one".utf8))
        #expect(pair.server.isDrained == true)
        #expect(pair.server.hasBufferedBytes == true)
        pair.server.mayRead = false
        #expect(try pair.server.read().bytes == Array("two".utf8))
    }

    @Test func `a session outlives its contexts`() throws {
        var pair = try connectedPair()
        #expect(try pair.client.write("still here".utf8) == .bytes(10))
        #expect(try pair.server.read().bytes == Array("still here".utf8))
    }
}
