import Glibc
import Logging
import Telemetry

extension Logger {
    /// The program's log, on standard error: lines for people if that is a terminal, in color unless `NO_COLOR`
    /// (no-color.org) or a terminal without says otherwise, and else JSON.
    static func standardError(_ threshold: LogThreshold) -> Logger {
        let isTerminal = isatty(STDERR_FILENO) == 1
        let environment = ProcessEnvironment.variables
        let isColored = (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
        return Logger(label: "tokenwell") { label -> any LogHandler in
            let format: any LogFormat =
                isTerminal ? TerminalLogFormat(isColored: isColored) : JSONLogFormat(label: label)
            return ThresholdLogHandler(LineLogHandler(format), threshold)
        }
    }
}
