import HTTP
import Logging
import Sockets
import Support
import Testing
import TokenBroker

@testable import Service

/// How the service comes up, or does not.
struct ServiceStartTests {
    private func failure(_ configuration: Configuration) throws -> String? {
        let group = try LoopbackService.group.get()
        do throws(Service.StartError) {
            _ = try Service(configuration, on: group, logger: Logger(label: "tokenwell"))
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
                .get, to: url, tls: try .client(caFile: certificates.authorityFile), owner: "",
                by: .now.advanced(by: .seconds(30))
            )
            #expect(answer.status == .ok)
            #expect(try await service.metricsListener("/livez").status == 200)
            await #expect(throws: HTTPClientError.self) {
                try await client.send(.get, to: url, tls: try .client(), owner: "", by: .now.advanced(by: .seconds(30)))
            }
        }
    }

    @Test func `not where another listens`() async throws {
        try await LoopbackService.run { service in
            var configuration = Configuration()
            configuration.listen = service.service.address
            let failure = try #require(try self.failure(configuration))
            #expect(failure.hasPrefix("can't listen at \(service.service.address): "))
        }
    }

    @Test func `not with a certificate that is none`() throws {
        let folder = try ConfigurationFolder("{}")
        var configuration = Configuration()
        configuration.listen = .loopback()
        configuration.listenTLS = .init(certificate: folder.path + "pem", key: folder.path + "pem")
        #expect(try failure(configuration)?.contains(folder.path + "pem") == true)
    }

    @Test func `not with a tenant's authorities that are none`() throws {
        let folder = try ConfigurationFolder("{}")
        var configuration = Configuration()
        configuration.listen = .loopback()
        configuration.tenants = [
            Tenant(
                name: "acme", provider: .pageUp(tokenURL: "https://127.0.0.1:1/"),
                credential: Credential(id: "id", secret: Secret("s")), scopes: .empty, caFile: folder.path + "pem")
        ]
        #expect(try failure(configuration)?.contains(folder.path + "pem") == true)
    }
}
