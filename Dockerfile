# One image for all processes of production; docker-compose.yml chooses the command.
FROM python:3.13-slim-trixie AS build
WORKDIR /srv/taskflow
COPY requirements/uv.txt requirements/base.txt requirements/
RUN python -m venv /opt/taskflow \
    && /opt/taskflow/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/uv.txt \
    && /opt/taskflow/bin/uv pip install --python /opt/taskflow/bin/python --no-cache \
        --require-hashes --compile-bytecode -r requirements/base.txt

FROM python:3.13-slim-trixie
# Makes the sandbox of command jobs.
RUN apt-get update && apt-get install --yes --no-install-recommends bubblewrap \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --no-create-home taskflow
ENV PATH=/opt/taskflow/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=taskflow.settings
WORKDIR /srv/taskflow
COPY --from=build /opt/taskflow /opt/taskflow
COPY manage.py pyproject.toml ./
COPY deploy/healthy.py deploy/healthy.py
COPY tenants tenants
COPY apikeys apikeys
COPY jobs jobs
COPY templates_app templates_app
COPY alerts alerts
COPY taskflow taskflow
# Collecting files needs settings, but no secret and no server.
RUN mkdir staticfiles && TASKFLOW_ENV=development python manage.py collectstatic --no-input
USER taskflow
CMD ["gunicorn", "taskflow.wsgi", "--bind", "0.0.0.0:8000"]
