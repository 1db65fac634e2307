import Foundation

/// A private authority and the certificates it issues, in a temporary folder that goes with the last of them.
package final class Certificates {
    /// A certificate chain and its key, as files, which are there as long as this is.
    package struct Pair: Sendable {
        package let certificateFile: String
        package let keyFile: String
        fileprivate let folder: Folder
    }

    /// A temporary folder that goes with its last user.
    fileprivate final class Folder: Sendable {
        let url: URL

        init() throws {
            url = FileManager.default.temporaryDirectory.appendingPathComponent("certificates-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
        }

        deinit { try? FileManager.default.removeItem(at: url) }
    }

    /// When a certificate is good, beside the present.
    package enum Validity: Sendable { case now, past, future }

    /// The names that test servers have.
    package static let localhost = "DNS:localhost,IP:127.0.0.1"

    private let folder: Folder
    private var issued = 0

    /// Makes the authority.
    package init() throws {
        folder = try Folder()
        try write("", to: "index")
        try write(configuration, to: "ca.conf")
        try PeerProgram.run(
            ["req", "-x509", "-subj", "/CN=Private CA", "-keyout", path("ca.key"), "-out", path("ca.pem")] + newKey)
    }

    /// The authority's own certificate.
    package var authorityFile: String { path("ca.pem") }

    /// Issues a certificate for such names (`DNS:` and `IP:`, comma between), none of them in the common name.
    ///
    /// - Parameter usage: What it is good for alone, such as `serverAuth`.
    package func issue(
        names: String? = localhost, commonName: String = "server", validity: Validity = .now, usage: String? = nil
    ) throws -> Pair {
        let extensions =
            (names.map { ["-addext", "subjectAltName=\($0)"] } ?? [])
            + (usage.map { ["-addext", "extendedKeyUsage=\($0)"] } ?? [])
        return try sign(commonName, extensions: extensions, validity: validity, by: path("ca"))
    }

    /// A name of a certificate as it is encoded: what no honest authority would put there too.
    package struct RawName: Sendable {
        let tag: UInt8, bytes: [UInt8]

        package static func dns(_ bytes: [UInt8]) -> RawName { RawName(tag: 0x82, bytes: bytes) }
        package static func uri(_ bytes: [UInt8]) -> RawName { RawName(tag: 0x86, bytes: bytes) }
        package static func address(_ bytes: [UInt8]) -> RawName { RawName(tag: 0x87, bytes: bytes) }
    }

    /// Names for ``issue(names:commonName:validity:usage:)`` that `openssl` would not encode by itself.
    package static func encoded(_ names: [RawName]) -> String {
        let der = encoded(0x30, names.flatMap { encoded($0.tag, $0.bytes) })
        return "DER:" + der.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func encoded(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let length = content.count
        let head = length < 128 ? [UInt8(length)] : [0x82, UInt8(length >> 8), UInt8(length & 0xFF)]
        return [tag] + head + content
    }

    /// A certificate for localhost that the authority did not issue itself: its file holds the intermediate authority too.
    package func issueThroughIntermediate() throws -> Pair {
        let authority = try sign(
            "Intermediate CA", extensions: ["-addext", "basicConstraints=critical,CA:TRUE"], validity: .now,
            by: path("ca"))
        let stem = String(authority.keyFile.dropLast(4))
        let leaf = try sign(
            "server", extensions: ["-addext", "subjectAltName=\(Self.localhost)"], validity: .now, by: stem)
        let chain = try [leaf, authority].map { try String(contentsOfFile: $0.certificateFile, encoding: .utf8) }
            .joined()
        return Pair(certificateFile: try write(chain, to: "chain.pem"), keyFile: leaf.keyFile, folder: folder)
    }

    /// A certificate for localhost that nobody else vouches for.
    package func selfSigned() throws -> Pair {
        let pair = nextPair()
        try PeerProgram.run(
            ["req", "-x509", "-subj", "/CN=server", "-addext", "subjectAltName=\(Self.localhost)"]
                + ["-keyout", pair.keyFile, "-out", pair.certificateFile] + newKey)
        return pair
    }

    /// The key, locked with a passphrase.
    package func encrypted(_ keyFile: String) throws -> String {
        let file = path("encrypted.key")
        try PeerProgram.run(["pkey", "-in", keyFile, "-aes256", "-passout", "pass:secret", "-out", file])
        return file
    }

    /// Puts a file of any content into the folder, and returns its path.
    @discardableResult
    package func write(_ content: String, to name: String) throws -> String {
        try content.write(toFile: path(name), atomically: false, encoding: .utf8)
        return path(name)
    }

    /// The path that a file of this name has in the folder.
    package func path(_ name: String) -> String { folder.url.appendingPathComponent(name).path }

    private func sign(_ name: String, extensions: [String], validity: Validity, by issuer: String) throws -> Pair {
        let pair = nextPair()
        let request = pair.certificateFile + ".csr"
        try PeerProgram.run(
            ["req", "-new", "-subj", "/CN=\(name)", "-keyout", pair.keyFile, "-out", request] + extensions + newKey)
        try PeerProgram.run(
            [
                "ca", "-config", path("ca.conf"), "-cert", issuer + ".pem", "-keyfile", issuer + ".key", "-batch",
                "-notext",
            ]
                + [
                    "-startdate", validity.start, "-enddate", validity.end, "-in", request, "-out",
                    pair.certificateFile,
                ])
        return pair
    }

    private func nextPair() -> Pair {
        issued += 1
        return Pair(certificateFile: path("\(issued).pem"), keyFile: path("\(issued).key"), folder: folder)
    }

    private let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    private var configuration: String {
        """
        [ca]
        default_ca = authority
        [authority]
        database = \(path("index"))
        new_certs_dir = \(folder.url.path)
        rand_serial = yes
        unique_subject = no
        default_md = sha256
        policy = names
        copy_extensions = copy
        [names]
        commonName = supplied
        """
    }
}

extension Certificates.Validity {
    fileprivate var start: String { self == .future ? "20980101000000Z" : "20200101000000Z" }
    fileprivate var end: String { self == .past ? "20200201000000Z" : "20990101000000Z" }
}
