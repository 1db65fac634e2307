import CLinux

/// The memory that was allocated and is free again.
package enum Heap {
    /// Gives it back to the system, which glibc does by itself only at the heap's end. Other threads may have to wait for
    /// memory meanwhile.
    package static func giveBack() { malloc_trim(0) }
}
