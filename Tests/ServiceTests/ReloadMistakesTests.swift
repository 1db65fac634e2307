import Foundation
import Support
import Testing

@testable import Service

/// Mistakes in a configuration that is read again: what they leave alone, and how they are told.
struct ReloadMistakesTests {
    /// A configuration of `acme` and `globex`, or what a test makes of it.
    private func folder(_ service: LoopbackService) throws -> ConfigurationFolder {
        let folder = try ConfigurationFolder(yaml(service))
        try folder.write("acme", LoopbackService.vendorSecret)
        return folder
    }

    private func yaml(_ service: LoopbackService, _ globex: String = "region: eu", more: String = "") -> String {
        """
        tenants:
          acme:
            provider: pageup
            token_url: \(service.pageUpURL)/connect/token
            client_id: acme-integration
            client_secret: {file: acme}
            scopes: [Public.Application.Read]
          globex:
            provider: ukg
            \(globex)
            application_id: app-1
            application_secret: {file: secret}
            client_id: globex
        callers:
          ops: {keys: ["\(KeyDigest(of: LoopbackService.key(of: "ops")))"], tenants: ["*"], operator: true}
        \(more)
        """
    }

    private func reload(_ service: LoopbackService, _ folder: ConfigurationFolder) async throws -> Answer {
        service.edit { $0 = folder.reading() }
        return try await service.post("/reload", as: "ops")
    }

    /// The mistakes as one would read them.
    private func mistakes(_ answer: Answer, _ folder: ConfigurationFolder) -> [String] {
        (answer.json?["mistakes"]?.items ?? []).map { mistake in
            let place = "\(mistake["file"]?.text ?? ""):\(mistake["line"]?.integer ?? 0)"
            let text = [place, mistake["key"]?.text, mistake["problem"]?.text, mistake["hint"]?.text]
                .compactMap(\.self).joined(separator: " | ")
            return text.replacing(folder.path, with: "")
        }
    }

