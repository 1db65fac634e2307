import CZlib

/// The gzip coding (RFC 1952), by zlib.
enum Gzip {
    /// Of a metrics page of 10,000 tenants (19 MB) it makes a twelfth, in 2.6 ms per MB. Level 1 takes longer and leaves
    /// more, for such text; level 6 takes 10 ms per MB for a fifteenth.
    private static let level: Int32 = 2
    /// zlib's default: 256 KiB while it works.
    private static let memoryLevel: Int32 = 8
    /// The largest window, and 16 more for gzip's header and trailer, as zlib has it.
    private static let windowBits = MAX_WBITS + 16
    /// So that zlib's 32-bit counts hold any size here.
    private static let maximumBytes = 1 << 30

    /// The bytes in that coding; nil when they are over 1 GiB, or zlib gets no memory.
    static func compress(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count <= maximumBytes else { return nil }
        var stream = z_stream()
        // zlib's state points back at the stream, which therefore stays in one place until its end.
        return withUnsafeMutablePointer(to: &stream) { stream in
            guard tokenwell_deflateInit2(stream, level, windowBits, memoryLevel) == Z_OK else { return nil }
            defer { deflateEnd(stream) }
            return compress(bytes, by: stream)
        }
    }

    private static func compress(_ bytes: [UInt8], by stream: UnsafeMutablePointer<z_stream>) -> [UInt8]? {
        let bound = Int(deflateBound(stream, uLong(bytes.count)))
        var isWhole = false
        let output = bytes.withUnsafeBufferPointer { input in
            [UInt8](unsafeUninitializedCapacity: bound) { output, count in
                // zlib only reads its input.
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.avail_in = uInt(input.count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = uInt(bound)
                isWhole = deflate(stream, Z_FINISH) == Z_STREAM_END
                count = bound - Int(stream.pointee.avail_out)
            }
        }
        // A copy, as the bound is more than all of the input.
        return isWhole ? Array(output[...]) : nil
    }
}
