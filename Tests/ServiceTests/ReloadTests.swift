import Foundation
import HTTP
import Logging
import Sealing
import Sockets
import Synchronization
import Testing
import TokenBroker

@testable import Service

/// A running service whose configuration is read again, over real sockets.
struct ReloadTests {
    private func reload(_ service: LoopbackService, as caller: String = "ops") async throws -> Answer {
        try await service.post("/reload", as: caller)
    }

    /// The names under a member of an answer, such as `tenants.added`.
    private func names(_ answer: Answer, _ kind: String, _ what: String) -> [String] {
        answer.json?[kind]?[what]?["names"]?.items.compactMap(\.text) ?? []
    }

    private func texts(_ answer: Answer, _ member: String) -> [String] {
        answer.json?[member]?.items.compactMap(\.text) ?? []
    }

    private func tenant(_ name: String, like other: String, _ configuration: Configuration) -> Tenant? {
        configuration.tenants.first { $0.name == other }.map { tenant in
            var tenant = tenant
            tenant.name = name
            return tenant
        }
    }

    @Test func `it is for operators, and changes nothing when there is nothing to change`() async throws {
        try await LoopbackService.run { service in
            let token = try await service.get("/tokens/acme", as: "payroll").token
            for caller in ["payroll", "root", "idle"] {
                #expect(try await self.reload(service, as: caller).status == 403)
            }
            #expect(try await service.post("/reload").status == 401)
            #expect(try await service.get("/reload", as: "ops").status == 405)
            let answer = try await self.reload(service)
            #expect(answer.status == 200 && answer.json?["outcome"]?.text == "ok")
            for kind in ["tenants", "callers"] {
                for what in ["added", "removed", "changed"] {
                    #expect(answer.json?[kind]?[what]?["count"]?.integer == 0)
                }
            }
            #expect(try await service.get("/tokens/acme", as: "payroll").token == token)
            #expect(try await service.metric(#"tokenwell_configuration_reloads_total{outcome="ok"}"#) == 1)
        }
    }

    @Test func `tenants come, change and go`() async throws {
        try await LoopbackService.run { service in
            let acme = try await service.get("/tokens/acme", as: "root").token
            let globex = try await service.get("/tokens/globex", as: "root").token
            _ = try await service.get("/tokens/initech", as: "payroll")
            service.edit { reading in
                reading.configuration.tenants += [self.tenant("umbrella", like: "acme", reading.configuration)]
                    .compactMap(\.self)
                reading.configuration.tenants.removeAll { $0.name == "initech" }
                for index in reading.configuration.tenants.indices
                where reading.configuration.tenants[index].name == "globex" {
                    reading.configuration.tenants[index].keepWarm = true
                }
            }
            let answer = try await self.reload(service)
            #expect(self.names(answer, "tenants", "added") == ["umbrella"])
            #expect(self.names(answer, "tenants", "removed") == ["initech"])
            #expect(self.names(answer, "tenants", "changed") == ["globex"])
            #expect(try await service.get("/tokens/acme", as: "root").token == acme)
            #expect(try await service.get("/tokens/globex", as: "root").token == globex)
            #expect(try await service.get("/tokens/umbrella", as: "root").token != nil)
            let unknown = try await service.get("/tokens/initech", as: "root")
            #expect(unknown.status == 404 && unknown.json?["error"]?.text == "unknown_tenant")
            #expect(try await service.get("/tokens/initech", as: "payroll").status == 403)
            #expect(try await service.get("/tenants/initech", as: "ops").status == 404)
            let listed = try await service.get("/tenants", as: "ops").json?["tenants"]?.items
            #expect(listed?.compactMap { $0["tenant"]?.text } == ["acme", "globex", "umbrella"])
            #expect(try await !service.get("/metrics").text.contains("initech"))
            #expect(try await service.metric(#"tokenwell_mints_total{tenant="acme",reason="cold",outcome="ok"}"#) == 1)
            // And one comes back, with nothing of what it had.
            service.edit { reading in
                reading.configuration.tenants += [self.tenant("initech", like: "acme", reading.configuration)]
                    .compactMap(\.self)
            }
            _ = try await self.reload(service)
            #expect(try await service.get("/tokens/initech", as: "payroll").token != nil)
            #expect(
                try await service.metric(#"tokenwell_mints_total{tenant="initech",reason="cold",outcome="ok"}"#) == 1)
        }
    }

    @Test func `a key that is withdrawn is refused at once, on a warm token too, and a new one is taken`() async throws
    {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            service.edit { reading in
                reading.configuration.callers.removeAll { $0.name == "payroll" }
                reading.configuration.callers.append(
                    Caller(
                        name: "newcomer", keys: [KeyDigest(of: LoopbackService.key(of: "newcomer"))],
                        grant: Grant(tenants: [.exact("acme")])))
                for index in reading.configuration.callers.indices
                where reading.configuration.callers[index].name == "reports" {
                    reading.configuration.callers[index].grant = Grant(tenants: [])
                }
            }
            let answer = try await self.reload(service)
            #expect(self.names(answer, "callers", "added") == ["newcomer"])
            #expect(self.names(answer, "callers", "removed") == ["payroll"])
            #expect(self.names(answer, "callers", "changed") == ["reports"])
            #expect(try await service.get("/tokens/acme", as: "payroll").status == 401)
            #expect(try await service.get("/tokens/acme", as: "reports").status == 403)
            #expect(try await service.get("/tokens/acme", as: "newcomer").token == token)
            #expect(try await !service.get("/metrics").text.contains("payroll"))
        }
    }

