import Foundation
import Sealing
import Testing
import TokenBroker

@testable import Service

/// What other processes see of one that holds secrets.
struct ProcessSecrecyTests {
    private static let isRoot = geteuid() == 0

    private func serve(
        environment: [String: String] = [:], _ settings: String = "", launcher: [String] = [],
        _ body: (_ folder: String) throws -> Void
    ) async throws {
        let folder = try ConfigurationFolder("listen: 127.0.0.1:0\n" + settings)
        let program = try Program(
            ["serve", "--config", folder.path + "tokenwell.yaml"], environment: environment, launcher: launcher)
        _ = try await program.error(containing: #""message":"listening""#)
        try body("/proc/\(program.id)")
        program.terminate()
        #expect(await program.finish().status == 0)
    }

    // Who is not root may not look at all.
    @Test(.enabled(if: isRoot))
    func `variables show no secret once they are read`() async throws {
        let master = MasterKey.generate()
        let place = try #require(SecretPlace(tenant: "acme", field: "application_secret_next"))
        let sealed = SealedSecret(Secret("sealed-c4nary"), for: place, with: KeyRing(active: master)).text
        let settings = """
            master_key: {env: KEY}
            store: {sqlite: tokenwell.db}
            tenants:
              acme:
                provider: ukg
                region: eu
                client_id: c
                application_id: a
                application_secret: {env: SECRET}
                application_secret_next: {sealed: \(sealed)}
            """
        let environment = ["KEY": master.reveal(), "SECRET": "s3cret-c4nary", "OTHER": "something else"]
        try await serve(environment: environment, settings) { folder in
            let block = try #require(FileManager.default.contents(atPath: folder + "/environ"))
            let text = String(decoding: block, as: UTF8.self)
            #expect(text.contains("SECRET=\0") && text.contains("KEY=\0"))
            #expect(text.contains("OTHER=something else"))
            #expect(!text.contains("c4nary") && !text.contains("twm_"))
        }
    }

    @Test func `no core is dumped`() async throws {
        try await serve { folder in
            let limits = String(
                decoding: try #require(FileManager.default.contents(atPath: folder + "/limits")), as: UTF8.self)
            let core = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") })
            #expect(core.dropFirst("Max core file size".count).split(separator: " ") == ["0", "0", "bytes"])
        }
    }

    @Test func `other processes of the same user may not look into it`() async throws {
        // What is not dumpable belongs to root in /proc (proc(5)), so it has to be somebody else's.
        let launcher = Self.isRoot ? ["/usr/bin/setpriv", "--reuid", "65534", "--clear-groups"] : []
        try await serve(launcher: launcher) { folder in
            let status = String(
                decoding: try #require(FileManager.default.contents(atPath: folder + "/status")), as: UTF8.self)
            let user = try #require(
                status.split(separator: "\n").first { $0.hasPrefix("Uid:") }?.split(separator: "\t"))
            #expect(user[1] != "0")
            let owner = try FileManager.default.attributesOfItem(atPath: folder + "/environ")[.ownerAccountID] as? Int
            #expect(owner == 0)
        }
    }
}
