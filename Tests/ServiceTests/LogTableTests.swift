import Foundation
import Testing

/// The README's table of what the log says.
struct LogTableTests {
    @Test func `every message of the README is one that the program writes`() throws {
        let readme = String(decoding: try RepositoryFile.read("README.md"), as: UTF8.self)
        let logs = try #require(readme.firstRange(of: "\n## Logs\n")).upperBound
        let rows = readme[logs...].prefix { $0 != "#" }.split(separator: "\n").filter {
            $0.hasPrefix("| `") && !$0.hasPrefix("| `message`")
        }
        let messages = rows.flatMap { row in
            row.split(separator: "|")[0].split(separator: "`").enumerated().filter { !$0.offset.isMultiple(of: 2) }
                .map { String($0.element).replacing("…", with: "") }
        }
        #expect(messages.count > 15)
        let sources = try ["TokenBroker", "Service", "Stores"].flatMap(Self.sources)
        for message in messages {
            #expect(sources.contains { $0.contains("\"\(message)") }, "\(message)")
        }
    }

    /// The texts of a target's files.
    private static func sources(_ target: String) throws -> [String] {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Sources/\(target)")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "swift" }.map { try String(contentsOf: $0, encoding: .utf8) }
    }
}
