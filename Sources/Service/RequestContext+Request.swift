import HTTP
import Telemetry

extension RequestContext {
    /// A `traceparent` that is not by the letter counts as none, and so do two (Trace Context §3.2).
    init(_ request: Request) {
        let (field, count) = request.fields.occurrences(of: "traceparent")
        let trace = count == 1 ? field.flatMap { TraceContext(String(decoding: $0, as: UTF8.self)) } : nil
        self.init(id: request.id.description, trace: trace)
    }
}
