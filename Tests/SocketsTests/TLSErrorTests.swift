import Glibc
import Testing

@testable import Sockets

struct TLSErrorTests {
    @Test(arguments: [
        (9, TLSError.notYetValid), (10, .expired), (62, .wrongHost), (64, .wrongHost), (18, .selfSigned),
        (19, .unknownIssuer), (2, .unknownIssuer), (20, .unknownIssuer), (21, .unknownIssuer),
        (23, .untrusted(code: 23)), (26, .untrusted(code: 26)),
    ])
    func `each verification result has its meaning`(code: Int, error: TLSError) {
        #expect(TLSError(verification: code) == error)
    }

    @Test(arguments: [
        (SocketError.timedOut, TLSHandshakeOutcome.timedOut), (.closed, .closed), (.tls(.truncated), .closed),
        (.tls(.reset(errno: ECONNRESET)), .closed), (.tls(.plainHTTP), .plainHTTP),
        (.tls(.noCertificate), .noCertificate), (.tls(.unknownIssuer), .badCertificate),
        (.tls(.unusableNames), .badCertificate), (.tls(.refusedByPeer(alert: "unknown ca")), .refused),
        (.tls(.protocolError(reason: "no shared cipher")), .protocolError),
    ])
    func `each end of a handshake has its word`(error: SocketError, outcome: TLSHandshakeOutcome) {
        #expect(TLSHandshakeOutcome(error) == outcome)
    }

    @Test(arguments: [
        (TLSError.expired, "the peer's certificate has expired"),
        (.untrusted(code: 23), "the peer's certificate is not trusted: certificate revoked"),
        (.protocolError(reason: "wrong version number"), "TLS failed: wrong version number"),
        (.reset(errno: EPIPE), "the connection broke: Broken pipe"),
        (.caFile(path: "/a.pem", reason: "Permission denied"), "certificate authorities /a.pem: Permission denied"),
        (
            .keyDoesNotMatch(certificate: "/a.pem", key: "/a.key"),
            "private key /a.key does not belong to certificate /a.pem"
        ),
    ])
    func `the description says what is wrong, and where`(error: TLSError, description: String) {
        #expect("\(error)" == description)
    }
}
