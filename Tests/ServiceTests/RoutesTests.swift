import HTTP
import Telemetry
import Testing

@testable import Service

struct RoutesTests {
    private let routes: Routes = {
        let say = { @Sendable (text: String) -> Route.Handler in
            { _, parameter in Response(.ok, body: Array("\(text) \(parameter)".utf8)) }
        }
        return Routes(
            [
                Route(.get, "/tokens/{tenant}", say("get")), Route(.post, "/tokens/{tenant}", say("post")),
                Route(.post, "/tenants/{tenant}/refresh", say("refresh")), Route(.get, "/livez", say("livez")),
            ], metrics: MetricsRegistry())
    }()

    private func answer(_ method: Method, _ segments: [String]) async -> Response {
        await routes.respond(to: Request(method: method, target: Target(segments: segments)))
    }

    @Test(arguments: [
        (Method.get, ["tokens", "acme"], "get acme"), (.head, ["tokens", "acme"], "get acme"),
        (.post, ["tokens", "acme"], "post acme"), (.post, ["tenants", "a", "refresh"], "refresh a"),
        (.get, ["livez"], "livez "), (.get, ["tokens", "{tenant}"], "get {tenant}"), (.get, ["tokens", " "], "get  "),
    ])
    func `a request finds its handler`(_ method: Method, _ segments: [String], _ body: String) async {
        let response = await answer(method, segments)
        #expect(response.status == .ok)
        #expect(String(decoding: response.body, as: UTF8.self) == body)
    }

    @Test(arguments: [
        [""], ["*"], ["tokens"], ["tokens", ""], ["tokens", "acme", ""], ["", "livez"], ["livez", ""], ["Livez"],
        ["tenants", "", "refresh"], ["tenants", "a", "b", "refresh"], ["tenants", "a", "refresh", "x"],
    ])
    func `any other path is not found, whatever the method`(_ segments: [String]) async {
        for method in [Method.get, .head, .post, Method("OPTIONS")] {
            let response = await answer(method, segments)
            #expect(response.status == .notFound)
            #expect(response.fields["Allow"] == nil)
        }
    }

    @Test(arguments: [
        (Method("DELETE"), ["tokens", "acme"], "GET, HEAD, POST"),
        (Method("get"), ["tokens", "acme"], "GET, HEAD, POST"),
        (.get, ["tenants", "a", "refresh"], "POST"), (.head, ["tenants", "a", "refresh"], "POST"),
        (.post, ["livez"], "GET, HEAD"), (Method("OPTIONS"), ["livez"], "GET, HEAD"),
    ])
    func `another method is refused, and told what there is`(_ method: Method, _ segments: [String], _ allow: String)
        async
    {
        let response = await answer(method, segments)
        #expect(response.status == .methodNotAllowed)
        #expect(response.fields["Allow"] == allow)
    }

    @Test func `every answer has one request id, refused or not`() async {
        for response in [await answer(.get, ["livez"]), await answer(.get, ["x"]), routes.refuse(.badRequest, "why")] {
            #expect(response.fields.count(of: "X-Request-Id") == 1)
        }
    }
}
