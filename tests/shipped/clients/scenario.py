"""What somebody does with the client, told step by step. It is the seed's scenario
first: a refinement by URL, a second request meanwhile, and the result.

Arguments: `sync` or `async`, what the scenario needs as JSON, and the file of a
picture.
"""

import asyncio
import base64
import inspect
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

import foreign
import httpx
from concept_refinement import (
    ApiError,
    AsyncClient,
    Client,
    ConflictError,
    Progress,
    TaskChanged,
    TaskFailedError,
)

PROMPT = "Make the logo more minimalist and use lighter shades of brown"
UNKNOWN = "lighter, and flurbish"
BARE = ["127.0.0.1:8080", "localhost:8080", "nonsense", "http://"]
WISH = {
    "logo_description": "A modern coffee shop logo with coffee beans",
    "theme_description": "Warm brown tones, natural feeling",
}


def tell(**step):
    print(json.dumps(step), flush=True)


async def done(answer):
    """The answer of either client."""
    return await answer if inspect.isawaitable(answer) else answer


async def error_of(ask):
    try:
        await done(ask())
    except Exception as error:
        return error
    return None


async def answers_lost(client, token, base, picture, mask):
    """What becomes of uploads where the answers to submissions and deletions are lost, and
    repeats are refused."""
    statuses = iter([502])

    def proxy(response):
        request = response.request
        if response.is_success and request.method == "DELETE":
            response.status_code = 500
        if response.is_success and request.url.path.endswith("/refine"):
            response.status_code = next(statuses, 429)

    async def async_proxy(response):
        proxy(response)

    if isinstance(client, AsyncClient):
        http = httpx.AsyncClient(event_hooks={"response": [async_proxy]}, timeout=30)
    else:
        http = httpx.Client(event_hooks={"response": [proxy]}, timeout=30)
    other = type(client)(base, token=token, http_client=http)
    lost = await error_of(lambda: other.refine(picture, PROMPT, mask=mask))
    task = (await done(client.tasks(limit=1)))["tasks"][0]
    while task["status"] not in ("completed", "failed"):
        task = await done(client.task(task["task_id"]))
    mask_url = task["metadata"]["mask_url"]
    unread = await error_of(lambda: client.image({"image_url": mask_url}))
    await done(client.delete_upload(lost.upload["path"]))
    await done(client.delete_upload(urlsplit(mask_url).path.removeprefix("/api/images/")))
    refused = await error_of(lambda: other.refine(picture, " "))
    return [lost.status, task["status"], unread and unread.status, refused.status, bool(refused.upload)]


