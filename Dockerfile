# docker build -t tocsin:latest .
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/tocsin
COPY requirements/run.txt requirements/run.txt
RUN /opt/tocsin/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY worker worker
RUN /opt/tocsin/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim-bookworm
COPY --from=build /opt/tocsin /opt/tocsin
ENV PATH=/opt/tocsin/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    OMP_NUM_THREADS=1 \
    TOCSIN_CONFIG=/etc/tocsin \
    TOCSIN_WEB_HOST=0.0.0.0
USER 10001:10001
WORKDIR /tmp
EXPOSE 8787
# for `web`, the default; the workers' health is their progress, which `web` shows and Prometheus watches
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8787/healthz', timeout=4)"]
CMD ["tocsin", "web"]
