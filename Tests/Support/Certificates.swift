import Foundation

/// A private authority and the certificates it issues, in a temporary folder that goes with this object.
package final class Certificates {
    /// A certificate chain and its key, as files.
    package struct Pair: Sendable {
        package let certificateFile: String
        package let keyFile: String
    }

    /// When a certificate is good, beside the present.
    package enum Validity: Sendable { case now, past, future }

    /// The names that test servers have.
    package static let localhost = "DNS:localhost,IP:127.0.0.1"

    private let folder: URL
    private var issued = 0

    /// Makes the authority.
    package init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("certificates-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        try write("", to: "index")
        try write(configuration, to: "ca.conf")
        try OpenSSLCommand.run(
            ["req", "-x509", "-subj", "/CN=Private CA", "-keyout", path("ca.key"), "-out", path("ca.pem")] + newKey)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// The authority's own certificate.
    package var authorityFile: String { path("ca.pem") }

    /// Issues a certificate for such names (`DNS:` and `IP:`, comma between), none of them in the common name.
    package func issue(names: String? = localhost, commonName: String = "server", validity: Validity = .now) throws
        -> Pair
    {
        let extensions = names.map { ["-addext", "subjectAltName=\($0)"] } ?? []
        return try sign(commonName, extensions: extensions, validity: validity, by: path("ca"))
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
        return Pair(certificateFile: try write(chain, to: "chain.pem"), keyFile: leaf.keyFile)
    }

    /// A certificate for localhost that nobody else vouches for.
    package func selfSigned() throws -> Pair {
        let pair = nextPair()
        try OpenSSLCommand.run(
            ["req", "-x509", "-subj", "/CN=server", "-addext", "subjectAltName=\(Self.localhost)"]
                + ["-keyout", pair.keyFile, "-out", pair.certificateFile] + newKey)
        return pair
    }

    /// The key, locked with a passphrase.
    package func encrypted(_ keyFile: String) throws -> String {
        let file = path("encrypted.key")
        try OpenSSLCommand.run(["pkey", "-in", keyFile, "-aes256", "-passout", "pass:secret", "-out", file])
        return file
    }

    /// Puts a file of any content into the folder, and returns its path.
    @discardableResult
    package func write(_ content: String, to name: String) throws -> String {
        try content.write(toFile: path(name), atomically: false, encoding: .utf8)
        return path(name)
    }

    /// The path that a file of this name has in the folder.
    package func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    private func sign(_ name: String, extensions: [String], validity: Validity, by issuer: String) throws -> Pair {
        let pair = nextPair()
        let request = pair.certificateFile + ".csr"
        try OpenSSLCommand.run(
            ["req", "-new", "-subj", "/CN=\(name)", "-keyout", pair.keyFile, "-out", request] + extensions + newKey)
        try OpenSSLCommand.run(
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
        return Pair(certificateFile: path("\(issued).pem"), keyFile: path("\(issued).key"))
    }

    private let newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    private var configuration: String {
        """
        [ca]
        default_ca = authority
        [authority]
        database = \(path("index"))
        new_certs_dir = \(folder.path)
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