async def scenario(client, world, picture):
    original = world["original"]
    session = await done(client.create_session())
    tell(session=session["user_id"])

    second = None

    async def ask_again():
        error = await error_of(lambda: client.submit(original, PROMPT))
        tell(conflict=error.task["task_id"] if isinstance(error, ConflictError) else str(error))

    def on_event(event):
        nonlocal second
        if isinstance(event, TaskChanged):
            tell(event=event.task["status"])
        else:
            tell(event=event.stage if isinstance(event, Progress) else "deleted")
        if second is None:
            second = ask_again()
            if isinstance(client, AsyncClient):
                second = asyncio.ensure_future(second)
            else:
                # It never waits.
                try:
                    second.send(None)
                except StopIteration:
                    pass

    refined = await done(client.refine(original, PROMPT, on_event=on_event, **WISH))
    if isinstance(client, AsyncClient):
        await second
    tell(task=refined.task, size=len(refined.image), mediaType=refined.media_type, upload=refined.upload)

    concept = await done(client.concept(refined.task["result_id"]))
    image = await done(client.image(concept))
    tell(concept=concept, isSame=image == refined.image)

    own = await done(client.refine(picture, UNKNOWN))
    tell(own=own.task["status"], size=len(own.image), notes=own.notes)
    await done(client.delete_upload(own.upload["path"]))

    mask = base64.b64decode(world["mask"])
    token = session["access_token"]
    tell(lost=await answers_lost(client, token, world["base"], picture, mask))

    await foreign.unsent(type(client), error_of)
    await foreign.discards(type(client), error_of)
    await foreign.is_slow(type(client), error_of)
    await foreign.images(type(client), error_of)
    await foreign.untouched(type(client), error_of)
    await foreign.is_read(type(client), error_of)
    await foreign.stores_few(type(client), error_of)
    await foreign.ends_once(type(client), error_of)
    await foreign.goes_on(type(client), error_of)
    await foreign.asks_itself(type(client), error_of)
    await foreign.is_patient(type(client), error_of)
    tell(foreign=await foreign.outcomes(type(client), world["stub"], error_of))

    edit = {"mask_feather": 2, "seed": 7, "strength": 0.5, "deadline_seconds": 200}
    masked = (await done(client.refine(picture, PROMPT, mask=mask, **edit))).task["metadata"]
    tell(masked=masked, mask=(await error_of(lambda: client.image({"image_url": masked["mask_url"]}))).status)

    region = {"x": 10, "y": 20, "width": 30, "height": 40}
    waited = await done(client.submit(original, PROMPT, region=region, region_only=True, wait=60))
    position = (await done(client.task(waited["task_id"])))["queue_position"]
    tell(waited=waited["status"], metadata=waited["metadata"], position=position)

    child = await done(
        client.refine(
            None, "lighter", original_concept_id=concept["id"], preserve_aspects=["layout", "shapes"]
        )
    )
    lineage = [one["id"] for one in await done(client.lineage(child.concept["id"]))]
    tell(child=child.concept, lineage=lineage, asked=child.task["metadata"])
    both = await error_of(lambda: client.refine(picture, PROMPT, original_concept_id=concept["id"]))
    neither = await error_of(lambda: client.refine(None, PROMPT))
    for image, part in [(picture, bytearray(mask)), (bytearray(mask), None)]:
        odd = await error_of(lambda: client.refine(image, PROMPT, mask=part))
        assert isinstance(odd, TypeError), odd
    tell(
        made=await done(client.verify(child.image)),
        foreign=await done(client.verify(picture)),
        both=type(both).__name__,
        neither=type(neither).__name__,
        bare=[type(await error_of(lambda: type(client)(base))).__name__ for base in BARE],
    )

    page = await done(client.tasks(limit=2))
    rest = await done(client.tasks(cursor=page["next_cursor"]))
    tell(tasks=len(page["tasks"]), rest=len(rest["tasks"]))

    failed = await error_of(lambda: client.refine(world["missing"], PROMPT))
    unfit = await error_of(lambda: client.refine(original, PROMPT, mask=mask))
    refused = await error_of(lambda: client.submit(original, " "))
    assert isinstance(failed, TaskFailedError), failed
    assert isinstance(unfit, TaskFailedError), unfit
    assert isinstance(refused, ApiError), refused
    told = [refused.status, refused.code, list(refused.field_errors), str(refused)]
    mask_url = unfit.task["metadata"]["mask_url"]
    unfit_mask = await error_of(lambda: client.image({"image_url": mask_url}))
    tell(failed=str(failed), unfit=[str(unfit), unfit_mask.status], refused=told)

    # Of two uploads that are allowed, the original of the mask's edit takes one.
    refusals = []
    for prompt, of_mask in [(" ", {}), (PROMPT, {"mask": mask}), (" ", {})]:
        error = await error_of(lambda: client.refine(picture, prompt, **of_mask))
        refusals.append([error.status, error.upload])
    outside = {"x": 1000, "y": 0, "width": 1, "height": 1}
    failed = await error_of(lambda: client.refine(picture, PROMPT, region=outside))
    await done(client.delete_upload(failed.upload["path"]))
    tell(refusals=refusals, kept=isinstance(failed, TaskFailedError))

    held = (await done(client.submit(world["held"], PROMPT, webhook_url=world["hook"])))["task_id"]
    cancelled = await done(client.cancel_task(held))
    again = await error_of(lambda: client.cancel_task(held))
    assert isinstance(again, ConflictError), again
    tell(cancelled=cancelled["error_message"], again=[again.task["status"], again.code])
    quota = await done(client.quota())
    tell(quota=[quota["limit"], quota["remaining"], quota["window"]])
    usage = await done(client.usage())
    tell(usage=[usage["limit"], usage["spent"], usage["window"]])

    webhook = await done(client.webhook(held))
    while webhook["state"] == "pending":
        webhook = await done(client.webhook(held))
    redelivery = await done(client.redeliver_webhook(held))
    secret = await done(client.webhook_secret())
    tell(webhook=webhook["state"], redelivery=redelivery["state"], secret=secret)

    await done(client.delete_concept(concept["id"]))
    await done(client.delete_task(refined.task["task_id"]))
    gone = await error_of(lambda: client.task(refined.task["task_id"]))
    tell(gone=gone.status)
    await done(client.delete_me())
    tell(erased=(await done(client.tasks()))["tasks"])


async def main():
    kind, world, picture = sys.argv[1:]
    world = json.loads(world)
    picture = Path(picture)
    if kind == "async":
        async with AsyncClient(world["base"]) as client:
            await scenario(client, world, picture)
    else:
        with Client(world["base"]) as client:
            await scenario(client, world, picture)


asyncio.run(main())
