import CYAML

/// What libyaml reports next in a document, copied out of its memory.
struct YAMLEvent: Equatable {
    /// Of libyaml's events; the end of a sequence and of a mapping are one here.
    enum Kind: Equatable {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias
        case scalar(String, isPlain: Bool)
        case sequenceStart, mappingStart, collectionEnd
    }

    var kind: Kind
    var place: YAMLNode.Place
    var hasAnchor = false
    var hasTag = false
}

/// libyaml's event parser over bytes in memory; it frees everything when it goes out of scope.
struct YAMLEventParser: ~Copyable {
    // libyaml keeps a pointer to the parser in the parser: it must not move, so it lives on the heap.
    // Allocated and initialized in `init`, released in `deinit`, and never copied out in between.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeBufferPointer<UInt8>

    /// - Parameter bytes: UTF-8; not empty, and valid for as long as the parser lives.
    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        parser = .allocate(capacity: 1)
        precondition(yaml_parser_initialize(parser) == 1, "libyaml's parser could be allocated")
        // Said, not guessed: a UTF-16 file is refused as malformed UTF-8.
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The next event. After the stream's end and after a problem there is none: don't ask again.
    func next() throws(YAMLError.Problem) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { yaml_event_delete(&event) }
        return try copy(event)
    }

    private func copy(_ event: yaml_event_t) throws(YAMLError.Problem) -> YAMLEvent {
        let place = YAMLNode.Place(event.start_mark)
        let data = event.data
        switch event.type {
        case YAML_SCALAR_EVENT:
            let kind = YAMLEvent.Kind.scalar(
                try text(data.scalar.value, length: data.scalar.length, at: place),
                isPlain: data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
            return YAMLEvent(
                kind: kind, place: place, hasAnchor: data.scalar.anchor != nil, hasTag: data.scalar.tag != nil)
        case YAML_SEQUENCE_START_EVENT:
            let start = data.sequence_start
            return YAMLEvent(
                kind: .sequenceStart, place: place, hasAnchor: start.anchor != nil, hasTag: start.tag != nil)
        case YAML_MAPPING_START_EVENT:
            let start = data.mapping_start
            return YAMLEvent(
                kind: .mappingStart, place: place, hasAnchor: start.anchor != nil, hasTag: start.tag != nil)
        case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT: return YAMLEvent(kind: .collectionEnd, place: place)
        case YAML_ALIAS_EVENT: return YAMLEvent(kind: .alias, place: place)
        case YAML_DOCUMENT_START_EVENT: return YAMLEvent(kind: .documentStart, place: place)
        case YAML_DOCUMENT_END_EVENT: return YAMLEvent(kind: .documentEnd, place: place)
        case YAML_STREAM_START_EVENT: return YAMLEvent(kind: .streamStart, place: place)
        default: return YAMLEvent(kind: .streamEnd, place: place)
        }
    }

    private func text(
        _ value: UnsafePointer<UInt8>?, length: Int, at place: YAMLNode.Place
    ) throws(YAMLError.Problem) -> String {
        // libyaml ends `value` with a NUL of its own and counts in `length` only what is before it.
        let bytes = UnsafeBufferPointer(start: value, count: length)
        guard !bytes.contains(0) else { throw .init("a NUL character", at: place) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What libyaml has to say after a failure. Its sentences are fixed and quote nothing of the document.
    private func problem() -> YAMLError.Problem {
        let sentence = parser.pointee.problem.map { String(cString: $0) } ?? "out of memory"
        switch parser.pointee.error {
        case YAML_READER_ERROR:
            return .init("not UTF-8 text: \(sentence)", at: place(ofByte: parser.pointee.problem_offset))
        default:
            let context = parser.pointee.context.map { " " + String(cString: $0) } ?? ""
            return .init("not YAML: \(sentence)\(context)", at: YAMLNode.Place(parser.pointee.problem_mark))
        }
    }

    private func place(ofByte offset: Int) -> YAMLNode.Place {
        let before = bytes.prefix(max(0, offset))
        let line = before.count { $0 == UInt8(ascii: "\n") }
        let column = before.reversed().prefix { $0 != UInt8(ascii: "\n") }.count
        return YAMLNode.Place(line: Int32(clamping: line + 1), column: Int32(clamping: column + 1))
    }
}

extension YAMLNode.Place {
    fileprivate init(_ mark: yaml_mark_t) {
        // libyaml counts from 0.
        self.init(line: Int32(clamping: mark.line &+ 1), column: Int32(clamping: mark.column &+ 1))
    }
}
