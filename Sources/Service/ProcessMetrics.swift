import Glibc
import Sockets
import Telemetry

/// What the program is, and what it uses of the machine, by the names that Prometheus' client libraries have for it. All of it
/// is read at each scrape; what cannot be read is left out.
enum ProcessMetrics {
    static func observe(in metrics: MetricsRegistry) {
        let labels = Labels([("version", Build.version), ("openssl", TLSLibrary.version)])
        metrics.collect("tokenwell_build_info", help: "Which program this is; always 1.", kind: .info) {
            [Sample(.count(1), labels: labels)]
        }
        metrics.collect(
            "process_cpu_seconds_total", help: "Total user and system CPU time spent in seconds.", kind: .counter
        ) { [Sample(.time(ProcessorTime.now))] }
        metrics.collect(
            "process_resident_memory_bytes", help: "Resident memory size in bytes.", kind: .gauge
        ) { samples(MemoryUse.now.map { .count($0.resident) }) }
        metrics.collect(
            "process_virtual_memory_bytes", help: "Virtual memory size in bytes.", kind: .gauge
        ) { samples(MemoryUse.now.map { .count($0.virtual) }) }
        metrics.collect("process_open_fds", help: "Number of open file descriptors.", kind: .gauge) {
            samples(openDescriptors.map { .count($0) })
        }
        metrics.collect("process_max_fds", help: "Maximum number of open file descriptors.", kind: .gauge) {
            samples(DescriptorLimit.current.map { .count($0) })
        }
    }

    private static func samples(_ value: MetricValue?) -> [Sample] { value.map { [Sample($0)] } ?? [] }

    /// A process that may not be traced still has a look at its own.
    private static var openDescriptors: Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // `.`, `..` and the folder's own.
        return count - 3
    }
}

/// The first two of the sizes that `/proc/self/statm` has in pages (proc(5)), in bytes.
struct MemoryUse: Equatable {
    let virtual: Int
    let resident: Int

    /// - Returns: nil when the text is malformed, or says what no process can have.
    init?(statm: String, pageBytes: Int) {
        let sizes = statm.split(separator: " ").prefix(2).map { Int($0)?.multipliedReportingOverflow(by: pageBytes) }
        guard sizes.count == 2, let virtual = sizes[0], let resident = sizes[1],
            !virtual.overflow, !resident.overflow, virtual.partialValue >= 0, resident.partialValue >= 0
        else { return nil }
        self.virtual = virtual.partialValue
        self.resident = resident.partialValue
    }

    /// nil when it cannot be read.
    static var now: MemoryUse? {
        let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = read(descriptor, &bytes, bytes.count)
        return MemoryUse(
            statm: String(decoding: bytes.prefix(max(0, count)), as: UTF8.self), pageBytes: sysconf(Int32(_SC_PAGESIZE))
        )
    }
}
