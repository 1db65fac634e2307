import Foundation
import HTTP
import Testing

@testable import VendorSimulator

struct ControlRoutesTests {
    private static let form = "grant_type=client_credentials&client_id=acme&client_secret=hidden"

    private let time = ManualTime()
    private let simulator: PageUpSimulator

    init() {
        let time = time
        simulator = PageUpSimulator(
            clients: [
                SimulatedClient(id: "globex", secret: "hidden", scopes: ["b"]),
                SimulatedClient(id: "acme", secret: "hidden", scopes: ["a", "b"]),
            ],
            ban: BanPolicy(mints: 3, window: .seconds(600), duration: .seconds(60), expiresTokens: false),
            now: { time.now }, pause: { time.pause(for: $0) })
    }

    private func token(_ form: String = form) async -> Response {
        await simulator.respond(to: .post("/connect/token", form))
    }

    private func arm(_ form: String) async {
        #expect(await simulator.respond(to: .post("/_simulator/fault", form)).status == .ok)
    }

    @Test func `the clients are shown with their counters, and without secrets or tokens`() async throws {
        let untouched =
            #"{"client":"globex","attempts":0,"mints":0,"refused":0,"live_tokens":0,"banned_until":null,"#
            + #""last_attempts":[],"last_mints":[],"smallest_interval":null}]}"#
        _ = await token()
        time.advance(by: .milliseconds(1500))
        _ = await token("grant_type=client_credentials&client_id=acme&client_secret=wrong")
        time.advance(by: .milliseconds(1000))
        _ = await token()
        _ = await token("grant_type=client_credentials&client_id=nobody&client_secret=hidden")
        #expect(
            await simulator.respond(to: .get("/_simulator/clients")).text
                == "200\nContent-Type: application/json\n\n"
                + #"{"clients":[{"client":"acme","attempts":3,"mints":2,"refused":1,"live_tokens":2,"#
                + #""banned_until":null,"last_attempts":[1800000000.0,1800000001.5,1800000002.5],"#
                + #""last_mints":[1800000000.0,1800000002.5],"smallest_interval":2.5},"# + untouched)

        _ = await token()
        _ = await token()
        time.advance(by: .milliseconds(300))
        let shown = await simulator.respond(to: .get("/_simulator/clients")).bodyText
        #expect(shown.hasPrefix(#"{"clients":[{"client":"acme","attempts":5,"mints":3,"refused":2,"live_tokens":3,"#))
        #expect(shown.contains(#""banned_until":1800000062.5,"#))
    }

    struct Struck: CustomTestStringConvertible {
        var mode: String
        var answer: String
        var testDescription: String { mode }
    }

    @Test(arguments: [
        Struck(mode: "error", answer: "500\nContent-Type: text/plain; charset=utf-8\n\nInternal Server Error"),
        Struck(mode: "unavailable", answer: "503\nContent-Type: text/plain; charset=utf-8\n\nService Unavailable"),
        Struck(
            mode: "throttle&retry_after=7",
            answer: "429\nContent-Type: text/plain; charset=utf-8\nRetry-After: 7\n\nToo Many Requests"),
        Struck(
            mode: "throttle&retry_after=none",
            answer: "429\nContent-Type: text/plain; charset=utf-8\n\nToo Many Requests"),
        Struck(mode: "garbage", answer: "200\nContent-Type: text/html\n\n<html><body>It works!</body></html>"),
        Struck(mode: "empty", answer: "200\n\n"),
        Struck(
            mode: "oauth_error",
            answer: "200\nContent-Type: application/json\n\n"
                + #"{"error":"temporarily_unavailable","error_description":"The simulator was told to fail."}"#),
    ])
    func `a fault strikes as often as it was told to, and mints nothing`(_ example: Struck) async {
        await arm("mode=\(example.mode)&count=2")
        #expect(await token().text == example.answer)
        #expect(await token("grant_type=client_credentials").text == example.answer)
        #expect(await token().status == .ok)
        let shown = await simulator.respond(to: .get("/_simulator/clients")).bodyText
        #expect(shown.hasPrefix(#"{"clients":[{"client":"acme","attempts":2,"mints":1,"refused":1,"#))
    }

    @Test func `a fault can be meant for revocation or for the API`() async throws {
        let held = try await token().tokenAnswer().access_token
        let credentials = "client_id=acme&client_secret=hidden"
        await arm("mode=unavailable&on=revocation&count=forever")
        await arm("mode=error&on=api")
        #expect(
            await simulator.respond(to: .post("/connect/revocation", credentials + "&token=x")).status
                == .serviceUnavailable)
        #expect(await simulator.respond(to: .get("/v3/1/jobs", bearer: held)).status == .internalServerError)
        #expect(await token().status == .ok)
        await arm("mode=none&on=revocation")
        #expect(await simulator.respond(to: .post("/connect/revocation", credentials + "&token=x")).status == .ok)
        #expect(await simulator.respond(to: .get("/v3/1/jobs", bearer: held)).status == .ok)
    }

