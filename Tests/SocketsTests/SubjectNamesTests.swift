import Support
import Testing

@testable import Sockets

/// Which names of a certificate are taken.
struct SubjectNamesTests {
    private typealias Name = Certificates.RawName

    private let certificates: Certificates

    init() throws { certificates = try Certificates() }

    private static func text(_ count: Int) -> [UInt8] { Array(repeating: UInt8(ascii: "a"), count: count) }

    private static let good: [(String, [Name])] = [
        ("a DNS name of 255 bytes", [.dns(text(255))]), ("a URI of 2048 bytes", [.uri(text(2048))]),
        ("64 names", (0..<64).map { _ in .dns(text(1)) }), ("an address of IPv4", [.address(text(4))]),
        ("an address of IPv6", [.address(text(16))]), ("none", []),
    ]

    private static let bad: [(String, [Name])] = [
        ("a DNS name of 256 bytes", [.dns(text(256))]), ("a URI of 2049 bytes", [.uri(text(2049))]),
        ("65 names", (0..<65).map { _ in .dns(text(1)) }), ("an empty DNS name", [.dns([])]),
        ("an empty URI", [.uri([])]), ("a NUL in a DNS name", [.dns(Array("a.example\0.b".utf8))]),
        ("a NUL in a URI", [.uri(Array("spiffe://a/b\0c".utf8))]), ("a line feed", [.dns(Array("a\nb".utf8))]),
        ("a space", [.uri(Array("spiffe://a/b c".utf8))]), ("a DEL", [.dns([0x61, 0x7F])]),
        ("a byte beyond ASCII", [.dns([0x61, 0xE9])]), ("an address of 5 bytes", [.address(text(5))]),
    ]

    @Test(arguments: [(good, true), (bad, false)])
    private func `names are taken within their bounds`(examples: [(String, [Name])], isGood: Bool) throws {
        for (what, names) in examples {
            let pair = try certificates.issue(names: Certificates.encoded(names))
            let isTaken = (try? TLSContext.server(certificateFile: pair.certificateFile, keyFile: pair.keyFile)) != nil
            #expect(isTaken == isGood, "\(what)")
        }
    }

    @Test func `a certificate without names has none`() throws {
        let pair = try certificates.issue(names: nil)
        let context = try TLSContext.server(certificateFile: pair.certificateFile, keyFile: pair.keyFile)
        #expect(context.certificates.map(\.dnsNames) == [[]])
    }

    @Test func `names that cannot be read are named with their file`() throws {
        let pair = try certificates.issue(names: Certificates.encoded([.dns([0])]))
        let reason = "its subject alternative names cannot be used"
        #expect(throws: TLSError.certificateFile(path: pair.certificateFile, reason: reason)) {
            try TLSContext.server(certificateFile: pair.certificateFile, keyFile: pair.keyFile)
        }
    }
}
