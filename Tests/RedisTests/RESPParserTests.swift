import Testing

@testable import Redis

/// What a server sends, and what is made of it.
struct RESPCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let text: String
    let outcome: Result<[RESPValue], RESPError>

    static func value(_ name: String, _ text: String, _ values: RESPValue...) -> RESPCase {
        RESPCase(testDescription: name, text: text, outcome: .success(values))
    }

    static func refused(_ name: String, _ text: String, _ error: RESPError) -> RESPCase {
        RESPCase(testDescription: name, text: text, outcome: .failure(error))
    }
}

struct RESPParserTests {
    static let small: RESPParser.Limits = {
        var limits = RESPParser.Limits()
        (limits.line, limits.string, limits.value, limits.elements, limits.depth) = (16, 24, 96, 6, 3)
        return limits
    }()

    static let cases: [RESPCase] = [
        .value("nothing", ""),
        .value("a simple string", "+OK\r\n", .text("OK")),
        .value("an empty one", "+\r\n", .text("")),
        .value("an error", "-WRONGPASS no\r\n", .error(RedisRefusal(code: "WRONGPASS"))),
        .value("an error without a code", "-no\r\n", .error(RedisRefusal(code: "ERR"))),
        .value("integers", ":0\r\n:-12\r\n:007\r\n", .integer(0), .integer(-12), .integer(7)),
        .value("a string", "$5\r\na\r\nb\0\r\n", .text("a\r\nb\0")),
        .value("an empty string", "$0\r\n\r\n", .text("")),
        .value("nothing for a string", "$-1\r\n", .null),
        .value("nothing for an array", "*-1\r\n", .null),
        .value("an empty array", "*0\r\n", .array([])),
        .value("an array", "*2\r\n$1\r\na\r\n:1\r\n", .array([.text("a"), .integer(1)])),
        .value("arrays in arrays", "*2\r\n*1\r\n*0\r\n:1\r\n", .array([.array([.array([])]), .integer(1)])),
        .value("an error in an array", "*1\r\n-OOM x\r\n", .array([.error(RedisRefusal(code: "OOM"))])),
        .value("null", "_\r\n", .null),
        .value("booleans", "#t\r\n#f\r\n", .boolean(true), .boolean(false)),
        .value("doubles", ",1.5\r\n,-2e3\r\n,inf\r\n", .double(1.5), .double(-2000), .double(.infinity)),
        .value("a big number", "(123456789\r\n", .text("123456789")),
        .value("a verbatim string", "=7\r\ntxt:abc\r\n", .text("abc")),
        .value("a long error", "!5\r\nERR x\r\n", .error(RedisRefusal(code: "ERR"))),
        .value("a map", "%1\r\n+a\r\n:1\r\n", .array([.text("a"), .integer(1)])),
        .value("a set", "~1\r\n+a\r\n", .array([.text("a")])),
        .value("a push", ">1\r\n+a\r\n+b\r\n", .push([.text("a")]), .text("b")),
        .value("a beginning", "*2\r\n+a\r\n"),
        .value("a string that is not all there", "$5\r\nab"),
        .value(
            "the longest string", "$24\r\n\(String(repeating: "x", count: 24))\r\n",
            .text(String(repeating: "x", count: 24))),
        .refused("no type", "OK\r\n", .unknownType),
        .refused("an attribute", "|1\r\n", .unknownType),
        .refused("a streamed string", "$?\r\n", .badLength),
        .refused("HTTP", "HTTP/1.1 400 Bad Request\r\n", .unknownType),
        .refused("LF alone", "+OK\n", .badLineEnd),
        .refused("CR alone", "+O\rK\r\n", .badLineEnd),
        .refused("no end behind a string", "$1\r\nabc", .badLineEnd),
        .refused("a length of letters", "$a\r\n", .badLength),
        .refused("a length of nothing", "$\r\n", .badLength),
        .refused("a negative length", "$-2\r\n", .badLength),
        .refused("a length with a sign", "*+1\r\n", .badLength),
        .refused("a length beyond all", "$99999999999\r\n", .badLength),
        .refused("nothing for a map", "%-1\r\n", .badLength),
        .refused("nothing for a long error", "!-1\r\n", .badLength),
        .refused("something in null", "_x\r\n", .badLength),
        .refused("another boolean", "#x\r\n", .badNumber),
        .refused("an integer of letters", ":a\r\n", .badNumber),
        .refused("an integer of nothing", ":\r\n", .badNumber),
        .refused("a double of words", ",0x1p3\r\n", .badNumber),
        .refused("a verbatim string without its kind", "=3\r\nabc\r\n", .badLength),
        .refused("a push in an array", "*1\r\n>0\r\n", .misplacedPush),
        .refused("a long line", "+\(String(repeating: "x", count: 17))\r\n", .lineTooLong),
        .refused("a long line without an end", "+\(String(repeating: "x", count: 17))", .lineTooLong),
        .refused("a long string", "$25\r\n", .stringTooLong),
        .refused("many elements", "*7\r\n", .tooManyElements),
        .refused("many elements in a map", "%4\r\n", .tooManyElements),
        .refused("many elements in all", "*4\r\n*3\r\n", .tooManyElements),
        .refused("arrays too deep", "*1\r\n*1\r\n*1\r\n*1\r\n", .tooDeep),
        .refused(
            "much in all", "*5\r\n" + String(repeating: "$24\r\n\(String(repeating: "x", count: 24))\r\n", count: 4),
            .valueTooLong),
    ]

    /// What comes of pieces.
    static func read(_ pieces: [ArraySlice<UInt8>]) -> Result<[RESPValue], RESPError> {
        var parser = RESPParser(limits: small)
        var (values, pending): ([RESPValue], [UInt8]) = ([], [])
        do throws(RESPError) {
            for piece in pieces {
                pending += piece
                while true {
                    let (value, count) = try parser.parse(pending.span)
                    pending.removeFirst(count)
                    guard let value else { break }
                    values.append(value)
                }
            }
            return .success(values)
        } catch { return .failure(error) }
    }

    @Test(arguments: cases) func `a server's bytes come to the same in two pieces of any length`(_ one: RESPCase) {
        let bytes = Array(one.text.utf8)
        for split in 0...bytes.count {
            #expect(Self.read([bytes[..<split], bytes[split...]]) == one.outcome, "split at \(split)")
        }
    }

    @Test(arguments: cases) func `and byte by byte`(_ one: RESPCase) {
        let bytes = Array(one.text.utf8)
        #expect(Self.read(bytes.indices.map { bytes[$0...$0] }) == one.outcome)
    }

    @Test func `the limits are of each value, not of all`() {
        let text = String(repeating: "*3\r\n+a\r\n+b\r\n+c\r\n", count: 20)
        #expect((try? Self.read([Array(text.utf8)[...]]).get().count) == 20)
    }

    @Test func `a refusal says what kind it is and nothing that was sent`() {
        let refusal = RedisRefusal(Array("ERR unknown command 'AUTH', with args beginning with: 'hunter2'".utf8))
        #expect("\(refusal)" == "it refused a command (ERR)")
        #expect("\(RedisRefusal(Array("MOVED 3999 10.0.0.1:6381".utf8)))".contains("Redis Cluster"))
        #expect("\(RedisRefusal(Array("hunter2".utf8)))".contains("hunter2") == false)
    }
}

extension RESPValue {
    static func text(_ text: String) -> RESPValue { .bytes(Array(text.utf8)) }
}
