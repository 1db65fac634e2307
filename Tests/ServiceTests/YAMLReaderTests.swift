import Testing

@testable import Service

struct YAMLReaderTests {
    private func read(_ text: String, limits: YAMLReader.Limits = .init()) throws(YAMLError) -> YAMLNode {
        try YAMLReader.read(Array(text.utf8), limits: limits)
    }

    private func problems(_ bytes: [UInt8]) -> [String] {
        do throws(YAMLError) {
            _ = try YAMLReader.read(bytes)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    // MARK: - What it reads

    @Test func `nodes know their line and column`() throws {
        let root = try read("a: 1\nb:\n  - x\n  - {c: y}\n")
        let entries = try #require(root.entries)
        #expect(entries.map(\.key) == ["a", "b"])
        #expect(entries.map(\.place) == [.init(line: 1, column: 1), .init(line: 2, column: 1)])
        let items = try #require(root["b"]?.items)
        #expect(items.map(\.place) == [.init(line: 3, column: 5), .init(line: 4, column: 5)])
        #expect(items[1]["c"]?.text == "y")
        #expect(root["nothing"] == nil)
    }

    @Test(arguments: ["\"123\"", "'123'", "|-\n  123"])
    func `a scalar that is not plain stays text`(_ written: String) throws {
        #expect(try read("a: \(written)")["a"]?.value == .scalar("123", isPlain: false))
        #expect(try read("a: 123")["a"]?.value == .scalar("123", isPlain: true))
    }

    @Test(arguments: ["a:", "a: ~", "a: null"])
    func `nothing has three plain spellings`(_ text: String) throws {
        #expect(try read(text)["a"]?.isNull == true)
    }

    @Test(arguments: ["a: \"\"", "a: \"~\"", "a: 'null'", "a: nil", "a: []", "a: {}"])
    func `anything else is something`(_ text: String) throws {
        #expect(try read(text)["a"]?.isNull == false)
    }

    @Test func `block scalars keep or fold their lines`() throws {
        let root = try read("kept: |\n  a\n  b\nfolded: >\n  a\n  b\n")
        #expect(root["kept"]?.text == "a\nb\n")
        #expect(root["folded"]?.text == "a b\n")
    }

    @Test func `a byte-order mark, a document start and an end are let pass`() throws {
        #expect(try read("\u{FEFF}%YAML 1.1\n---\na: 1\n...\n")["a"]?.text == "1")
        #expect(try read("\u{FEFF}a: 1\nb: 2\n")["b"]?.text == "2")
    }

    // MARK: - What it refuses

    struct Refusal: CustomTestStringConvertible {
        var testDescription: String
        var text: [UInt8]
        var problems: [String]

        init(_ name: String, _ text: String, _ problems: String...) { self.init(name, Array(text.utf8), problems) }

        init(_ name: String, _ bytes: [UInt8], _ problems: [String]) {
            testDescription = name
            text = bytes
            self.problems = problems
        }
    }

    @Test(arguments: [
        Refusal("no byte", "", "1:1: the file is empty"),
        Refusal("only a byte-order mark", "\u{FEFF}", "1:1: the file is empty"),
        Refusal("only a comment", "# a\n", "2:1: the file is empty"),
        Refusal("repeated key", "a: 1\nb: 2\na: 3\n", "3:1: duplicate key \"a\""),
        Refusal("repeated key, written differently", "{a: 1, 'a': 2}", "1:8: duplicate key \"a\""),
        Refusal(
            "repeated keys in two mappings", "a: {x: 1, x: 2}\na: 3", "1:11: duplicate key \"x\"",
            "2:1: duplicate key \"a\""),
        Refusal(
            "a key of many that is repeated", (1...40).map { "k\($0): 1\n" }.joined() + "k40: 1\nk41: 1\nk1: 1\n",
            "41:1: duplicate key \"k40\"", "43:1: duplicate key \"k1\""),
        Refusal("anchor", "a: &x 1", "1:4: an anchor (&); write the value out where it is used"),
        Refusal("anchor on a collection", "&x {a: 1}", "1:1: an anchor (&); write the value out where it is used"),
        Refusal(
            "alias", "a: &x 1\nb: *x", "1:4: an anchor (&); write the value out where it is used",
            "2:4: an alias (*); write the value out"),
        Refusal("alias as a key", "? *x\n: 1", "1:3: a key that is not text"),
        Refusal("tag", "a: !!str 1", "1:4: a tag (!); leave it out"),
        Refusal("tag on a collection", "a: !x [1]", "1:4: a tag (!); leave it out"),
        Refusal("merge key", "<<: {a: 1}", "1:1: a merge key (<<); write the keys out"),
        Refusal("second document", "a: 1\n---\nb: 2\n", "2:1: a second document begins here"),
        Refusal("list as a key", "? [a]\n: 1\n", "1:3: a key that is not text"),
        Refusal("mapping as a key", "{{a: 1}: 2}", "1:2: a key that is not text"),
        Refusal("NUL byte", "a: b\nc: \u{0}", "2:4: not UTF-8 text: control characters are not allowed"),
        Refusal("NUL by an escape", "a: \"\\0\"", "1:4: a NUL character"),
        Refusal("control character", "a: \u{7}", "1:4: not UTF-8 text: control characters are not allowed"),
        Refusal("Latin-1", [0x61, 0x3A, 0x20, 0xE9], ["1:4: not UTF-8 text: incomplete UTF-8 octet sequence"]),
        Refusal("UTF-16", [0xFF, 0xFE, 0x61, 0x00], ["1:1: not UTF-8 text: invalid leading UTF-8 octet"]),
        Refusal("surrogate", [0x61, 0x3A, 0x20, 0xED, 0xA0, 0x80], ["1:4: not UTF-8 text: invalid Unicode character"]),
        Refusal("open list", "a: [1", "2:1: not YAML: did not find expected ',' or ']' while parsing a flow sequence"),
        Refusal(
            "tab as indentation", "a:\n\tb: 1",
            "2:1: not YAML: found character that cannot start any token while scanning for the next token"),
        Refusal("key within a value", "a: b: c", "1:5: not YAML: mapping values are not allowed in this context"),
    ])
    func `it refuses`(_ refusal: Refusal) {
        #expect(problems(refusal.text) == refusal.problems)
    }

    @Test func `what can be left out is, and the rest is still read`() {
        let error = #expect(throws: YAMLError.self) { try read("a: 1\na: 2\nb: !x 3\n<<: 4\n") }
        #expect(error?.problems.count == 3)
        #expect(error?.root?.entries?.map(\.key) == ["a", "b"])
        #expect(error?.root?["a"]?.text == "1")
    }

    @Test func `where reading had to stop there is no rest`() {
        let error = #expect(throws: YAMLError.self) { try read("a: 1\na: 2\nb: [") }
        #expect(error?.problems.first?.text == "duplicate key \"a\"")
        #expect(error?.problems.count == 2)
        #expect(error?.root == nil)
    }

    // MARK: - Bounds

    @Test(arguments: [(15, true), (16, true), (17, false)])
    func `collections nest 16 deep`(_ depth: Int, _ isTaken: Bool) {
        let flow = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let block = (0..<depth).map { String(repeating: " ", count: $0) + "k:" }.joined(separator: "\n")
        let refusal = isTaken ? [] : ["more than 16 collections inside each other"]
        for text in [flow, block] {
            #expect(problems(Array(text.utf8)).map { $0.split(separator: ": ")[1] } == refusal.map { $0[...] })
        }
    }

    @Test(arguments: [(9, true), (10, true), (11, false)])
    func `bytes are counted`(_ count: Int, _ isTaken: Bool) {
        var limits = YAMLReader.Limits()
        limits.bytes = 10
        let text = "a: " + String(repeating: "x", count: count - 3)
        #expect(((try? read(text, limits: limits)) != nil) == isTaken)
    }

    @Test(arguments: [(9, true), (10, true), (11, false)])
    func `scalars, keys and collections are counted`(_ count: Int, _ isTaken: Bool) {
        var limits = YAMLReader.Limits()
        limits.nodes = 10
        // The mapping, its key and the list are three.
        let text = "a: [" + repeatElement("x", count: count - 3).joined(separator: ", ") + "]"
        #expect(((try? read(text, limits: limits)) != nil) == isTaken)
    }

    // MARK: - Malformed input

    private static let sample = """
        # é
        a: {b: [1, 'two', "th\\u0072ee", ~], "c": !!x &y z}
        ? d
        : |
          text
          more
        e: >-
          folded
        <<: *y
        f:
        - g: 1
          h: "a \\
            b"
        ...
        """

    @Test func `every prefix is read or refused`() {
        let bytes = Array(Self.sample.utf8)
        for count in 0...bytes.count {
            let refusals = problems(Array(bytes.prefix(count)))
            #expect(refusals.allSatisfy { !$0.hasPrefix("0:") }, "\(count) bytes: \(refusals)")
        }
    }

    @Test func `any single byte put anywhere is read or refused`() {
        let bytes = Array(Self.sample.utf8)
        for index in bytes.indices {
            for byte in Array("\0\t\n !\"#%&'*,-:>?@[]{|}`\\".utf8) + [0x80, 0xC3, 0xED, 0xFF] {
                var changed = bytes
                changed[index] = byte
                let refusals = problems(changed)
                #expect(refusals.allSatisfy { !$0.hasPrefix("0:") }, "byte \(byte) at \(index): \(refusals)")
            }
        }
    }
}
