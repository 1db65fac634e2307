# Assumes BuildKit or buildah (for the cache mounts), and that Docker Hub has the one image that is named here. It is pinned
# by its most exact tag; to pin its content too, append what this says:
#
#   docker buildx imagetools inspect swift:6.3.1-bookworm --format '{{.Manifest.Digest}}'     # swift:6.3.1-bookworm@sha256:...
#
# The labels are told what to say:
#
#   docker build --tag tokenwell --build-arg REVISION=$(git rev-parse HEAD) --build-arg CREATED=$(date --utc +%FT%TZ) .

# The build: Debian 12 with Swift, as on a developer's machine.
FROM swift:6.3.1-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Debian removes a package's version when it has a fixed one, so a pinned one would soon not build; the bill of materials
# says which it was. The caches keep packages and objects between builds; they are not part of any image.
# hadolint ignore=DL3008
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    rm -f /etc/apt/apt.conf.d/docker-clean \
 && apt-get update -q \
 && apt-get install -y -q --no-install-recommends ca-certificates libsqlite3-dev libssl-dev libyaml-dev \
    pkg-config python3 zlib1g-dev
WORKDIR /source
COPY Package.swift openapi.yaml ./
COPY Sources Sources
COPY Tests Tests
# -s strips.
RUN --mount=type=cache,target=/source/.build,sharing=locked \
    --mount=type=cache,target=/root/.cache,sharing=locked \
    swift build -c release --static-swift-stdlib --product tokenwell -Xlinker -s \
 && install -D -m 755 .build/release/tokenwell /image/usr/bin/tokenwell
# Everything that the program opens at run time, and nothing else: its loader and libraries, the roots it trusts,
# who it runs as, and how glibc finds a host's address. And what all of that is.
COPY deploy/sbom.py ./
RUN ldd /image/usr/bin/tokenwell | grep -o '/[^ ]*' | xargs cp --dereference --parents --target-directory=/image \
 && install -D -m 644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
 && echo 'tokenwell:x:65532:65532::/:/sbin/nologin' >/image/etc/passwd \
 && echo 'tokenwell:x:65532:' >/image/etc/group \
 && echo 'hosts: files dns' >/image/etc/nsswitch.conf \
 && install -d -m 755 /image/etc/tokenwell /image/usr/share/tokenwell \
 && install -d -m 1777 /image/tmp \
 && install -d -m 700 /store \
 && version=$(/image/usr/bin/tokenwell --version) \
 && swift=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p') \
 && python3 sbom.py tokenwell "$version" "$swift" Package.resolved /image ca-certificates \
    >/image/usr/share/tokenwell/sbom.cdx.json

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=
ARG CREATED=
LABEL org.opencontainers.image.title="tokenwell" \
      org.opencontainers.image.description="An OAuth 2.0 token broker" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="scratch"
COPY --from=build /image/ /
COPY --from=build --chown=65532:65532 /store /var/lib/tokenwell
COPY deploy/container.yaml /etc/tokenwell/tokenwell.yaml
# Two paths, no secrets.
# hadolint ignore=DL3064
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    TOKENWELL_CONFIG=/etc/tokenwell/tokenwell.yaml
USER 65532:65532
VOLUME /var/lib/tokenwell
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 CMD ["/usr/bin/tokenwell", "healthcheck"]
ENTRYPOINT ["/usr/bin/tokenwell"]
CMD ["serve"]