    @Test func `a slow answer is the vendor's own, after the pause`() async {
        await arm("mode=slow&seconds=12")
        #expect(await token().status == .ok)
        #expect(time.pauses == [.seconds(12)])
        #expect(await token().status == .ok)
        #expect(time.pauses == [.seconds(12)])
    }

    @Test func `the same token comes again with the time it has left, for the same scope only`() async throws {
        let first = try await token(Self.form + "&scope=a").tokenAnswer()
        await arm("mode=same_token&count=2")
        time.advance(by: .milliseconds(100_500))
        let again = try await token(Self.form + "&scope=a").tokenAnswer()
        #expect(again.access_token == first.access_token)
        #expect(again.expires_in == 199)
        let other = try await token(Self.form + "&scope=b").tokenAnswer()
        #expect(other.access_token != first.access_token)
        #expect(other.expires_in == 300)
    }

    @Test func `a purge kills every token of one client`() async throws {
        let (first, second) = (try await token().tokenAnswer(), try await token().tokenAnswer())
        let purge = Request.post("/_simulator/expire", "client=acme")
        #expect(await simulator.respond(to: purge).bodyText == #"{"expired":2}"#)
        for token in [first, second] {
            #expect(
                await simulator.respond(to: .get("/v3/1/jobs", bearer: token.access_token)).status == .unauthorized)
        }
        #expect(await simulator.respond(to: purge).bodyText == #"{"expired":0}"#)
    }

    @Test(arguments: [
        ("mode=error&count=3", #"{"armed":3}"#), ("mode=error&count=forever", #"{"armed":"forever"}"#),
        ("mode=none", #"{"armed":0}"#),
    ])
    func `a command answers how often the fault will strike`(_ form: String, _ body: String) async {
        #expect(await simulator.respond(to: .post("/_simulator/fault", form)).bodyText == body)
    }

    @Test(arguments: [
        (
            Request.post("/_simulator/fault", "mode=error&on=x"),
            400, #"{"error":"invalid_request","error_description":"on must be token, revocation or api"}"#
        ),
        (
            Request.post("/_simulator/fault", "mode=error", type: nil),
            400, #"{"error":"invalid_request","error_description":"a form body is needed"}"#
        ),
        (
            Request.post("/_simulator/expire", ""),
            400, #"{"error":"invalid_request","error_description":"a form body with client= is needed"}"#
        ),
        (Request.post("/_simulator/expire", "client=x"), 404, #"{"error":"unknown_client"}"#),
        (Request.post("/_simulator/clients", ""), 405, ""),
        (Request.get("/_simulator/fault"), 405, ""),
        (Request.get("/_simulator/expire"), 405, ""),
        (Request.get("/_simulator"), 404, "Not Found"),
    ])
    func `other control requests are refused`(_ request: Request, _ status: Int, _ body: String) async {
        let response = await simulator.respond(to: request)
        #expect(response.status == Status(status))
        #expect(response.bodyText == body)
    }
}
