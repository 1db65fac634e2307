/// Who a client is by its certificate, for which a trusted authority has vouched.
///
/// Both lists together have at most 64 names, of printable ASCII, in the certificate's own order and spelling.
package struct ClientCertificate: Hashable, Sendable {
    /// URI names, where SPIFFE IDs are; each of at most 2048 bytes.
    package let uris: [String]
    /// DNS names, each of at most 255 bytes; a wildcard is a name like any other.
    package let dnsNames: [String]
    /// The last second in which it is valid, since 1970: a connection may be open longer.
    package let notAfter: Int

    package init(uris: [String] = [], dnsNames: [String] = [], notAfter: Int = .max) {
        self.uris = uris
        self.dnsNames = dnsNames
        self.notAfter = notAfter
    }
}
