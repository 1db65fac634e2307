import Dispatch
import Glibc

/// The signals that end the program: SIGTERM, and SIGINT from a terminal.
package enum Signals {
    /// Writes to a closed connection raise SIGPIPE, from OpenSSL too; the failing call says it all.
    package static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

    /// The first of them to come. The next one ends the process at once, for whoever won't wait for the drain.
    package struct End: Sendable {
        private let coming: AsyncStream<Never>

        /// Takes the signals over: make it before there is anything to drain.
        package init() {
            let ends = [SIGTERM, SIGINT]
            let queue = DispatchQueue(label: "tokenwell.signals")
            coming = AsyncStream { coming in
                let sources = ends.map { number in
                    signal(number, SIG_IGN)
                    return DispatchSource.makeSignalSource(signal: number, queue: queue)
                }
                for source in sources {
                    source.setEventHandler {
                        for source in sources { source.cancel() }
                        for number in ends { signal(number, SIG_DFL) }
                        coming.finish()
                    }
                    source.resume()
                }
            }
        }

        /// Returns when it has come.
        package func wait() async {
            for await _ in coming {}
        }
    }
}