    @Test(arguments: LoopbackService.Proof.allCases)
    func `whatever proves a caller that is withdrawn is refused at once`(_ proof: LoopbackService.Proof) async throws {
        try await LoopbackService.run(proof: proof) { service in
            for caller in ["payroll", "root"] {
                #expect(try await service.get("/tokens/acme", as: caller).status == 200)
            }
            service.edit { $0.configuration.callers.removeAll { $0.name == "payroll" } }
            _ = try await self.reload(service)
            #expect(try await service.get("/tokens/acme", as: "payroll").status == 401)
            #expect(try await service.get("/tokens/acme", as: "root").status == 200)
        }
    }

    @Test func `an issuer of JWTs that is changed keeps the keys that were read`() async throws {
        try await LoopbackService.run(proof: .jwt) { service in
            #expect(try await service.get("/tokens/acme", as: "payroll").status == 200)
            service.edit { $0.configuration.jwtIssuers[0].leeway = .seconds(1) }
            #expect(self.texts(try await self.reload(service), "settings") == ["jwt_issuers"])
            #expect(try await service.get("/tokens/acme", as: "payroll").status == 200)
            service.edit { $0.configuration.jwtIssuers[0].audiences = ["another"] }
            _ = try await self.reload(service)
            #expect(try await service.get("/tokens/acme", as: "payroll").status == 401)
            #expect(try await service.get("/metrics").text.contains("tokenwell_jwks_refreshes_total{"))
            service.edit { reading in
                reading.configuration.jwtIssuers = []
                reading.configuration.callers = []
            }
            _ = await service.service.reload()
            #expect(try await !service.get("/metrics").text.contains("tokenwell_jwks_refreshes_total{"))
        }
    }

