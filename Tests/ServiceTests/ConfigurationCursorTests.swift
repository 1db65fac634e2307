import Testing

@testable import Service

struct ConfigurationCursorTests {
    private let context = ConfigurationContext(environment: [:])

    private func cursor(_ text: String) throws -> ConfigurationCursor {
        ConfigurationCursor(file: "a.yaml", root: try YAMLReader.read(Array(text.utf8)), context: context)
    }

    @Test(arguments: [("1", 1), ("60", 60), ("-3", -3), ("100", 100)])
    func `a whole number is read`(_ text: String, _ number: Int) throws {
        #expect(try cursor(text).integer(in: -3...100) == number)
        #expect(context.mistakes.isEmpty)
    }

    @Test(arguments: [
        ("101", "101 is out of range; give 1 to 100"), ("0", "0 is out of range; give 1 to 100"),
        ("\"60\"", "\"60\" is not a whole number; write it as 60, without quotes"),
        ("007", "\"007\" is not a whole number; write it as 60, without quotes"),
        ("+1", "\"+1\" is not a whole number; write it as 60, without quotes"),
        ("1e1", "\"1e1\" is not a whole number; write it as 60, without quotes"),
        ("99999999999999999999", "\"99999999999999999999\" is not a whole number; write it as 60, without quotes"),
        ("[]", "a list where a number belongs"), ("~", "nothing where a number belongs"),
    ])
    func `anything else is no whole number`(_ text: String, _ mistake: String) throws {
        #expect(try cursor(text).integer(in: 1...100) == nil)
        #expect(context.mistakes.map(\.description) == ["a.yaml:1: \(mistake)"])
    }

    @Test(arguments: [(4096, true), (4097, false)])
    func `a text has 4096 bytes at most`(_ count: Int, _ isTaken: Bool) throws {
        let text = String(repeating: "x", count: count)
        #expect(try cursor(text).string() == (isTaken ? text : nil))
        #expect(context.mistakes.map(\.problem) == (isTaken ? [] : ["a text of more than 4096 bytes"]))
    }

    @Test(arguments: [(1, false), (2, true), (3, true), (4, false)])
    func `a list has so many items`(_ count: Int, _ isTaken: Bool) throws {
        let text = "[" + repeatElement("x", count: count).joined(separator: ", ") + "]"
        #expect((try cursor(text).list(2...3) { $0.string() } != nil) == isTaken)
        #expect(context.mistakes.map(\.problem) == (isTaken ? [] : ["\(count) items"]))
    }

    @Test func `durations read and print in the largest whole unit`() {
        for text in ["1ms", "1500ms", "1s", "59s", "1m", "90s", "1h", "2400h"] {
            #expect(Duration(configuration: text)?.configurationText == text)
        }
        #expect(Duration(configuration: "3600s")?.configurationText == "1h")
        for text in ["", "s", "5", "5 s", "5S", "1.5s", "-1s", "1d", "٥s", "1234567890s", "5s5s"] {
            #expect(Duration(configuration: text) == nil, "\(text)")
        }
    }

    @Test func `a name that is long or cannot be printed is cut and escaped`() {
        #expect(Printable.quoted("a\u{1B}[31m\u{202E}é") == "\"a\\u{1B}[31m\\u{202E}\\u{00E9}\"")
        #expect(Printable.plain("\u{61C}\u{200E}\u{2066}\u{2069}") == "\\u{061C}\\u{200E}\\u{2066}\\u{2069}")
        #expect(Printable.plain(String(repeating: "x", count: 80)).utf8.count == 80)
        #expect(Printable.plain(String(repeating: "x", count: 81)) == String(repeating: "x", count: 80) + "...")
    }
}
