@testable import HTTP

extension FuzzTarget {
    /// A form, as a body or a query; and the input as a value of one.
    static let formBody = FuzzTarget(name: "form-body") { input in
        if let form = try? FormBody(parsing: input) {
            try require(form.pairs.count <= 64, "no more pairs than the limit")
            for text in form.pairs.flatMap({ [$0.name, $0.value] }) {
                try require(!text.utf8.contains(0), "no NUL")
            }
            try require(try FormBody(parsing: form.encoded).isSame(as: form), "the same after it is encoded")
            if !form.pairs.isEmpty {
                let isRefused = (try? FormBody(parsing: input, maximumPairs: form.pairs.count - 1)) == nil
                try require(isRefused, "one pair over the limit is refused")
            }
        }
        if let text = String(validating: input, as: UTF8.self), !input.contains(0) {
            let form = FormBody([.init(text, text), .init("", text)])
            try require(try FormBody(parsing: form.encoded).isSame(as: form), "what was encoded is decoded")
        }
    }
}

extension FormBody {
    /// To the byte: equal texts of Swift may differ in their bytes.
    fileprivate func isSame(as other: FormBody) -> Bool { self == other && encoded == other.encoded }
}
