# syntax=docker/dockerfile:1
# Callwatch's worker and wallboard; the command names which (docker-compose.yml).

FROM python:3.11-slim AS build
WORKDIR /src
# Bytecode is made here: who runs it may not write beside the packages, and every start would read all sources anew.
COPY locks/tools.txt locks/runtime.txt locks/
RUN python -m venv /opt/tools \
 && /opt/tools/bin/pip install --quiet --no-cache-dir --require-hashes --only-binary :all: -r locks/tools.txt \
 && python -m venv --without-pip /opt/callwatch \
 && /opt/tools/bin/uv pip sync --no-cache --compile-bytecode --python /opt/callwatch/bin/python --require-hashes locks/runtime.txt
COPY pyproject.toml README.md LICENSE ./
COPY models models
COPY streams streams
COPY agents agents
COPY alerts alerts
COPY sources sources
COPY wallboard wallboard
COPY callwatch callwatch
COPY benchmarks benchmarks
RUN /opt/tools/bin/uv pip install --no-cache --compile-bytecode --python /opt/callwatch/bin/python --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --system --create-home callwatch && install -d -o callwatch /var/cache/callwatch
COPY --from=build /opt/callwatch /opt/callwatch
# Compiled kernels are kept where the user may write: the packages belong to root.
ENV PATH=/opt/callwatch/bin:$PATH PYTHONUNBUFFERED=1 NUMBA_CACHE_DIR=/var/cache/callwatch
USER callwatch
EXPOSE 8080
ENTRYPOINT ["callwatch"]
CMD ["--help"]
