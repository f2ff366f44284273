"""Text statistics with FastAPI: a page, /docs, a WebSocket and an event stream."""

import asyncio
from collections.abc import AsyncIterable
from pathlib import Path

from fastapi import HTTPException, Request, WebSocket
from fastapi.responses import FileResponse
from fastapi.sse import EventSourceResponse
from fastapi_offline import FastAPIOffline
from pydantic import BaseModel

SAMPLES = {'pangram': 'The quick brown fox jumps over the lazy dog', 'haiku': 'old pond\nfrog leaps in\nsplash'}


class BelowPrefix:
    """Tells the app the path below which it is reached. uvicorn reads X-Forwarded-Proto by itself, and not this."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        prefix = dict(scope.get('headers', ())).get(b'x-forwarded-prefix', b'')
        if prefix:
            root = prefix.decode()
            scope = {**scope, 'root_path': root, 'path': root + scope['path'], 'raw_path': prefix + scope['raw_path']}
        await self.app(scope, receive, send)


# FastAPI with the files of /docs from here instead of from a CDN
app = FastAPIOffline(title='Text statistics', redoc_url=None)
app.add_middleware(BelowPrefix)


class Text(BaseModel):
    text: str


class Statistics(BaseModel):
    characters: int
    words: int
    lines: int


def measure(text: str) -> Statistics:
    return Statistics(characters=len(text), words=len(text.split()), lines=len(text.splitlines()))


@app.get('/', include_in_schema=False)
def page():
    return FileResponse(Path(__file__).with_name('page.html'))


@app.post('/statistics')
def statistics(body: Text) -> Statistics:
    return measure(body.text)


@app.get('/samples/')
def samples(request: Request) -> dict[str, str]:
    """Where each sample is."""
    return {name: str(request.url_for('sample', name=name)) for name in SAMPLES}


@app.get('/samples/{name}')
def sample(name: str) -> Text:
    if name not in SAMPLES:
        raise HTTPException(404, f'There is no sample {name}.')
    return Text(text=SAMPLES[name])


@app.get('/samples/{name}/words', response_class=EventSourceResponse)
async def words(name: str) -> AsyncIterable[str]:
    """Word by word, as somebody would say it."""
    for word in sample(name).text.split():
        yield word
        await asyncio.sleep(0.1)


@app.websocket('/live')
async def live(socket: WebSocket):
    """Measures what is being typed."""
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_json(measure(text).model_dump())
