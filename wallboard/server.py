"""The wallboard's server: the HTTP of DESIGN section 9 over the hub, the commands and the catalogue."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import resource
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import uvicorn
from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from redis.asyncio import Redis
from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send

from models.causes import causes_of, playbooks_for
from models.command import ANY_ORDER
from models.errors import WorkError
from models.keys import HISTORY_FIGURES
from models.metric import METRICS
from models.runtime import Settings
from wallboard import handover as shift
from wallboard import planned_routes as planned
from wallboard.access import COOKIE, Guard, check_listening, cookie_of, same
from wallboard.board import Board, retold
from wallboard.commands import CommandRequest, Commands, FindingRequest, checked, reported
from wallboard.failures import answer_failures, answered
from wallboard.frames import chosen
from wallboard.hooks import Hooks
from wallboard.hooks import router as hooks
from wallboard.hub import CLIENTS, Hub, wall_ms
from wallboard.planned import on_sheet

STATIC: Final = Path(__file__).parent / "static"
#: Comment lines that keep proxies and dead-connection checks content.
PING_S: Final = 10
#: A screen that takes nothing for this long is gone; it comes back by itself.
SEND_TIMEOUT_S: Final = 30.0
#: What requests under way get after SIGTERM. Streams end at once.
GRACE_S: Final = 3
#: Connections at once: all the screens and who presses a button or looks at an order. Beyond it 503 at once.
CONNECTIONS: Final = CLIENTS + 500
#: Open files beside the connections: Valkey, Kafka, what is served.
OTHER_FILES: Final = 200
#: A login form is a token long.
FORM_LIMIT: Final = 4_096

log = logging.getLogger("callwatch.wallboard")
api = APIRouter()


class Wallboard:
    """What the handlers share: settings, hub and commands of one app."""

    def __init__(self, settings: Settings, valkey: Redis) -> None:
        self.settings = settings
        self.hub = Hub(valkey, settings.kafka.prefix, settings.kafka.partitions)
        self.commands = Commands(settings.kafka)
        self.hooks = Hooks(settings.notify)
        self.people = frozenset(p.id for p in settings.catalogue.people)

    @property
    def board(self) -> Board:
        """The board. Raises HTTPException 503 until Valkey answered the first time."""
        if self.hub.board is None:
            raise HTTPException(503, f"Valkey at {self.settings.valkey_url} has not answered yet")
        return self.hub.board


class _Stream(EventSourceResponse):
    """An SSE answer for which a screen that went away is no error."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            log.info("a screen took nothing for %g s: its stream is closed", SEND_TIMEOUT_S)


