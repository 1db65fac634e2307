package import Logging

/// The request that something is done for, for the log and for what is asked of others because of it.
package struct RequestContext: Sendable {
    /// That of the work under way; nil when no request is the cause. Tasks take it along, but for detached ones.
    @TaskLocal package static var current: RequestContext?

    /// Its `X-Request-Id`.
    package let id: String
    /// nil when the caller sent none.
    package let trace: TraceContext?

    package init(id: String, trace: TraceContext?) {
        self.id = id
        self.trace = trace
    }

    /// The same request, and a request of ours that it causes.
    package func child() -> RequestContext {
        var generator = SystemRandomNumberGenerator()
        return RequestContext(id: id, trace: trace?.child(using: &generator))
    }

    /// `request_id`, and `trace_id` and `span_id` if there is a trace, for each log line that concerns a request.
    package static let metadata = Logger.MetadataProvider {
        guard let current else { return [:] }
        var metadata: Logger.Metadata = ["request_id": "\(current.id)"]
        if let trace = current.trace {
            metadata["trace_id"] = "\(trace.traceID)"
            metadata["span_id"] = "\(trace.parentID)"
        }
        return metadata
    }
}
