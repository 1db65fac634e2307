/// A tenant's cache that is not held.
struct WeakCache: Sendable {
    weak let cache: TokenCache?
}
