import HTTP
import Testing
import TokenBroker

@testable import Service

/// `/auth/{tenant}` as each reverse proxy asks for it.
struct ProxyRouteTests {
    /// What a proxy sends on behalf of a client's `POST /employees?scope=x`, and what it takes for leave.
    struct Proxy: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let method: Method
        let path: String
        let fields: [(StaticString, String)]
        let leave: Int
    }

    private static let forwarded: [(StaticString, String)] = [
        ("X-Forwarded-Method", "POST"), ("X-Forwarded-Uri", "/auth/globex?scope=client"),
        ("X-Original-URI", "/auth/globex"), ("X-Forwarded-For", "127.0.0.9"), ("X-Forwarded-User", "root"),
        ("X-Forwarded-Host", "tokens.example"), ("Cookie", "a=b"),
    ]

    private static let proxies =
        [
            Proxy(testDescription: "nginx", method: .get, path: "/auth/initech", fields: [], leave: 204),
            Proxy(testDescription: "Traefik", method: .get, path: "/auth/initech", fields: forwarded, leave: 204),
            Proxy(testDescription: "a HEAD", method: .head, path: "/auth/initech", fields: [], leave: 204),
        ]
        + ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].map {
            Proxy(
                testDescription: "Envoy, \($0)", method: Method($0),
                path: "/auth/initech/employees/%C3%A9?scope=x&scope=%20",
                fields: forwarded, leave: 200)
        } + [
            Proxy(testDescription: "Envoy, no path", method: .get, path: "/auth/initech/", fields: [], leave: 200),
            Proxy(
                testDescription: "Envoy, its prefix ends in a slash", method: .get, path: "/auth/initech//a//",
                fields: [],
                leave: 200),
        ]

    @Test(arguments: proxies)
    func `a proxy gets the token in a field, and no body`(_ proxy: Proxy) async throws {
        try await LoopbackService.run { service throws in
            let token = try #require(try await service.get("/tokens/initech", as: "payroll").token)
            for _ in 0..<2 {
                let answer = try await service.send(proxy.method, proxy.path, as: "payroll", proxy.fields)
                #expect(answer.status == proxy.leave)
                #expect(answer.text.isEmpty)
                let fields = answer.response.fields.all.filter {
                    !["Date", "X-Request-Id", "Content-Length"].contains($0.name)
                }
                #expect(
                    fields.map { "\($0.name): \($0.value)" } == [
                        "Cache-Control: no-store", "Pragma: no-cache", "Authorization: Bearer \(token)",
                    ])
            }
            #expect(service.upstream.requests.count == 1)
        }
    }

    @Test func `a cold token is minted once for both`() async throws {
        try await LoopbackService.run { service throws in
            let leave = try await service.get("/auth/acme", as: "payroll", [("X-Request-Id", "mine")])
            #expect(leave[field: "X-Request-Id"] == "mine")
            let token = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            #expect(leave[field: "Authorization"] == "Bearer \(token)")
            #expect(try await service.count(at: service.pageUpURL).mints == 1)
        }
    }

    @Test func `Traefik's key comes by Basic, from the address`() async throws {
        try await LoopbackService.run { service throws in
            let basic = LoopbackService.basic("payroll", LoopbackService.key(of: "payroll"))
            let answer = try await service.get("/auth/acme", [("Authorization", basic)] + Self.forwarded)
            #expect(answer.status == 204)
            #expect(answer[field: "Authorization"]?.hasPrefix("Bearer ") == true)
        }
    }

    @Test func `the scheme is the tenant's`() async throws {
        try await LoopbackService.run { configuration in
            for index in configuration.tenants.indices { configuration.tenants[index].provider.tokenType = "Custom" }
        } _: { service throws in
            #expect(
                try await service.get("/auth/acme", as: "payroll")[field: "Authorization"]?.hasPrefix("Custom ") == true
            )
        }
    }

    @Test func `scope narrows the token, and a grant does`() async throws {
        try await LoopbackService.run { service throws in
            let read = try #require(try await service.get("/tokens/acme", as: "reports").token)
            for path in [
                "/auth/acme?scope=Public.Application.Read", "/auth/acme?scope=Public.Application.Read&min_ttl=x",
            ] {
                #expect(try await service.get(path, as: "payroll")[field: "Authorization"] == "Bearer \(read)")
            }
            for path in ["/auth/acme", "/auth/acme/x?scope=Public.Application.Write"] {
                #expect(try await service.get(path, as: "reports")[field: "Authorization"] == "Bearer \(read)")
            }
        }
    }

    @Test(arguments: [
        ("/auth/acme?scope=x", "payroll", 400, "invalid_scope"),
        ("/auth/acme?scope=%22", "payroll", 400, "invalid_scope"),
        ("/auth/acme?scope=a&scope=a", "payroll", 400, "invalid_request"),
        ("/auth/acme/a%2Fb", "payroll", 400, "invalid_request"), ("/auth/acme/../x", "payroll", 400, "invalid_request"),
        ("/auth/acme", nil, 401, nil), ("/auth/acme/x", nil, 401, nil),
        ("/auth/acme", "idle", 403, "access_denied"), ("/auth/nobody", "idle", 403, "access_denied"),
        ("/auth/acme/x", "idle", 403, "access_denied"), ("/auth/globex", "reports", 403, "access_denied"),
        ("/auth/nobody", "root", 404, "unknown_tenant"), ("/auth/nobody/x", "root", 404, "unknown_tenant"),
        ("/auth", "payroll", 404, "not_found"), ("/auth/", "payroll", 404, "not_found"),
        ("/auth//acme", "payroll", 404, "not_found"),
    ])
    func `without leave there is no token`(_ path: String, _ caller: String?, _ status: Int, _ error: String?)
        async throws
    {
        try await LoopbackService.run { service throws in
            let answer = try await service.get(path, as: caller, Self.forwarded)
            #expect(answer.status == status)
            #expect(answer.json?["error"]?.text == error)
            #expect(answer[field: "Authorization"] == nil)
            #expect((answer[field: "WWW-Authenticate"] != nil) == (status == 401))
            #expect(try await service.count(at: service.pageUpURL).attempts == 0)
        }
    }

    @Test(arguments: ["/auth/initech", "/auth/initech/employees"])
    func `an upstream that is down is told as everywhere`(_ path: String) async throws {
        try await LoopbackService.run { service throws in
            service.upstream.answer(503, "", retryAfter: "600")
            let answer = try await service.get(path, as: "payroll")
            #expect(answer.status == 503)
            #expect(answer.json?["error"]?.text == "upstream_unavailable")
            #expect(answer[field: "Authorization"] == nil && answer[field: "Retry-After"] != nil)
        }
    }

    @Test func `methods that neither proxy sends are refused`() async throws {
        try await LoopbackService.run { service throws in
            for (method, path, allow) in [
                (Method.post, "/auth/acme", "GET, HEAD"), (Method("PROPFIND"), "/auth/acme", "GET, HEAD"),
                (Method("TRACE"), "/auth/acme/x", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
            ] {
                let answer = try await service.send(method, path, as: "payroll")
                #expect(answer.status == 405)
                #expect(answer[field: "Allow"] == allow)
            }
        }
    }

    @Test func `requests are counted under the route, never under a client's path`() async throws {
        try await LoopbackService.run { service throws in
            _ = try await service.get("/auth/initech", as: "payroll")
            _ = try await service.send(.post, "/auth/initech/secret/path", as: "payroll")
            let series = { (route: String, method: String, status: Int) in
                #"tokenwell_http_requests_total{route="\#(route)",method="\#(method)",status="\#(status)"}"#
            }
            #expect(try await service.metric(series("/auth/{tenant}", "GET", 204)) == 1)
            #expect(try await service.metric(series("/auth/{tenant}/{path}", "POST", 200)) == 1)
            #expect(try await service.metric(#"tokenwell_hand_outs_total{tenant="initech",state="fresh"}"#) == 2)
            #expect(try await !service.get("/metrics").text.contains("secret/path"))
        }
    }
}
