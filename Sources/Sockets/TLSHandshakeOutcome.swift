/// How a handshake with a client ended, in the words of a metric's label.
package enum TLSHandshakeOutcome: String, CaseIterable, Sendable {
    /// Done, with a certificate shown.
    case full
    /// Done, by a ticket from an earlier session.
    case resumed
    /// The client did not come to an end in time.
    case timedOut = "timed_out"
    /// The client went away.
    case closed
    /// The client spoke HTTP without TLS.
    case plainHTTP = "plain_http"
    /// The client showed no certificate where one is required.
    case noCertificate = "no_certificate"
    /// The client's certificate is not trusted, or out of its time, or its names cannot be used.
    case badCertificate = "bad_certificate"
    /// The client did not take our certificate.
    case refused
    /// The client wants a version, cipher or protocol that we don't have, or does not speak TLS as it should.
    case protocolError = "protocol_error"

    package init(_ error: SocketError) {
        self =
            switch error {
            case .timedOut: .timedOut
            case .tls(let error): Self(error)
            case .system, .closed, .interrupted, .unknownHost: .closed
            }
    }

    private init(_ error: TLSError) {
        self =
            switch error {
            case .truncated, .closedByPeer, .reset: .closed
            case .plainHTTP: .plainHTTP
            case .noCertificate: .noCertificate
            case .expired, .notYetValid, .wrongHost, .selfSigned, .unknownIssuer, .untrusted, .unusableNames:
                .badCertificate
            case .refusedByPeer, .certificateRequired: .refused
            case .protocolError, .invalidHost, .certificateFile, .keyFile, .keyDoesNotMatch, .caFile, .library:
                .protocolError
            }
    }
}
