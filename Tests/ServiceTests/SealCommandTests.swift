import Foundation
import Sealing
import Testing
import TokenBroker

@testable import Service

/// `tokenwell seal` and `tokenwell masterkey`, run as processes.
struct SealCommandTests {
    private let master = MasterKey.generate()
    private let folder: ConfigurationFolder

    init() throws {
        // Nothing but the master key is right in it.
        folder = try ConfigurationFolder("master_key: {env: KEY}\nlisten: nowhere\ntenants: {Acme: 5}\n")
    }

    private var environment: [String: String] {
        ["KEY": master.reveal(), "TOKENWELL_CONFIG": folder.path + "tokenwell.yaml"]
    }

    private func seal(
        _ input: String, tenant: String = "acme", field: String = "client_secret",
        environment: [String: String]? = nil
    ) async throws -> Program.End {
        try await Program.run(
            "seal", "--tenant", tenant, "--field", field, input: input, environment: environment ?? self.environment)
    }

    private func opened(_ output: String, field: String = "client_secret") throws -> String {
        let place = try #require(SecretPlace(tenant: "acme", field: field))
        let sealed = try #require(SealedSecret(parsing: String(output.dropLast())))
        return String(decoding: try sealed.open(for: place, with: KeyRing(active: master)).plain, as: UTF8.self)
    }

    // MARK: - seal

    @Test(arguments: ["hunter2", "hunter2\n", "hunter2\r\n"])
    func `seal reads standard input, and prints what opens in that place`(_ input: String) async throws {
        let end = try await seal(input, field: "headers.X-Api-Key")
        #expect(end.status == 0)
        #expect(end.errors.isEmpty)
        #expect(try opened(end.output, field: "headers.X-Api-Key") == "hunter2")
        #expect(throws: SealError.doesNotOpen) { try opened(end.output) }
    }

    @Test func `what seal prints is taken by the configuration`() async throws {
        let sealed = try await seal("hunter2").output.dropLast()
        try folder.write(
            "tokenwell.yaml",
            """
            master_key: {env: KEY}
            tenants:
              acme:
                provider: pageup
                token_url: https://a.example/t
                client_id: c
                client_secret: {sealed: \(sealed)}
                scopes: [A]
            """)
        let end = try await Program.run("check", environment: environment)
        #expect(end.status == 0)
        #expect(end.output.contains("master_key: <secret>  # \(master.id)\n"))
        #expect(!end.output.contains("hunter2") && !end.output.contains("twm_"))
        #expect(try folder.load(environment: environment).tenants.first?.credential.secret.reveal() == "hunter2")
    }

    @Test(arguments: [
        ("", "no secret was given"), ("\n", "no secret was given"),
        ("hunter2\nhunter3", "the secret is not one line of UTF-8 text"),
        ("hunter2\u{1B}", "the secret is not one line of UTF-8 text"),
        (String(repeating: "h", count: 3025), "a secret of more than 3024 bytes"),
        (String(repeating: "hunter2", count: 5000), "a secret of more than 3024 bytes"),
    ])
    func `seal refuses what is no secret`(_ input: String, _ error: String) async throws {
        let end = try await seal(input)
        #expect(end.status == 1)
        #expect(end.output.isEmpty)
        #expect(end.errors == "tokenwell: error: \(error)\n")
    }

    @Test func `seal takes the longest secret that a configuration can have`() async throws {
        let secret = String(repeating: "h", count: SealedSecret.maximumCount)
        #expect(try opened(await seal(secret + "\r\n").output) == secret)
    }

    @Test func `seal says what it cannot seal for, or with`() async throws {
        let config = folder.path + "tokenwell.yaml"
        for end in [try await seal("hunter2", tenant: "Acme"), try await seal("hunter2", field: "client_id")] {
            #expect(end.status == 1)
            #expect(end.errors.hasPrefix("tokenwell: error: there is no secret in that tenant and field\n"))
        }
        let unset = try await seal("hunter2", environment: ["TOKENWELL_CONFIG": config])
        #expect(unset.status == 1)
        #expect(unset.errors.hasPrefix("\(config):1: master_key.env: KEY is not set in the environment\n"))
        try folder.write("tokenwell.yaml", "{}")
        let keyless = try await seal("hunter2")
        #expect(keyless.status == 1)
        #expect(keyless.errors.hasPrefix("tokenwell: error: the configuration has no master key\n"))
        #expect((unset.output + keyless.output).isEmpty)
    }

    // MARK: - At a terminal

    private func typing(at terminal: PseudoTerminal) async throws -> Program {
        #expect(terminal.shows)
        let program = try Program(
            ["seal", "--tenant", "acme", "--field", "client_secret"], environment: environment, input: terminal.input)
        _ = try await program.error(containing: "type the secret")
        #expect(!terminal.shows)
        return program
    }

    @Test func `at a terminal the secret is typed and not shown`() async throws {
        let terminal = try PseudoTerminal()
        let program = try await typing(at: terminal)
        terminal.type("hunter2\n")
        let end = await program.finish()
        #expect(end.status == 0)
        #expect(try opened(end.output) == "hunter2")
        #expect(terminal.screen() == "\r\n")
        #expect(terminal.shows)
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a terminal shows what is typed again when seal is interrupted`(_ signal: Int32) async throws {
        let terminal = try PseudoTerminal()
        let program = try await typing(at: terminal)
        kill(program.id, signal)
        let end = await program.finish()
        #expect(end.status == signal)
        #expect(end.output.isEmpty)
        #expect(terminal.shows)
    }

    // MARK: - masterkey

    @Test func `masterkey new prints a key and nothing else on standard output`() async throws {
        let end = try await Program.run("masterkey", "new")
        #expect(end.status == 0)
        let key = try MasterKey(parsing: String(end.output.dropLast()))
        #expect(end.errors.contains("\(key.id)"))
        #expect(!end.errors.contains("twm_"))
        #expect(try await Program.run("masterkey", "new").output != end.output)
    }

    @Test func `masterkey new writes a file that only its owner may read, and never over another`() async throws {
        let file = folder.path + "key"
        let end = try await Program.run("masterkey", "new", "--output", file)
        #expect(end.status == 0)
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let key = try MasterKey(parsing: String(text.dropLast()))
        #expect(end.output == "master_key: {file: \(file)}  # \(key.id)\n")
        #expect(!end.errors.contains("twm_"))
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let again = try await Program.run("masterkey", "new", "--output", file)
        #expect(again.status == 1)
        #expect(again.errors.hasPrefix("tokenwell: error: there is a file at \(file) already\n"))
        #expect(again.output.isEmpty)
        #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
        let nowhere = try await Program.run("masterkey", "new", "--output", "/nowhere/key")
        #expect(nowhere.status == 1)
        #expect(nowhere.errors == "tokenwell: error: can't write /nowhere/key\n")
    }
}
