import Foundation
import Redis
import Sealing
import Support
import Testing
import TokenBroker

@testable import Service

/// The whole service, stopped and started again with its store.
struct ServiceRestartTests {
    private func token(_ path: String, from service: LoopbackService) async throws -> String {
        try #require(try await service.get(path, as: "payroll").token)
    }

    private func tokens(_ paths: [String], from service: LoopbackService) async throws -> [String] {
        var tokens: [String] = []
        for path in paths { tokens.append(try await token(path, from: service)) }
        return tokens
    }

    private func budget(of tenant: String, in service: LoopbackService) async throws -> Int {
        try await service.metric(#"tokenwell_mint_budget_remaining{tenant="\#(tenant)"}"#)
    }

    private func mints(of tenant: String, in service: LoopbackService) async throws -> [String] {
        let answer = try await service.get("/tenants/\(tenant)", as: "ops")
        let mints = try #require(answer.json?["mints"]?.items)
        return mints.map { "\($0["reason"]?.text ?? "") \($0["outcome"]?.text ?? "") \($0["fingerprint"]?.text ?? "")" }
    }

    @Test func `it goes on where it was`() async throws {
        let folder = try ConfigurationFolder("{}")
        try await goesOn(with: .sqlite(folder.path + "tokenwell.db"))
    }

    @Test func `from a store in Redis too, over TLS and as a user that may do no more than it has to`() async throws {
        let certificates = try Certificates()
        let commands =
            "hello eval get set del mget scan info xadd xread time "
            + "hget hset hdel hmget pexpire zadd zrem zrange zrangebyscore"
        let user = ["--user", "tokenwell", "on", ">hunter2", "~tokenwell:*", "-@all"]
        let redis = try LoopbackRedis(
            user + commands.split(separator: " ").map { "+\($0)" } + ["--user", "default", "off"],
            certificate: try certificates.issue(names: "DNS:localhost"))
        let port = try #require(redis.tlsPort)
        var place = Configuration.RedisPlace(url: try RedisURL("rediss://tokenwell@localhost:\(port)/0"))
        (place.password, place.caFile) = (Secret("hunter2"), certificates.authorityFile)
        try await goesOn(with: .redis(place))
    }

    private func goesOn(with store: Configuration.Store) async throws {
        try await LoopbackService.run { configuration in
            configuration.masterKeys = KeyRing(active: .generate())
            configuration.store = store
        } _: { service in
            let paths = ["/tokens/acme", "/tokens/acme?scope=Public.Application.Read", "/tokens/globex"]
            let withdrawn = try await token("/tokens/globex", from: service)
            var revocation = try await service.post("/revoke", "token=\(withdrawn)", as: "payroll")
            // On a busy machine a store may not be ready in time to say that all know of it.
            let deadline = ContinuousClock.Instant.generous
            while revocation.status == 503, ContinuousClock.now < deadline {
                revocation = try await service.post("/revoke", "token=\(withdrawn)", as: "payroll")
            }
            #expect(revocation.text == #"{"revoked":"upstream"}"#)
            let before = try await tokens(paths, from: service)
            #expect(Set(before + [withdrawn]).count == 4)
            service.upstream.answer(401, #"{"error":"invalid_client"}"#)
            let refused = try await service.get("/tokens/initech", as: "payroll")
            #expect(refused.json?["error"]?.text == "upstream_rejected")
            var budgets: [Int] = []
            for tenant in ["acme", "globex", "initech"] {
                budgets.append(try await budget(of: tenant, in: service))
            }
            #expect(budgets == [8, 3, 9])
            let logs = try await [mints(of: "acme", in: service), mints(of: "globex", in: service)]
            #expect(logs.map(\.count) == [2, 2])
            let requests = service.upstream.requests.count

            try await service.restart()

            for (tenant, budget) in zip(["acme", "globex", "initech"], budgets) {
                // One a minute comes back.
                let now = try await self.budget(of: tenant, in: service)
                #expect((budget...budget + 1).contains(now))
            }
            #expect(try await service.metric(#"tokenwell_suspended{tenant="initech"}"#) == 1)
            #expect(try await tokens(paths, from: service) == before)
            let again = try await service.post("/revoke", "token=\(withdrawn)", as: "payroll")
            #expect(again.text == revocation.text)
            #expect(try await token("/tokens/globex", from: service) == before[2])
            let stillRefused = try await service.get("/tokens/initech", as: "payroll")
            #expect(stillRefused.status == refused.status && stillRefused.text == refused.text)
            #expect(try await [mints(of: "acme", in: service), mints(of: "globex", in: service)] == logs)
            #expect(service.upstream.requests.count == requests)
            #expect(try await service.count(at: service.pageUpURL).mints == 2)
            #expect(try await service.count(at: service.ukgURL).mints == 2)
        }
    }
}
