import Synchronization

/// Some tenants in the order of their names, in the short form: with their default key alone, and no mints.
package struct ExplanationPage: Sendable {
    package let explanations: [Explanation]
    /// After which name the next page begins; nil when this is the last.
    package let next: String?
    /// nil when nothing is meant to survive a restart.
    package let store: StoreCondition?

    package init(explanations: [Explanation], next: String?, store: StoreCondition? = nil) {
        self.explanations = explanations
        self.next = next
        self.store = store
    }
}

extension Broker {
    /// What a tenant does and why, for an operator.
    ///
    /// - Throws: `.accessDenied` or `.unknownTenant`.
    package func explanation(of tenant: String, grant: Grant) throws(BrokerError) -> Explanation {
        guard grant.isOperator else { throw .accessDenied }
        guard let entry = tenancy.entries[tenant] else { throw .unknownTenant }
        return entry.cache.explanation(isShort: false)
    }

    /// The tenants whose names come after that one, for an operator.
    ///
    /// - Parameters:
    ///   - after: Need not be a tenant's name; nil begins with the first.
    ///   - limit: At least 1.
    /// - Throws: `.accessDenied`.
    package func explanations(after: String?, limit: Int, grant: Grant) throws(BrokerError) -> ExplanationPage {
        guard grant.isOperator else { throw .accessDenied }
        let rest = tenancy.names[(after.map(position(after:)) ?? 0)...]
        let page = rest.prefix(limit)
        return ExplanationPage(
            explanations: page.compactMap { tenancy.entries[$0]?.cache.explanation(isShort: true) },
            next: page.count < rest.count ? page.last : nil, store: storeCondition)
    }

    /// How many names do not come after that one.
    private func position(after name: String) -> Int {
        let names = tenancy.names
        var range = 0..<names.count
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = names[middle] <= name ? middle + 1..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }
}

extension TokenCache {
    /// - Parameter isShort: The default key alone, and no mints.
    func explanation(isShort: Bool) -> Explanation {
        let now = now
        return state.withLock { $0.explanation(isShort: isShort, at: now) }
    }
}
