import ArgumentParser
import Service

/// `tokenwell key`: the keys that callers prove themselves by.
struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make keys for callers.", subcommands: [New.self])

    /// `tokenwell key new`.
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a key: shown once, kept nowhere.")

        func run() {
            var generator = SystemRandomNumberGenerator()
            let key = CallerKey(using: &generator)
            Terminal.print(
                """
                # for the caller; it is not shown again
                \(key.reveal())
                # for the configuration, under callers.<name>
                keys: ["\(key.digest)"]
                """)
        }
    }
}
