import ArgumentParser
import Service

/// `tokenwell key`: the keys that callers prove themselves by.
struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Make keys for callers.",
        discussion: """
            Example:
              tokenwell key new
            """, subcommands: [New.self])

    /// `tokenwell key new`.
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a key: shown once, kept nowhere.",
            discussion: """
                The key is for the caller; the configuration gets its SHA-256 alone, under callers.<name>. Two at once are \
                for changing it.

                Examples:
                  tokenwell key new
                  tokenwell key new --json | jq --raw-output .key
                """)

        @Flag(help: "Print {\"key\":...,\"digest\":...}.")
        var json = false

        func run() {
            var generator = SystemRandomNumberGenerator()
            let key = CallerKey(using: &generator)
            // Neither has a character that JSON would escape.
            if json { return Terminal.print(#"{"key":"\#(key.reveal())","digest":"\#(key.digest)"}"#) }
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
