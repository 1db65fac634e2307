import Foundation
import HTTP
import Testing
import TokenBroker

@testable import Service

/// The bytes that each provider's dialect comes to.
struct UpstreamRequestTests {
    private static let special = Credential(id: "app:1 é", secret: Secret("p&s=+%:/ é\""))

    private func tenant(_ provider: Provider, _ credential: Credential = Credential(id: "id", secret: Secret("pw")))
        -> Tenant
    {
        Tenant(name: "acme", provider: provider, credential: credential, scopes: .empty)
    }

    private func oauth2(
        _ authentication: Provider.ClientAuthentication, body: Provider.BodyFormat = .form,
        parameters: [Provider.Parameter] = [], separator: String = " "
    ) -> Provider {
        Provider(
            name: "oauth2", tokenURL: "https://a.example/t", revocationURL: "https://a.example/r",
            clientAuthentication: authentication, bodyFormat: body, parameters: parameters, scopeSeparator: separator)
    }

    /// Fields and body of a token request as they are sent.
    private func text(_ tenant: Tenant, scopes: ScopeSet) throws -> String {
        text(try UpstreamRequest.token(tenant, scopes: scopes, now: 0))
    }

    private func text(_ request: UpstreamRequest) -> String {
        (request.fields.all.map { "\($0.name): \($0.value)" } + ["", String(decoding: request.body, as: UTF8.self)])
            .joined(separator: "\n")
    }

    private func basic(_ text: String) -> String { "Basic " + Data(text.utf8).base64EncodedString() }

    private let scopes = ScopeSet(["b", "a"]) ?? .empty

    @Test func `pageup has everything in the form`() throws {
        let tenant = tenant(.pageUp(tokenURL: "https://login.dc2.pageuppeople.com/connect/token"), Self.special)
        #expect(
            try text(tenant, scopes: scopes) == """
                Accept: application/json
                Content-Type: application/x-www-form-urlencoded

                grant_type=client_credentials&scope=a+b&client_id=app%3A1+%C3%A9\
                &client_secret=p%26s%3D%2B%25%3A%2F+%C3%A9%22
                """)
    }

    @Test func `a client that its certificate proves has only its id in the body`() throws {
        let tenant = tenant(oauth2(.tls), Credential(id: "app", secret: Secret("")))
        #expect(
            try text(tenant, scopes: .empty) == """
                Accept: application/json
                Content-Type: application/x-www-form-urlencoded

                grant_type=client_credentials&client_id=app
                """)
    }

    @Test func `ukg has the application by raw Basic and the customer in the form`() throws {
        let tenant = tenant(
            .ukg(baseURL: "https://apis.eu.people-doc.com", clientID: "glo bex"),
            Credential(id: "app-1", secret: Secret("p&s=+%:/ é\"")))
        #expect(
            try text(tenant, scopes: ScopeSet(["client"]) ?? .empty) == """
                Authorization: \(basic("app-1:p&s=+%:/ é\""))
                Accept: application/json
                Content-Type: application/x-www-form-urlencoded

                grant_type=client_credentials&scope=client&client_id=glo+bex
                """)
    }

    @Test func `ukg's revocation has the token and nothing else`() throws {
        let tenant = tenant(.ukg(baseURL: "https://apis.eu.people-doc.com", clientID: "globex"))
        #expect(
            try text(.revocation(of: Secret("a.b+c/="), tenant, now: 0)) == """
                Authorization: \(basic("id:pw"))
                Accept: application/json
                Content-Type: application/x-www-form-urlencoded

                token=a.b%2Bc%2F%3D
                """)
    }

    @Test func `basic is form-encoded first, as RFC 6749 has it`() throws {
        #expect(
            try text(tenant(oauth2(.basic), Self.special), scopes: .empty) == """
                Authorization: \(basic("app%3A1+%C3%A9:p%26s%3D%2B%25%3A%2F+%C3%A9%22"))
                Accept: application/json
                Content-Type: application/x-www-form-urlencoded

                grant_type=client_credentials
                """)
    }

    @Test func `parameters follow in their order, repeated where they have several values`() throws {
        let parameters = [
            Provider.Parameter("resource", ["https://a", "https://b"]), Provider.Parameter("audience", ["x y"]),
        ]
        let provider = oauth2(.body, parameters: parameters)
        #expect(
            try text(tenant(provider), scopes: scopes) == """
                Accept: application/json
                Content-Type: application/x-www-form-urlencoded

                grant_type=client_credentials&scope=a+b&resource=https%3A%2F%2Fa&resource=https%3A%2F%2Fb\
                &audience=x+y&client_id=id&client_secret=pw
                """)
    }

    @Test func `as JSON, one value is a string and several are an array`() throws {
        let parameters = [Provider.Parameter("resource", ["a", "b\"\n"]), Provider.Parameter("audience", ["x\\y"])]
        let provider = oauth2(.body, body: .json, parameters: parameters)
        #expect(
            try text(tenant(provider, Self.special), scopes: scopes) == #"""
                Accept: application/json
                Content-Type: application/json

                {"grant_type":"client_credentials","scope":"a b","resource":["a","b\u0022\u000a"],"audience":"x\u005cy",\#
                "client_id":"app:1 é","client_secret":"p&s=+%:/ é\u0022"}
                """#)
    }

    @Test func `a revocation is a form even where a token request is JSON`() throws {
        #expect(
            try text(.revocation(of: Secret("t"), tenant(oauth2(.body, body: .json)), now: 0)) == """
                Accept: application/json
                Content-Type: application/x-www-form-urlencoded

                token=t&client_id=id&client_secret=pw
                """)
    }

    @Test func `scopes are joined by the provider's separator`() throws {
        let request = try UpstreamRequest.token(tenant(oauth2(.basicRaw, separator: ",")), scopes: scopes, now: 0)
        #expect(String(decoding: request.body, as: UTF8.self) == "grant_type=client_credentials&scope=a%2Cb")
    }
}
