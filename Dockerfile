# The server as one image:
#   docker build --tag emotion-recognition .
#   docker run -p 8080:8080 emotion-recognition
# To build on a reviewed base image only, name it by its digest:
#   docker build --build-arg BASE=debian@sha256:... --tag emotion-recognition .
# `make image` also sets VERSION and REVISION, which are labels of the image.

ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3-venv
WORKDIR /app

FROM build AS page
COPY scripts/environment scripts/packages scripts/page scripts/python scripts/
COPY requirements/node.txt requirements/
COPY clients/web clients/web
COPY server/openapi.yaml server/
COPY LICENSE .
COPY models/README.md models/
RUN scripts/page

FROM build AS environment
COPY requirements/server.lock requirements/
# Removes the ONNX Runtime library for C programs and the tests of the packages.
RUN /usr/bin/python3 -m venv .venv \
    && .venv/bin/pip install --no-cache-dir --require-hashes --requirement requirements/server.lock \
    && .venv/bin/pip uninstall --yes setuptools pip \
    && rm .venv/lib/python3*/site-packages/onnxruntime/capi/libonnxruntime.so.* \
    && find .venv -type d -name tests -prune -exec rm -r {} +
COPY configuration.py .
COPY server server
RUN .venv/bin/python -m compileall -q configuration.py server

FROM ${BASE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends nginx libnginx-mod-http-lua python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/* /etc/nginx/sites-enabled \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
WORKDIR /app
COPY --from=environment /app/.venv .venv
COPY --from=page /app/clients/web/dist clients/web/dist
COPY config.ini ser supervisord.conf LICENSE ./
COPY nginx nginx
COPY models models
COPY --from=environment /app/configuration.py .
COPY --from=environment /app/__pycache__ __pycache__
COPY --from=environment /app/server server
# Any other user id works too: the server writes to /tmp and /dev/shm only.
# A volume for `state_directory` inherits the permissions of this folder.
RUN mkdir --mode 1777 /state && ln -s /app/ser /usr/local/bin/ser
ARG VERSION=0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Speech emotion server" \
    org.opencontainers.image.description="Recognises emotions in speech from MFCC vectors, never audio" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 ORT_DISABLE_TELEMETRY=1 HOME=/tmp
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-m", "server.healthcheck"]
ENTRYPOINT ["python", "-m", "server"]
CMD ["run"]
