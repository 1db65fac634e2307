import HTTP
import Logging
import Redis
import Sealing
import Sockets
import Stores
import Support
import Testing
import TokenBroker

@testable import Service

/// How the service comes up, or does not.
struct ServiceStartTests {
    private func failure(_ configuration: Configuration) async throws -> String? {
        let group = try LoopbackService.group.get()
        do throws(Service.StartError) {
            try await Service(configuration, on: group, logger: Logger(label: "tokenwell")).stop(within: .zero)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `over TLS with its own certificate, and for metrics in clear text`() async throws {
        let certificates = try Certificates()
        let pair = try certificates.issue()
        try await LoopbackService.run { configuration in
            configuration.listenTLS = .init(certificate: pair.certificateFile, key: pair.keyFile)
            configuration.metricsListen = .loopback()
        } _: { service in
            let client = HTTPClient(on: try LoopbackService.group.get())
            let url = try #require(HTTPURL("https://\(service.service.address)/livez"))
            let answer = try await client.send(
                .get, to: url, tls: try .client(caFile: certificates.authorityFile),
                by: .now.advanced(by: .seconds(300))
            )
            #expect(answer.status == .ok)
            #expect(try await service.metricsListener("/livez").status == 200)
            await #expect(throws: HTTPClientError.self) {
                try await client.send(.get, to: url, tls: try .client(), by: .now.advanced(by: .seconds(300)))
            }
        }
    }

    @Test func `not where another listens`() async throws {
        try await LoopbackService.run { service in
            var configuration = Configuration()
            configuration.listen = service.service.address
            let failure = try #require(try await self.failure(configuration))
            #expect(failure.hasPrefix("can't listen at \(service.service.address): "))
        }
    }

    @Test func `with a store, which is let go of when the service stops`() async throws {
        let folder = try ConfigurationFolder("{}")
        let (path, keys) = (folder.path + "tokenwell.db", KeyRing(active: .generate()))
        try await LoopbackService.run { configuration in
            configuration.masterKeys = keys
            configuration.store = .sqlite(path)
        } _: { service in
            let readiness = try await service.get("/readyz")
            #expect(readiness.status == 200)
            let isUp = try await service.metric("tokenwell_store_up")
            #expect(isUp == 1)
            #expect(!service.log.contains("in memory only"))
        }
        try SQLiteStore.reseal(path, keys: keys) { _, _ in }
    }

    @Test func `a store in memory is spoken of unless it was asked for`() async throws {
        for (store, isSaid) in [(nil, true), (Configuration.Store.memory, false)] {
            try await LoopbackService.run {
                $0.store = store
            } _: { service in
                #expect(service.log.contains("in memory only") == isSaid)
            }
        }
    }

    @Test func `not with a store that the master key does not open`() async throws {
        let folder = try ConfigurationFolder("{}")
        var configuration = Configuration()
        configuration.listen = .loopback()
        configuration.store = .sqlite(folder.path + "tokenwell.db")
        #expect(try await failure(configuration)?.contains("needs a master key") == true)
        configuration.masterKeys = KeyRing(active: .generate())
        #expect(try await failure(configuration) == nil)
        configuration.masterKeys = KeyRing(active: .generate())
        #expect(try await failure(configuration)?.contains("which is not the one given") == true)
    }

    @Test func `not with a store in Redis whose server is none or does not let us in`() async throws {
        let redis = try LoopbackRedis(["--requirepass", "hunter2"])
        var configuration = Configuration()
        configuration.listen = .loopback()
        configuration.store = .redis(.init(url: try RedisURL(redis.url)))
        #expect(try await failure(configuration)?.contains("needs a master key") == true)
        configuration.masterKeys = KeyRing(active: .generate())
        #expect(
            try await failure(configuration)
                == "can't open the store \(redis.url): it wants a password (NOAUTH)")
        var place = Configuration.RedisPlace(url: try RedisURL("rediss://localhost"))
        place.caFile = "/nowhere/pem"
        configuration.store = .redis(place)
        #expect(try await failure(configuration)?.contains("/nowhere/pem") == true)
        #expect(throws: TLSError.self) { try Service.checkTLS(configuration) }
    }

    @Test func `not with a certificate that is none`() async throws {
        let folder = try ConfigurationFolder("{}")
        var configuration = Configuration()
        configuration.listen = .loopback()
        configuration.listenTLS = .init(certificate: folder.path + "pem", key: folder.path + "pem")
        #expect(try await failure(configuration)?.contains(folder.path + "pem") == true)
    }

    @Test func `not with a tenant's authorities that are none`() async throws {
        let folder = try ConfigurationFolder("{}")
        var configuration = Configuration()
        configuration.listen = .loopback()
        configuration.tenants = [
            Tenant(
                name: "acme", provider: .pageUp(tokenURL: "https://127.0.0.1:1/"),
                credential: Credential(id: "id", secret: Secret("s")), scopes: .empty, caFile: folder.path + "pem")
        ]
        #expect(try await failure(configuration)?.contains(folder.path + "pem") == true)
    }
}
