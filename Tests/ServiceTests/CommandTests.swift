import Foundation
import HTTP
import Sockets
import Support
import Testing

@testable import Service

/// The program's commands, run as processes.
struct CommandTests {
    private static let tenants = """
        tenants:
          acme:
            provider: pageup
            environment: live
            data_center: dc2
            client_id: acme-integration
            client_secret: {file: secret}
            scopes: [Public.Application.Read]
        """

    private static let badConfiguration = """
        listen: nowhere
        deadlin: 5s
        tenants:
          acme: {provider: pageup, environment: lve, data_center: dc2, client_id: a, client_secret: {file: secret}, scopes: [A]}
        """

    private func configuration(_ text: String) throws -> (folder: ConfigurationFolder, path: String) {
        let folder = try ConfigurationFolder(text)
        return (folder, folder.path + "tokenwell.yaml")
    }

    private func expectMistakes(_ end: Program.End) {
        #expect(end.status == 1)
        #expect(end.output.isEmpty)
        let lines = end.errors.split(separator: "\n")
        #expect(lines.count == 4)
        for (line, part) in zip(lines, ["yaml:1: listen: ", "yaml:2: deadlin: ", "yaml:4: tenants.acme.environment: "])
        {
            #expect(line.contains(part))
        }
        #expect(lines.last == "tokenwell: error: the configuration has 3 mistakes")
    }

    // MARK: - check

    @Test func `check shows what the configuration comes to, without its secrets`() async throws {
        let (folder, path) = try configuration(Self.tenants)
        let end = try await Program.run("check", "--config", path)
        #expect(end.status == 0)
        #expect(end.errors.isEmpty)
        #expect(end.output.contains("client_id: acme-integration"))
        #expect(end.output.contains("client_secret: <secret>"))
        #expect(!end.output.contains("s3cret-in-a-file"))
        let byEnvironment = try await Program.run(
            "check", environment: ["TOKENWELL_CONFIG": folder.path + "tokenwell.yaml"])
        #expect(byEnvironment.output == end.output)
    }

    @Test func `check lists every mistake`() async throws {
        let (folder, path) = try configuration(Self.badConfiguration)
        expectMistakes(try await Program.run("check", "--config", path))
        withExtendedLifetime(folder) {}
    }

    @Test func `check reads certificates, keys and authorities as a start would`() async throws {
        let (folder, path) = try configuration("tls: {certificate: secret, key: secret}")
        let end = try await Program.run("check", "--config", path)
        #expect(end.status == 1)
        #expect(end.errors.hasPrefix("tokenwell: error: private key \(folder.path)secret: "))
    }

    @Test func `check says where it looked for a file`() async throws {
        let end = try await Program.run("check", "--config", "/nowhere/tokenwell.yaml")
        #expect(end.status == 1)
        #expect(end.errors.contains("/nowhere/tokenwell.yaml: "))
        #expect(end.errors.contains("--config or TOKENWELL_CONFIG"))
    }

    /// The one object that a command prints.
    private func object(_ end: Program.End) throws -> JSONValue {
        try JSONDecoder().decode(JSONValue.self, from: Data(end.output.utf8))
    }

    @Test func `check says the same to a script`() async throws {
        let (folder, path) = try configuration(Self.tenants)
        let end = try await Program.run("check", "--json", "--config", path)
        #expect(end.status == 0)
        #expect(end.errors.isEmpty)
        let report = try object(end)
        #expect(report["valid"] == .boolean(true))
        #expect(report["listen"]?.text == "127.0.0.1:8080")
        #expect(report["store"]?.text == "memory")
        let tenant = try #require(report["tenants"]?.items.first)
        #expect(tenant["tenant"]?.text == "acme" && tenant["provider"]?.text == "pageup")
        #expect(tenant["scopes"] == .array([.string("Public.Application.Read")]))
        #expect(tenant["mint_budget"] == .object(["burst": .number(10), "per_hour": .number(60)]))
        #expect(tenant["planned_mints_per_hour"]?.integer == 15)
        #expect(!end.output.contains("s3cret-in-a-file"))
        withExtendedLifetime(folder) {}
    }

