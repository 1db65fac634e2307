import Foundation
import HTTP
import Signatures
import Sockets
import Support
import Synchronization

@testable import Service

/// What the callers of a ``LoopbackService`` prove themselves by, beside their keys: made once for all tests.
final class CallerProofs: Sendable {
    static let shared = Result { try CallerProofs() }

    private let signer: JWTSigner
    private let authorityFile: String
    private let server: Certificates.Pair
    private let keySetFile: String
    /// The lock guards the authority and what it has issued.
    private let issued: Mutex<Issued>

    private struct Issued {
        let certificates: Certificates
        var contexts: [String: TLSContext] = [:]
    }

    private init() throws {
        signer = try JWTSigner()
        let certificates = try Certificates()
        server = try certificates.issue()
        authorityFile = certificates.authorityFile
        keySetFile = try certificates.write(
            String(decoding: signer.keySet(.rs256, .es256, .edDSA), as: UTF8.self), to: "keys.json")
        issued = Mutex(Issued(certificates: certificates))
    }

    /// Has the callers of a configuration prove themselves so, beside their keys.
    func add(_ proof: LoopbackService.Proof, to configuration: inout Configuration) {
        switch proof {
        case .key, .basic: return
        case .jwt:
            configuration.jwtIssuers = [JWTIssuer(issuer: JWTSigner.issuer, keys: .file(keySetFile))]
            for index in configuration.callers.indices {
                let name = configuration.callers[index].name
                configuration.callers[index].jwt = CallerJWT(issuer: JWTSigner.issuer, subject: .exact(name))
            }
        case .certificate:
            configuration.listenTLS = .init(
                certificate: server.certificateFile, key: server.keyFile,
                clients: .init(caFile: authorityFile, isRequired: false))
            for index in configuration.callers.indices {
                let name = configuration.callers[index].name
                configuration.callers[index].certificateNames = [.uri(Self.uri(of: name))]
            }
        }
    }

    /// The `Authorization` field of a caller's request; nil when a certificate is its proof.
    func authorization(_ caller: String, by proof: LoopbackService.Proof) throws -> String? {
        switch proof {
        case .key: "Bearer \(LoopbackService.key(of: caller))"
        case .basic: LoopbackService.basic(caller, LoopbackService.key(of: caller))
        case .jwt: "Bearer \(try signer.jwt(subject: caller, at: Int(Date().timeIntervalSince1970)))"
        case .certificate: nil
        }
    }

    /// What a caller shows and trusts; without one, no certificate is shown.
    func context(of caller: String?) throws -> TLSContext {
        try issued.withLock { issued in
            if let context = issued.contexts[caller ?? ""] { return context }
            let pair = try caller.map { try issued.certificates.issue(names: "URI:\(Self.uri(of: $0))") }
            let context = try TLSContext.client(
                caFile: authorityFile,
                certificate: pair.map { CertificateFiles(certificate: $0.certificateFile, key: $0.keyFile) })
            issued.contexts[caller ?? ""] = context
            return context
        }
    }

    private static func uri(of caller: String) -> String { "spiffe://tests.example/\(caller)" }
}
