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
        try OpenSSLCommand.run(["genpkey", "-quiet", "-algorithm", "RSA", "-out", file])
        #expect(throws: TLSError.keyDoesNotMatch(certificate: good.certificateFile, key: file)) {
            try TLSContext.server(certificateFile: good.certificateFile, keyFile: file)
        }
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