    @Test func `check tells a script each mistake`() async throws {
        let (folder, path) = try configuration(Self.badConfiguration)
        let end = try await Program.run("check", "--json", "--config", path)
        #expect(end.status == 1)
        #expect(end.errors == "tokenwell: error: the configuration has 3 mistakes\n")
        let report = try object(end)
        #expect(report["valid"] == .boolean(false))
        let mistakes = try #require(report["mistakes"]?.items)
        #expect(mistakes.map { $0["line"]?.integer } == [1, 2, 4])
        #expect(mistakes.map { $0["path"]?.text } == ["listen", "deadlin", "tenants.acme.environment"])
        #expect(mistakes.allSatisfy { $0["file"]?.text == path && $0["problem"]?.text?.isEmpty == false })
        try folder.write("tokenwell.yaml", "tls: {certificate: secret, key: secret}")
        let broken = try await Program.run("check", "--json", "--config", path)
        #expect(broken.status == 1)
        #expect(try object(broken)["mistakes"]?.items.first?["problem"]?.text?.hasPrefix("private key ") == true)
    }

    // MARK: - key

    @Test func `key new prints a key and the digest that belongs to it`() async throws {
        let end = try await Program.run("key", "new")
        #expect(end.status == 0)
        #expect(end.errors.isEmpty)
        let lines = end.output.split(separator: "\n")
        try #require(lines.count == 4)
        #expect(lines[1].hasPrefix("tw_"))
        #expect(lines[3] == "keys: [\"\(KeyDigest(of: String(lines[1])))\"]")
        #expect(try await Program.run("key", "new").output != end.output)
    }

    @Test func `key new gives a script both`() async throws {
        let end = try await Program.run("key", "new", "--json")
        #expect(end.status == 0 && end.errors.isEmpty)
        let key = try #require(try object(end)["key"]?.text)
        #expect(key.hasPrefix("tw_"))
        #expect(try object(end)["digest"]?.text == "\(KeyDigest(of: key))")
    }

    // MARK: - token

    private func environment(_ service: LoopbackService, _ caller: String = "payroll") -> [String: String] {
        ["TOKENWELL_KEY": LoopbackService.key(of: caller), "TOKENWELL_URL": service.url]
    }

    @Test func `token prints the token and nothing else`() async throws {
        try await LoopbackService.run { service in
            let token = try #require(try await service.get("/tokens/acme", as: "payroll").token)
            let folder = try ConfigurationFolder("{}")
            try folder.write("key", LoopbackService.key(of: "payroll") + "\n")
            for end in [
                try await Program.run("token", "acme", environment: environment(service)),
                try await Program.run(
                    "token", "acme", "--url", service.url, "--key-file", folder.path + "key",
                    environment: ["TOKENWELL_KEY": "wrong"]),
            ] {
                #expect(end.status == 0)
                #expect(end.output == token + "\n")
                #expect(end.errors.isEmpty)
            }
            let json = try await Program.run("token", "acme", "--json", environment: environment(service))
            #expect(json.output.hasPrefix(#"{"access_token":"\#(token)","token_type":"Bearer","#))
        }
    }

    @Test func `token fails with a reason, and prints no token`() async throws {
        try await LoopbackService.run { service in
            let key = LoopbackService.key(of: "payroll")
            let cases = [
                (try await Program.run("token", "acme", environment: ["TOKENWELL_URL": service.url]), "no key"),
                (
                    try await Program.run("token", "nobody", environment: environment(service)),
                    "status 403: no grant for this"
                ),
                (
                    try await Program.run("token", "a/b", environment: environment(service)),
                    "that is no tenant's name"
                ),
                (
                    try await Program.run("token", "nobody", environment: environment(service, "root")),
                    "status 404: no such tenant"
                ),
                (
                    try await Program.run("token", "acme", environment: environment(service, "other")),
                    "status 401: the key or token is not valid"
                ),
                (
                    try await Program.run(
                        "token", "acme", "--url", "http://127.0.0.1:1", environment: environment(service)),
                    "no answer from 127.0.0.1:1: "
                ),
                (
                    try await Program.run(
                        "token", "acme", "--url", "http://192.0.2.1", environment: environment(service)),
                    "\"http://192.0.2.1/tokens/acme\" is not a usable URL"
                ),
                (
                    try await Program.run(
                        "token", "acme", "--key-file", "/nowhere/key", environment: environment(service)),
                    "can't read /nowhere/key"
                ),
            ]
            for (end, error) in cases {
                #expect(end.status == 1)
                #expect(end.output.isEmpty)
                #expect(end.errors.hasPrefix("tokenwell: error: \(error)"))
                #expect(!end.errors.contains(key))
                #expect(end.errors.contains("\ntokenwell: hint: "))
            }
        }
    }

