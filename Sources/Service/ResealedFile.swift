package import Sealing
import Sockets

/// A file of a configuration after ``all(ofConfiguration:with:)``.
package struct ResealedFile: Sendable {
    package let path: String
    /// How many secrets in it were under the previous key.
    package let count: Int
    /// Why the file is what it was, and what is to be put into it, a line each; empty when nothing in it is under the previous
    /// key any more.
    package let problems: [String]

    private init(_ path: String, count: Int = 0, problems: [String] = []) {
        self.path = path
        self.count = count
        self.problems = problems
    }

    /// Seals anew what the previous key sealed in the main file at `path` and in the `tenants.d` beside it, and replaces each
    /// file that changes.
    ///
    /// It may be interrupted at any instant: both keys open what is left, and the next time does the rest. A file that cannot
    /// be changed keeps none of the others from it.
    package static func all(ofConfiguration path: String, with ring: KeyRing) -> [ResealedFile] {
        [reseal(path, .whole, with: ring)] + tenantFiles(beside: path, with: ring)
    }

    private static func tenantFiles(beside path: String, with ring: KeyRing) -> [ResealedFile] {
        do throws(ConfigurationFile.Unreadable) {
            return try ConfigurationFile.tenantFiles(beside: path).map { reseal($0, .tenants, with: ring) }
        } catch {
            let folder = ConfigurationFile.tenantFolder(beside: path)
            return [ResealedFile(folder, problems: ["\(folder): \(error.reason)"])]
        }
    }

    private static func reseal(_ path: String, _ layout: Resealing.Layout, with ring: KeyRing) -> ResealedFile {
        let identity = FileIdentity(of: path)
        let resealing: Resealing
        do throws(ConfigurationErrors) {
            resealing = try Resealing(ofFileAt: path, layout, with: ring)
        } catch {
            return ResealedFile(path, problems: error.mistakes.map(\.description))
        }
        let secrets = resealing.replacements
        guard !secrets.isEmpty else { return ResealedFile(path) }
        do throws(FileReplacement.Failure) {
            try FileReplacement.replace(path, identity, with: resealing.bytes)
            return ResealedFile(path, count: secrets.count)
        } catch {
            let lines = secrets.map { "\(path):\($0.line): \($0.path): \($0.text)" }
            let problem = "\(path): \(error.reason); these are to be put in where it comes from"
            return ResealedFile(path, count: secrets.count, problems: [problem] + lines)
        }
    }
}

extension Resealing {
    /// Seals anew what is in a file, which stays as it is.
    fileprivate init(ofFileAt path: String, _ layout: Layout, with ring: KeyRing) throws(ConfigurationErrors) {
        let bytes: [UInt8]
        do throws(ConfigurationFile.Unreadable) {
            bytes = try ConfigurationFile.read(path, limit: YAMLReader.Limits().bytes)
        } catch {
            throw ConfigurationErrors([.init(file: path, line: 0, column: 0, path: "", problem: error.reason)])
        }
        try self.init(of: bytes, named: path, layout, with: ring)
    }
}
