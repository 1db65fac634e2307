import HTTP
import Sockets
import Support
import Testing
import TokenBroker

@testable import Service

/// One request of the broker's to an upstream, which a test plays with literal bytes, over real sockets.
struct UpstreamExchange {
    /// What the upstream does once it has read the request.
    struct Answer: Sendable {
        enum End: Sendable { case finish, reset }

        var bytes: [UInt8] = []
        var end = End.finish

        init(_ text: String, then end: End = .finish) { self.init(bytes: Array(text.utf8), then: end) }

        init(bytes: [UInt8], then end: End = .finish) {
            self.bytes = bytes
            self.end = end
        }

        /// A whole answer with its length.
        static func status(_ status: Int, _ fields: [String] = [], _ body: String = "") -> Answer {
            self.status(status, fields, Array(body.utf8))
        }

        static func status(_ status: Int, _ fields: [String] = [], _ body: [UInt8]) -> Answer {
            let lines = ["HTTP/1.1 \(status) Odd", "Content-Length: \(body.count)"] + fields
            return Answer(bytes: Array((lines + ["", ""]).joined(separator: "\r\n").utf8) + body)
        }
    }

    /// As it arrived, with LF for CRLF and without the port, which the kernel chose.
    let request: String
    let result: Result<MintedToken, MintFailure>

    /// Mints once.
    ///
    /// - Parameter tenant: Given the origin of the upstream's URLs.
    static func mint(
        _ tenant: (_ origin: String) throws -> Tenant, scopes: ScopeSet? = nil, answer: Answer
    ) async throws -> UpstreamExchange {
        try await run(tenant, answer) { endpoint, tenant in
            do throws(MintFailure) {
                return .success(
                    try await endpoint.mint(tenant, scopes: scopes ?? tenant.scopes, deadline: .generous))
            } catch {
                return .failure(error)
            }
        }
    }

    /// Revokes the token `a.b+c/=` once.
    static func revoke(
        _ tenant: (_ origin: String) throws -> Tenant, answer: Answer
    ) async throws -> UpstreamExchange {
        try await run(tenant, answer) { endpoint, tenant in
            do throws(MintFailure) {
                try await endpoint.revoke(Secret("a.b+c/="), of: tenant, deadline: .generous)
                return .success(MintedToken(token: Secret("a.b+c/="), lifetime: nil))
            } catch {
                return .failure(error)
            }
        }
    }

    private static func run(
        _ tenant: (_ origin: String) throws -> Tenant, _ answer: Answer,
        _ body: @escaping @Sendable (OAuthTokenEndpoint, Tenant) async -> Result<MintedToken, MintFailure>
    ) async throws -> UpstreamExchange {
        let listener = try RawListener()
        let tenant = try tenant("http://127.0.0.1:\(listener.port)")
        let endpoint = try endpoint()
        // Not where the accept below may block a thread that this needs.
        let exchange = Task(executorPreference: try TestLoops.group.any) { await body(endpoint, tenant) }
        let request = try serve(listener, answer)
        let result = await exchange.value
        #expect(!listener.hasWaiting, "nothing is tried again, and no redirect followed")
        return UpstreamExchange(
            request: request.replacing("127.0.0.1:\(listener.port)", with: "upstream").replacing("\r\n", with: "\n"),
            result: result)
    }

    private static func serve(_ listener: RawListener, _ answer: Answer) throws -> String {
        let peer = try listener.accept()
        let head = try peer.receive(through: "\r\n\r\n")
        let length = head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
            .flatMap { Int($0.dropFirst(16)) }
        let body = try peer.receive(count: length ?? 0)
        if answer.end == .reset { peer.resetWhenClosed() }
        try peer.send(answer.bytes)
        if answer.end == .finish { peer.finishWriting() }
        return head + body
    }

    /// The broker's own, for tenants without files of their own.
    static func endpoint() throws -> OAuthTokenEndpoint {
        OAuthTokenEndpoint(client: HTTPClient(on: try TestLoops.group), tls: try tls.get())
    }

    private static let tls = Result { () throws(TLSError) in try UpstreamTLS(for: [initech("http://127.0.0.1")]) }

    /// A tenant of the generic provider, as plain as can be.
    static func initech(_ origin: String) -> Tenant {
        Tenant(
            name: "initech",
            provider: Provider(
                name: "oauth2", tokenURL: origin + "/token", revocationURL: origin + "/revoke",
                clientAuthentication: .basic),
            credential: Credential(id: "tokenwell", secret: Secret("s3cret")), scopes: .empty)
    }
}
