import Telemetry
import Testing

struct MetricsRegistryTests {
    private func text(_ registry: MetricsRegistry) -> String { String(decoding: registry.exposition(), as: UTF8.self) }

    @Test func `an empty registry exposes nothing`() {
        #expect(text(MetricsRegistry()).isEmpty)
    }

    @Test func `families appear once, in the order of registration, with all their series`() {
        let registry = MetricsRegistry()
        let requests = registry.counter(
            "requests_total", help: "Requests.", labels: [("route", "token"), ("code", "200")])
        registry.collect("open_connections", help: "Connections now open.", kind: .gauge) { [Sample(.count(7))] }
        registry.counter("requests_total", help: "Requests.", labels: [("route", "revoke"), ("code", "200")])
            .increment()
        requests.increment()
        requests.increment(by: 41)
        #expect(
            text(registry) == """
                # HELP requests_total Requests.
                # TYPE requests_total counter
                requests_total{route="token",code="200"} 42
                requests_total{route="revoke",code="200"} 1
                # HELP open_connections Connections now open.
                # TYPE open_connections gauge
                open_connections 7

                """)
    }

    @Test func `labels can be put together`() {
        let labels = Labels([("tenant", "a\"b")]).followed(by: Labels([("state", "fresh")]))
        #expect(labels == Labels([("tenant", "a\"b"), ("state", "fresh")]))
    }

    @Test func `the same name and labels give the same instrument`() {
        let registry = MetricsRegistry()
        #expect(registry.counter("a", help: "") === registry.counter("a", help: ""))
        #expect(registry.histogram("c", help: "", buckets: []) === registry.histogram("c", help: "", buckets: []))
        #expect(registry.counter("a", help: "", labels: [("x", "1")]) !== registry.counter("a", help: ""))
    }

    @Test func `a histogram exposes cumulative buckets, sum and count in seconds`() {
        let registry = MetricsRegistry()
        let times = registry.histogram(
            "wait_seconds", help: "Waiting.", labels: [("provider", "ukg")],
            buckets: [.milliseconds(5), .milliseconds(250), .seconds(1)])
        for time in [Duration.milliseconds(5), .nanoseconds(5_000_001), .seconds(1), .seconds(2)] { times.record(time) }
        #expect(
            text(registry) == """
                # HELP wait_seconds Waiting.
                # TYPE wait_seconds histogram
                wait_seconds_bucket{provider="ukg",le="0.005"} 1
                wait_seconds_bucket{provider="ukg",le="0.25"} 2
                wait_seconds_bucket{provider="ukg",le="1"} 3
                wait_seconds_bucket{provider="ukg",le="+Inf"} 4
                wait_seconds_sum{provider="ukg"} 3.010000001
                wait_seconds_count{provider="ukg"} 4

                """)
    }

    @Test func `what is collected together is asked once for all, at each scrape`() {
        let registry = MetricsRegistry()
        let asked = Counter()
        registry.collect([("used", "Used."), ("left", "Left.")], kind: .gauge) {
            asked.increment()
            return [[Sample(.count(asked.value))], [Sample(.count(10 - asked.value))]]
        }
        _ = registry.exposition()
        #expect(
            text(registry) == """
                # HELP used Used.
                # TYPE used gauge
                used 2
                # HELP left Left.
                # TYPE left gauge
                left 8

                """)
    }

    @Test func `a collector is asked at each scrape`() {
        let registry = MetricsRegistry()
        let asked = registry.counter("scrapes_total", help: "Scrapes.")
        registry.collect("left_seconds", help: "Left.", kind: .gauge) {
            asked.increment()
            return [
                Sample(.time(.milliseconds(1500)), labels: Labels([("tenant", "a")])),
                Sample(.count(asked.value), labels: Labels([("tenant", "b")])),
            ]
        }
        _ = registry.exposition()
        #expect(
            text(registry) == """
                # HELP scrapes_total Scrapes.
                # TYPE scrapes_total counter
                scrapes_total 1
                # HELP left_seconds Left.
                # TYPE left_seconds gauge
                left_seconds{tenant="a"} 1.5
                left_seconds{tenant="b"} 2

                """)
    }

    @Test func `help and label values are escaped`() {
        let registry = MetricsRegistry()
        registry.collect("odd", help: "a \\ and\na \"line\"", kind: .gauge) {
            [Sample(.count(-1), labels: Labels([("value", "\\ \" \n ü")]))]
        }
        #expect(
            text(registry) == #"""
                # HELP odd a \\ and\na "line"
                # TYPE odd gauge
                odd{value="\\ \" \n ü"} -1

                """#)
    }

    @Test func `in OpenMetrics families have other names, bounds are decimal, and there is an end`() {
        let registry = MetricsRegistry()
        registry.counter("requests_total", help: "Of \"clients\".", labels: [("route", "a")]).increment()
        registry.histogram("wait_seconds", help: "Waiting.", buckets: [.milliseconds(5), .seconds(1)]).record(.zero)
        registry.collect("app_build_info", help: "Build.", kind: .info) {
            [Sample(.count(1), labels: Labels([("version", "1")]))]
        }
        registry.collect("left_seconds", help: "Left.", kind: .gauge) { [Sample(.time(.milliseconds(1500)))] }
        #expect(
            String(decoding: registry.exposition(.openMetrics), as: UTF8.self) == #"""
                # HELP requests Of \"clients\".
                # TYPE requests counter
                requests_total{route="a"} 1
                # HELP wait_seconds Waiting.
                # TYPE wait_seconds histogram
                wait_seconds_bucket{le="0.005"} 1
                wait_seconds_bucket{le="1.0"} 1
                wait_seconds_bucket{le="+Inf"} 1
                wait_seconds_sum 0
                wait_seconds_count 1
                # HELP app_build Build.
                # TYPE app_build info
                app_build_info{version="1"} 1
                # HELP left_seconds Left.
                # TYPE left_seconds gauge
                left_seconds 1.5
                # EOF

                """#)
        #expect(text(registry).contains("# TYPE app_build_info gauge\napp_build_info{version=\"1\"} 1\n"))
    }

    @Test func `one name cannot be two kinds`() async {
        await #expect(processExitsWith: .failure) {
            let registry = MetricsRegistry()
            _ = registry.counter("a", help: "")
            registry.collect("a", help: "", kind: .gauge) { [] }
        }
    }

    @Test func `a name outside the format is refused`() async {
        await #expect(processExitsWith: .failure) { _ = MetricsRegistry().counter("1a", help: "") }
        await #expect(processExitsWith: .failure) { _ = Labels([("le\"", "")]) }
    }

    @Test func `nothing is lost when many tasks record at once`() async {
        let registry = MetricsRegistry()
        let counter = registry.counter("a", help: "")
        let histogram = registry.histogram("b", help: "", buckets: [.seconds(1)])
        await withTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 {
                        counter.increment()
                        histogram.record(.milliseconds(1))
                    }
                }
            }
        }
        #expect(counter.value == 8000)
        #expect(text(registry).contains("b_sum 8\nb_count 8000\n"))
    }
}
