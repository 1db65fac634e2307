import COpenSSL
import Glibc

/// Why a TLS session or its settings failed: one case per meaning.
package enum TLSError: Error, Hashable, Sendable {
    /// A certificate of the peer's chain is no longer valid.
    case expired
    /// A certificate of the peer's chain is not valid yet.
    case notYetValid
    /// The peer's certificate is trusted, but names another host.
    case wrongHost
    /// The peer's certificate vouches for itself, and is not among those trusted.
    case selfSigned
    /// No trusted authority stands at the end of the peer's chain.
    case unknownIssuer
    /// The peer's certificate was refused for a rarer reason, an `X509_V_ERR_` code (see openssl-verification-options(1)).
    case untrusted(code: Int)
    /// The peer showed no certificate, and has to.
    case noCertificate
    /// The names in the peer's certificate are too many, too long, or hold bytes that could be taken for something else.
    case unusableNames
    /// The peer demands a certificate of ours, and we have none for it.
    case certificateRequired
    /// The peer did not take our certificate; the alert is one of RFC 8446 §6.2.
    case refusedByPeer(alert: String)
    /// The peer speaks HTTP without TLS.
    case plainHTTP
    /// The peer does not speak TLS, or not as RFC 8446 and RFC 5246 demand, or it refused us with an alert that is about no
    /// certificate.
    case protocolError(reason: String)
    /// The connection ended without a close_notify: what was read may have been cut short by anyone (RFC 8446 §6.1).
    case truncated
    /// The peer ended the session in good order where more was needed: in the handshake, or under a write.
    case closedByPeer
    /// The connection broke below TLS.
    case reset(errno: Int32)
    /// The host is neither an IP address nor a name that a certificate could hold.
    case invalidHost(String)
    /// The certificate file cannot be used.
    case certificateFile(path: String, reason: String)
    /// The private key file cannot be used.
    case keyFile(path: String, reason: String)
    /// Both files are good, but the key is not the certificate's.
    case keyDoesNotMatch(certificate: String, key: String)
    /// The file of authorities cannot be used.
    case caFile(path: String, reason: String)
    /// OpenSSL itself refused to be set up: damaged, out of memory, or configured without what TLS needs.
    case library(reason: String)
}

extension TLSError: CustomStringConvertible {
    /// A clause for the operator, without a full stop; it holds nothing that the peer worded.
    package var description: String {
        switch self {
        case .expired: "the peer's certificate has expired"
        case .notYetValid: "the peer's certificate is not valid yet"
        case .wrongHost: "the peer's certificate is for another host"
        case .selfSigned: "the peer's certificate is self-signed and not trusted"
        case .unknownIssuer: "the peer's certificate is from an unknown authority"
        case .untrusted(let code):
            "the peer's certificate is not trusted: \(String(cString: X509_verify_cert_error_string(code)))"
        case .noCertificate: "the peer showed no certificate"
        case .unusableNames: "the names in the peer's certificate cannot be used"
        case .certificateRequired: "the peer demands a client certificate, and none is configured for it"
        case .refusedByPeer(let alert): "the peer refused our certificate: \(alert)"
        case .plainHTTP: "the peer speaks HTTP without TLS"
        case .protocolError(let reason): "TLS failed: \(reason)"
        case .truncated: "the peer cut the connection without ending TLS"
        case .closedByPeer: "the peer ended TLS too early"
        case .reset(let errno): "the connection broke: \(String(cString: strerror(errno)))"
        case .invalidHost(let host): "no certificate can name the host \"\(host)\""
        case .certificateFile(let path, let reason): "certificate \(path): \(reason)"
        case .keyFile(let path, let reason): "private key \(path): \(reason)"
        case .keyDoesNotMatch(let certificate, let key):
            "private key \(key) does not belong to certificate \(certificate)"
        case .caFile(let path, let reason): "certificate authorities \(path): \(reason)"
        case .library(let reason): "OpenSSL cannot be set up: \(reason)"
        }
    }
}

extension TLSError {
    /// What `SSL_get_verify_result` says of a certificate that was refused.
    init(verification code: Int) {
        self =
            switch Int32(code) {
            case X509_V_ERR_CERT_HAS_EXPIRED: .expired
            case X509_V_ERR_CERT_NOT_YET_VALID: .notYetValid
            case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: .wrongHost
            // What a listener says of names that it cannot use.
            case X509_V_ERR_CERT_REJECTED: .unusableNames
            case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: .selfSigned
            case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
                X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
                .unknownIssuer
            default: .untrusted(code: code)
            }
    }
}

extension TLSError {
    /// What an error of OpenSSL's SSL library means; `wasAsked` tells whether the peer wanted a certificate and got none.
    init(_ error: UInt, verification code: Int, wasAsked: Bool) {
        let reason = OpenSSLErrors.reason(error)
        guard ERR_GET_LIB(error) == ERR_LIB_SSL else {
            self = .protocolError(reason: reason)
            return
        }
        self =
            switch ERR_GET_REASON(error) {
            case SSL_R_UNEXPECTED_EOF_WHILE_READING: .truncated
            case SSL_R_CERTIFICATE_VERIFY_FAILED: TLSError(verification: code)
            case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: .noCertificate
            case SSL_R_HTTP_REQUEST: .plainHTTP
            case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED: .certificateRequired
            // TLS 1.2 has no alert of its own for that.
            case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE where wasAsked: .certificateRequired
            case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE: .refusedByPeer(alert: "bad certificate")
            case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: .refusedByPeer(alert: "unsupported certificate")
            case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED: .refusedByPeer(alert: "certificate revoked")
            case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED: .refusedByPeer(alert: "certificate expired")
            case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN: .refusedByPeer(alert: "certificate unknown")
            case SSL_R_TLSV1_ALERT_UNKNOWN_CA: .refusedByPeer(alert: "unknown ca")
            case SSL_R_TLSV1_ALERT_ACCESS_DENIED: .refusedByPeer(alert: "access denied")
            default: .protocolError(reason: reason)
            }
    }
}

/// The calling thread's queue of OpenSSL errors.
///
/// Empty it before a call whose outcome matters, and take the error right after it: OpenSSL judges a failure by what
/// lies in the queue, so an entry left behind would be blamed on the thread's next session.
enum OpenSSLErrors {
    static func clear() { ERR_clear_error() }

    /// Removes all errors; the oldest, which is the cause of the others, or 0 when there was none.
    static func take() -> UInt {
        defer { ERR_clear_error() }
        return ERR_peek_error()
    }

    /// What an error means, in OpenSSL's or the system's words.
    static func reason(_ error: UInt) -> String {
        if tokenwell_ERR_SYSTEM_ERROR(error) != 0 { return String(cString: strerror(ERR_GET_REASON(error))) }
        return switch (ERR_GET_LIB(error), ERR_GET_REASON(error)) {
        // OpenSSL's own words for these would not tell an operator what to do.
        case (ERR_LIB_PEM, PEM_R_NO_START_LINE), (ERR_LIB_X509, X509_R_NO_CERTIFICATE_OR_CRL_FOUND):
            "it holds no certificate in PEM form"
        case (ERR_LIB_OSSL_DECODER, Int32(ERR_R_UNSUPPORTED)): "it holds no private key in PEM form"
        case (_, Int32(ERR_R_INTERRUPTED_OR_CANCELLED)): "it is encrypted; give it without a passphrase"
        default: ERR_reason_error_string(error).map { String(cString: $0) } ?? "unknown reason"
        }
    }

    static func takeReason() -> String { reason(take()) }
}
