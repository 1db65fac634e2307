#pragma once
// zlib, and an inline function for its macro that Swift cannot import.
#include <zlib.h>

static inline int tokenwell_deflateInit2(z_stream *stream, int level, int window_bits, int memory_level) {
    return deflateInit2(stream, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY);
}
