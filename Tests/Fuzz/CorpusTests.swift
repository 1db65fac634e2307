import Foundation
import Testing

/// Every input of the corpus, through the target that the fuzzer would give it to.
struct CorpusTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Corpus")

    private static func names(in folder: URL) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }

    @Test(arguments: FuzzTarget.all) func `what was once an input holds`(_ target: FuzzTarget) throws {
        let folder = Self.folder.appendingPathComponent(target.name)
        let names = try Self.names(in: folder)
        #expect(!names.isEmpty)
        try target.check([])
        for name in names {
            let input = try Data(contentsOf: folder.appendingPathComponent(name))
            #expect(throws: Never.self, "\(target.name)/\(name)") { try target.check(Array(input)) }
        }
    }

    @Test func `every folder belongs to a target`() throws {
        #expect(try Self.names(in: Self.folder) == FuzzTarget.all.map(\.name).sorted())
    }
}

extension FuzzTarget: CustomTestStringConvertible {
    var testDescription: String { name }
}