    @Test func `the process list shows no key`() async throws {
        try await LoopbackService.run { configuration in
            configuration.deadline = .seconds(60)
        } _: { service in
            let gate = Gate()
            service.upstream.answer { _ in
                await gate.wait()
                return ScriptedUpstream.token("t")
            }
            let program = try Program(["token", "initech"], environment: environment(service))
            // Its request is here, so it has started; and it cannot end before the gate is open.
            await gate.visitor()
            #expect(program.commandLine.hasSuffix("tokenwell token initech "))
            gate.open()
            #expect(await program.finish().output == "t\n")
        }
    }

    // MARK: - healthcheck

    @Test func `healthcheck asks the broker of the configuration`() async throws {
        try await LoopbackService.run { service in
            let (folder, path) = try configuration("listen: \(service.service.address)")
            let end = try await Program.run("healthcheck", "--config", path)
            #expect(end.status == 0)
            #expect(end.output.isEmpty && end.errors.isEmpty)
            // A wildcard is not an address to ask.
            try folder.write("tokenwell.yaml", "listen: 0.0.0.0:\(service.service.address.port)")
            #expect(try await Program.run("healthcheck", "--config", path).status == 0)
        }
    }

    @Test func `healthcheck does not mind mistakes that are just being made in the file`() async throws {
        try await LoopbackService.run { service in
            let (folder, path) = try configuration(
                """
                listen: \(service.service.address)
                tenants: {acme: {provider: pagup, client_secret: {file: gone}}}
                callers: 5
                """)
            #expect(try await Program.run("healthcheck", "--config", path).status == 0)
            withExtendedLifetime(folder) {}
        }
    }

    @Test(arguments: ["127.0.0.1:1", "[::1]:1"])
    func `healthcheck fails where nobody listens`(_ address: String) async throws {
        let (folder, path) = try configuration("listen: \"\(address)\"")
        let end = try await Program.run("healthcheck", "--config", path)
        #expect(end.status == 1)
        #expect(end.errors.hasPrefix("tokenwell: error: no answer from \(address): "))
        withExtendedLifetime(folder) {}
    }

    @Test func `healthcheck says when there is nothing that it could ask`() async throws {
        let (folder, path) = try configuration("tls: {certificate: pem, key: pem}")
        let end = try await Program.run("healthcheck", "--config", path)
        #expect(end.status == 1)
        #expect(end.errors.contains("tokenwell: hint: give metrics a listener of its own"))
        withExtendedLifetime(folder) {}
    }

    // MARK: - serve

    @Test func `serve lists every mistake and does not start`() async throws {
        let (folder, path) = try configuration(Self.badConfiguration)
        expectMistakes(try await Program.run("serve", "--config", path))
        withExtendedLifetime(folder) {}
    }

