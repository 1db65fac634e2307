import Synchronization
import TokenBroker

/// A store in memory, that outlives a broker.
final class RememberingStore: TokenStore {
    private struct State {
        var records: [Record.ID: Record] = [:]
        var pending: [Record] = []
        var isFailing = false
    }

    private let state = Mutex(State())

    var kept: KeptRecords { state.withLock { KeptRecords(Array($0.records.values)) } }
    var condition: StoreCondition {
        StoreCondition(trouble: state.withLock { $0.isFailing } ? .init(reason: "full", since: 1) : nil)
    }

    /// Whether it has room. What it had none for is kept once it has.
    func fail(_ isFailing: Bool) {
        state.withLock { state in
            state.isFailing = isFailing
            guard !isFailing else { return }
            for record in state.pending { state.records[record.id] = record }
            state.pending = []
        }
    }

    /// Changes what it holds, as somebody with the file could.
    func tamper(only kind: Record.Kind? = nil, _ change: (inout Record) -> Void) {
        state.withLock { state in
            state.records = state.records.mapValues { record in
                if let kind, record.id.kind != kind { return record }
                var record = record
                change(&record)
                return record
            }
        }
    }

    func keep(_ records: [Record]) {
        state.withLock { state in
            if state.isFailing { return state.pending += records }
            for record in records { state.records[record.id] = record.end > 0 ? record : nil }
        }
    }

    func settle() async -> Bool { state.withLock { !$0.isFailing } }
}
