import COpenSSL
import Glibc

/// A certificate of our own and its private key, each the path of a PEM file.
package struct CertificateFiles: Hashable, Sendable {
    /// The chain, our own certificate first.
    package var certificate: String
    /// The key, without passphrase.
    package var key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

/// What a certificate of our own says of itself.
package struct TLSCertificate: Hashable, Sendable {
    /// The file that it was read from.
    package let file: String
    /// The DNS names that it is for.
    package let dnsNames: [String]
    /// The IP addresses and URIs that it is for.
    package let otherNames: [String]
    /// Seconds since 1970 from which it is good.
    package let notBefore: Int
    /// Seconds since 1970 after which it is good no more.
    package let notAfter: Int

    /// Whether it is shown only to clients that ask for one of its DNS names.
    package private(set) var isChosenByName = false

    /// The same as one for clients that ask for it.
    var chosenByName: TLSCertificate {
        var copy = self
        copy.isChosenByName = true
        return copy
    }

    /// Throws `certificateFile` when its names or dates cannot be read.
    init(_ certificate: OpaquePointer, file: String) throws(TLSError) {
        guard let names = SubjectNames(of: certificate) else {
            throw .certificateFile(path: file, reason: "its subject alternative names cannot be used")
        }
        guard let notBefore = Self.seconds(X509_get0_notBefore(certificate)),
            let notAfter = Self.seconds(X509_get0_notAfter(certificate))
        else { throw .certificateFile(path: file, reason: "its dates cannot be read") }
        self.file = file
        self.notBefore = notBefore
        self.notAfter = notAfter
        dnsNames = names.dns
        otherNames = names.addresses + names.uris
    }

    /// Whether a certificate's time is over, or cannot be told.
    static func isExpired(_ certificate: OpaquePointer) -> Bool {
        X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0
    }

    /// The last second in which it is valid, since 1970; nil when that cannot be told.
    static func end(of certificate: OpaquePointer) -> Int? { seconds(X509_get0_notAfter(certificate)) }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int? {
        var date = tm()
        guard ASN1_TIME_to_tm(time, &date) == 1 else { return nil }
        return timegm(&date)
    }
}
