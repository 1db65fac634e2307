import Foundation
import HTTP
import Redis
import Sockets
import Support
import Sealing
import Testing
import TokenBroker

@testable import Service

/// Metrics, health, the description and the operator's refresh, from end to end.
struct OperationsRoutesTests {
    // MARK: - Refresh

    @Test func `an operator has a token minted, and is told all but the token`() async throws {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            let answer = try await service.post("/tenants/acme/refresh", as: "ops")
            #expect(answer.status == 200)
            let next = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            #expect(next != token)
            let (left, refresh) = (answer.json?["expires_in"]?.integer ?? 0, answer.json?["refresh_in"]?.integer ?? 0)
            #expect(
                answer.text == #"{"tenant":"acme","fingerprint":"\#(Fingerprint(of: next))","expires_in":\#(left),"#
                    + #""refresh_in":\#(refresh)}"#)
            #expect((1...300).contains(left))
            #expect((35...61).contains(left - refresh))
            #expect(answer[field: "Cache-Control"] == "no-store")
        }
    }

    @Test func `a refresh lifts the suspension of a refused credential`() async throws {
        try await LoopbackService.run { service throws in
            service.upstream.answer(401, #"{"error":"invalid_client"}"#)
            #expect(try await service.get("/tokens/initech", as: "payroll").status == 502)
            #expect(try await service.post("/tenants/initech/refresh", as: "ops").status == 502)
            service.upstream.answer { _ in ScriptedUpstream.token("new") }
            #expect(try await service.get("/tokens/initech", as: "payroll").status == 502)
            #expect(try await service.post("/tenants/initech/refresh", as: "ops").status == 200)
            #expect(try await service.get("/tokens/initech", as: "payroll").token == "new")
        }
    }

    @Test func `nobody else refreshes, nor learns what there is`() async throws {
        try await LoopbackService.run { service in
            for caller in ["payroll", "root", "idle"] {
                let answers = [
                    try await service.post("/tenants/acme/refresh", as: caller),
                    try await service.post("/tenants/nobody/refresh", as: caller),
                ]
                #expect(answers[0].status == 403)
                #expect(answers[0].comparable == answers[1].comparable)
            }
            #expect(try await service.post("/tenants/acme/refresh").status == 401)
            #expect(try await service.post("/tenants/nobody/refresh", as: "ops").status == 404)
            #expect(try await service.get("/tenants/acme/refresh", as: "ops")[field: "Allow"] == "POST")
            #expect(try await service.count(at: service.pageUpURL).attempts == 0)
        }
    }

    // MARK: - Metrics

    /// Every series of an exposition, without its value.
    private func series(_ text: String) -> Set<Substring> {
        Set(
            text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
                $0[..<($0.lastIndex(of: " ") ?? $0.endIndex)]
            })
    }

    @Test func `every family says what it is, before its series`() async throws {
        try await LoopbackService.run { service in
            for tenant in ["acme", "globex", "initech"] {
                _ = try await service.get("/tokens/\(tenant)", as: "payroll")
            }
            _ = try await service.post("/revoke", "token=x", as: "payroll")
            let answer = try await service.get("/metrics")
            #expect(answer[field: "Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
            var (helped, typed): (Set<String>, [String: String]) = ([], [:])
            for line in answer.text.split(separator: "\n") {
                let words = line.split(separator: " ", maxSplits: 3).map(String.init)
                if line.hasPrefix("# HELP ") {
                    #expect(words.count == 4)
                    #expect(helped.insert(words[2]).inserted, "\(line)")
                } else if line.hasPrefix("# TYPE ") {
                    #expect(typed.updateValue(words[3], forKey: words[2]) == nil, "\(line)")
                } else {
                    var name = String(line.prefix { $0 != "{" && $0 != " " })
                    if typed[name] == nil, let part = ["_bucket", "_sum", "_count"].first(where: name.hasSuffix) {
                        name.removeLast(part.count)
                        #expect(typed[name] == "histogram", "\(line)")
                    }
                    #expect(typed[name] != nil && helped.contains(name), "\(line)")
                    #expect(Double(words.last ?? "") != nil, "\(line)")
                }
            }
            #expect(Set(typed.keys) == helped)
            #expect(answer.text.contains(#"tokenwell_mints_total{tenant="acme",reason="cold",outcome="ok"} 1"#))
            #expect(series(answer.text).count == answer.text.split(separator: "\n").filter { !$0.hasPrefix("#") }.count)
        }
    }

    @Test func `the README has every family, and no other`() async throws {
        let readme = String(decoding: try RepositoryFile.read("README.md"), as: UTF8.self)
        let rows = readme.split(separator: "\n").filter { $0.hasPrefix("| `tokenwell_") || $0.hasPrefix("| `process_") }
        // It has all that a file has, and more.
        let redis = try LoopbackRedis()
        let place = Configuration.RedisPlace(url: try RedisURL(redis.url))
        try await LoopbackService.run(proof: .jwt) { configuration in
            configuration.masterKeys = KeyRing(active: .generate())
            configuration.store = .redis(place)
        } _: { service in
            let token = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            _ = try await service.post("/tokens/acme/rejected", "token=x", as: "payroll")
            _ = try await service.post("/revoke", "token=\(token)", as: "payroll")
            let lines = try await service.get("/metrics").text.split(separator: "\n")
            let families = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] }
            #expect(rows.map { $0.dropFirst(3).prefix { $0 != "`" } }.sorted() == families.sorted())
        }
    }

    @Test(arguments: [true, false])
    func `requests are counted by caller, unless that is turned off`(_ isOn: Bool) async throws {
        try await LoopbackService.run {
            $0.metricsShowCallers = isOn
        } _: { service in
            for caller in ["payroll", "payroll", "idle", nil] {
                _ = try await service.get("/tokens/initech", as: caller)
            }
            let text = try await service.get("/metrics").text
            #expect(text.contains("payroll") == isOn)
            for (caller, outcome, count) in [
                ("payroll", "admitted", 2), ("payroll", "rate_limited", 0), ("idle", "admitted", 1),
                ("reports", "admitted", 0),
            ] {
                let line = #"tokenwell_caller_requests_total{caller="\#(caller)",outcome="\#(outcome)"} \#(count)"#
                #expect(text.contains(line) == isOn)
            }
        }
    }

    @Test func `requests are counted by route, method and status`() async throws {
        try await LoopbackService.run { service in
            for _ in 0..<3 { _ = try await service.get("/tokens/initech", as: "payroll") }
            _ = try await service.get("/tokens/initech")
            _ = try await service.send(.head, "/livez")
            _ = try await service.get("/nowhere")
            for (labels, count) in [
                (#"route="/tokens/{tenant}",method="GET",status="200""#, 3),
                (#"route="/tokens/{tenant}",method="GET",status="401""#, 1),
                (#"route="/livez",method="HEAD",status="200""#, 1), (#"route="other",method="GET",status="404""#, 1),
            ] {
                #expect(try await service.metric("tokenwell_http_requests_total{\(labels)}") == count)
            }
            #expect(
                try await service.metric(#"tokenwell_http_request_duration_seconds_count{route="/tokens/{tenant}"}"#)
                    == 4)
        }
    }

    @Test func `no request adds a label value`() async throws {
        try await LoopbackService.run { service in
            let ask = { @Sendable (number: Int) async throws -> Void in
                switch number % 5 {
                case 0: _ = try await service.get("/random-\(number)/x")
                case 1: _ = try await service.get("/tokens/random-\(number)", as: "payroll")
                case 2: _ = try await service.get("/tokens/random-\(number)", as: "root")
                case 3: _ = try await service.send(Method("RANDOM\(number)"), "/livez")
                default: _ = try await service.send(Method("RANDOM\(number)"), "/random-\(number)")
                }
            }
            for number in 0..<5 { try await ask(number) }
            let before = series(try await service.get("/metrics").text)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for first in 0..<10 {
                    group.addTask { for number in 0..<100 { try await ask(100 * first + number) } }
                }
                try await group.waitForAll()
            }
            let text = try await service.get("/metrics").text
            // The first scrape is itself a series of the second.
            #expect(series(text).subtracting(before).allSatisfy { $0.contains(#"route="/metrics""#) })
            #expect(!text.lowercased().contains("random"))
        }
    }

    // MARK: - Health

    @Test(arguments: ["/livez", "/readyz", "/healthz"])
    func `health is open to anyone`(_ path: String) async throws {
        try await LoopbackService.run { service in
            let answer = try await service.get(path)
            #expect(
                answer.comparable == """
                    200
                    Content-Type: application/json
                    Cache-Control: no-store
                    Content-Length: 15

                    {"status":"ok"}
                    """)
            #expect(try await service.send(.head, path).text.isEmpty)
            #expect(try await service.post(path).status == 405)
        }
    }

    @Test func `a vendor that is down makes nothing unready`() async throws {
        try await LoopbackService.run { service throws in
            service.upstream.answer(500)
            #expect(try await service.get("/tokens/initech", as: "payroll").status == 503)
            for path in ["/livez", "/readyz"] { #expect(try await service.get(path).status == 200) }
        }
    }

    @Test func `while draining it is alive and not ready, and what has begun is answered`() async throws {
        try await LoopbackService.run { configuration in
            configuration.metricsListen = .loopback()
        } _: { service in
            let gate = Gate()
            service.upstream.answer { _ in
                await gate.wait()
                return ScriptedUpstream.token("last")
            }
            async let begun = service.get("/tokens/initech", as: "payroll")
            await gate.visitor()
            async let stopped: Void = service.service.stop(within: .seconds(20))
            var readiness = try await service.metricsListener("/readyz")
            while readiness.status == 200 { readiness = try await service.metricsListener("/readyz") }
            #expect(readiness.status == 503)
            #expect(readiness.text == #"{"status":"draining"}"#)
            #expect(try await service.metricsListener("/livez").status == 200)
            gate.open()
            let answer = try await begun
            #expect(answer.token == "last")
            #expect(answer[field: "Connection"] == "close")
            await stopped
            #expect(service.log.contains(#""message":"stopped""#))
        }
    }

    @Test func `the metrics listener has the open routes and no other`() async throws {
        try await LoopbackService.run { configuration in
            configuration.metricsListen = .loopback()
        } _: { service throws in
            for path in ["/metrics", "/livez", "/readyz", "/healthz", "/openapi.yaml"] {
                #expect(try await service.metricsListener(path).status == 200)
            }
            for path in ["/tokens/acme", "/revoke", "/tenants/acme/refresh", "/"] {
                #expect(try await service.metricsListener(path).status == 404)
                #expect(try await service.metricsListener(path, .post).status == 404)
            }
        }
    }

    @Test func `the description is the file`() async throws {
        let file = try RepositoryFile.read("openapi.yaml")
        try await LoopbackService.run { service in
            let answer = try await service.get("/openapi.yaml")
            #expect(answer[field: "Content-Type"] == "application/yaml")
            #expect(Data(answer.response.body) == file)
        }
    }

    // MARK: - Content codings

    /// The head of an answer, but for what no two have in common. Received by a thread that may block.
    private func head(
        of method: String, _ path: String, accepting codings: String, at port: UInt16
    ) async throws -> [Substring] {
        try await Task.detached {
            let connection = try RawConnection(port: port)
            try connection.send("\(method) \(path) HTTP/1.1\r\nHost: a\r\nAccept-Encoding: \(codings)\r\n\r\n")
            return try connection.receive(through: "\r\n\r\n").split(separator: "\r\n").filter {
                !$0.hasPrefix("Date: ") && !$0.hasPrefix("X-Request-Id: ")
            }
        }.value
    }

    @Test func `HEAD has the fields of GET in each coding`() async throws {
        try await LoopbackService.run { service throws in
            let port = service.service.address.port
            let plain = try await head(of: "GET", "/openapi.yaml", accepting: "br", at: port)
            let coded = try await head(of: "GET", "/openapi.yaml", accepting: "br, gzip", at: port)
            #expect(try await head(of: "HEAD", "/openapi.yaml", accepting: "br", at: port) == plain)
            #expect(try await head(of: "HEAD", "/openapi.yaml", accepting: "br, gzip", at: port) == coded)
            #expect(plain.contains("Vary: Accept-Encoding") && coded.contains("Vary: Accept-Encoding"))
            #expect(!plain.contains("Content-Encoding: gzip") && coded.contains("Content-Encoding: gzip"))
            #expect(Set(plain).subtracting(coded).count == 1, "the length")
        }
    }

    @Test(arguments: ["/metrics", "/openapi.yaml"])
    func `who takes no coding that there is gets none`(_ path: String) async throws {
        try await LoopbackService.run { service in
            let plain = try await service.get(path, as: nil, [("Accept-Encoding", "gzip;q=0")])
            let vary = path == "/metrics" ? "Accept, Accept-Encoding" : "Accept-Encoding"
            #expect(plain[field: "Vary"] == vary && plain[field: "Content-Encoding"] == nil)
            for method in [Method.get, .head] {
                let answer = try await service.send(method, path, as: nil, [("Accept-Encoding", "br, *;q=0")])
                #expect(answer.status == 406)
                #expect(method == .head || answer.json?["error"]?.text == "not_acceptable")
            }
        }
    }

    /// A test client that refuses coded answers asks for one.
    @Test func `nothing else is ever compressed`() async throws {
        let token = String(repeating: "x", count: 4000)
        try await LoopbackService.run { service throws in
            service.upstream.answer { _ in ScriptedUpstream.token(token) }
            let gzip: [(StaticString, String)] = [("Accept-Encoding", "gzip, identity;q=0")]
            let form = "grant_type=client_credentials"
            for answer in [
                try await service.get("/tokens/initech", as: "payroll", gzip),
                try await service.post("/tokens/initech", form, as: "payroll", gzip),
            ] {
                #expect(answer.token == token)
                #expect(answer[field: "Vary"] == nil)
            }
            for path in ["/tokens/acme", "/livez", "/readyz", "/healthz", "/nowhere"] {
                #expect(try await service.get(path, as: nil, gzip)[field: "Vary"] == nil)
            }
        }
    }
}
