# The service without the embedded servers; compose.yaml brings PostgreSQL and Valkey.
FROM python:3.13-slim AS build
WORKDIR /app
COPY requirements/run.txt requirements/run.txt
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY . .
RUN .venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e .
# As the service runs it, which may not write here.
RUN .venv/bin/python -OO -m compileall -q .venv/lib feed_service

FROM node:22-slim AS assets
WORKDIR /assets
COPY feed_service/http/assets/package.json feed_service/http/assets/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund

FROM python:3.13-slim
WORKDIR /app
COPY --from=build /app /app
COPY --from=assets /assets/node_modules feed_service/http/assets/node_modules
RUN mkdir /data && chown 65534:65534 /data
ENV PATH=/app/.venv/bin:$PATH FEED_DATA_DIR=/data
VOLUME /data
USER 65534:65534
EXPOSE 8000
CMD ["feed-service", "serve", "--host", "0.0.0.0"]
