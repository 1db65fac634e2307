import COpenSSL
import Glibc

/// A certificate's subject alternative names (RFC 5280 §4.2.1.6) of the kinds that say who somebody is: at most 64 names of
/// printable ASCII, DNS names up to 255 bytes and URIs up to 2048 (the bound of a SPIFFE ID).
struct SubjectNames: Equatable {
    private static let maximumCount: Int32 = 64

    private(set) var dns: [String] = []
    private(set) var uris: [String] = []
    private(set) var addresses: [String] = []

    /// Reads them; nil when they are out of bounds, or hold what could be read as another name.
    init?(of certificate: OpaquePointer) {
        var found: Int32 = 0
        guard let pointer = X509_get_ext_d2i(certificate, NID_subject_alt_name, &found, nil) else {
            OpenSSLErrors.clear()
            // -1 says that there are none, anything else that they are malformed.
            if found == -1 { return }
            return nil
        }
        let names = OpaquePointer(pointer)
        defer { GENERAL_NAMES_free(names) }
        let count = tokenwell_GENERAL_NAMES_num(names)
        guard count <= Self.maximumCount else { return nil }
        for index in 0..<count {
            var bytes: UnsafePointer<UInt8>?
            var length: Int32 = 0
            let kind = tokenwell_GENERAL_NAMES_get(names, index, &bytes, &length)
            guard append(UnsafeBufferPointer(start: bytes, count: Int(length)), of: kind) else { return nil }
        }
    }

    private mutating func append(_ bytes: UnsafeBufferPointer<UInt8>, of kind: Int32) -> Bool {
        switch kind {
        case GEN_DNS:
            guard let text = Self.text(bytes, limit: 255) else { return false }
            dns.append(text)
        case GEN_URI:
            guard let text = Self.text(bytes, limit: 2048) else { return false }
            uris.append(text)
        case GEN_IPADD:
            guard let text = Self.address(bytes) else { return false }
            addresses.append(text)
        default: break
        }
        return true
    }

    private static func text(_ bytes: UnsafeBufferPointer<UInt8>, limit: Int) -> String? {
        guard !bytes.isEmpty, bytes.count <= limit, bytes.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func address(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, bytes.baseAddress, &text, socklen_t(text.count)) != nil else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
