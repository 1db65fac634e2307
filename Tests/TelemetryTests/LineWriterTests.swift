import Glibc
import Testing

@testable import Telemetry

struct LineWriterTests {
    /// Both ends of a pipe, closed at the end of the test.
    private struct Pipe: ~Copyable {
        let reader: Int32
        let writer: Int32

        init() {
            var ends: [Int32] = [-1, -1]
            pipe(&ends)
            (reader, writer) = (ends[0], ends[1])
        }

        deinit {
            close(reader)
            close(writer)
        }

        func read(_ count: Int) -> [UInt8] {
            var bytes = [UInt8](repeating: 0, count: count)
            var filled = 0
            while filled < count {
                let read = bytes.withUnsafeMutableBytes {
                    Glibc.read(reader, $0.baseAddress?.advanced(by: filled), count - filled)
                }
                guard read > 0 else { break }
                filled += read
            }
            return Array(bytes[..<filled])
        }
    }

    @Test func `lines come whole and in order`() {
        let pipe = Pipe()
        let writer = LineWriter(to: pipe.writer)
        let lines = (0..<1000).map { "line \($0)\n" }
        for line in lines { writer.write(Array(line.utf8)) }
        #expect(pipe.read(lines.joined().utf8.count) == Array(lines.joined().utf8))
        #expect(writer.dropped == 0)
    }

    @Test func `a reader that reads nothing holds nobody up, and costs no more than 4 MiB`() {
        let pipe = Pipe()
        let writer = LineWriter(to: pipe.writer)
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 64 * 1024)
        for _ in 0..<100 { writer.write(line) }
        // 64 lines wait; the first may have gone into the pipe itself meanwhile.
        let dropped = writer.dropped
        #expect((35...36).contains(dropped))
        let count = (100 - dropped) * line.count
        #expect(pipe.read(count).count == count)
        writer.flush()
        writer.write(Array("more\n".utf8))
        #expect(pipe.read(5) == Array("more\n".utf8))
        #expect(writer.dropped == dropped)
    }
}
