import ArgumentParser
import Glibc
import Sealing

/// `tokenwell masterkey`: the keys that secrets and stores are sealed with.
struct MasterKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "masterkey", abstract: "Make the key that secrets are sealed with, and change it.",
        discussion: """
            Example:
              tokenwell masterkey new --output /run/secrets/master_key
            """,
        subcommands: [New.self, Rotate.self])

    /// `tokenwell masterkey new`.
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a master key: shown once, kept nowhere but in the file of --output.",
            discussion: """
                The configuration names it as master_key: {file: path}. What it seals is lost without it.

                Example:
                  tokenwell masterkey new --output /run/secrets/master_key
                """)

        @Option(help: "Write it to a new file, which only its owner may read.", completion: .file())
        var output: String?

        func run() throws {
            let key = MasterKey.generate()
            if let output {
                try write(key.reveal() + "\n", to: output)
                Terminal.print("master_key: {file: \(output)}  # \(key.id)")
            } else {
                Terminal.print(key.reveal())
            }
            Terminal.note("# what is sealed with \(key.id) is lost without it: keep a copy in a safe place")
        }

        /// All of it on disk, or no file.
        private func write(_ text: String, to path: String) throws(Terminal.Failure) {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                throw Terminal.Failure(
                    error: errno == EEXIST ? "there is a file at \(path) already" : "can't write \(path)",
                    hint: errno == EEXIST ? "it is not overwritten, as what it sealed would be lost" : nil)
            }
            defer { close(descriptor) }
            let bytes = Array(text.utf8)
            guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
                unlink(path)
                throw Terminal.Failure(error: "can't write \(path)")
            }
        }
    }
}
