import HTTP
import Telemetry
import Testing

@testable import Service

struct RoutesTests {
    private let routes: Routes = {
        let say = { @Sendable (text: String) -> Route.Handler in
            { _, parameter in .ready(Response(.ok, body: Array("\(text) \(parameter)".utf8))) }
        }
        return Routes(
            [
                Route(.get, "/tokens/{tenant}", say("get")), Route(.post, "/tokens/{tenant}", say("post")),
                Route(.post, "/tenants/{tenant}/refresh", say("refresh")), Route(.get, "/livez", say("livez")),
            ], metrics: MetricsRegistry())
    }()

    private func answer(_ method: Method, _ segments: [String]) async -> Response {
        await routes.reply(to: Request(method: method, target: Target(segments: segments))).response
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
        for method in [Method.get, .head, .post, Method("OPTIONS"), Method("BREW")] {
            let response = await answer(method, segments)
            #expect(response.status == .notFound)
            #expect(response.fields["Allow"] == nil)
        }
    }

    @Test func `OPTIONS of the server names the methods that there are`() async {
        let response = await answer(Method("OPTIONS"), [])
        #expect(response.status == .noContent)
        #expect(response.fields["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT")
    }

    @Test(arguments: [
        (Method("DELETE"), ["tokens", "acme"], "GET, HEAD, POST"),
        (Method("get"), ["tokens", "acme"], "GET, HEAD, POST"),
        (.get, ["tenants", "a", "refresh"], "POST"), (.head, ["tenants", "a", "refresh"], "POST"),
        (.post, ["livez"], "GET, HEAD"), (Method("OPTIONS"), ["livez"], "GET, HEAD"),
        (Method("PUT"), ["livez"], "GET, HEAD"), (Method("PATCH"), ["livez"], "GET, HEAD"),
        (Method("TRACE"), ["livez"], "GET, HEAD"), (Method("CONNECT"), ["livez"], "GET, HEAD"),
        (Method("QUERY"), ["tokens", "acme"], "GET, HEAD, POST"),
        (Method("BREW"), ["tenants", "a", "refresh"], "POST"),
    ])
    func `another method is refused, and told what there is`(_ method: Method, _ segments: [String], _ allow: String)
        async
    {
        let response = await answer(method, segments)
        #expect(response.status == .methodNotAllowed)
        #expect(response.fields["Allow"] == allow)
    }
}
