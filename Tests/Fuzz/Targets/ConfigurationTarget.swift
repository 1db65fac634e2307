import Glibc
import Service

extension FuzzTarget {
    /// A configuration file, with a secret in the environment that nothing but the configuration itself may hold.
    static let configuration = FuzzTarget(name: "configuration") { input in
        let secret = "c4nary-5ecret-that-no-input-holds"
        try withFile(of: input) { path in
            let text: String
            do throws(ConfigurationErrors) {
                text =
                    ConfigurationReport(try ConfigurationLoader.load(path, environment: ["SECRET": secret])).description
            } catch {
                try require(!error.mistakes.isEmpty, "a refusal says why")
                for mistake in error.mistakes {
                    try require(mistake.line >= 0 && mistake.column >= 0, "and where")
                    let text = mistake.description.unicodeScalars
                    // A hint of ours may name a section.
                    try require(text.allSatisfy { " "..."~" ~= $0 || $0 == "§" }, "in characters that only print")
                }
                text = error.description
            }
            try require(!text.contains(secret), "no secret is shown")
        }
    }

    /// A file without a name, which goes with its descriptor.
    private static func withFile(of bytes: [UInt8], _ body: (_ path: String) throws -> Void) throws {
        var name = Array("/tmp/tokenwell-fuzz-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        try require(descriptor >= 0, "a temporary file can be made")
        defer { close(descriptor) }
        unlink(name)
        try require(write(descriptor, bytes, bytes.count) == bytes.count, "and written")
        try body("/proc/self/fd/\(descriptor)")
    }
}
