import Telemetry
import Testing

@testable import Service

struct MetricsPageTests {
    private let start = ContinuousClock.now

    @Test(arguments: [(1, false), (10_000, true)])
    func `only a large page is shared, and for a second`(_ series: Int, _ isShared: Bool) {
        let registry = MetricsRegistry()
        for number in 0..<series {
            _ = registry.counter("tokenwell_test_total", help: "A test.", labels: [("number", "\(number)")])
        }
        let page = MetricsPage(registry)
        let first = page.current(at: start)
        registry.counter("tokenwell_test_total", help: "A test.", labels: [("number", "0")]).increment()
        #expect((page.current(at: start.advanced(by: .milliseconds(999))) == first) == isShared)
        #expect(page.current(at: start.advanced(by: .seconds(1))) != first)
    }
}
