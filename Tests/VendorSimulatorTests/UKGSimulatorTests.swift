import Crypto
import Foundation
import HTTP
import Testing

@testable import VendorSimulator

struct UKGSimulatorTests {
    private static let form = "grant_type=client_credentials&scope=client&client_id=globex"
    private static let application = "app-1:s+cret %:"
    private static let tokens = "/api/v2/client/tokens"
    private static let revokeToken = "/api/v2/client/revoke_token"

    private let time = ManualTime()
    private let simulator: UKGSimulator

    init() {
        let time = time
        simulator = UKGSimulator(
            clients: [
                SimulatedClient(id: "app-1", secret: "s+cret %:", clientIDs: ["globex", "initech"]),
                SimulatedClient(id: "app-2", secret: "two", clientIDs: ["globex"]),
            ],
            ban: BanPolicy(mints: 3, window: .seconds(600), duration: .seconds(600), expiresTokens: true),
            now: { time.now }, pause: { time.pause(for: $0) })
    }

    private func mint() async throws -> TokenAnswer {
        try await simulator.respond(to: .post(Self.tokens, Self.form, basic: Self.application)).tokenAnswer()
    }

    private func employees(_ token: String?) async -> Response {
        await simulator.respond(to: .get("/api/v2/client/employees", bearer: token))
    }

    // MARK: Tokens

