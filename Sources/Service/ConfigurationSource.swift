package import Telemetry

/// Where a service that runs reads its configuration again.
package struct ConfigurationSource: Sendable {
    let read: @Sendable () -> ConfigurationReading
    /// As they were when the service's first configuration was read; nil when it was read from none.
    let files: ConfigurationFiles?
    /// What `log.level` decides; nil when somebody else does.
    let threshold: LogThreshold?

    package init(
        files: ConfigurationFiles? = nil, threshold: LogThreshold? = nil,
        read: @escaping @Sendable () -> ConfigurationReading
    ) {
        self.files = files
        self.threshold = threshold
        self.read = read
    }
}