    private func outcomes(_ service: LoopbackService) async throws -> [Int] {
        var counts: [Int] = []
        for outcome in ["ok", "partial", "failed"] {
            counts.append(
                try await service.metric(#"tokenwell_configuration_reloads_total{outcome="\#(outcome)"}"#))
        }
        counts.append(try await service.metric("tokenwell_configuration_last_reload_successful"))
        return counts
    }

    @Test func `a tenant with a mistake stays as it was, and the rest is taken`() async throws {
        try await LoopbackService.run { service in
            let folder = try folder(service)
            #expect(try await reload(service, folder).json?["outcome"]?.text == "ok")
            let token = try await service.get("/tokens/acme", as: "ops").token
            #expect(token != nil)
            #expect(try await service.get("/tokens/initech", as: "ops").status == 404)

            try folder.write("tokenwell.yaml", yaml(service, "region: eu1", more: "deadline: 1s"))
            try folder.write("tenants.d/more.yaml", "umbrella: {provider: none}\n")
            try FileManager.default.removeItem(atPath: folder.path + "acme")
            let answer = try await reload(service, folder)
            #expect(answer.status == 200 && answer.json?["outcome"]?.text == "partial")
            #expect(
                mistakes(answer, folder) == [
                    "tenants.d/more.yaml:1 | umbrella.provider | \"none\" is not a provider | use one of pageup, ukg, oauth2",
                    "tokenwell.yaml:6 | tenants.acme.client_secret.file | \"acme\" does not exist",
                    "tokenwell.yaml:10 | tenants.globex.region | \"eu1\" is not a region | use one of atl, eu, staging-eu, staging-us, tor, us",
                ])
            #expect(answer.json?["settings"]?.items.compactMap(\.text) == ["deadline"])
            #expect(try await service.get("/tokens/acme", as: "ops").token == token)
            #expect(try await service.get("/tenants/globex", as: "ops").status == 200)
            #expect(try await service.get("/tenants/umbrella", as: "ops").status == 404)
            #expect(try await outcomes(service) == [1, 1, 0, 0])
            #expect(service.log.contains("tenants.globex.region"))

            try folder.write("acme", LoopbackService.vendorSecret)
            try folder.write("tokenwell.yaml", yaml(service, "region: us"))
            try FileManager.default.removeItem(atPath: folder.path + "tenants.d/more.yaml")
            let corrected = try await reload(service, folder)
            #expect(corrected.json?["outcome"]?.text == "ok")
            #expect(corrected.json?["tenants"]?["changed"]?["names"]?.items.compactMap(\.text) == ["globex"])
            #expect(try await service.get("/tokens/acme", as: "ops").token == token)
            #expect(try await outcomes(service) == [2, 1, 0, 1])
        }
    }

    @Test(arguments: [
        ("dedline: 1s", "tokenwell.yaml:16 | dedline | is not a known key | did you mean deadline?"),
        ("deadline: [", "tokenwell.yaml:"), ("log: {level: loud}", "tokenwell.yaml:16 | log.level | \"loud\" is not"),
    ])
    func `any other mistake leaves everything as it was`(_ more: String, _ expected: String) async throws {
        try await LoopbackService.run { service in
            let folder = try folder(service)
            try folder.write("tokenwell.yaml", yaml(service, more: more))
            let answer = try await reload(service, folder)
            #expect(answer.status == 409 && answer.json?["error"]?.text == "invalid_configuration")
            #expect(answer.json?["error_description"]?.text?.contains("nothing has changed") == true)
            #expect(mistakes(answer, folder).first?.hasPrefix(expected) == true)
            // Neither the tenants nor the callers of it.
            #expect(try await service.get("/tokens/initech", as: "payroll").status == 200)
            #expect(try await outcomes(service) == [0, 0, 1, 0])
            #expect(service.log.contains("what was in force stays so"))
        }
    }

    @Test func `two tenants of one name are neither`() async throws {
        try await LoopbackService.run { service in
            let folder = try folder(service)
            try folder.write(
                "tenants.d/twice.yaml",
                """
                globex:
                  provider: pageup
                  token_url: \(service.pageUpURL)/connect/token
                  client_id: acme-integration
                  client_secret: {file: secret}
                  scopes: [Public.Application.Read]
                """)
            let answer = try await reload(service, folder)
            #expect(answer.json?["outcome"]?.text == "partial")
            #expect(mistakes(answer, folder).first?.contains("this tenant is already in") == true)
            // As it was.
            #expect(try await service.get("/tenants/globex", as: "ops").json?["provider"]?.text == "ukg")
            #expect(try await service.get("/tokens/globex", as: "ops").status == 200)
        }
    }

    @Test func `files that are no certificates are a mistake of their tenant, with its place`() async throws {
        try await LoopbackService.run { service in
            let folder = try folder(service)
            try folder.write("tokenwell.yaml", yaml(service, "region: eu\n    ca_file: pem"))
            let answer = try await reload(service, folder)
            #expect(answer.json?["outcome"]?.text == "partial")
            #expect(mistakes(answer, folder).first?.hasPrefix("tokenwell.yaml:8 | tenants.globex.ca_file | ") == true)
            #expect(try await service.get("/tenants/acme", as: "ops").status == 200)
            // What corrects it is seen.
            let read = try #require(folder.reading().files)
            #expect(read.current == read)
            let certificates = try Certificates()
            try folder.write("pem", try Data(contentsOf: URL(fileURLWithPath: certificates.authorityFile)))
            #expect(read.current != read)
            #expect(try await reload(service, folder).json?["outcome"]?.text == "ok")
        }
    }

    @Test func `what stands in a secret's place is told to nobody`() async throws {
        let canary = "c4nary-gone-astray"
        try await LoopbackService.run { service in
            let folder = try folder(service)
            var answers: [Answer] = []
            for more in [
                "region: eu\n    ca_file: {\(canary): x}", "application_secret: \(canary)",
                "base_url: https://user:\(canary)@vendor.example",
            ] {
                try folder.write("tokenwell.yaml", yaml(service, more))
                answers.append(try await reload(service, folder))
            }
            try folder.write("tokenwell.yaml", yaml(service, more: "master_key: \(canary)"))
            answers.append(try await reload(service, folder))
            #expect(answers.map(\.status) == [200, 409, 200, 409])
            #expect(!answers.contains { $0.whole.contains(canary) })
        }
    }
}
