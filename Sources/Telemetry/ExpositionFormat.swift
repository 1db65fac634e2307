/// A form in which all metrics are written out.
package enum ExpositionFormat: Sendable {
    /// The Prometheus text format 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.
    case openMetrics
}
