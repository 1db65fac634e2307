import Foundation
import HTTP
import Signatures
import Sockets
import Support
import Synchronization
import Testing
import TokenBroker

@testable import Service

/// An issuer whose keys are at a URL, as those of a Kubernetes cluster are, in front of the whole service.
struct JWTIssuersTests {
    @Test func `a service account's JWT gets a token, and who comes while the keys are read waits for them`()
        async throws
    {
        let signer = try JWTSigner()
        let certificates = try Certificates()
        let identity = try certificates.issue()
        let tokenFile = try certificates.write("broker.jwt.token\n", to: "token")
        let gate = Gate()
        let asked = Mutex<[Request]>([])
        var http = HTTPServer.Configuration()
        http.tls = CurrentTLSContext(
            try .server(certificateFile: identity.certificateFile, keyFile: identity.keyFile))
        let keys = try signer.keySet(.rs256)
        let server = try HTTPServer(at: .loopback(), on: LoopbackService.group.get(), configuration: http) { request in
            asked.withLock { $0.append(request) }
            await gate.wait()
            return Response(.ok, type: "application/jwk-set+json", body: keys)
        }
        try await LoopbackService.run { configuration in
            configuration.jwtIssuers = [
                JWTIssuer(
                    issuer: JWTSigner.issuer,
                    keys: .url(
                        "https://\(server.address)/openid/v1/jwks", caFile: certificates.authorityFile,
                        tokenFile: tokenFile))
            ]
            configuration.callers.append(
                Caller(
                    name: "pod", jwt: CallerJWT(issuer: JWTSigner.issuer, subject: .exact(JWTSigner.subject)),
                    grant: Grant(tenants: [.exact("acme")])))
        } _: { service in
            let token = try signer.jwt(.rs256, at: Int(Date().timeIntervalSince1970))
            let field = [("Authorization", "Bearer \(token)")] as [(StaticString, String)]
            async let waiting = service.get("/tokens/acme", field)
            await gate.visitor()
            #expect(try await service.get("/tokens/acme", as: "payroll").status == 200, "a key waits for nobody")
            gate.open()
            #expect(try await waiting.status == 200)
            #expect(try await service.get("/tokens/globex", field).status == 403)
            let forged = try JWTSigner().jwt(.rs256, keyID: "other", at: Int(Date().timeIntervalSince1970))
            for _ in 0..<5 {
                #expect(try await service.get("/tokens/acme", [("Authorization", "Bearer \(forged)")]).status == 401)
            }
            #expect(!service.log.contains(token) && !service.log.contains(forged))
        }
        await server.drain(within: .zero)
        let requests = asked.withLock { $0 }
        // Five forged ones have it read again only if half a minute has passed meanwhile.
        #expect((1...2).contains(requests.count))
        #expect(requests.allSatisfy { $0.fields["Authorization"] == "Bearer broker.jwt.token" })
    }

    @Test func `while its keys cannot be read, an issuer's JWTs are answered 503 and all else as ever`() async throws {
        let signer = try JWTSigner()
        let gone = try HTTPServer(at: .loopback(), on: LoopbackService.group.get()) { _ in Response(.noContent) }
        await gone.drain(within: .zero)
        try await LoopbackService.run { configuration in
            configuration.jwtIssuers = [
                JWTIssuer(
                    issuer: JWTSigner.issuer, keys: .url("http://\(gone.address)/", caFile: nil, tokenFile: nil))
            ]
            configuration.callers.append(
                Caller(
                    name: "pod", jwt: CallerJWT(issuer: JWTSigner.issuer, subject: .exact(JWTSigner.subject)),
                    grant: Grant(tenants: [.exact("acme")])))
        } _: { service in
            let token = try signer.jwt(at: Int(Date().timeIntervalSince1970))
            let answer = try await service.get("/tokens/acme", [("Authorization", "Bearer \(token)")])
            #expect(answer.status == 503)
            #expect(answer.json?["error"]?.text == "temporarily_unavailable")
            #expect(answer[field: "Retry-After"] == "30")
            #expect(try await service.get("/tokens/acme", as: "payroll").status == 200)
            #expect(service.log.contains("can't read the keys of a JWT issuer"))
        }
    }
}
