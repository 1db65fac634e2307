import Foundation
import Testing

@testable import Service

/// The program, whose configuration changes while it runs.
struct ReloadProgramTests {
    private static let text = "listen: 127.0.0.1:0\n"

    @Test(.timeLimit(.minutes(2))) func `SIGHUP and a changed file have the running program read its configuration`()
        async throws
    {
        let folder = try ConfigurationFolder(Self.text)
        let program = try Program(["serve", "--config", folder.path + "tokenwell.yaml"])
        _ = try await program.error(containing: "\"listening\"")
        // Before it looks by itself.
        try folder.write("tokenwell.yaml", Self.text + "deadline: 1s\n")
        kill(program.id, SIGHUP)
        #expect(try await program.error(containing: "configuration reloaded").contains("\"deadline\""))
        try folder.write("tokenwell.yaml", Self.text + "dedline: 1s\n")
        let mistake = try await program.error(containing: "a mistake in the configuration")
        #expect(mistake.contains("did you mean deadline?"))
        try folder.write("tokenwell.yaml", Self.text + "log: {level: error}\n")
        #expect(try await program.error(containing: "configuration reloaded").contains("log.level"))
        try folder.write("tokenwell.yaml", Self.text)
        #expect(try await program.error(containing: "configuration reloaded").contains("log.level"))
        program.terminate()
        let end = await program.finish()
        #expect(end.status == 0, "\(end.errors)")
    }

    @Test func `check says what a reload would make of a mistake`() async throws {
        let folder = try ConfigurationFolder("tenants: {acme: {provider: pagedown}, globex: {provider: none}}")
        let end = try await Program.run("check", "--config", folder.path + "tokenwell.yaml")
        #expect(end.status == 1)
        #expect(
            end.errors.hasSuffix(
                "the configuration has 2 mistakes; a reload would leave acme, globex as they are, and take the rest\n"))
        try folder.write("tokenwell.yaml", "tenants: {acme: {provider: pagedown}}\nlisten: x")
        let both = try await Program.run("check", "--config", folder.path + "tokenwell.yaml")
        #expect(both.errors.hasSuffix("the configuration has 2 mistakes\n"))
    }
}
