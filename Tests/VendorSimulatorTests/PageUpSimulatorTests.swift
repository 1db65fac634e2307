import Crypto
import Foundation
import HTTP
import Testing

@testable import VendorSimulator

struct PageUpSimulatorTests {
    private static let credentials = "client_id=acme&client_secret=s%2Bcret%20%25"
    private static let form = "grant_type=client_credentials&" + credentials

    private let time = ManualTime()
    private let simulator: PageUpSimulator

    init() {
        let time = time
        simulator = PageUpSimulator(
            clients: [
                SimulatedClient(
                    id: "acme", secret: "s+cret %",
                    scopes: ["Public.Job.Write", "Public.Job.Read", "Public.Offer.Read"]),
                SimulatedClient(id: "bare", secret: "b", scopes: []),
            ],
            ban: BanPolicy(mints: 5, window: .seconds(600), duration: .seconds(60), expiresTokens: false),
            now: { time.now }, pause: { time.pause(for: $0) })
    }

    private func mint(_ form: String = form) async throws -> TokenAnswer {
        try await simulator.respond(to: .post("/connect/token", form)).tokenAnswer()
    }

    private func jobs(_ token: String?) async -> Response {
        await simulator.respond(to: .get("/v3/6784/jobs", bearer: token))
    }

    // MARK: Tokens

    struct Granted: CustomTestStringConvertible {
        var name: String
        var request: Request
        var scope: String
        var testDescription: String { name }
    }

