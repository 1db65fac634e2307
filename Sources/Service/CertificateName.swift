import Sockets

/// A name by which a client certificate proves a caller.
package enum CertificateName: Hashable, Sendable {
    /// A URI name (RFC 5280 §4.2.1.6) such as a SPIFFE ID, byte for byte.
    case uri(String)
    /// A DNS name in lower case; names are compared without regard to case.
    case dns(String)

    /// Every name that a certificate has.
    static func all(of certificate: ClientCertificate) -> [CertificateName] {
        certificate.uris.map { .uri($0) } + certificate.dnsNames.map { .dns($0.lowercased()) }
    }
}
