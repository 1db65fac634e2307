import HTTP
import Support
import Testing
import TokenBroker

@testable import Service

/// `GET` and `POST /tokens/{tenant}` from end to end.
struct TokenRouteTests {
    private static let form = "grant_type=client_credentials"

    // MARK: - Answers

    @Test(arguments: [("acme", "Public.Application.Read Public.Application.Write", 300), ("globex", "client", 3600)])
    func `GET and POST answer the same whole token`(_ tenant: String, _ scope: String, _ lifetime: Int) async throws {
        try await LoopbackService.run { service in
            let key = LoopbackService.key(of: "payroll")
            for answer in [
                try await service.get("/tokens/\(tenant)", as: "payroll", [("X-Request-Id", "mine")]),
                try await service.get(
                    "/tokens/\(tenant)",
                    [("X-Request-Id", "mine"), ("Authorization", LoopbackService.basic("payroll", key))]),
                try await service.post(
                    "/tokens/\(tenant)", Self.form,
                    [("X-Request-Id", "mine"), ("Authorization", LoopbackService.basic("payroll", key))]),
                try await service.post(
                    "/tokens/\(tenant)", Self.form + "&client_id=payroll&client_secret=\(key)&unknown=x",
                    [("X-Request-Id", "mine")]),
            ] {
                let token = try #require(answer.token)
                let left = try #require(answer.json?["expires_in"]?.integer)
                let refresh = try #require(answer.json?["refresh_in"]?.integer)
                #expect(
                    answer.text == #"{"access_token":"\#(token)","token_type":"Bearer","scope":"\#(scope)","#
                        + #""expires_in":\#(left),"refresh_in":\#(refresh),"state":"fresh"}"#)
                #expect((1...lifetime).contains(left))
                // However long ago it was minted, the refresh point is at 0.80 to 0.88 of the lifetime.
                #expect((lifetime * 12 / 100 - 1...lifetime * 20 / 100 + 1).contains(left - refresh))
                let fields = answer.response.fields.all.filter { $0.name != "Date" && $0.name != "Content-Length" }
                #expect(
                    fields.map { "\($0.name): \($0.value)" } == [
                        "X-Request-Id: mine", "Cache-Control: no-store", "Pragma: no-cache",
                        "ETag: \"\(Fingerprint(of: token))\"", "Content-Type: application/json",
                    ])
                #expect(HTTPDate.parse(answer[field: "Date"] ?? "") != nil)
            }
            #expect(try await service.count(at: tenant == "acme" ? service.pageUpURL : service.ukgURL).mints == 1)
        }
    }

    @Test func `34: what the upstream gives to hand on stands in the answers of GET and POST`() async throws {
        try await LoopbackService.run { configuration in
            for index in configuration.tenants.indices where configuration.tenants[index].name == "initech" {
                configuration.tenants[index].provider.answer.members = ["instance_url", "id", "absent"]
            }
        } _: { service in
            service.upstream.answer(
                200, #"{"access_token":"t","token_type":"Bearer","instance_url":"https://a/\"","id":"7","more":"x"}"#)
            for answer in [
                try await service.get("/tokens/initech", as: "payroll"),
                try await service.post("/tokens/initech", Self.form, as: "payroll"),
            ] {
                #expect(
                    answer.text.hasPrefix(
                        #"{"access_token":"t","token_type":"Bearer","scope":"read write","id":"7","#
                            + #""instance_url":"https://a/\u0022","expires_in":"#))
                #expect(answer.json?["more"] == nil && answer.json?["absent"] == nil)
            }
        }
    }

    @Test func `HEAD answers as GET does, without the body`() async throws {
        try await LoopbackService.run { service in
            let get = try await service.get("/tokens/initech", as: "payroll")
            let head = try await service.send(.head, "/tokens/initech", as: "payroll")
            #expect(head.text.isEmpty)
            #expect(head[field: "ETag"] == get[field: "ETag"])
            #expect(head[field: "Content-Length"] == get[field: "Content-Length"])
        }
    }

    @Test func `If-None-Match in every form`() async throws {
        try await LoopbackService.run { service in
            let first = try await service.get("/tokens/initech", as: "payroll")
            let tag = try #require(first[field: "ETag"])
            for known in [tag, "W/\(tag)", "\"x\", \(tag)", "\"x\",W/\(tag) ,\"y\"", "*", " \(tag)\t"] {
                let answer = try await service.get("/tokens/initech", as: "payroll", [("If-None-Match", known)])
                #expect(
                    answer.comparable == "304\nCache-Control: no-store\nPragma: no-cache\nETag: \(tag)\n\n", "\(known)")
            }
            for other in ["\"x\"", tag.replacing("\"", with: ""), "\(tag)x", "", ",", "W/", "w/\(tag)", "\"*\""] {
                let answer = try await service.get("/tokens/initech", as: "payroll", [("If-None-Match", other)])
                #expect(answer.comparable == first.comparable || answer.token == first.token, "\(other)")
                #expect(answer.status == 200)
            }
            let post = try await service.post("/tokens/initech", Self.form, as: "payroll", [("If-None-Match", tag)])
            #expect(post.status == 200)
        }
    }

    @Test func `304 is only for those who may have the token`() async throws {
        try await LoopbackService.run { service in
            let tag = try #require(try await service.get("/tokens/globex", as: "payroll")[field: "ETag"])
            #expect(try await service.get("/tokens/globex", as: "reports", [("If-None-Match", tag)]).status == 403)
            #expect(try await service.get("/tokens/globex", [("If-None-Match", "*")]).status == 401)
        }
    }

    // MARK: - Scopes

    @Test func `scopes narrow the token, and each set has its own`() async throws {
        try await LoopbackService.run { service in
            let all = try await service.get("/tokens/acme", as: "payroll")
            let read = try await service.get("/tokens/acme?scope=Public.Application.Read", as: "payroll")
            #expect(read.json?["scope"]?.text == "Public.Application.Read")
            #expect(read.token != all.token)
            // In any order, repeated or by default: the same set is the same token.
            let both = "Public.Application.Write%20Public.Application.Read+Public.Application.Read"
            #expect(try await service.get("/tokens/acme?scope=\(both)", as: "payroll").token == all.token)
            #expect(try await service.get("/tokens/acme?scope=", as: "payroll").token == all.token)
            let posted = try await service.post(
                "/tokens/acme", Self.form + "&scope=Public.Application.Read", as: "payroll")
            #expect(posted.token == read.token)
            // A grant that limits scopes gets what it has in common with the ceiling.
            #expect(try await service.get("/tokens/acme", as: "reports").token == read.token)
            #expect(try await service.count(at: service.pageUpURL).mints == 2)
        }
    }

    @Test(arguments: [
        "Public.Application.Write", "Public.Application.Read%20Public.Application.Write", "x", "%22", "%C3%A9",
    ])
    func `a scope beyond the grant is refused`(_ scope: String) async throws {
        try await LoopbackService.run { service in
            for answer in [
                try await service.get("/tokens/acme?scope=\(scope)", as: "reports"),
                try await service.post("/tokens/acme", Self.form + "&scope=\(scope)", as: "reports"),
            ] {
                #expect(answer.status == 400)
                #expect(answer.json?["error"]?.text == "invalid_scope")
            }
            #expect(try await service.count(at: service.pageUpURL).attempts == 0)
        }
    }

    // MARK: - min_ttl

    @Test(arguments: [("0", 0), ("10", 10), ("36", 36), ("37", 36), ("3600", 36), ("8640000", 36), ("0000060", 36)])
    func `min_ttl is clamped to what the schedule can give, and the answer says so`(_ text: String, _ applied: Int)
        async throws
    {
        try await LoopbackService.run { service in
            let answer = try await service.get("/tokens/initech?min_ttl=\(text)", as: "payroll")
            #expect(answer.json?["min_ttl"]?.integer == applied)
            #expect(answer.text.hasSuffix(#","state":"fresh","min_ttl":\#(applied)}"#))
        }
    }

    @Test(arguments: [
        "min_ttl=-1", "min_ttl=1.5", "min_ttl=+1", "min_ttl=a", "min_ttl=8640001", "min_ttl=99999999999999999999",
        "min_ttl=1&min_ttl=1", "scope=read&scope=write", "scope=%", "min_ttl=%FF", "min_ttl=1%00",
    ])
    func `a malformed query is refused`(_ query: String) async throws {
        try await LoopbackService.run { service in
            let answer = try await service.get("/tokens/initech?\(query)", as: "payroll")
            #expect(answer.status == 400)
            #expect(answer.json?["error"]?.text == "invalid_request")
            #expect(service.upstream.requests.isEmpty)
        }
    }

    // MARK: - Refusals

    @Test func `credentials, missing or wrong`() async throws {
        try await LoopbackService.run { service in
            let missing = try await service.get("/tokens/initech")
            #expect(missing.status == 401)
            #expect(missing.json?["error"] == nil)
            #expect(missing[field: "WWW-Authenticate"] == #"Bearer realm="tokenwell", Basic realm="tokenwell""#)
            let bearer = try await service.get("/tokens/initech", [("Authorization", "Bearer tw_wrong")])
            #expect(bearer.status == 401)
            #expect(bearer.json?["error"]?.text == "invalid_token")
            for answer in [
                try await service.post("/tokens/initech", Self.form + "&client_id=payroll&client_secret=wrong"),
                try await service.get(
                    "/tokens/initech", [("Authorization", LoopbackService.basic("payroll", "wrong"))]),
            ] {
                #expect(answer.status == 401)
                #expect(answer.json?["error"]?.text == "invalid_client")
                #expect(answer[field: "WWW-Authenticate"] == #"Basic realm="tokenwell""#)
            }
        }
    }

    @Test(arguments: [
        ("", 400, "invalid_request"), ("grant_type=", 400, "invalid_request"),
        ("grant_type=client_credentials&grant_type=client_credentials", 400, "invalid_request"),
        ("grant_type=password", 400, "unsupported_grant_type"),
        ("grant_type=authorization_code&code=x", 400, "unsupported_grant_type"),
        ("grant_type=CLIENT_CREDENTIALS", 400, "unsupported_grant_type"),
        ("grant_type=client_credentials&scope=a&scope=b", 400, "invalid_request"),
        ("grant_type=client_credentials&client_id=reports", 400, "invalid_request"),
        ("grant_type=%", 400, "invalid_request"),
    ])
    func `a malformed token request is refused`(_ form: String, _ status: Int, _ error: String) async throws {
        try await LoopbackService.run { service in
            let answer = try await service.post("/tokens/initech", form, as: "payroll")
            #expect(answer.status == status)
            #expect(answer.json?["error"]?.text == error)
            #expect(service.upstream.requests.isEmpty)
        }
    }

    @Test func `the server's own refusals have the same form`() async throws {
        try await LoopbackService.run { service in
            let cases: [(Answer, Int, String)] = [
                (
                    try await service.send(
                        .post, "/tokens/initech", as: "payroll", [("Content-Type", "application/json")], "{}"), 415,
                    "invalid_request"
                ),
                (
                    try await service.post(
                        "/tokens/initech", Self.form, as: "payroll", [("Content-Encoding", "gzip")]), 415,
                    "invalid_request"
                ),
                (
                    try await service.post("/tokens/initech", String(repeating: "a", count: 65_537), as: "payroll"),
                    413, "content_too_large"
                ),
                (
                    try await service.get(
                        "/tokens/initech", as: "payroll", [("If-None-Match", String(repeating: "a", count: 8192))]),
                    431, "invalid_request"
                ),
                (try await service.get("/tokens/a%2Fb", as: "payroll"), 400, "invalid_request"),
                (try await service.send(Method("DELETE"), "/tokens/initech", as: "payroll"), 405, "method_not_allowed"),
                (try await service.get("/tokens", as: "payroll"), 404, "not_found"),
                (try await service.get("/tokens/initech/", as: "payroll"), 404, "not_found"),
            ]
            for (answer, status, error) in cases {
                #expect(answer.status == status)
                #expect(answer.json?["error"]?.text == error)
            }
            #expect(cases.first { $0.1 == 405 }?.0[field: "Allow"] == "GET, HEAD, POST")
            #expect(service.upstream.requests.isEmpty)
        }
    }

    @Test func `a segment is decoded once`() async throws {
        try await LoopbackService.run { service throws in
            #expect(try await service.get("/tokens/%69nitech", as: "payroll").status == 200)
            #expect(try await service.get("/tokens/%2569nitech", as: "payroll").status == 403)
        }
    }

    @Test func `no such tenant, for those who may know`() async throws {
        try await LoopbackService.run { service in
            let answer = try await service.get("/tokens/nobody", as: "root")
            #expect(answer.status == 404)
            #expect(answer.text == #"{"error":"unknown_tenant","error_description":"no such tenant"}"#)
            #expect(try await service.get("/tokens/initech", as: "root").status == 200)
        }
    }

    // MARK: - Upstreams that fail

    @Test func `an upstream that refuses our credential is not asked again`() async throws {
        try await LoopbackService.run { service in
            service.upstream.answer(401, #"{"error":"invalid_client"}"#)
            for _ in 0..<3 {
                let answer = try await service.get("/tokens/initech", as: "payroll")
                #expect(answer.status == 502)
                #expect(answer.json?["error"]?.text == "upstream_rejected")
                #expect(answer.json?["tenant"]?.text == "initech")
            }
            #expect(service.upstream.requests.count == 1)
        }
    }

    @Test func `an upstream that is down has callers come back later`() async throws {
        try await LoopbackService.run { service in
            service.upstream.answer(503, "", retryAfter: "600")
            for _ in 0..<3 {
                let answer = try await service.get("/tokens/initech", as: "payroll")
                #expect(answer.status == 503)
                #expect(answer.json?["error"]?.text == "upstream_unavailable")
                let retryAfter = try #require(answer.json?["retry_after"]?.integer)
                #expect((570...600).contains(retryAfter))
                #expect(answer[field: "Retry-After"] == "\(retryAfter)")
            }
            #expect(service.upstream.requests.count == 1)
        }
    }

    @Test func `an upstream that nobody listens at`() async throws {
        try await LoopbackService.run { configuration in
            for index in configuration.tenants.indices where configuration.tenants[index].name == "initech" {
                // Port 1 of the loopback: nothing of ours.
                configuration.tenants[index].provider.tokenURL = "http://127.0.0.1:1/token"
            }
        } _: { service throws in
            #expect(
                try await service.get("/tokens/initech", as: "payroll").json?["error"]?.text == "upstream_unavailable")
            // Each tenant fails alone.
            #expect(try await service.get("/tokens/acme", as: "payroll").status == 200)
        }
    }

    @Test func `a caller waits no longer than the deadline, and the mint goes on`() async throws {
        try await LoopbackService.run { configuration in
            configuration.deadline = .milliseconds(20)
        } _: { service in
            let gate = Gate()
            service.upstream.answer { _ in
                await gate.wait()
                return ScriptedUpstream.token("late")
            }
            let answer = try await service.get("/tokens/initech", as: "payroll")
            #expect(answer.status == 504)
            #expect(answer.json?["error"]?.text == "upstream_timeout")
            #expect((1...10).contains(answer.json?["retry_after"]?.integer ?? 0))
            gate.open()
            var token: String?
            while token == nil { token = try await service.get("/tokens/initech", as: "payroll").token }
            #expect(token == "late")
            // A machine that is so busy that the mint itself runs out of its ten seconds sees a second one.
            #expect(service.upstream.requests.count == 1 || service.log.contains(#""failure":"timeout""#))
        }
    }

    @Test(arguments: [
        (MintBudget.Limits(burst: 1, perHour: 60), 1...60),
        // 32: Guesty gives five tokens a day.
        (MintBudget.Limits(burst: 1, rate: 4, per: .day), 21_000...21_600),
    ])
    func `a spent budget says when there is more`(_ budget: MintBudget.Limits, _ wait: ClosedRange<Int>) async throws {
        try await LoopbackService.run { configuration in
            for index in configuration.tenants.indices where configuration.tenants[index].name == "initech" {
                configuration.tenants[index].mintBudget = budget
            }
        } _: { service in
            #expect(try await service.get("/tokens/initech?scope=read", as: "payroll").status == 200)
            let answer = try await service.get("/tokens/initech?scope=write", as: "payroll")
            #expect(answer.status == 503)
            #expect(answer.json?["error"]?.text == "budget_exhausted")
            #expect(wait.contains(answer.json?["retry_after"]?.integer ?? 0))
            // What is cached is still there to be had.
            #expect(try await service.get("/tokens/initech?scope=read", as: "payroll").status == 200)
            #expect(service.upstream.requests.count == 1)
        }
    }

    @Test(arguments: [100, 1000])
    func `concurrent cold callers cause one mint`(_ count: Int) async throws {
        try await LoopbackService.run { configuration in
            configuration.deadline = .seconds(30)
        } _: { service in
            try await service.fault(service.pageUpURL, "mode=slow&seconds=1")
            let tokens = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<count { group.addTask { try await service.get("/tokens/acme", as: "payroll").token } }
                return try await group.reduce(into: [String?: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(tokens.count == 1)
            #expect(tokens[nil] == nil)
            #expect(try await service.count(at: service.pageUpURL) == (1, 1))
            #expect(try await service.metric(#"tokenwell_coalesced_callers_total{tenant="acme"}"#) > 0)
        }
    }

    @Test func `callers go on getting the token while the vendor is down`() async throws {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            try await service.fault(service.pageUpURL, "mode=unavailable&count=forever")
            // What the refresh ahead would come to, now.
            let refresh = try await service.post("/tenants/acme/refresh", as: "ops")
            #expect(refresh.status == 200 || refresh.status == 503)
            for _ in 0..<10 {
                let answer = try await service.get("/tokens/acme", as: "payroll")
                #expect(answer.token == token)
                #expect(answer.json?["state"]?.text == "last_known_good")
            }
            #expect(try await service.count(at: service.pageUpURL).mints == 1)
        }
    }
}
