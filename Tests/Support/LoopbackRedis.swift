import Foundation
import Sockets

/// A `redis-server` of a test's own on the loopback, with a folder of its own, gone when it is let go.
package final class LoopbackRedis {
    /// What no attempt got: a port that nobody else took meanwhile.
    package struct NoPort: Error {}

    package let port: UInt16
    /// nil without one.
    package let tlsPort: UInt16?
    private let folder: URL
    private let arguments: [String]
    private var program: PeerProgram

    /// Starts it, and waits until it answers.
    ///
    /// - Parameters:
    ///   - arguments: Settings, such as `["--requirepass", "secret"]`.
    ///   - certificate: For a listener with TLS.
    package init(_ arguments: [String] = [], certificate: Certificates.Pair? = nil, mode: String? = nil) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("redis-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        var failure: any Error = NoPort()
        // Between the choice of a port and its use somebody else may take it.
        for _ in 0..<5 {
            let (port, tlsPort) = (try Self.freePort(), try Self.freePort())
            var all = ["--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder.path, "--save", ""]
            if let certificate {
                all += [
                    "--tls-port", "\(tlsPort)", "--tls-cert-file", certificate.certificateFile, "--tls-key-file",
                    certificate.keyFile, "--tls-auth-clients", "no",
                ]
            }
            all += arguments
            if let mode {
                // A Sentinel wants a file that it can write to.
                let file = folder.appendingPathComponent("configuration").path
                try Data().write(to: URL(fileURLWithPath: file))
                all = [file] + all.filter { !["--save", ""].contains($0) } + [mode]
            }
            do {
                program = try Self.start(all)
                (self.port, self.tlsPort, self.arguments) = (port, certificate.map { _ in tlsPort }, all)
                return
            } catch { failure = error }
        }
        try? FileManager.default.removeItem(at: folder)
        throw failure
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// Where it is.
    package var url: String { "redis://127.0.0.1:\(port)/0" }

    /// Ends it as `kill -9` does.
    package func kill() {
        program.send(SIGKILL)
        _ = program.finish()
    }

    /// Ends it, and starts another in its place, at the same port.
    package func restart() throws {
        kill()
        program = try Self.start(arguments)
    }

    /// Has it answer nothing, or go on.
    package func freeze() { program.send(SIGSTOP) }
    package func thaw() { program.send(SIGCONT) }

    private static func start(_ arguments: [String]) throws -> PeerProgram {
        let program = try PeerProgram(arguments, program: "redis-server")
        try program.waitForLine(
            with: arguments.contains("--sentinel") ? "Sentinel ID is" : "Ready to accept connections")
        return program
    }

    private static func freePort() throws -> UInt16 {
        try Socket.listening(at: .loopback(), isShared: false).localAddress().port
    }
}