    @Test func `serve says when its port is taken`() async throws {
        try await LoopbackService.run { service in
            let (folder, path) = try configuration("listen: \(service.service.address)")
            let end = try await Program.run("serve", "--config", path)
            #expect(end.status == 1)
            #expect(end.errors.hasPrefix("tokenwell: error: can't listen at \(service.service.address): "))
            withExtendedLifetime(folder) {}
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `serve ends well when it is asked to`(_ signal: Int32) async throws {
        let (folder, path) = try configuration(
            "listen: 127.0.0.1:0\n" + Self.tenants.replacing("{file: secret}", with: "{env: S}"))
        let program = try Program(["serve", "--config", path], environment: ["S": "s3cret-of-the-environment"])
        let line = try await program.error(containing: #""message":"listening""#)
        #expect(line.contains(#""address":"127.0.0.1:"#))
        #expect(program.commandLine.hasSuffix("tokenwell serve --config \(path) "))
        kill(program.id, signal)
        let end = await program.finish()
        #expect(end.status == 0)
        #expect(end.output.isEmpty)
        #expect(end.errors.contains(#""message":"stopped""#))
        #expect(!end.errors.contains("s3cret"))
        withExtendedLifetime(folder) {}
    }

    @Test(
        arguments: [([:], true), (["NO_COLOR": "1"], false), (["TERM": "dumb"], false)] as [([String: String], Bool)])
    func `at a terminal the log is for people`(_ environment: [String: String], _ isColored: Bool) async throws {
        let (folder, path) = try configuration("listen: 127.0.0.1:0")
        // util-linux' script(1) runs it at a terminal, and passes on what that shows.
        let program = try Program(
            ["serve", "--config", path], environment: environment,
            launcher: ["/bin/sh", "-c", #"exec script -qec "exec $*" /dev/null >&2"#, "sh"])
        let line = try await program.error(containing: "listening")
        #expect(line.contains("notice") && line.contains("127.0.0.1:"))
        #expect(!line.contains("{"))
        #expect(line.contains("\u{1B}[") == isColored)
        program.terminate()
        _ = await program.finish()
        withExtendedLifetime(folder) {}
    }

    // MARK: - All of them

    @Test(arguments: [
        ["nonsense"], ["token"], ["serve", "--nonsense"], ["simulate", "acme", "--secret", "x"], ["check", "x"],
    ])
    func `what the command line makes no sense of is an error with a hint`(_ arguments: [String]) async throws {
        let end = await (try Program(arguments)).finish()
        #expect(end.status == 64)
        #expect(end.output.isEmpty)
        #expect(end.errors.hasPrefix("tokenwell: error: "))
        #expect(end.errors.hasSuffix("tokenwell: hint: tokenwell help shows the commands\n"))
    }

    @Test(arguments: [
        "", "serve", "demo", "check", "token", "key", "key new", "masterkey", "masterkey new", "masterkey rotate",
        "seal",
        "simulate", "healthcheck",
    ])
    func `every command has help`(_ command: String) async throws {
        let end = await (try Program(command.split(separator: " ").map(String.init) + ["--help"])).finish()
        #expect(end.status == 0)
        #expect(end.output.contains("USAGE: tokenwell \(command)".trimmingCharacters(in: .whitespaces)))
        #expect(end.errors.isEmpty)
        // An example that stands on a line of its own, as it would be typed; nothing was too long for its line.
        let lines = end.output.split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("  ") && $0.contains("tokenwell ") })
        for (line, next) in zip(lines, lines.dropFirst()) where line.hasPrefix("  ") {
            #expect(next.hasPrefix("  ") || next.first?.isUppercase == true, "\(next)")
        }
    }

    @Test func `help says what an exit status means`() async throws {
        let end = try await Program.run("help")
        #expect(end.output.contains("Exit status: 0 done, 1 failed"))
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `a shell's completion is made, and bash reads its own`(_ shell: String) async throws {
        let end = try await Program.run("--generate-completion-script", shell)
        #expect(end.status == 0 && end.errors.isEmpty)
        for command in ["serve", "masterkey", "healthcheck"] { #expect(end.output.contains(command)) }
        guard shell == "bash" else { return }
        let folder = try ConfigurationFolder("{}")
        try folder.write("completion", end.output)
        let bash = Process()
        bash.executableURL = URL(fileURLWithPath: "/bin/bash")
        bash.arguments = ["-n", folder.path + "completion"]
        try bash.run()
        bash.waitUntilExit()
        #expect(bash.terminationStatus == 0)
    }
}
