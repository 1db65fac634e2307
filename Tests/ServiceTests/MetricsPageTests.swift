import HTTP
import Telemetry
import Testing

@testable import Service

struct MetricsPageTests {
    private let start = ContinuousClock.now

    @Test(arguments: [(1, false), (10_000, true)])
    func `only a large page is shared, and for a second`(_ series: Int, _ isShared: Bool) async {
        let registry = MetricsRegistry()
        for number in 0..<series {
            _ = registry.counter("tokenwell_test_total", help: "A test.", labels: [("number", "\(number)")])
        }
        let page = MetricsPage(registry)
        let first = await page.current(.prometheus, at: start)
        registry.counter("tokenwell_test_total", help: "A test.", labels: [("number", "0")]).increment()
        let next = await page.current(.prometheus, at: start.advanced(by: .milliseconds(999)))
        #expect((next === first) == isShared)
        let later = await page.current(.prometheus, at: start.advanced(by: .seconds(1)))
        #expect(later !== first && later.bytes != first.bytes)
    }

    @Test func `each format has a page of its own`() async {
        let registry = MetricsRegistry()
        for number in 0..<10_000 {
            _ = registry.counter("tokenwell_test_total", help: "A test.", labels: [("number", "\(number)")])
        }
        let page = MetricsPage(registry)
        let (text, open) = (await page.current(.prometheus, at: start), await page.current(.openMetrics, at: start))
        #expect(open.bytes == registry.exposition(.openMetrics) && text.bytes == registry.exposition())
        #expect(await page.current(.prometheus, at: start) === text)
    }

    @Test(arguments: [
        ([], ExpositionFormat.prometheus), (["*/*"], .prometheus), (["text/html, */*;q=0.8"], .prometheus),
        (["application/json"], .prometheus), (["text/plain"], .prometheus), (["text/*;q=0.2, */*;q=0.1"], .prometheus),
        (["application/openmetrics-text"], .openMetrics), (["application/openmetrics-text;q=0"], .prometheus),
        (["application/openmetrics-text;version=0.0.1"], .prometheus),
        (["application/openmetrics-text;version=\"1.0.0\""], .openMetrics),
        (["application/openmetrics-text, text/plain"], .openMetrics),
        (["text/plain", "application/openmetrics-text;q=0.5"], .prometheus),
        (["text/plain;q=0.5", "Application/OpenMetrics-Text;q=0.6"], .openMetrics),
        (["application/*"], .openMetrics), (["application/*, */*"], .prometheus),
        (["application/*, text/*;q=0.5"], .openMetrics), (["application/openmetrics-text;q=1.5"], .prometheus),
        // Prometheus 2.42 and 3.5.
        (
            [
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
                    + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
            ], .openMetrics
        ),
        (
            [
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
                    + "application/openmetrics-text;version=0.0.1;q=0.5,"
                    + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
            ], .openMetrics
        ),
        (["text/plain;version=0.0.4;q=0.5,*/*;q=0.1"], .prometheus),
    ])
    func `the format is what the client prefers`(_ fields: [String], _ format: ExpositionFormat) {
        var accepted = Fields()
        for field in fields { accepted.append("Accept", field) }
        #expect(ExpositionFormat(acceptedBy: Accept(accepted)) == format)
    }
}