    @Test func `a request in order gets a token, and no scope`() async throws {
        let response = await simulator.respond(to: .post(Self.tokens, Self.form, basic: Self.application))
        let token = try response.tokenAnswer().access_token
        #expect(token.hasPrefix("eyJ"))
        #expect(
            response.text == """
                200
                Content-Type: application/json
                Cache-Control: no-store
                Pragma: no-cache

                {"token_type":"bearer","access_token":"\(token)","expires_in":3600}
                """)
    }

    @Test func `a token is a JWT of the customer, signed with the server's key`() async throws {
        let token = try #require(DecodedToken(try await mint().access_token))
        #expect(
            token.claims.hasPrefix(
                #"{"client_id":"globex","application_id":"app-1","nbf":1800000000,"iat":1800000000,"exp":1800003600,"#))
        let signature = try P256.Signing.ECDSASignature(rawRepresentation: token.signature)
        #expect(simulator.publicKey.isValidSignature(signature, for: token.signed))
    }

    struct Refused: CustomTestStringConvertible {
        var name: String
        var request: Request
        var testDescription: String { name }

        init(_ name: String, _ form: String, basic: String? = nil, type: String? = "application/x-www-form-urlencoded")
        {
            self.name = name
            request = .post(UKGSimulatorTests.tokens, form, basic: basic, type: type)
        }
    }

    private static let unauthorized = """
        401
        Content-Type: application/json
        Cache-Control: no-store
        Pragma: no-cache
        WWW-Authenticate: Basic realm="client"

        {"error":"invalid_client","error_description":"Client authentication failed."}
        """

    private static let badRequest = """
        400
        Content-Type: application/json
        Cache-Control: no-store
        Pragma: no-cache

        {"error":"invalid_request","error_description":"The request is invalid"}
        """

    @Test(arguments: [
        Refused("no credentials", form),
        Refused("credentials in the body", form + "&client_secret=s%2Bcret+%25%3A"),
        Refused("unknown application", form, basic: "app-9:s+cret %:"),
        Refused("wrong secret", form, basic: "app-1:x"),
        Refused("form-encoded secret", form, basic: "app-1:s%2Bcret+%25%3A"),
        Refused("the customer as the application", form, basic: "globex:s+cret %:"),
        Refused("wrong secret and wrong form", "", basic: "app-1:x"),
    ])
    func `wrong application credentials are 401`(_ example: Refused) async {
        #expect(await simulator.respond(to: example.request).text == Self.unauthorized)
    }

    @Test func `two Authorization fields are none`() async {
        var request = Request.post(Self.tokens, Self.form, basic: Self.application)
        request.fields.append("Authorization", "Basic YTpi")
        #expect(await simulator.respond(to: request).text == Self.unauthorized)
    }

    @Test(arguments: [
        Refused("no body", "", basic: application),
        Refused("no client id", "grant_type=client_credentials&scope=client", basic: application),
        Refused("another customer", "grant_type=client_credentials&scope=client&client_id=acme", basic: application),
        Refused(
            "the application as the customer", "grant_type=client_credentials&scope=client&client_id=app-1",
            basic: application),
        Refused("no scope", "grant_type=client_credentials&client_id=globex", basic: application),
        Refused("other scope", "grant_type=client_credentials&scope=employee&client_id=globex", basic: application),
        Refused("no grant type", "scope=client&client_id=globex", basic: application),
        Refused("other grant type", "grant_type=password&scope=client&client_id=globex", basic: application),
        Refused("repeated parameter", form + "&client_id=globex", basic: application),
        Refused("JSON", form, basic: application, type: "application/json"),
        Refused("no content type", form, basic: application, type: nil),
    ])
    func `a wrong form is 400`(_ example: Refused) async {
        #expect(await simulator.respond(to: example.request).text == Self.badRequest)
    }

    @Test func `a client that mints too often loses its tokens and is refused for a while`() async throws {
        var held: [String] = []
        for _ in 0..<3 { held.append(try await mint().access_token) }
        let other = try await simulator.respond(to: .post(Self.tokens, Self.form, basic: "app-2:two")).tokenAnswer()
        for token in held { #expect(await employees(token).status == .ok) }

        let request = Request.post(Self.tokens, Self.form, basic: Self.application)
        let banned = """
            429
            Content-Type: application/json

            {"code":"rate_limit_exceeded","message":"Rate Limit Exceeded"}
            """
        #expect(await simulator.respond(to: request).text == banned)
        for token in held { #expect(await employees(token).status == .unauthorized) }
        #expect(await employees(other.access_token).status == .ok)

        time.advance(by: .seconds(599))
        #expect(await simulator.respond(to: request).text == banned)
        time.advance(by: .seconds(1))
        #expect(await simulator.respond(to: request).status == .ok)
    }

    // MARK: The rest

    private static let invalidToken = """
        401
        Content-Type: application/json
        WWW-Authenticate: Bearer

        {"code":"invalid_token","message":"Token is invalid."}
        """

    @Test func `the API takes a good token until it expires`() async throws {
        let token = try await mint().access_token
        time.advance(by: .milliseconds(3_599_999))
        #expect(await employees(token).text == "200\nContent-Type: application/json\n\n[]")
        time.advance(by: .milliseconds(1))
        #expect(await employees(token).text == Self.invalidToken)
    }

    @Test(arguments: [nil, "", "x.y.z"])
    func `the API refuses what is no token`(_ token: String?) async {
        #expect(await employees(token).text == Self.invalidToken)
    }

    @Test func `a revoked token is dead at once, and a second revocation succeeds`() async throws {
        let (token, kept) = (try await mint().access_token, try await mint().access_token)
        let request = Request.post(Self.revokeToken, "token=\(token)", basic: Self.application)
        for _ in 0..<2 {
            #expect(await simulator.respond(to: request).text == "200\nContent-Type: application/json\n\n{}")
            #expect(await employees(token).text == Self.invalidToken)
        }
        #expect(await employees(kept).status == .ok)
    }

    @Test func `one application cannot revoke another's token`() async throws {
        let token = try await mint().access_token
        let request = Request.post(Self.revokeToken, "token=\(token)", basic: "app-2:two")
        #expect(await simulator.respond(to: request).status == .ok)
        #expect(await employees(token).status == .ok)
    }

    @Test func `a revocation out of order is refused and kills nothing`() async throws {
        let token = try await mint().access_token
        let form = "token=\(token)"
        let wrongSecret = Request.post(Self.revokeToken, form, basic: "app-1:x")
        #expect(await simulator.respond(to: wrongSecret).text == Self.unauthorized)
        let noToken = Request.post(Self.revokeToken, "", basic: Self.application)
        #expect(await simulator.respond(to: noToken).text == Self.badRequest)
        let noForm = Request.post(Self.revokeToken, form, basic: Self.application, type: "text/plain")
        #expect(await simulator.respond(to: noForm).text == Self.badRequest)
        #expect(await employees(token).status == .ok)
    }

    @Test(arguments: [
        (Request.get(tokens), "405\nAllow: POST\n\n"),
        (Request.get(revokeToken), "405\nAllow: POST\n\n"),
        (Request.post("/api/v2/client/employees", ""), "405\nAllow: GET, HEAD\n\n"),
        (Request.get("/"), "404\n\n"),
        (Request.post("/api/v2/tokens", form), "404\n\n"),
    ])
    func `other methods and paths are refused`(_ request: Request, _ text: String) async {
        #expect(await simulator.respond(to: request).text == text)
    }
}
