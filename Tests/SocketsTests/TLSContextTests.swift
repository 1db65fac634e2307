import COpenSSL
import Support
import Testing

@testable import Sockets

/// Which files make a context, and what is said of those that don't.
struct TLSContextTests {
    let certificates: Certificates
    let good: Certificates.Pair

    init() throws {
        certificates = try Certificates()
        good = try certificates.issue()
    }

    @Test func `a missing file is named with the system's reason`() throws {
        let missing = certificates.path("missing.pem")
        let reason = "No such file or directory"
        #expect(throws: TLSError.certificateFile(path: missing, reason: reason)) {
            try TLSContext.server(certificateFile: missing, keyFile: good.keyFile)
        }
        #expect(throws: TLSError.keyFile(path: missing, reason: reason)) {
            try TLSContext.server(certificateFile: good.certificateFile, keyFile: missing)
        }
        #expect(throws: TLSError.caFile(path: missing, reason: reason)) { try TLSContext.client(caFile: missing) }
    }

    @Test(arguments: ["", "not a certificate\n"])
    func `a file without PEM is named`(content: String) throws {
        let file = try certificates.write(content, to: "other.pem")
        let reason = "it holds no certificate in PEM form"
        #expect(throws: TLSError.certificateFile(path: file, reason: reason)) {
            try TLSContext.server(certificateFile: file, keyFile: good.keyFile)
        }
        #expect(throws: TLSError.keyFile(path: file, reason: "it holds no private key in PEM form")) {
            try TLSContext.server(certificateFile: good.certificateFile, keyFile: file)
        }
        #expect(throws: TLSError.caFile(path: file, reason: reason)) { try TLSContext.client(caFile: file) }
    }

    @Test func `a certificate is no key, and a key no certificate`() throws {
        let (certificate, key) = (good.certificateFile, good.keyFile)
        #expect(throws: TLSError.keyFile(path: certificate, reason: "it holds no private key in PEM form")) {
            try TLSContext.server(certificateFile: certificate, keyFile: certificate)
        }
        #expect(throws: TLSError.certificateFile(path: key, reason: "it holds no certificate in PEM form")) {
            try TLSContext.server(certificateFile: key, keyFile: key)
        }
    }

    @Test func `an encrypted key is refused, and no passphrase asked for`() throws {
        let file = try certificates.encrypted(good.keyFile)
        #expect(throws: TLSError.keyFile(path: file, reason: "it is encrypted; give it without a passphrase")) {
            try TLSContext.server(certificateFile: good.certificateFile, keyFile: file)
        }
    }

    @Test func `another certificate's key is refused`() throws {
        let other = try certificates.issue()
        #expect(throws: TLSError.keyDoesNotMatch(certificate: good.certificateFile, key: other.keyFile)) {
            try TLSContext.server(certificateFile: good.certificateFile, keyFile: other.keyFile)
        }
    }

    @Test func `a key of another kind is refused`() throws {
        let file = certificates.path("rsa.key")
        try PeerProgram.run(["genpkey", "-quiet", "-algorithm", "RSA", "-out", file])
        #expect(throws: TLSError.keyDoesNotMatch(certificate: good.certificateFile, key: file)) {
            try TLSContext.server(certificateFile: good.certificateFile, keyFile: file)
        }
    }

    @Test func `our own certificates say whom they are for, and until when`() throws {
        let other = try certificates.issue(names: "DNS:*.other.example,URI:spiffe://a/b,IP:::1", validity: .future)
        let context = try TLSContext.server(
            certificateFile: good.certificateFile, keyFile: good.keyFile,
            additional: [.init(certificate: other.certificateFile, key: other.keyFile)])
        #expect(context.certificates.map(\.file) == [good.certificateFile, other.certificateFile])
        #expect(context.certificates.map(\.dnsNames) == [["localhost"], ["*.other.example"]])
        #expect(context.certificates.map(\.otherNames) == [["127.0.0.1"], ["::1", "spiffe://a/b"]])
        // 2020-01-01 and 2098-01-01, to 2099-01-01.
        #expect(context.certificates.map(\.notBefore) == [1_577_836_800, 4_039_372_800])
        #expect(context.certificates.map(\.notAfter) == [4_070_908_800, 4_070_908_800])
    }

    @Test func `a mistake in a further certificate is named as one in the first is`() throws {
        let other = try certificates.issue()
        #expect(throws: TLSError.keyDoesNotMatch(certificate: other.certificateFile, key: good.keyFile)) {
            try TLSContext.server(
                certificateFile: good.certificateFile, keyFile: good.keyFile,
                additional: [.init(certificate: other.certificateFile, key: good.keyFile)])
        }
    }

    @Test func `a client's certificate is checked as a server's is`() throws {
        let other = try certificates.issue()
        #expect(throws: TLSError.keyDoesNotMatch(certificate: good.certificateFile, key: other.keyFile)) {
            try TLSContext.client(certificate: .init(certificate: good.certificateFile, key: other.keyFile))
        }
    }

    @Test func `a listener's file of authorities has to hold some`() throws {
        let file = try certificates.write("none", to: "clients.pem")
        #expect(throws: TLSError.caFile(path: file, reason: "it holds no certificate in PEM form")) {
            try TLSContext.server(
                certificateFile: good.certificateFile, keyFile: good.keyFile,
                clients: .init(caFile: file, isRequired: false))
        }
    }

    @Test func `the system's authorities are trusted by each context, as the same certificates in memory`() throws {
        let stores = try (0..<2).map { _ in try #require(X509_STORE_new()) }
        defer { stores.forEach { X509_STORE_free($0) } }
        for store in stores { try SystemAuthorities.add(to: store) }
        let certificates = stores.map { store in
            let objects = X509_STORE_get0_objects(store)
            return (0..<tokenwell_X509_OBJECTS_num(objects)).map { tokenwell_X509_OBJECTS_certificate(objects, $0) }
        }
        #expect(certificates[0].count > 1)
        #expect(certificates[0] == certificates[1])
    }

    @Test func `a failure leaves nothing behind that the next context or session would be blamed for`() throws {
        #expect(throws: TLSError.self) { try TLSContext.client(caFile: certificates.path("missing.pem")) }
        let server = try TLSContext.server(certificateFile: good.certificateFile, keyFile: good.keyFile)
        let client = try TLSContext.client(caFile: certificates.authorityFile)
        #expect(OpenSSLErrors.take() == 0)
        var pair = try TLSPair(client: client, server: server)
        let errors = try pair.handshake()
        #expect(errors == (nil, nil))
    }
}
