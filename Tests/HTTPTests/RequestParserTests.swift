import Testing

@testable import HTTP

struct RequestParserTests {
    @Test func `the table has at least 250 cases, each with a name and bytes of its own`() {
        #expect(FramingCases.all.count >= 250)
        #expect(Set(FramingCases.all.map(\.name)).count == FramingCases.all.count)
        #expect(Set(FramingCases.all.map(\.bytes)).count == FramingCases.all.count)
    }

    @Test(arguments: FramingCases.all)
    func `what a request is does not depend on how it arrives`(row: MessageCase) {
        check(row, neighbor: FramingCases.neighbor) { .request() }
    }

    @Test func `every refusal has its status and a reason of its own`() {
        var errors: [ParseError] = []
        for row in FramingCases.all {
            guard case .refused(let error, let status) = row.outcome else { continue }
            #expect(error.status.code == status, "\(row.name)")
            if !errors.contains(error) { errors.append(error) }
        }
        #expect(Set(errors.map(\.reason)).count == errors.count)
    }

    @Test(arguments: [
        LimitCase("empty lines", 3, .tooManyEmptyLines) {
            $0.emptyLines = $1
        } message: {
            String(repeating: "\r\n", count: $0) + FramingCases.get("/")
        },
        LimitCase("method", 10, .unsupportedMethod) {
            $0.methodBytes = $1
        } message: {
            FramingCases.line("\(letters($0)) / HTTP/1.1")
        },
        LimitCase("start line", 40, .startLineTooLong) {
            $0.startLineBytes = $1
        } message: {
            FramingCases.get("/" + letters($0 - 14))
        },
        LimitCase("field line", 40, .fieldLineTooLong) {
            $0.fieldLineBytes = $1
        } message: {
            FramingCases.field("A: " + letters($0 - 3))
        },
        LimitCase("field count", 5, .tooManyFields) {
            $0.fieldCount = $1
        } message: {
            "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "A: b\r\n", count: $0 - 1) + "\r\n"
        },
        LimitCase("head", 60, .headTooLarge) {
            $0.headBytes = $1
        } message: {
            FramingCases.field("A: " + letters($0 - 32))
        },
        LimitCase("head of one field", 60, .headTooLarge) {
            $0.headBytes = $1
        } message: {
            head("GET /\(letters($0 - 27)) HTTP/1.1", "Host: a")
        },
        LimitCase("head after empty lines", 60, .headTooLarge) {
            $0.headBytes = $1
        } message: {
            "\r\n\r\n" + FramingCases.field("A: " + letters($0 - 36))
        },
        LimitCase("body", 10, .bodyTooLarge) {
            $0.bodyBytes = $1
        } message: {
            FramingCases.length("\($0)", body: letters($0))
        },
        LimitCase("body of one chunk", 10, .bodyTooLarge) {
            $0.bodyBytes = $1
        } message: {
            FramingCases.chunked("\(String($0, radix: 16))\r\n\(letters($0))\r\n0\r\n\r\n")
        },
        LimitCase("body of two chunks", 10, .bodyTooLarge) {
            $0.bodyBytes = $1
        } message: {
            FramingCases.chunked("5\r\nhello\r\n\(String($0 - 5, radix: 16))\r\n\(letters($0 - 5))\r\n0\r\n\r\n")
        },
        LimitCase("chunk extension", 10, .chunkExtensionTooLong) {
            $0.chunkExtensionBytes = $1
        } message: {
            // Each chunk has its own.
            FramingCases.chunked("1;a\r\nx\r\n1;\(letters($0 - 1))\r\nx\r\n0\r\n\r\n")
        },
        LimitCase("chunk overhead by an extension", 40, .tooMuchChunkOverhead) {
            $0.chunkOverheadBytes = $1
        } message: {
            // Without the extension's letters: 1;\r\n, \r\n and 0\r\n\r\n.
            FramingCases.chunked("1;\(letters($0 - 11))\r\nx\r\n0\r\n\r\n")
        },
        LimitCase("chunk overhead by a trailer", 40, .tooMuchChunkOverhead) {
            $0.chunkOverheadBytes = $1
        } message: {
            FramingCases.chunked("0\r\nA:\(letters($0 - 9))\r\n\r\n")
        },
        LimitCase("trailer count", 3, .tooManyFields) {
            $0.fieldCount = $1
        } message: {
            FramingCases.chunked("0\r\n" + String(repeating: "A: b\r\n", count: $0) + "\r\n")
        },
        LimitCase("trailer line", 30, .fieldLineTooLong) {
            $0.fieldLineBytes = $1
        } message: {
            FramingCases.chunked("0\r\nA: \(letters($0 - 3))\r\n\r\n")
        },
    ])
    func `a limit holds to the byte, however it is reached`(row: LimitCase) {
        check(row) { .request(limits: $0) }
    }

    @Test(arguments: [
        ("nothing", "", false), ("an empty line", "\r\n", false), ("half an empty line", "\r\n\r", false),
        ("a letter", "G", true), ("a letter behind an empty line", "\r\nG", true),
        ("a line", "GET / HTTP/1.1\r\n", true),
        ("a field", "GET / HTTP/1.1\r\nHost: a\r\n", true), ("a request", FramingCases.get("/"), false),
    ])
    func `only a request line begins a request`(name: String, text: String, hasBegun: Bool) throws {
        var parser = RequestParser(limits: Limits())
        _ = try parser.parse(Array(text.utf8).span)
        #expect(parser.hasBegun == hasBegun)
    }
}
