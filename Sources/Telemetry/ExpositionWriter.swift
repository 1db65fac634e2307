/// Writes metrics out in one of the two formats. What OpenMetrics has otherwise: a counter's family is called without
/// `_total`, an info's without `_info`, bounds are floating-point numbers, and the text has an end.
struct ExpositionWriter {
    private let format: ExpositionFormat
    private var text = ""

    init(_ format: ExpositionFormat) { self.format = format }

    /// The whole text.
    consuming func finished() -> [UInt8] {
        if format == .openMetrics { text += "# EOF\n" }
        return Array(text.utf8)
    }

    /// What stands above a family's series.
    mutating func begin(_ name: String, help: String, _ kind: MetricsRegistry.Kind) {
        let family = name.dropLast(familySuffix(kind).map { name.hasSuffix($0) ? $0.count : 0 } ?? 0)
        text += "# HELP \(family) \(escaped(help: help))\n# TYPE \(family) \(type(kind))\n"
    }

    mutating func write(_ name: String, _ labels: Labels, _ value: MetricValue) {
        text += labels.text.isEmpty ? "\(name) \(value)\n" : "\(name){\(labels.text)} \(value)\n"
    }

    mutating func write(_ name: String, _ labels: Labels, _ histogram: Histogram) {
        let (cumulative, total) = histogram.snapshot
        let others = labels.text.isEmpty ? "" : labels.text + ","
        let bounds = histogram.bounds.map(bound) + ["+Inf"]
        for (bound, count) in zip(bounds, cumulative) {
            text += "\(name)_bucket{\(others)le=\"\(bound)\"} \(count)\n"
        }
        write(name + "_sum", labels, .time(total))
        write(name + "_count", labels, .count(cumulative.last ?? 0))
    }

    /// What a series' name has that its family's has not.
    private func familySuffix(_ kind: MetricsRegistry.Kind) -> String? {
        switch (format, kind) {
        case (.openMetrics, .counter): "_total"
        case (.openMetrics, .info): "_info"
        default: nil
        }
    }

    private func type(_ kind: MetricsRegistry.Kind) -> String {
        format == .prometheus && kind == .info ? MetricsRegistry.Kind.gauge.rawValue : kind.rawValue
    }

    private func bound(_ time: Duration) -> String {
        let seconds = MetricValue.time(time).description
        return format == .prometheus || seconds.contains(".") ? seconds : seconds + ".0"
    }

    /// A help text's escapes: backslash and line feed, in OpenMetrics the double quote too.
    private func escaped(help: String) -> String {
        var result = ""
        for scalar in help.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where format == .openMetrics: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
