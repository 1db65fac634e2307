import Foundation
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

    @Test func `a file is appended to, and after a rotation the new one is`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (path, old) = (folder.path + "/audit", folder.path + "/audit.1")
        try "before\n".write(toFile: path, atomically: true, encoding: .utf8)
        let writer = try LineWriter(appendingTo: path)
        writer.write(Array("first\n".utf8))
        writer.flush()
        try FileManager.default.moveItem(atPath: path, toPath: old)
        writer.write(Array("second\n".utf8))
        try writer.reopen()
        writer.write(Array("third\n".utf8))
        writer.flush()
        let both = try String(contentsOfFile: old, encoding: .utf8) + String(contentsOfFile: path, encoding: .utf8)
        #expect(both == "before\nfirst\nsecond\nthird\n")
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
    }

    @Test func `what the descriptor refuses is counted as dropped`() {
        let pipe = Pipe()
        // Not open for writing.
        let writer = LineWriter(to: pipe.reader)
        for _ in 0..<10 { writer.write(Array("line\n".utf8)) }
        writer.flush()
        #expect(writer.dropped == 10)
    }

    @Test func `what follows half a line is counted once when it is refused too`() {
        let pipe = Pipe()
        _ = fcntl(pipe.writer, F_SETFL, O_NONBLOCK)
        // One page: F_SETPIPE_SZ.
        #expect(fcntl(pipe.writer, 1031, 4096) == 4096)
        let writer = LineWriter(to: pipe.writer)
        for dropped in 1...3 {
            writer.write([UInt8](repeating: UInt8(ascii: "x"), count: 5000) + [UInt8(ascii: "\n")])
            writer.flush()
            #expect(writer.dropped == dropped)
        }
        _ = pipe.read(4096)
        writer.write(Array("more\n".utf8))
        writer.flush()
        #expect(pipe.read(6) == Array("\nmore\n".utf8) && writer.dropped == 3)
    }

    @Test func `half a line that was there spoils no other`() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try "half a li".write(toFile: path, atomically: true, encoding: .utf8)
        let writer = try LineWriter(appendingTo: path)
        for _ in 0..<2 { writer.write(Array("line\n".utf8)) }
        writer.flush()
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "half a li\nline\nline\n")
    }

    @Test func `a pipe that nobody reads is refused at once`() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(mkfifo(path, 0o600) == 0)
        #expect(throws: LineWriter.Unwritable.self) { try LineWriter(appendingTo: path) }
    }

    @Test func `a file that cannot be opened is refused`() throws {
        #expect(throws: LineWriter.Unwritable.self) { try LineWriter(appendingTo: "/nowhere/audit") }
    }
}
