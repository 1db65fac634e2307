import Logging
import Synchronization
import Telemetry
import Testing

struct TerminalLogFormatTests {
    /// The line of an event.
    private func line(
        _ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata? = nil, isColored: Bool = false
    ) -> String {
        let lines = Mutex<[String]>([])
        let handler = LineLogHandler(
            TerminalLogFormat(isColored: isColored), logLevel: .trace,
            now: { Timestamp(milliseconds: 1_767_225_600_250) },
            sink: { bytes in lines.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) } })
        Logger(label: "l") { _ in handler }.log(level: level, message, metadata: metadata)
        return lines.withLock { $0.joined() }
    }

    @Test func `an event is a line in columns`() {
        #expect(line(.notice, "listening") == "00:00:00.250Z notice   listening\n")
        #expect(
            line(.warning, "mint failed", ["tenant": "acme", "cause": "no answer in time", "empty": ""])
                == #"00:00:00.250Z warning  mint failed            cause="no answer in time" empty="" tenant=acme"#
                + "\n")
        #expect(
            line(.critical, "a message of more than its column", ["time": "now"])
                == "00:00:00.250Z critical a message of more than its column time=now\n")
    }

    @Test func `colors are for the level, and for what matters less`() {
        #expect(
            line(.error, "m", ["a": "b"], isColored: true)
                == "\u{1B}[2m00:00:00.250Z\u{1B}[0m \u{1B}[31merror   \u{1B}[0m m                      \u{1B}[2ma=\u{1B}[0mb\n"
        )
        for level in Logger.Level.allCases { #expect(line(level, "m", isColored: true).hasSuffix("\u{1B}[0m m\n")) }
    }

    @Test func `nothing in a value can forge a line or a member, or move a terminal`() {
        #expect(
            line(.info, "a\r\n00:00 b\u{1B}[2J", ["k\n": "\u{9B}31m\t", "x": "a b=\"c\"", "y": "a=b", "z": "é"])
                == "00:00:00.250Z info     a\\r\\n00:00 b\\u001b[2J  \"k\\n\"=\"\\u009b31m\\t\" x=\"a b=\\\"c\\\"\" y=\"a=b\" z=\"é\"\n"
        )
    }

    @Test(arguments: JSONLogFormatTests.directions)
    func `nothing in a value can turn the direction of what is read`(_ scalar: Unicode.Scalar) {
        let escape =
            "\\u" + String(repeating: "0", count: scalar.value < 0x1000 ? 1 : 0) + String(scalar.value, radix: 16)
        #expect(
            line(.info, "a\(scalar)b", ["k\(scalar)": "\(scalar)v"])
                == "00:00:00.250Z info     a\(escape)b               \"k\(escape)\"=\"\(escape)v\"\n")
    }

    @Test func `a value and a line have an end`() {
        let long = String(repeating: "x", count: 5000)
        let metadata = Logger.Metadata(uniqueKeysWithValues: (0..<100).map { ("k\($0)", .string(long)) })
        let line = line(.info, "\(long)", metadata)
        #expect(line.utf8.count < 11_000)
        #expect(line.hasSuffix("…\"\n"))
    }
}
