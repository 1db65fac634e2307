import Foundation
import Logging
import Sealing
import Sockets
import Stores
import Telemetry
import Testing
import TokenBroker

@testable import Service

/// `tokenwell masterkey rotate`, with a store, a main file and two files of tenants.
struct MasterKeyRotateTests {
    private let old = MasterKey.generate()
    private let new = MasterKey.generate()
    private let folder: ConfigurationFolder
    private static let settings = "master_key: {env: NEW}\nmaster_key_previous: {env: OLD}\n"

    private var path: String { folder.path + "tokenwell.yaml" }
    private var store: String { folder.path + "tokenwell.db" }
    private var files: [String] { ["tokenwell.yaml", "tenants.d/a.yaml", "tenants.d/b.yaml"].map { folder.path + $0 } }

    init() throws {
        folder = try ConfigurationFolder("")
        try folder.write(
            "tokenwell.yaml",
            Self.settings
                + "store: {sqlite: tokenwell.db}\ntenants:\n\(Self.tenant("main", sealedBy: old, indent: "  "))")
        try folder.write("tenants.d/a.yaml", Self.tenant("a", sealedBy: old))
        try folder.write("tenants.d/b.yaml", Self.tenant("b", sealedBy: old))
        try SQLiteStore.reseal(store, keys: KeyRing(active: old)) { _, _ in }
    }

    private static func tenant(_ name: String, sealedBy key: MasterKey, indent: String = "") -> String {
        let place = SecretPlace(inConfigurationOf: name, field: "client_secret")
        let sealed = SealedSecret(Secret("secret of \(name)"), for: place, with: KeyRing(active: key)).text
        return """
            \(indent)\(name):  # \(name)
            \(indent)  provider: oauth2
            \(indent)  token_url: https://auth.example/token
            \(indent)  client_id: c
            \(indent)  client_secret: {sealed: \(sealed)}

            """
    }

    private func rotate() async throws -> Program.End {
        try await Program.run(
            "masterkey", "rotate", "--config", path, environment: ["NEW": new.reveal(), "OLD": old.reveal()])
    }

    private func text(_ file: String) throws -> String { try String(contentsOfFile: file, encoding: .utf8) }

    /// Whether the new key by itself opens the secrets of all files.
    private func isDone() throws -> Bool {
        let whole = try text(path)
        try folder.write("tokenwell.yaml", whole.replacing("master_key_previous: {env: OLD}\n", with: ""))
        defer { try? folder.write("tokenwell.yaml", whole) }
        let configuration = try? folder.load(environment: ["NEW": new.reveal()])
        return configuration?.tenants.map { $0.credential.secret.reveal() }
            == ["main", "a", "b"].map { "secret of \($0)" }
    }

    private func storeIsDone() -> Bool {
        (try? SQLiteStore.reseal(store, keys: KeyRing(active: new)) { _, _ in }) != nil
    }

    @Test func `store and files are under the active key then, and again nothing is done`() async throws {
        #expect(try !isDone())
        let end = try await rotate()
        #expect(end.status == 0)
        #expect(end.errors.isEmpty)
        #expect(
            end.output == "\(store): 0 records sealed anew\n" + files.map { "\($0): 1 secret sealed anew\n" }.joined()
                + "everything is under \(new.id)\n")
        #expect(try isDone())
        #expect(storeIsDone())
        let texts = try files.map(text)
        #expect(try await rotate().output.contains("\(files[2]): 0 secrets sealed anew\n"))
        #expect(try files.map(text) == texts)
    }

    @Test func `a file keeps its mode, and nothing is left beside it`() async throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: files[1])
        try folder.write("tenants.d/.a.yaml.new", "what an interrupted replacement has left")
        #expect(try await rotate().status == 0)
        #expect(try FileManager.default.attributesOfItem(atPath: files[1])[.posixPermissions] as? Int == 0o640)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path + "tenants.d").sorted() == [
                "a.yaml", "b.yaml",
            ])
    }

    @Test func `what a symbolic link leads to is replaced, and the link stays`() async throws {
        let target = folder.path + "elsewhere.yaml"
        try FileManager.default.moveItem(atPath: files[1], toPath: target)
        try FileManager.default.createSymbolicLink(atPath: files[1], withDestinationPath: "../elsewhere.yaml")
        #expect(try await rotate().status == 0)
        #expect(try isDone())
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: files[1]) == "../elsewhere.yaml")
    }

    @Test func `what cannot be changed is named with what belongs there, after all else is done`() async throws {
        // Not even root removes a folder in the place of the new file as it would a file.
        let obstacle = folder.path + "tenants.d/.a.yaml.new"
        try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: false)
        let end = try await rotate()
        #expect(end.status == 1)
        let lines = end.errors.split(separator: "\n")
        try #require(lines.count == 4)
        #expect(
            lines[0] == "\(files[1]): cannot be replaced: File exists; these are to be put in where it comes from")
        #expect(lines[1].hasPrefix("\(files[1]):5: a.client_secret.sealed: tw1"))
        #expect(lines[2] == "tokenwell: error: not everything is under \(new.id)")
        #expect(!end.output.contains(files[1]) && end.output.contains(files[2]))
        #expect(storeIsDone())
        #expect(try !isDone())

        let given = try #require(lines[1].split(separator: " ").last)
        let mine = try text(files[1])
        try folder.write("tenants.d/a.yaml", mine.replacing(/tw1[A-Za-z0-9_-]+/, with: given))
        #expect(try isDone())
        try folder.write("tenants.d/a.yaml", mine)
        try FileManager.default.removeItem(atPath: obstacle)
        #expect(try await rotate().status == 0)
        #expect(try isDone())
    }

    @Test func `the files are done while a service has the store, which is named`() async throws {
        let (running, _) = try SQLiteStore.open(
            store, keys: KeyRing(active: old), timekeeper: LoopTimekeeper(try LoopbackService.group.get()),
            metrics: .init(), logger: .init(label: "store") { _ in SwiftLogNoOpLogHandler() })
        let end = try await rotate()
        #expect(end.status == 1)
        #expect(end.errors.hasPrefix("\(store): can't be sealed anew: another process has it open\n"))
        #expect(try isDone())
        await running.close(within: .seconds(5))
        #expect(try await rotate().status == 0)
        #expect(storeIsDone())
    }

    @Test func `a store that is not there yet is not made`() async throws {
        try FileManager.default.removeItem(atPath: store)
        #expect(try await rotate().status == 0)
        #expect(!FileManager.default.fileExists(atPath: store))
    }

    @Test func `without a master key there is nothing to do it with`() async throws {
        try folder.write("tokenwell.yaml", "listen: 127.0.0.1:0")
        try FileManager.default.removeItem(atPath: folder.path + "tenants.d")
        let end = try await rotate()
        #expect(end.status == 1)
        #expect(end.errors.hasPrefix("tokenwell: error: the configuration has no master key\n"))
    }

    @Test func `a file that was changed since it was read is left alone`() throws {
        let identity = FileIdentity(of: path)
        try folder.write("tokenwell.yaml", "listen: 127.0.0.1:1")
        #expect(throws: FileReplacement.Failure(reason: "was changed by somebody else meanwhile")) {
            try FileReplacement.replace(path, identity, with: [])
        }
        #expect(try text(path) == "listen: 127.0.0.1:1")
        #expect(!FileManager.default.fileExists(atPath: folder.path + ".tokenwell.yaml.new"))
    }
}