def create_app(settings: Settings) -> FastAPI:
    """The app for *settings*.

    Raises SettingsError when it would listen to strangers without a token, or a hook has no secret.
    """
    check_listening(settings.wallboard)
    Hooks(settings.notify)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # retries belong to the hub; a pool that waits for itself would hide a dead Valkey
        valkey = Redis.from_url(settings.valkey_url, socket_connect_timeout=5.0, socket_timeout=10.0)
        app.state.wallboard = wallboard = Wallboard(settings, valkey)
        following = asyncio.create_task(wallboard.hub.run())
        following.add_done_callback(app.state.reader_ended)
        try:
            yield
        finally:
            wallboard.hub.close()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await wallboard.commands.stop()
            await valkey.aclose()

    app = FastAPI(title="Callwatch wallboard", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.reader_ended = lambda _: None
    answer_failures(app)
    app.add_middleware(Guard, settings=settings.wallboard)
    app.include_router(api)
    app.include_router(hooks)
    app.include_router(planned.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until *stop* is set; then end all streams and return.

    Raises WorkError when the port is taken, and whatever ended the reader of Valkey: screens must not freeze unseen.
    """
    app = create_app(settings)
    failures: list[BaseException] = []

    def reader_ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (failure := task.exception()) is not None:
            failures.append(failure)
            stop.set()

    app.state.reader_ended = reader_ended
    at = settings.wallboard
    config = uvicorn.Config(
        app,
        host=at.host,
        port=at.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
        limit_concurrency=CONNECTIONS,
        lifespan="on",
        server_header=False,
    )
    server = _Server(config)

    async def stopper() -> None:
        await stop.wait()
        app.state.wallboard.hub.close()
        server.should_exit = True

    watching = asyncio.create_task(stopper())
    try:
        await server.serve()
    except SystemExit as error:  # uvicorn's answer to a port that is taken
        raise WorkError(f"Cannot listen on {at.host}:{at.port}: choose another port, or stop what listens there") from (
            error
        )
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    if failures:
        raise failures[0]


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; returns when every stream has ended. Raises as `serve`, and SettingsError."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        await serve(settings, stop)

    _allow_files(CONNECTIONS + OTHER_FILES)
    asyncio.run(main())


def _allow_files(number: int) -> None:
    """Let this process have *number* open files, or as many as it may: a shell's own limit is often 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to `run`: its own handling ends the process by the signal it caught."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


# The handlers are coroutines throughout: a plain function would run in a thread beside the loop that changes the board.
def _of(request: Request) -> Wallboard:
    wallboard: Wallboard = request.app.state.wallboard
    return wallboard


@api.get("/", include_in_schema=False)
async def page() -> FileResponse:
    """The page."""
    return FileResponse(STATIC / "index.html", media_type="text/html")


@api.get("/login", include_in_schema=False)
async def login_page() -> FileResponse:
    """The way in."""
    return FileResponse(STATIC / "login.html", media_type="text/html")


@api.post("/login", include_in_schema=False)
async def login(request: Request) -> Response:
    """Exchange the token for a cookie."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > FORM_LIMIT:
            raise HTTPException(413, "a login form is shorter")
    token = _of(request).settings.wallboard.token
    given = parse_qs(body.decode(errors="replace")).get("token", [""])[0]
    if not token or not same(given, token):
        await asyncio.sleep(0.5)  # guessing is slow
        return RedirectResponse("/login#refused", 303)
    answer = RedirectResponse("/", 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, cookie_of(token), httponly=True, samesite="strict", secure=secure, max_age=30 * 86_400)
    return answer


@api.get("/healthz")
async def healthz(request: Request) -> JSONResponse:
    """200 while Valkey answers, else 503; and how old the freshest figure is."""
    hub = _of(request).hub
    rows = hub.board.rows(wall_ms()) if hub.board else []
    return JSONResponse(
        {
            "status": "ok" if hub.connected else "no answer from Valkey",
            "epoch": hub.board.position.epoch if hub.board else "",
            "queues": len(rows),
            "age_ms": min((row["age_ms"] for row in rows), default=None),
        },
        200 if hub.connected else 503,
    )


@api.get("/api/queues")
async def queues(request: Request) -> dict[str, Any]:
    """The latest figures of every queue, each with ``age_ms`` by wall time."""
    return {"queues": _of(request).board.rows(wall_ms())}


@api.get("/api/history")
async def history(request: Request) -> dict[str, Any]:
    """The trend of every queue: points of ``figures``, after their stream time."""
    wallboard = _of(request)
    trends = await answered(wallboard.hub.store.history(sorted(wallboard.board.queues)))
    return {"figures": HISTORY_FIGURES, "history": trends}


@api.get("/api/orders")
async def orders(request: Request) -> dict[str, Any]:
    """Open orders, gravest first, then the recently closed."""
    return {"orders": _of(request).board.order_list()}


@api.get("/api/orders/{order_id}")
async def order(request: Request, order_id: str) -> dict[str, Any]:
    """One order and every decision about it; of one that closed long ago what its log still tells."""
    wallboard = _of(request)
    log = await answered(wallboard.hub.store.log(order_id))
    found = wallboard.board.orders.get(order_id) or retold(log) or _order(wallboard, order_id)
    catalogue = wallboard.settings.catalogue
    causes = [found["cause"], *(like["cause"] for like in found.get("like", ()))]
    kinds = [f"finding:{finding['kind']}" for finding in found.get("findings", ())]
    return {**found, "log": log, "playbooks": playbooks_for(catalogue, causes, [*found["symptoms"], *kinds])}


@api.post("/api/orders/{order_id}/commands", status_code=202)
async def command(request: Request, order_id: str, body: CommandRequest) -> dict[str, Any]:
    """Put a command onto the log. 202: the broker has it; whether it is obeyed stands in the order's log."""
    wallboard = _of(request)
    found = _order(wallboard, order_id)
    asked = checked(order_id, body, wallboard.people, wallboard.settings.catalogue.causes)
    ts_ms = max(wallboard.board.stream_ms(found["queue"]) or 0, found["updated_ms"])
    return await wallboard.commands.send(asked, found["queue"], ts_ms)


@api.post("/api/findings", status_code=202)
async def finding(request: Request, body: FindingRequest) -> dict[str, Any]:
    """Put onto the log what was found in a queue. 202: the broker has it; whether it is taken, the order's log says."""
    wallboard = _of(request)
    ts_ms = wallboard.board.stream_ms(body.queue)
    if ts_ms is None:
        raise HTTPException(422, f"nothing is known of a queue {body.queue}; GET /api/queues names them")
    return await wallboard.commands.send(reported(body, wallboard.people), body.queue, ts_ms)


@api.get("/api/trends")
async def trends(request: Request) -> dict[str, Any]:
    """Trend notes, the newest first: told to liaisons, no orders."""
    return {"trends": await answered(_of(request).hub.store.notes("note"))}


@api.get("/api/problems")
async def problems(request: Request) -> dict[str, Any]:
    """Problem records, the newest first: orders that keep coming back, at one time of the day or with one cause."""
    return {"problems": await answered(_of(request).hub.store.notes("problem"))}


@api.post("/api/problems", status_code=202)
async def close_problem(request: Request, body: FindingRequest) -> dict[str, Any]:
    """Put onto the log that a problem is closed. 202: the broker has it; ``GET /api/problems`` tells the outcome."""
    if body.command != "close_problem":
        raise HTTPException(422, f"command: {body.command} is not close_problem")
    return await finding(request, body)


@api.get("/api/handover")
async def handover(request: Request, department: str = "") -> dict[str, Any]:
    """Sheets of shift handovers, those of changes at hand first, then the newest; of *department* alone if named."""
    wallboard = _of(request)
    store, board, catalogue = wallboard.hub.store, wallboard.board, wallboard.settings.catalogue
    parts, notes = await answered(store.notes("sheet")), await answered(store.notes("floor"))
    found = shift.sheets(parts, notes, board.orders, await answered(store.notes("watch")))
    if department:
        found = [sheet for sheet in found if sheet["department"] == department]
    written = {(sheet["department"], sheet["starts_ms"]) for sheet in found}
    for name, queues in shift.departments(catalogue, board.queues).items():
        now_ms = max(board.stream_ms(queue) or 0 for queue in queues)
        at_hand = shift.blank(catalogue, name, now_ms, notes) if name == department or not department else None
        if at_hand and (name, at_hand["starts_ms"]) not in written:
            found.insert(0, at_hand)
    known, of = await planned.known(wallboard), shift.departments(catalogue, board.queues)
    for sheet in found:
        sheet.update(on_sheet(catalogue, sheet, of.get(sheet["department"], []), known))
    return {"sheets": found}


@api.post("/api/handover", status_code=202)
async def accept_shift(request: Request, body: shift.AcceptRequest) -> dict[str, Any]:
    """Put onto the log, in every partition concerned, that the incoming lead accepts the shift."""
    wallboard = _of(request)
    parts = await answered(wallboard.hub.store.notes("sheet"))
    board = wallboard.board
    queues = shift.to_accept(parts, board.orders, board.partitions, body)
    if not queues:
        text = f"no open order of {body.department} waits for {body.actor}: GET /api/handover has the sheets"
        raise HTTPException(422, text)
    command = shift.accepting(body)
    return {"sent": [await wallboard.commands.send(command, q, board.stream_ms(q) or 0) for q in queues]}


@api.get("/api/floor")
async def floor(request: Request) -> dict[str, Any]:
    """The floor log, the newest line first."""
    return {"floor": await answered(_of(request).hub.store.notes("floor"))}


@api.post("/api/floor", status_code=202)
async def floor_note(request: Request, body: shift.FloorRequest) -> dict[str, Any]:
    """Put a line of the floor log onto the log."""
    wallboard = _of(request)
    ts_ms = wallboard.board.stream_ms(body.queue)
    if ts_ms is None:
        raise HTTPException(422, f"nothing is known of a queue {body.queue}; GET /api/queues names them")
    asked = CommandRequest(command="floor_note", actor=body.actor, args={"text": body.text})
    command = checked(ANY_ORDER, asked, wallboard.people, ())
    return await wallboard.commands.send(command, body.queue, ts_ms)


@api.get("/events")
async def events(request: Request, figures: str | None = None) -> EventSourceResponse:
    """Changes as they come (SSE: queue, order, alert, reset); resumes after ``Last-Event-ID``.

    Rows of queues have all their figures, or those that *figures* names (``waiting@now,service_level_live@5m``).
    """
    hub = _of(request).hub
    wanted = chosen(figures)
    if hub.full:
        raise HTTPException(503, "this wallboard serves as many screens as it can: start another")
    since = request.headers.get("last-event-id", "")
    return _Stream(hub.stream(since, wanted), ping=PING_S, sep="\n", send_timeout=SEND_TIMEOUT_S)


@api.get("/api/metrics-dictionary")
async def metrics_dictionary() -> dict[str, Any]:
    """What every figure means."""
    return {"metrics": METRICS}


@api.get("/api/people")
async def people(request: Request) -> dict[str, Any]:
    """Who can act."""
    found = _of(request).settings.catalogue.people
    return {"people": [{"id": p.id, "name": p.name, "department": p.department, "tier": p.tier} for p in found]}


@api.get("/api/causes")
async def causes(request: Request) -> dict[str, Any]:
    """The causes that a resolve may name."""
    catalogue = _of(request).settings.catalogue
    return {"causes": catalogue.causes, "book": causes_of(catalogue)}


@api.get("/api/catalogue")
async def catalogue(request: Request) -> dict[str, Any]:
    """Rules, sites and departments: what symptoms mean, which clock the wall shows, who can be asked in."""
    found = _of(request).settings.catalogue
    sites = [{"name": s.name, "zone": s.zone} for s in found.sites]
    departments = [{"name": d.name, "title": d.title, "supervises": d.supervises} for d in found.departments]
    return {"rules": found.rules, "sites": sites, "limits": found.limits, "departments": departments}


def _order(wallboard: Wallboard, order_id: str) -> dict[str, Any]:
    found = wallboard.board.orders.get(order_id)
    if found is None:
        raise HTTPException(404, f"no open or recently closed order is called {order_id}; GET /api/orders names them")
    return found
