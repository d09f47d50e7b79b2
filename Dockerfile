# docker build -t hub --build-arg VERSION=v0.1.0 .
# docker run -p 8000:8000 -v hub-data:/data hub

FROM --platform=$BUILDPLATFORM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ARG TARGETOS
ARG TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -pgo=cmd/hub/release.pgo \
      -ldflags "-s -w -X main.version=$VERSION" -o /hub ./cmd/hub
# What a static binary wants around it: trusted roots, time zones, a folder for
# temporary files, and the data folder, which a new volume takes over with its owner.
RUN install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /rootfs/etc/ssl/certs/ca-certificates.crt \
 && install -D -m 0644 "$(go env GOROOT)/lib/time/zoneinfo.zip" /rootfs/zoneinfo.zip \
 && install -d -m 1777 /rootfs/tmp \
 && install -d -m 0700 -o 65532 -g 65532 /rootfs/data

FROM scratch
COPY --from=build /rootfs/ /
COPY --from=build /hub /hub
ENV HUB_ADDR=:8000 \
    HUB_DATA_DIR=/data \
    ZONEINFO=/zoneinfo.zip
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8000
# The image has no other client. It asks at HUB_ADDR.
HEALTHCHECK --interval=10s --timeout=6s --start-period=60s --retries=3 CMD ["/hub", "ready"]
ENTRYPOINT ["/hub"]
CMD ["serve"]
