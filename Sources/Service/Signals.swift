import Dispatch
import Glibc

/// The signals that the program takes: SIGTERM and, from a terminal, SIGINT end it; SIGHUP has it read files again.
package enum Signals {
    /// A write to a pipe that nobody reads raises SIGPIPE, one beyond the limit of a file's size SIGXFSZ: the failing call
    /// says it all.
    package static func ignoreFailedWrites() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
    }

    /// Each SIGHUP from now on; those that come while one is being dealt with are one.
    package static func hangups() -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { hangups in
            signal(SIGHUP, SIG_IGN)
            let source = DispatchSource.makeSignalSource(
                signal: SIGHUP, queue: DispatchQueue(label: "tokenwell.hangups"))
            source.setEventHandler {
                if case .terminated = hangups.yield() { source.cancel() }
            }
            source.resume()
        }
    }

    /// The first of those that end the program. The next one ends the process at once, for whoever won't wait for the drain.
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