    @Test(arguments: [
        Granted(
            name: "body credentials", request: .post("/connect/token", form + "&scope=Public.Job.Read"),
            scope: "Public.Job.Read"),
        Granted(
            name: "scopes are sorted, each once",
            request: .post("/connect/token", form + "&scope=Public.Job.Write+Public.Job.Read+Public.Job.Write"),
            scope: "Public.Job.Read Public.Job.Write"),
        Granted(
            name: "no scope is all scopes", request: .post("/connect/token", form),
            scope: "Public.Job.Read Public.Job.Write Public.Offer.Read"),
        Granted(
            name: "an empty scope is all scopes", request: .post("/connect/token", form + "&scope=+"),
            scope: "Public.Job.Read Public.Job.Write Public.Offer.Read"),
        Granted(
            name: "form-encoded Basic",
            request: .post(
                "/connect/token", "grant_type=client_credentials&scope=Public.Job.Read", basic: "acme:s%2Bcret+%25"),
            scope: "Public.Job.Read"),
        Granted(
            name: "unknown parameters",
            request: .post("/connect/token", form + "&scope=Public.Job.Read&audience=x"), scope: "Public.Job.Read"),
    ])
    func `a request in order gets a token`(_ example: Granted) async throws {
        let response = await simulator.respond(to: example.request)
        let token = try response.tokenAnswer().access_token
        #expect(
            response.text == """
                200
                Content-Type: application/json; charset=UTF-8
                Cache-Control: no-store, no-cache, max-age=0
                Pragma: no-cache

                {"access_token":"\(token)","expires_in":300,"token_type":"Bearer","scope":"\(example.scope)"}
                """)
    }

    struct Refused: CustomTestStringConvertible {
        var name: String
        var request: Request
        var error: String
        var testDescription: String { name }
    }

    @Test(arguments: [
        Refused(
            name: "GET", request: .post("/connect/token", form).with(method: .get), error: "invalid_request"),
        Refused(
            name: "JSON body", request: .post("/connect/token", "{}", type: "application/json"),
            error: "invalid_request"),
        Refused(name: "no content type", request: .post("/connect/token", form, type: nil), error: "invalid_request"),
        Refused(
            name: "repeated parameter", request: .post("/connect/token", form + "&grant_type=client_credentials"),
            error: "invalid_request"),
        Refused(name: "malformed form", request: .post("/connect/token", form + "&scope=%"), error: "invalid_request"),
        Refused(
            name: "no client id", request: .post("/connect/token", "grant_type=client_credentials"),
            error: "invalid_client"),
        Refused(
            name: "no secret", request: .post("/connect/token", "grant_type=client_credentials&client_id=acme"),
            error: "invalid_client"),
        Refused(
            name: "unknown client",
            request: .post("/connect/token", "grant_type=client_credentials&client_id=other&client_secret=x"),
            error: "invalid_client"),
        Refused(
            name: "wrong secret",
            request: .post("/connect/token", "grant_type=client_credentials&client_id=acme&client_secret=x"),
            error: "invalid_client"),
        Refused(
            name: "secret too long to be read",
            request: .post(
                "/connect/token",
                "grant_type=client_credentials&client_id=acme&client_secret=" + String(repeating: "x", count: 101)),
            error: "invalid_client"),
        Refused(
            name: "raw Basic where encoding matters",
            request: .post("/connect/token", "grant_type=client_credentials", basic: "acme:s+cret %"),
            error: "invalid_client"),
        Refused(
            name: "Basic before the body", request: .post("/connect/token", form, basic: "acme:wrong"),
            error: "invalid_client"),
        Refused(
            name: "no grant type", request: .post("/connect/token", credentials), error: "unsupported_grant_type"),
        Refused(
            name: "unknown grant type", request: .post("/connect/token", credentials + "&grant_type=token"),
            error: "unsupported_grant_type"),
        Refused(
            name: "a grant not for this client", request: .post("/connect/token", credentials + "&grant_type=password"),
            error: "unauthorized_client"),
        Refused(
            name: "refresh without a token",
            request: .post("/connect/token", credentials + "&grant_type=refresh_token"), error: "invalid_request"),
        Refused(
            name: "refresh",
            request: .post("/connect/token", credentials + "&grant_type=refresh_token&refresh_token=x"),
            error: "invalid_grant"),
        Refused(
            name: "unknown scope", request: .post("/connect/token", form + "&scope=Public.Job.Read+x"),
            error: "invalid_scope"),
        Refused(
            name: "scope in other case", request: .post("/connect/token", form + "&scope=public.job.read"),
            error: "invalid_scope"),
        Refused(
            name: "scope too long",
            request: .post(
                "/connect/token",
                form + "&scope=" + Array(repeating: "Public.Job.Read", count: 19).joined(separator: "+")),
            error: "invalid_scope"),
        Refused(
            name: "client without scopes",
            request: .post("/connect/token", "grant_type=client_credentials&client_id=bare&client_secret=b"),
            error: "invalid_scope"),
    ])
    func `every refusal is 400 with its code`(_ example: Refused) async {
        #expect(
            await simulator.respond(to: example.request).text == """
                400
                Content-Type: application/json; charset=UTF-8
                Cache-Control: no-store, no-cache, max-age=0
                Pragma: no-cache

                {"error":"\(example.error)"}
                """)
    }

    @Test func `a token is a JWT of the server, signed with its key`() async throws {
        let answer = try await mint(Self.form + "&scope=Public.Job.Write+Public.Job.Read")
        let token = try #require(DecodedToken(answer.access_token))
        let prefix =
            #"{"iss":"http://127.0.0.1:9000","client_id":"acme","scope":["Public.Job.Read","Public.Job.Write"],"#
            + #""nbf":1800000000,"iat":1800000000,"exp":1800000300,"jti":""#
        #expect(token.claims.hasPrefix(prefix))
        #expect(token.claims.utf8.count == prefix.utf8.count + 36 + 2)
        let signature = try P256.Signing.ECDSASignature(rawRepresentation: token.signature)
        #expect(simulator.publicKey.isValidSignature(signature, for: token.signed))
    }

    @Test func `two tokens of one second differ`() async throws {
        let (first, second) = (try await mint(), try await mint())
        #expect(first.access_token != second.access_token)
    }

    @Test func `a client that mints too often is throttled, and keeps its tokens`() async throws {
        var token = ""
        for _ in 0..<5 { token = try await mint().access_token }
        time.advance(by: .milliseconds(500))
        let request = Request.post("/connect/token", Self.form)
        let throttled = """
            429
            Content-Type: application/json
            Retry-After: 60

            [{"message":"The rate limit has been exceeded"}]
            """
        #expect(await simulator.respond(to: request).text == throttled)
        time.advance(by: .milliseconds(100))
        #expect(await simulator.respond(to: request).text == throttled)
        #expect(await jobs(token).status == .ok)
        time.advance(by: .milliseconds(59_900))
        #expect(await simulator.respond(to: request).status == .ok)
    }

    // MARK: The rest

    @Test func `the API takes a good token until it expires`() async throws {
        let token = try await mint().access_token
        time.advance(by: .milliseconds(299_999))
        #expect(await jobs(token).text == "200\nContent-Type: application/json\n\n[]")
        time.advance(by: .milliseconds(1))
        #expect(
            await jobs(token).text == """
                401
                Content-Type: application/json
                WWW-Authenticate: Bearer

                [{"message":"API key is invalid or expired"}]
                """)
    }

    @Test(arguments: [nil, "", "x.y.z"])
    func `the API refuses what is no token`(_ token: String?) async {
        #expect(await jobs(token).status == .unauthorized)
    }

    @Test func `revocation answers 200 and leaves a JWT alive`() async throws {
        let token = try await mint().access_token
        let request = Request.post(
            "/connect/revocation", Self.credentials + "&token=\(token)&token_type_hint=access_token")
        #expect(await simulator.respond(to: request).text == "200\n\n")
        #expect(await jobs(token).status == .ok)
    }

    @Test(arguments: [
        Refused(
            name: "wrong secret", request: .post("/connect/revocation", "client_id=acme&client_secret=x&token=y"),
            error: "invalid_client"),
        Refused(name: "no token", request: .post("/connect/revocation", credentials), error: "invalid_request"),
        Refused(
            name: "repeated parameter", request: .post("/connect/revocation", credentials + "&token=x&token=x"),
            error: "invalid_request"),
        Refused(
            name: "unknown hint", request: .post("/connect/revocation", credentials + "&token=x&token_type_hint=y"),
            error: "unsupported_token_type"),
    ])
    func `a revocation out of order is 400`(_ example: Refused) async {
        #expect(
            await simulator.respond(to: example.request).text == """
                400
                Content-Type: application/json; charset=UTF-8

                {"error":"\(example.error)"}
                """)
    }

    @Test func `discovery names the endpoints where the client found them`() async {
        #expect(
            await simulator.respond(to: .get("/.well-known/openid-configuration")).bodyText
                == #"{"issuer":"http://127.0.0.1:9000","token_endpoint":"http://127.0.0.1:9000/connect/token","#
                + #""revocation_endpoint":"http://127.0.0.1:9000/connect/revocation","#
                + #""grant_types_supported":["client_credentials"],"#
                + #""token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"]}"#)
    }

    @Test(arguments: [
        (Request.get("/connect/revocation"), "405\nAllow: POST\n\n"),
        (Request.post("/connect/revocation", "{}", type: "application/json"), "415\n\n"),
        (Request.post("/v3/6784/jobs", ""), "405\nAllow: GET, HEAD\n\n"),
        (Request.post("/.well-known/openid-configuration", ""), "405\nAllow: GET, HEAD\n\n"),
        (Request.get("/"), "404\n\n"),
        (Request.post("/connect/token/", form), "404\n\n"),
        (Request.get("/v3/6784"), "404\n\n"),
    ])
    func `other methods and paths are refused`(_ request: Request, _ text: String) async {
        #expect(await simulator.respond(to: request).text == text)
    }
}
