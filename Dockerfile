# SPDX-License-Identifier: Apache-2.0
# The worker alone in an empty image: docker build -t prefect-k8s-worker .
# Without internet: put the source archives (make vendor-sources DIR=sources) into sources/ first,
# and build on an image that already has the packages of tools/packages.txt.
FROM debian:12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends make ca-certificates
WORKDIR /src
COPY . .
RUN make CACHE=/cache SOURCES=/src/sources

FROM scratch
COPY --from=build /src/build/prefect-k8s-worker /prefect-k8s-worker
COPY --from=build /src/build/licences.txt /licences.txt
# For a Prefect API with a public certificate; the cluster's own CA is mounted by Kubernetes.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
USER 65532:65532
ENTRYPOINT ["/prefect-k8s-worker"]
