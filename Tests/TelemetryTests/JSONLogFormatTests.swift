import Foundation
import Logging
import Synchronization
import Telemetry
import Testing

struct JSONLogFormatTests {
    /// What a handler wrote, write by write.
    private final class Sink: Sendable {
        private let writes = Mutex<[String]>([])
        var lines: [String] { writes.withLock { $0 } }
        func take(_ bytes: [UInt8]) { writes.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) } }
    }

    private func logger(_ sink: Sink) -> Logger {
        Logger(label: "broker") { label in
            LineLogHandler(
                JSONLogFormat(label: label), now: { Timestamp(milliseconds: 1_767_225_600_250) },
                sink: { sink.take($0) })
        }
    }

    @Test func `an event is one object on one line in one write, metadata by name`() {
        let sink = Sink()
        logger(sink).warning("mint failed", metadata: ["tenant": "acme", "retry_after": "\(3)", "class": "timeout"])
        #expect(
            sink.lines == [
                #"{"time":"2026-01-01T00:00:00.250Z","level":"warning","logger":"broker","message":"mint failed","#
                    + #""class":"timeout","retry_after":"3","tenant":"acme"}"# + "\n"
            ])
    }

    @Test func `nested metadata are flattened, and reserved names kept apart`() {
        let sink = Sink()
        logger(sink).info("m", metadata: ["peer": ["ip": "::1", "ports": ["1", "2"]], "time": "never", "level": "x"])
        #expect(
            sink.lines == [
                #"{"time":"2026-01-01T00:00:00.250Z","level":"info","logger":"broker","message":"m","level_":"x","#
                    + #""peer.ip":"::1","peer.ports.0":"1","peer.ports.1":"2","time_":"never"}"# + "\n"
            ])
    }

    @Test func `nothing in a value can forge a line or move a terminal`() {
        let sink = Sink()
        logger(sink).info("a\"}\r\n{\"level\":\"b\\", metadata: ["k\n\"": "\t\0\u{1B}[2J\u{7F}\u{9B}\u{2028}é😀"])
        #expect(
            sink.lines == [
                #"{"time":"2026-01-01T00:00:00.250Z","level":"info","logger":"broker","#
                    + #""message":"a\"}\r\n{\"level\":\"b\\","#
                    + #""k\n\"":"\t\u0000\u001b[2J\u007f\u009b\u2028é😀"}"# + "\n"
            ])
    }

    /// Every character with the property Bidi_Control.
    static let directions: [Unicode.Scalar] =
        ["\u{61C}", "\u{200E}", "\u{200F}"]
        + [0x202A...0x202E, 0x2066...0x2069].flatMap { $0.compactMap { Unicode.Scalar(UInt32($0)) } }

    @Test(arguments: directions)
    func `nothing in a value can turn the direction of what is read`(_ scalar: Unicode.Scalar) throws {
        let sink = Sink()
        let text = "a\(scalar)b"
        logger(sink).info("\(text)", metadata: [text: "\(text)"])
        let line = try #require(sink.lines.first)
        #expect(!line.unicodeScalars.contains(scalar))
        let object = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        #expect(object["message"] == text && object[text] == text)
        // Those beside them are letters and spaces of some language.
        logger(sink).info("\u{61B}\u{61D}\u{200D}\u{2010}\u{2027}\u{202F}\u{2065}\u{206A}")
        #expect(sink.lines.last?.contains("\u{61B}\u{61D}\u{200D}\u{2010}\u{2027}\u{202F}\u{2065}\u{206A}") == true)
    }

    struct Length: Sendable, CustomTestStringConvertible {
        var count: Int
        var isCut: Bool
        var testDescription: String { "\(count) bytes" }
    }

    @Test(arguments: [
        Length(count: 2047, isCut: false), Length(count: 2048, isCut: false), Length(count: 2049, isCut: true),
    ])
    func `a value longer than 2 KiB is cut`(_ length: Length) throws {
        let sink = Sink()
        logger(sink).info("\(String(repeating: "x", count: length.count))")
        let object = try JSONDecoder().decode([String: String].self, from: Data(try #require(sink.lines.first).utf8))
        let cut = String(repeating: "x", count: 2048) + "…"
        #expect(object["message"] == (length.isCut ? cut : String(repeating: "x", count: length.count)))
    }

    @Test(arguments: [0, 1, 2, 5, 100])
    func `a line stays within 8 KiB and says when something is missing`(_ members: Int) throws {
        let sink = Sink()
        let value = String(repeating: "\n", count: 3000)
        let metadata = (0..<members).map { ("k\($0)", Logger.Metadata.Value.string(value)) }
        logger(sink).info("m", metadata: Logger.Metadata(uniqueKeysWithValues: metadata))
        let line = try #require(sink.lines.first)
        let object = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
        #expect(line.utf8.count <= 8192)
        #expect(line.utf8.count { $0 == UInt8(ascii: "\n") } == 1)
        #expect((object["truncated"] == "true") == (members > 3))
    }

    @Test func `metadata of the event win over the provider's, and those over the handler's`() {
        let sink = Sink()
        var handler = LineLogHandler(
            JSONLogFormat(label: "l"), now: { Timestamp(milliseconds: 0) }, sink: { sink.take($0) })
        handler[metadataKey: "a"] = "handler"
        handler[metadataKey: "b"] = "handler"
        handler[metadataKey: "c"] = "handler"
        handler.metadataProvider = Logger.MetadataProvider { ["b": "provider", "c": "provider"] }
        Logger(label: "l") { [handler] _ in handler }.info("m", metadata: ["c": "event"])
        #expect(
            sink.lines == [
                #"{"time":"1970-01-01T00:00:00.000Z","level":"info","logger":"l","message":"m","#
                    + #""a":"handler","b":"provider","c":"event"}"# + "\n"
            ])
    }

    @Test func `a level below the handler's is not written`() {
        let sink = Sink()
        logger(sink).debug("m")
        #expect(sink.lines.isEmpty)
    }
}
