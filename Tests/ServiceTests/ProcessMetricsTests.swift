import Sockets
import Support
import Telemetry
import Testing

@testable import Service

struct ProcessMetricsTests {
    @Test(arguments: [
        ("3 2 1 0 0 0 0\n", 12288, 8192), ("0 0", 0, 0), ("1 0 9", 4096, 0),
    ])
    func `memory is counted in pages`(_ text: String, _ virtual: Int, _ resident: Int) throws {
        let memory = try #require(MemoryUse(statm: text, pageBytes: 4096))
        #expect(memory.virtual == virtual && memory.resident == resident)
    }

    @Test(arguments: ["", "\n", "1", "a 1", "1 a", "-1 1", "1 -1", "9223372036854775807 1", "1,1"])
    func `what is no memory's size is left out`(_ text: String) {
        #expect(MemoryUse(statm: text, pageBytes: 4096) == nil)
    }

    @Test func `the process says what it is and uses`() throws {
        let metrics = MetricsRegistry()
        ProcessMetrics.observe(in: metrics)
        let text = String(decoding: metrics.exposition(), as: UTF8.self)
        let values = Dictionary(
            uniqueKeysWithValues: text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
                let parts = $0.split(separator: " ")
                return (String(parts[0].prefix { $0 != "{" }), Double(parts[1]) ?? -1)
            })
        #expect(values["tokenwell_build_info"] == 1)
        #expect(text.contains(#"tokenwell_build_info{version="\#(Build.version)",openssl="3."#))
        #expect(try #require(values["process_cpu_seconds_total"]) > 0)
        let (resident, virtual) = (values["process_resident_memory_bytes"], values["process_virtual_memory_bytes"])
        #expect(try #require(resident) > 1_000_000 && #require(virtual) > #require(resident))
        let (open, maximum) = (values["process_open_fds"], values["process_max_fds"])
        #expect(try #require(open) >= 3 && #require(open) <= #require(maximum))
    }

    @Test func `the loops say how busy and how late they are`() async throws {
        let metrics = MetricsRegistry()
        let loops = try TestLoops.group.loops
        let watching = EventLoopMetrics(loops, in: metrics).watch(every: .milliseconds(1))
        func value(_ series: String) -> Double {
            let text = String(decoding: metrics.exposition(), as: UTF8.self)
            let line = text.split(separator: "\n").first { $0.hasPrefix(series + " ") }
            return line.flatMap { $0.split(separator: " ").last }.flatMap { Double($0) } ?? -1
        }
        while value("tokenwell_event_loop_delay_seconds_count") < 4 { await Task.yield() }
        for task in watching { task.cancel() }
        for task in watching { await task.value }
        #expect(value("tokenwell_event_loop_delay_seconds_sum") > 0)
        for index in loops.indices {
            #expect(value("tokenwell_event_loop_cpu_seconds_total{loop=\"\(index)\"}") > 0)
        }
    }
}
