"""The entry points and hooks that no dotted name describes.

A row of form `named` (or a hook without `fqn`) carries one of these words; what the word means is code in the
reasoning layer. The string under each member says what that code has to check. Guards that make a factory run once
although nothing is decorated (S2-S4 and S15 of the rule catalogue: a tested global, attribute, key or process id) are
no rows at all: they are found in the source by the reasoning layer.
"""

from __future__ import annotations

from poollint.library.words import Word


class Predicate(Word):
    """A word for "this piece of code is run by somebody", decided by shape or place instead of by a name."""

    MAIN_BLOCK = "main_block"
    """The statements under `if __name__ == "__main__":`."""
    CONSOLE_SCRIPT_MAIN = "console_script_main"
    """A function named by console_scripts, gui_scripts or [project.scripts]; a `main` that only main blocks call."""
    PLUGIN_ENTRY_POINT = "plugin_entry_point"
    """A function or class named by any other group of [project.entry-points]: a plug-in hook, its host calls it."""
    MIGRATION_ENV = "migration_env"
    """Functions of Alembic's env.py: run_migrations_online, run_migrations_offline, do_run_migrations,
    run_async_migrations, run_migrations; and the module level of that file."""
    MIGRATION_REVISION = "migration_revision"
    """upgrade() and downgrade() of a module that assigns `revision` at module level."""
    APP_FACTORY = "app_factory"
    """A function that builds a Flask, FastAPI, Starlette, Sanic, Quart, Litestar or aiohttp application and returns it
    (create_app, make_app, build_app, get_app...)."""
    EXTENSION_INIT = "extension_init"
    """`init_app(self, app)` of a Flask extension, `includeme(config)` of Pyramid, a factory of the Celery app."""
    PYRAMID_MAIN = "pyramid_main"
    """`main(global_config, **settings)`: the application factory that a Pyramid .ini file names."""
    DJANGO_MIDDLEWARE = "django_middleware"
    """A class with `__init__(self, get_response)` and `__call__(self, request)`: `__init__` runs once per process,
    `__call__`, `process_view`, `process_exception` and `process_template_response` per request."""
    WSGI_APPLICATION = "wsgi_application"
    """A module-level function, or `__call__` of a class, with the parameters (environ, start_response)."""
    ASGI_APPLICATION = "asgi_application"
    """An async function, or `__call__` of a class, with the parameters (scope, receive, send)."""
    GRPC_SERVICER = "grpc_servicer"
    """Public methods of a class derived from `<x>_pb2_grpc.*Servicer`; `__init__` runs once."""
    LAMBDA_HANDLER = "lambda_handler"
    """`lambda_handler(event, context)` or `handler(event, context)` at module level, or the function that `Handler:` of
    template.yaml or serverless.yml names."""
    STREAMLIT_SCRIPT = "streamlit_script"
    """Module level of a file that imports streamlit and calls it at module level, or lies under `pages/` beside such
    a file; functions called from there run as often."""
    AIRFLOW_DAG_FILE = "airflow_dag_file"
    """Module level of a file that instantiates `DAG` or decorates with `@dag`: run again at every parse."""
    NOTEBOOK_CELL = "notebook_cell"
    """Top-level statements of a file with `# %%` cells."""
    PYTEST_TEST = "pytest_test"
    """Functions and methods `test_*` (classes `Test*`) of test_*.py and *_test.py."""
    ARQ_WORKER_SETTINGS = "arq_worker_settings"
    """Functions listed in `functions` and `cron_jobs` of a class WorkerSettings run per job; `on_startup` and
    `on_shutdown` once per process, `on_job_start` and `on_job_end` per job."""
    KAFKA_LOOP = "kafka_loop"
    """The body of `for ... in KafkaConsumer(...)`, of `async for` over AIOKafkaConsumer, and of a `while` loop around
    `.poll()` of a consumer."""
    GRADIO_EVENT = "gradio_event"
    """The function given (first, or as `fn`) to click, change, submit, load, select, upload or input of an object
    made by gradio."""
    SCRAPY_PIPELINE = "scrapy_pipeline"
    """A class with `process_item(self, item, spider)`, which runs per item; `__init__`, `from_crawler`, `open_spider`
    run once, `close_spider` releases."""
    FLASK_CLI_COMMAND = "flask_cli_command"
    """A function decorated with `@app.cli.command(...)` of a Flask application or blueprint."""
    LIFESPAN_KEYWORD = "lifespan_keyword"
    """The function passed as `lifespan=` to FastAPI, Starlette, Litestar, FastMCP...: before its yield once per
    process, after it clean-up."""
    GUNICORN_POST_FORK = "gunicorn_post_fork"
    """`post_fork(server, worker)` in a gunicorn configuration file."""
    GUNICORN_POST_WORKER_INIT = "gunicorn_post_worker_init"
    """`post_worker_init(worker)` in a gunicorn configuration file."""
    GUNICORN_PRE_FORK = "gunicorn_pre_fork"
    """`pre_fork(server, worker)` and `when_ready(server)` in a gunicorn configuration file: the parent runs them."""
    UWSGI_POSTFORK = "uwsgi_postfork"
    """A function decorated with `uwsgidecorators.postfork` or assigned to `uwsgi.post_fork_hook`."""
    SCRAPY_CLOSE_SPIDER = "scrapy_close_spider"
    """`close_spider(self, spider)` of a Scrapy pipeline."""
