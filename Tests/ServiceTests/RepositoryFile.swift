import Foundation

/// A file of this repository, which a test holds against the program.
enum RepositoryFile {
    /// - Parameter path: From the top of the repository.
    static func read(_ path: String, from source: String = #filePath) throws -> Data {
        let top = URL(fileURLWithPath: source).deletingLastPathComponent().appendingPathComponent("../..")
        return try Data(contentsOf: top.appendingPathComponent(path))
    }
}
