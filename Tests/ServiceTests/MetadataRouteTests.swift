import HTTP
import Sockets
import Testing

@testable import Service

struct MetadataRouteTests {
    private static let path = "/.well-known/oauth-authorization-server/tokens/"

    @Test func `the endpoints are at the external URL, whatever Host says`() async throws {
        try await LoopbackService.run { configuration in
            configuration.externalOrigin = "https://tokens.example:8443"
        } _: { service throws in
            let answer = try await service.get(Self.path + "acme", [("X-Forwarded-Host", "evil.example")])
            let methods = #"["client_secret_basic","client_secret_post"]"#
            #expect(
                answer.text == #"{"issuer":"https://tokens.example:8443/tokens/acme","#
                    + #""token_endpoint":"https://tokens.example:8443/tokens/acme","#
                    + #""revocation_endpoint":"https://tokens.example:8443/revoke","response_types_supported":[],"#
                    + #""grant_types_supported":["client_credentials"],"token_endpoint_auth_methods_supported":\#(methods),"#
                    + #""revocation_endpoint_auth_methods_supported":\#(methods)}"#)
            #expect(try await service.send(.head, Self.path + "acme").status == 200)
        }
    }

    @Test func `without one, a listener on the loopback is its own issuer`() async throws {
        try await LoopbackService.run { service throws in
            let answer = try await service.get(Self.path + "acme")
            #expect(answer.json?["issuer"]?.text == "\(service.url)/tokens/acme")
            #expect(answer.json?["token_endpoint"]?.text == "\(service.url)/tokens/acme")
        }
    }

    @Test func `a tenant that exists is described as one that does not`() async throws {
        try await LoopbackService.run { service throws in
            let (acme, none) = (
                try await service.get(Self.path + "acme"), try await service.get(Self.path + "none")
            )
            #expect(acme.comparable.replacing("acme", with: "") == none.comparable.replacing("none", with: ""))
        }
    }

    @Test(arguments: ["Acme", "a%20b", "%22", "-a", String(repeating: "a", count: 64)])
    func `what can be no tenant has none`(_ name: String) async throws {
        try await LoopbackService.run { service throws in
            let answer = try await service.get(Self.path + name)
            #expect(answer.status == 404)
            #expect(answer.json?["error"]?.text == "not_found")
        }
    }

    @Test(arguments: [
        ("127.0.0.1:80", false, "http://127.0.0.1:80"), ("[::1]:443", true, "https://[::1]:443"),
        ("0.0.0.0:8080", false, nil), ("0.0.0.0:8443", true, nil), ("10.0.0.1:8443", true, nil),
    ])
    func `an address says by which URL it is reached only on the loopback`(
        _ address: String, _ isTLS: Bool, _ origin: String?
    ) throws {
        let unsaid = ExternalOrigin(nil)
        #expect(throws: ErrorResponse.self) {
            try MetadataRoute(origin: unsaid).get(Request(method: .get, target: Target(segments: [])), tenant: "acme")
        }
        let said = ExternalOrigin("https://tokens.example")
        for known in [unsaid, said] { known.settle(for: try #require(SocketAddress(address)), isTLS: isTLS) }
        #expect(unsaid.value == origin)
        #expect(said.value == "https://tokens.example")
    }
}
