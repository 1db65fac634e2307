import Synchronization

/// One value of a metric that is computed when it is scraped.
package struct Sample: Sendable {
    package var labels: Labels
    package var value: MetricValue

    /// - Parameter labels: None for a metric that has one value.
    package init(_ value: MetricValue, labels: Labels = Labels()) {
        self.labels = labels
        self.value = value
    }
}

/// Every metric once.
///
/// Asking again for the same name and labels gives the same instrument; asking for the same name as another kind is a
/// programming error. The lock guards the list of metrics and is never taken to record a value.
package final class MetricsRegistry: Sendable {
    /// What the formats call a metric's type. An info is always 1, and says something by its labels.
    package enum Kind: String, Sendable { case counter, gauge, histogram, info }

    /// What is counted on while the program runs; a gauge is always read when it is scraped.
    private enum Instrument: Sendable {
        case counter(Counter)
        case histogram(Histogram)
    }

    /// All series of one name.
    private struct Family {
        let name: String
        let help: String
        let kind: Kind
        var series: [(labels: Labels, instrument: Instrument)] = []
        var position: [Labels: Int] = [:]
        var collections: [(collector: Collector, column: Int)] = []
    }

    /// What computes the values of some families at once.
    private final class Collector: Sendable {
        let samples: @Sendable () -> [[Sample]]

        init(_ samples: @escaping @Sendable () -> [[Sample]]) { self.samples = samples }
    }

    /// Every family, and where each name's stands.
    private struct State {
        var families: [Family] = []
        var position: [String: Int] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    /// The counter of that name and those labels.
    ///
    /// - Parameter name: By convention ends in `_total`.
    package func counter(_ name: String, help: String, labels: [(name: String, value: String)] = []) -> Counter {
        let instrument = instrument(name, help, .counter, labels) { .counter(Counter()) }
        guard case .counter(let counter) = instrument else { preconditionFailure("\(name) is no counter") }
        return counter
    }

    /// Takes a counter out, of what there is no more.
    package func removeCounter(_ name: String, labels: [(name: String, value: String)]) {
        let labels = Labels(labels)
        state.withLock { state in
            guard let index = state.position[name] else { return }
            state.families[index].series.removeAll { $0.labels == labels }
            state.families[index].position = Dictionary(
                uniqueKeysWithValues: state.families[index].series.enumerated().map { ($1.labels, $0) })
        }
    }

    /// The histogram of that name and those labels: it records durations and exposes seconds.
    ///
    /// - Parameter buckets: Upper bounds, ascending; `+Inf` is added.
    package func histogram(
        _ name: String, help: String, labels: [(name: String, value: String)] = [], buckets: [Duration]
    ) -> Histogram {
        let instrument = instrument(name, help, .histogram, labels) { .histogram(Histogram(bounds: buckets)) }
        guard case .histogram(let histogram) = instrument else { preconditionFailure("\(name) is no histogram") }
        return histogram
    }

    /// A metric whose values are computed at each scrape, outside the registry's lock.
    ///
    /// - Parameter kind: Any but a histogram. By convention a counter's name ends in `_total`, an info's in `_info`.
    package func collect(
        _ name: String, help: String, kind: Kind, _ samples: @escaping @Sendable () -> [Sample]
    ) {
        collect([(name, help)], kind: kind) { [samples()] }
    }

    /// Metrics whose values are computed at once at each scrape, outside the registry's lock, so that they fit each other.
    ///
    /// - Parameter samples: Of each metric, in their order.
    package func collect(
        _ metrics: [(name: String, help: String)], kind: Kind, _ samples: @escaping @Sendable () -> [[Sample]]
    ) {
        precondition(kind != .histogram, "a histogram has no single value")
        let collector = Collector(samples)
        state.withLock { state in
            for (column, (name, help)) in metrics.enumerated() {
                state.families[Self.family(name, help, kind, in: &state)].collections.append((collector, column))
            }
        }
    }

    /// All metrics as text, families in the order in which they were registered.
    package func exposition(_ format: ExpositionFormat = .prometheus) -> [UInt8] {
        let families = state.withLock { $0.families }
        var collected: [ObjectIdentifier: [[Sample]]] = [:]
        var writer = ExpositionWriter(format)
        for family in families {
            writer.begin(family.name, help: family.help, family.kind)
            for (labels, instrument) in family.series {
                switch instrument {
                case .counter(let counter): writer.write(family.name, labels, .count(counter.value))
                case .histogram(let histogram): writer.write(family.name, labels, histogram)
                }
            }
            for (collector, column) in family.collections {
                let columns = collected[ObjectIdentifier(collector)] ?? collector.samples()
                // Let go of with the last, so that not all families' samples are in memory at once.
                collected[ObjectIdentifier(collector)] = column + 1 < columns.count ? columns : nil
                for sample in columns[column] { writer.write(family.name, sample.labels, sample.value) }
            }
        }
        return writer.finished()
    }

    private func instrument(
        _ name: String, _ help: String, _ kind: Kind, _ labels: [(name: String, value: String)],
        make: () -> Instrument
    ) -> Instrument {
        let labels = Labels(labels)
        return state.withLock { state in
            let index = Self.family(name, help, kind, in: &state)
            if let known = state.families[index].position[labels] {
                return state.families[index].series[known].instrument
            }
            let instrument = make()
            state.families[index].position[labels] = state.families[index].series.count
            state.families[index].series.append((labels, instrument))
            return instrument
        }
    }

    private static func family(_ name: String, _ help: String, _ kind: Kind, in state: inout State) -> Int {
        if let known = state.position[name] {
            precondition(state.families[known].kind == kind, "\(name) is a \(state.families[known].kind)")
            return known
        }
        precondition(isName(name), "not a metric name: \(name)")
        state.position[name] = state.families.count
        state.families.append(Family(name: name, help: help, kind: kind))
        return state.families.count - 1
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { $0 == 0x5F || $0 == 0x3A || Labels.isAlphanumeric($0) }
    }
}