    @Test func `a caller that is not changed has used what it had used of its limits`() async throws {
        try await LoopbackService.run { configuration in
            configuration.callers += ["kept", "eased"].map {
                Caller(
                    name: $0, keys: [KeyDigest(of: LoopbackService.key(of: $0))], grant: Grant(tenants: []),
                    rateLimit: RateLimit(perSecond: 1, burst: 2))
            }
        } _: { service in
            for caller in ["kept", "eased"] {
                for _ in 0..<2 { #expect(try await service.get("/tokens/acme", as: caller).status == 403) }
            }
            service.edit { reading in
                reading.configuration.callers.removeAll { ["kept", "eased"].contains($0.name) }
                // As it is when it was read anew.
                reading.configuration.callers += [("kept", 1), ("eased", 1000)].map { name, rate in
                    Caller(
                        name: name, keys: [KeyDigest(of: LoopbackService.key(of: name))], grant: Grant(tenants: []),
                        rateLimit: RateLimit(perSecond: rate, burst: max(2, rate)))
                }
            }
            let answer = try await self.reload(service)
            #expect(self.names(answer, "callers", "changed") == ["eased"])
            #expect(try await service.get("/tokens/acme", as: "kept").status == 429)
            #expect(try await service.get("/tokens/acme", as: "eased").status == 403)
            #expect(
                try await service.metric(#"tokenwell_caller_requests_total{caller="kept",outcome="admitted"}"#) == 2)
        }
    }

    @Test func `who has failed too often goes on to have`() async throws {
        try await LoopbackService.run { service in
            for _ in 0..<25 { _ = try await service.get("/tokens/acme", as: "stranger") }
            service.edit { $0.configuration.callers.removeAll { $0.name == "idle" } }
            _ = try await self.reload(service)
            #expect(try await service.get("/tokens/acme", as: "stranger").status == 429)
            #expect(try await service.get("/tokens/acme", as: "payroll").status == 200)
        }
    }

    @Test func `another secret keeps the token, lifts a suspension, and is what the vendor gets`() async throws {
        try await LoopbackService.run { service in
            let token = try await service.get("/tokens/acme", as: "payroll").token
            service.upstream.answer(401, #"{"error":"invalid_client"}"#)
            #expect(try await service.get("/tokens/initech", as: "payroll").status == 502)
            service.upstream.answer(200, #"{"access_token":"new-t0ken","token_type":"Bearer","expires_in":300}"#)
            #expect(try await service.get("/tokens/initech", as: "payroll").status == 502)
            service.edit { reading in
                for index in reading.configuration.tenants.indices
                where reading.configuration.tenants[index].name != "globex" {
                    reading.configuration.tenants[index].credential.secret = Secret("rotated-s3cret")
                }
            }
            #expect(self.names(try await self.reload(service), "tenants", "changed") == ["acme", "initech"])
            #expect(try await service.get("/tokens/acme", as: "payroll").token == token)
            #expect(try await service.get("/tokens/initech", as: "payroll").token == "new-t0ken")
            let sent = service.upstream.requests.last?.fields["Authorization"]
            #expect(sent == LoopbackService.basic("tokenwell", "rotated-s3cret"))
            // The vendor does not know it.
            #expect(try await service.post("/tenants/acme/refresh", as: "ops").status == 502)
        }
    }

    @Test func `what takes a restart is told, and nothing of it is in force`() async throws {
        try await LoopbackService.run { service in
            let address = "\(service.service.address)"
            service.edit { reading in
                reading.configuration.listen = .loopback(port: 1)
                reading.configuration.metricsListen = .loopback()
                reading.configuration.timeouts.head = .seconds(1)
                reading.configuration.connections.maximum = 1
                reading.configuration.masterKeys = KeyRing(active: .generate())
                reading.configuration.store = .sqlite("/nowhere/store.db")
                reading.configuration.audit = .file("/nowhere/audit")
                reading.configuration.deadline = .seconds(1)
            }
            for expected in [["deadline"], []] {
                let answer = try await self.reload(service)
                #expect(answer.json?["outcome"]?.text == "ok")
                #expect(self.texts(answer, "settings") == expected)
                #expect(
                    self.texts(answer, "needs_restart")
                        == ["listen", "metrics.listen", "connections", "timeouts", "master_key", "store", "audit"])
            }
            #expect("\(service.service.address)" == address && service.service.metricsAddress == nil)
            #expect(try await service.get("/tokens/acme", as: "payroll").status == 200)
            #expect(service.log.contains("needs a restart"))
        }
    }

    @Test func `deadline, log level and external URL are taken at once`() async throws {
        try await LoopbackService.run { service in
            service.edit { reading in
                reading.configuration.deadline = .milliseconds(50)
                reading.configuration.logLevel = .critical
                reading.configuration.externalOrigin = "https://tokens.example"
                reading.configuration.metricsShowCallers = false
            }
            let answer = try await self.reload(service)
            #expect(self.texts(answer, "settings") == ["external_url", "metrics.callers", "log.level", "deadline"])
            let log = service.log
            try await service.fault(service.pageUpURL, "mode=slow&seconds=3&count=1")
            #expect(try await service.get("/tokens/acme", as: "payroll").status == 504)
            #expect(service.log == log)
            let metadata = try await service.get("/.well-known/oauth-authorization-server/tokens/acme")
            #expect(metadata.json?["issuer"]?.text == "https://tokens.example/tokens/acme")
            #expect(try await !service.get("/metrics").text.contains("tokenwell_caller_requests_total{"))
        }
    }

    @Test func `mints under way land, whoever waited for them`() async throws {
        try await LoopbackService.run { service in
            try await service.fault(service.pageUpURL, "mode=slow&seconds=1&count=1")
            async let waiting = service.get("/tokens/acme", as: "payroll")
            while try await service.count(at: service.pageUpURL).attempts == 0 { await Task.yield() }
            service.edit { reading in
                reading.configuration.tenants.removeAll { $0.name == "globex" }
                for index in reading.configuration.tenants.indices
                where reading.configuration.tenants[index].name == "acme" {
                    reading.configuration.tenants[index].credential.nextSecret = Secret("another")
                }
            }
            #expect(try await self.reload(service).status == 200)
            let token = try await waiting.token
            #expect(token != nil)
            #expect(try await service.get("/tokens/acme", as: "payroll").token == token)
            #expect(try await service.count(at: service.pageUpURL).mints == 1)
        }
    }

    /// Requests that go on until they are told to end, and what they were answered.
    private final class Load: Sendable {
        private let state = Mutex((isOn: true, statuses: Set<Int>()))

        var isOn: Bool { state.withLock { $0.isOn } }
        var statuses: Set<Int> { state.withLock { $0.statuses } }

        func note(_ status: Int) { state.withLock { _ = $0.statuses.insert(status) } }
        func end() { state.withLock { $0.isOn = false } }
    }

    @Test func `no request fails while it is reloaded again and again`() async throws {
        try await LoopbackService.run { service in
            let load = Load()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for tenant in ["acme", "globex", "initech", "acme?scope=Public.Application.Read"] {
                    group.addTask {
                        while load.isOn {
                            let answer = try await service.get("/tokens/\(tenant)", as: "payroll")
                            // What began before is not given what has become another client's.
                            if tenant == "initech", answer.status == 503, answer[field: "Retry-After"] == "1" {
                                continue
                            }
                            load.note(answer.status)
                        }
                    }
                }
                for round in 0..<20 {
                    service.edit { reading in
                        for index in reading.configuration.tenants.indices {
                            // Of another client too, but for UKG and PageUp, which would not know it.
                            if reading.configuration.tenants[index].name == "initech" {
                                reading.configuration.tenants[index].credential.id = "client-\(round)"
                            } else {
                                reading.configuration.tenants[index].credential.nextSecret = Secret("next-\(round)")
                            }
                            reading.configuration.tenants[index].mintBudget = .init(burst: 1000 + round, perHour: 1000)
                        }
                        reading.configuration.deadline = .seconds(100 + round)
                    }
                    #expect(try await self.reload(service).json?["outcome"]?.text == "ok")
                }
                load.end()
                try await group.waitForAll()
            }
            #expect(load.statuses == [200])
            #expect(try await service.count(at: service.ukgURL).mints == 1)
            #expect(try await service.count(at: service.pageUpURL).mints == 2)
        }
    }

    @Test func `with a store, what is removed is gone after a restart, and the rest is there`() async throws {
        let folder = try ConfigurationFolder("{}")
        try await LoopbackService.run { configuration in
            configuration.masterKeys = KeyRing(active: .generate())
            configuration.store = .sqlite(folder.path + "tokenwell.db")
        } _: { service in
            let token = try await service.get("/tokens/acme", as: "payroll").token
            let gone = try await service.get("/tokens/globex", as: "payroll").token
            var globex: Tenant?
            service.edit { reading in
                globex = self.tenant("globex", like: "globex", reading.configuration)
                reading.configuration.tenants.removeAll { $0.name == "globex" }
                for index in reading.configuration.tenants.indices {
                    reading.configuration.tenants[index].credential.secret = Secret("rotated-s3cret")
                }
            }
            _ = try await self.reload(service)
            try await service.restart()
            #expect(try await service.get("/tokens/acme", as: "payroll").token == token)
            #expect(try await service.get("/tokens/globex", as: "root").status == 404)
            service.edit { $0.configuration.tenants += [globex].compactMap(\.self) }
            _ = try await self.reload(service)
            let again = try await service.get("/tokens/globex", as: "payroll").token
            #expect(again != nil && again != gone)
            try await service.restart()
            #expect(try await service.get("/tokens/globex", as: "payroll").token == again)
        }
    }

    @Test func `nobody learns a secret from it, and the audit tells who had it done`() async throws {
        let folder = try ConfigurationFolder("{}")
        let canary = "c4nary-in-a-secret"
        var answers: [Answer] = []
        var log = ""
        try await LoopbackService.run { configuration in
            configuration.audit = .file(folder.path + "audit.jsonl")
        } _: { service in
            let key = LoopbackService.key(of: "payroll")
            service.edit { reading in
                for index in reading.configuration.tenants.indices {
                    reading.configuration.tenants[index].credential.secret = Secret(canary)
                    reading.configuration.tenants[index].credential.nextSecret = Secret(canary + "-2")
                    reading.configuration.tenants[index].provider.parameters = [
                        .init("resource", [canary], isSecret: true)
                    ]
                }
                reading.configuration.callers.removeAll { $0.name == "payroll" }
            }
            answers.append(try await self.reload(service))
            answers.append(try await self.reload(service, as: "idle"))
            answers.append(try await service.get("/metrics"))
            await service.service.reload()
            log = service.log
            #expect(!answers.contains { $0.whole.contains(canary) || $0.whole.contains(key) })
            #expect(!log.contains(canary) && !log.contains(key))
        }
        let audit = try String(contentsOfFile: folder.path + "audit.jsonl", encoding: .utf8)
        #expect(!audit.contains(canary))
        let lines = try audit.split(separator: "\n").map {
            try JSONDecoder().decode([String: String].self, from: Data($0.utf8))
        }.filter { $0["event"] == "reload" }
        #expect(lines.map { $0["trigger"] } == ["request", "signal"])
        #expect(lines.map { $0["outcome"] } == ["ok", "ok"] && lines.map { $0["caller"] } == ["ops", nil])
        #expect(lines.map { $0["tenants_changed"] } == ["3", "0"] && lines.first?["callers_removed"] == "1")
    }
}
