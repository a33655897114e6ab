"""The entry points that are known by shape or place: a `main`, an application factory, a Lambda handler, a servicer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poollint.facts import model
from poollint.library.model import Calls
from poollint.library.predicates import Predicate
from poollint.program import words
from poollint.program.graph import Source
from poollint.program.sites import Span, Times
from poollint.program.values import ClassValue, ExternalInstance, Function

if TYPE_CHECKING:
    from poollint.program.names import Resolver
    from poollint.program.places import Places
    from poollint.program.registrations import Registration

_APPLICATIONS = frozenset(
    {
        "flask.Flask",
        "fastapi.FastAPI",
        "starlette.applications.Starlette",
        "sanic.Sanic",
        "quart.Quart",
        "litestar.Litestar",
        "aiohttp.web.Application",
        "celery.Celery",
        "falcon.App",
        "falcon.asgi.App",
        "pyramid.config.Configurator",
        "dash.Dash",
    }
)
_MIGRATIONS = frozenset(
    {"run_migrations_online", "run_migrations_offline", "do_run_migrations", "run_async_migrations", "run_migrations"}
)
_GRADIO_EVENTS = frozenset({"click", "change", "submit", "load", "select", "upload", "input"})
_DJANGO_HOOKS = frozenset({"__call__", "process_view", "process_exception", "process_template_response"})


class Predicates:
    """Decides by the shape of a definition, and gives what the library's row for the predicate says."""

    def __init__(self, resolver: Resolver, places: Places, scripts: frozenset[tuple[str, str]]) -> None:
        self._resolver = resolver
        self._places = places
        self._scripts = scripts

    def of_function(self, function: Function, sources: list[Source]) -> None:
        """Module-level functions, by name, parameters and place."""
        scope = self._resolver.scope(function.path, function.scope)
        if scope.kind != "function":
            return
        names = tuple(each.name for each in scope.parameters)
        top = scope.parent == 0
        if top and names[:2] == ("event", "context") and len(names) == 2 and _is_handler(scope.name):
            self._add(Predicate.LAMBDA_HANDLER, function, scope, "AWS Lambda calls it per invocation", sources)
        if top and names == ("environ", "start_response"):
            self._add(Predicate.WSGI_APPLICATION, function, scope, "a WSGI server calls it per request", sources)
        if top and names == ("scope", "receive", "send") and scope.is_async:
            self._add(Predicate.ASGI_APPLICATION, function, scope, "an ASGI server calls it per request", sources)
        if top and (function.path, scope.name) in self._scripts:
            self._add(Predicate.CONSOLE_SCRIPT_MAIN, function, scope, "a console script runs it", sources)
        if top and self._is_migration(function, scope):
            self._add(Predicate.MIGRATION_ENV, function, scope, "Alembic runs it once", sources)
        if names[:2] == ("global_config",) or (top and scope.name == "main" and names[:1] == ("global_config",)):
            self._add(Predicate.PYRAMID_MAIN, function, scope, "Pyramid calls it once", sources)
        if scope.name in ("init_app", "includeme"):
            self._add(Predicate.EXTENSION_INIT, function, scope, "it runs once per application", sources)
        elif self._makes_application(function):
            self._add(Predicate.APP_FACTORY, function, scope, "it makes the application", sources)
        if self._is_cli_command(function, scope):
            self._add(Predicate.FLASK_CLI_COMMAND, function, scope, "a command line runs it", sources)

    def of_method(self, function: Function, cls: ClassValue, sources: list[Source]) -> None:
        """Methods, by their class."""
        scope = self._resolver.scope(function.path, function.scope)
        names = tuple(each.name for each in scope.parameters)[1:]
        public = not scope.name.startswith("_")
        for base in self._resolver.classes.external_bases(cls):
            if public and base.endswith("Servicer") and "_pb2_grpc" in base:
                self._add(Predicate.GRPC_SERVICER, function, scope, "a gRPC server calls it per request", sources)
        if scope.name in _DJANGO_HOOKS and self._is_django_middleware(cls):
            self._add(Predicate.DJANGO_MIDDLEWARE, function, scope, "Django calls it per request", sources)
        if scope.name == "__call__" and names == ("environ", "start_response"):
            self._add(Predicate.WSGI_APPLICATION, function, scope, "a WSGI server calls it per request", sources)
        if scope.name == "__call__" and names == ("scope", "receive", "send"):
            self._add(Predicate.ASGI_APPLICATION, function, scope, "an ASGI server calls it per request", sources)
        if scope.name == "process_item" and "item" in names and "spider" in names:
            self._add(Predicate.SCRAPY_PIPELINE, function, scope, "Scrapy calls it per item", sources)
        if scope.name in ("open_spider", "from_crawler") and self._resolver.classes.method(cls, "process_item"):
            self._once(function, scope, "Scrapy calls it once", sources)

    def of_class(self, cls: ClassValue, sources: list[Source]) -> None:
        """Classes that their framework makes once."""
        scope = self._resolver.scope(cls.path, cls.scope)
        once = self._is_django_middleware(cls) or self._resolver.classes.method(cls, "process_item") is not None
        bases = self._resolver.classes.external_bases(cls)
        once = once or any(base in ("celery.Task", "celery.app.task.Task") for base in bases)
        if once:
            span = Span(cls.path, scope.line, scope.column, scope.line, scope.column + len(scope.name) + 6)
            sources.append(
                Source(span, f"{scope.name} is made once per process", None, Times.PER_PROCESS, "once", is_call=False)
            )

    def of_argument(self, at: Registration, name: str, sources: list[Source]) -> bool:
        """Arguments that mean the same whatever they are passed to."""
        slot = at.position.slot
        if slot == "lifespan":
            text = f"{name}() is the lifespan of the application: once per process"
            sources.append(Source(at.span, text, None, Times.PER_PROCESS, "once", is_call=False))
            return True
        if isinstance(at.call.func, model.Attr) and at.call.func.attr in _GRADIO_EVENTS and slot in (0, "fn"):
            made = self._resolver.values(at.path, at.position.scope, at.call.func.value)
            if any(isinstance(each, ExternalInstance) and each.fqn.startswith("gradio.") for each in made):
                text = f"{name}() runs once per callback: passed to {at.call.func.attr}() of a Gradio component"
                self._registered(Predicate.GRADIO_EVENT, at.span, text, sources)
                return True
        if slot == "default_factory":
            text = f"{name}() runs for each new object: default_factory"
            entry = f"default_factory at {words.place(at.span)}"
            sources.append(Source(at.span, text, None, Times.MANY, "dependency", "object", entry, is_call=False))
            return True
        return False

    # ---------------------------------------------------------------------------------------------- shapes
    def _is_migration(self, function: Function, scope: model.Scope) -> bool:
        if not self._places.is_migration(function.path):
            return False
        return scope.name in _MIGRATIONS or scope.name in ("upgrade", "downgrade")

    def _is_cli_command(self, function: Function, scope: model.Scope) -> bool:
        for decorator in scope.decorators:
            if not isinstance(decorator.value, model.CallRef):
                continue
            func = self._resolver.call(function.path, decorator.value.index).func
            if isinstance(func, model.Attr) and func.attr == "command":
                return isinstance(func.value, model.Attr) and func.value.attr == "cli"
        return False

    def _is_django_middleware(self, cls: ClassValue) -> bool:
        found = self._resolver.classes.method(cls, "__init__")
        if found is None:
            return False
        names = [each.name for each in self._resolver.scope(found[0].path, found[1]).parameters]
        return names[1:2] == ["get_response"]

    def _makes_application(self, function: Function) -> bool:
        scope = self._resolver.scope(function.path, function.scope)
        if scope.is_generator:
            return False
        for op in scope.ops:
            if op.kind == "return" and op.value is not None and not isinstance(op.value, model.Const):
                for value in self._resolver.values(function.path, function.scope, op.value):
                    if isinstance(value, ExternalInstance) and value.fqn in _APPLICATIONS:
                        return True
        return False

    # ---------------------------------------------------------------------------------------------- sources
    def _add(
        self, predicate: Predicate, function: Function, scope: model.Scope, why: str, sources: list[Source]
    ) -> None:
        span = Span(function.path, scope.line, scope.column, scope.line, scope.column + len(scope.name) + 4)
        self._registered(predicate, span, f"{words.scope(scope)}: {why}", sources)

    def _once(self, function: Function, scope: model.Scope, why: str, sources: list[Source]) -> None:
        span = Span(function.path, scope.line, scope.column, scope.line, scope.column + len(scope.name) + 4)
        text = f"{words.scope(scope)}: {why}"
        sources.append(Source(span, text, None, Times.PER_PROCESS, "once", is_call=False))

    def _registered(self, predicate: Predicate, span: Span, text: str, sources: list[Source]) -> None:
        row = self._resolver.library.named(predicate)
        if row is None:
            return
        times = {Calls.MANY: Times.MANY, Calls.PER_PROCESS: Times.PER_PROCESS}.get(row.calls, Times.ONCE)
        unit, entry = words.unit(row.kind), f"at {words.place(span)}"
        concurrent = row.concurrent.value != "no"
        sources.append(
            Source(span, text, None, times, row.kind.value, unit, entry, concurrent=concurrent, is_call=False)
        )


def _is_handler(name: str) -> bool:
    return name in ("handler", "main_handler", "entrypoint") or name.endswith(("lambda_handler", "_handler"))
