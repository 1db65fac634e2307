import Glibc

/// libFuzzer's own `main`, for a program that has one (`clang_rt.fuzzer` exports it; no header of Swift's declares it).
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// What the command line asks for: `--target=NAME`, an argument that libFuzzer leaves alone and hands to its children.
private enum Choice {
    static let target = FuzzTarget.all.first { CommandLine.arguments.contains("--target=\($0.name)") }
}

guard Choice.target != nil else {
    print(FuzzTarget.all.map(\.name).joined(separator: "\n"))
    exit(0)
}
var count = CommandLine.argc
var arguments = CommandLine.unsafeArgv
let status = runDriver(&count, &arguments) { bytes, count in
    do {
        try Choice.target?.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch {
        fatalError("\(error)")
    }
    return 0
}
exit(status)
