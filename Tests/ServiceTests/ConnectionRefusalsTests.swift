import HTTP
import Logging
import Sockets
import Support
import Telemetry
import Testing

@testable import Service

struct ConnectionRefusalsTests {
    @Test func `each is counted by its reason, and those who never came are there with nothing`() {
        let registry = MetricsRegistry()
        let refusals = ConnectionRefusals(
            in: registry, logger: Logger(label: "tokenwell") { _ in SwiftLogNoOpLogHandler() })
        for _ in 0..<3 { refusals.record(.address, from: .loopback()) }
        let text = String(decoding: registry.exposition(), as: UTF8.self)
        for (reason, count) in [("maximum", 0), ("address", 3), ("descriptors", 0)] {
            #expect(text.contains("\ntokenwell_connections_refused_total{reason=\"\(reason)\"} \(count)\n"))
        }
    }

    @Test func `clients beyond the configured limit are refused, counted and logged`() async throws {
        try await LoopbackService.run { configuration in
            configuration.connections.perAddress = 1
            configuration.metricsListen = .loopback()
        } _: { service in
            let port = service.service.address.port
            let first = try RawConnection(port: port)
            try first.send("GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try first.receive(through: "\r\n").hasPrefix("HTTP/1.1 200 "))
            #expect(try RawConnection(port: port).receiveToEnd() == "")
            let metrics = try await service.metricsListener("/metrics").text
            #expect(metrics.contains("\ntokenwell_connections_refused_total{reason=\"address\"} 1\n"))
            let line = service.log.split(separator: "\n").first { $0.contains("connections refused") }
            #expect(line?.contains("\"address\":\"1\"") == true && line?.contains("127.0.0.1") == true)
        }
    }
}
