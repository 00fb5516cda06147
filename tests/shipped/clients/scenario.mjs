// What somebody does with the client, told step by step. It is the seed's scenario
// first: a refinement by URL, a second request meanwhile, and the result.

import {
  asksItself,
  discards,
  endsInTime,
  endsOnce,
  goesOn,
  images,
  isKnown,
  isPatient,
  isSession,
  outcomes,
  storesFew,
  unsent,
  untouched,
} from './foreign.mjs';

const WISH = {
  prompt: 'Make the logo more minimalist and use lighter shades of brown',
  logoDescription: 'A modern coffee shop logo with coffee beans',
  themeDescription: 'Warm brown tones, natural feeling',
};

const UNKNOWN = 'lighter, and flurbish';
// Only in a page an address may be empty.
const BARE = ['127.0.0.1:8080', 'localhost:8080', 'nonsense', globalThis.location ? 'http://' : ''];

export async function run({ Client, ApiError, ConflictError, TaskFailedError }, world, tell) {
  const { base, original, missing, held, hook, picture } = world;
  const client = new Client(base);
  const session = await client.createSession();
  tell({ session: session.user_id });

  const request = { original_image_url: original, refinement_prompt: WISH.prompt };
  let second;
  const refined = await client.refine(
    { image: original, ...WISH },
    {
      onEvent(event) {
        tell({ event: event.type === 'task' ? event.task.status : (event.stage ?? event.type) });
        second ??= client.submit(request).then(
          () => tell({ conflict: null }),
          (error) => tell({ conflict: error instanceof ConflictError ? error.task.task_id : String(error) }),
        );
      },
    },
  );
  await second;
  tell({ task: refined.task, size: refined.image.size, mediaType: refined.image.type, upload: refined.upload });

  const concept = await client.concept(refined.task.result_id);
  const image = await client.image(concept);
  tell({ concept, isSame: image.size === refined.image.size });

  const own = await client.refine({ image: picture, prompt: UNKNOWN });
  tell({ own: own.task.status, size: own.image.size, notes: own.notes });
  await client.deleteUpload(own.upload.path);

  const mask = Uint8Array.from(atob(world.mask), (character) => character.charCodeAt(0));
  tell({ lost: await answersLost(Client, client, session, { ...world, mask }) });

  await endsInTime(Client);
  await unsent(Client);
  await discards(Client);
  await isKnown(Client);
  await isSession(Client);
  await images(Client);
  await untouched(Client);
  await storesFew(Client);
  await endsOnce(Client);
  await goesOn(Client);
  await asksItself(Client);
  await isPatient(Client);
  tell({ foreign: await outcomes(Client, world.stub) });

  const edit = { mask, maskFeather: 2, seed: 7, strength: 0.5, deadlineSeconds: 200 };
  const masked = (await client.refine({ image: picture, prompt: WISH.prompt, ...edit })).task.metadata;
  tell({ masked, mask: await statusOf(client, masked.mask_url) });

  const region = { x: 10, y: 20, width: 30, height: 40 };
  const waited = await client.submit({ ...request, region, region_only: true }, { wait: 60 });
  const { queue_position: position } = await client.task(waited.task_id);
  tell({ waited: waited.status, metadata: waited.metadata, position });

  const again = { prompt: 'lighter', originalConceptId: concept.id, preserveAspects: ['layout', 'shapes'] };
  const child = await client.refine(again);
  const lineage = (await client.lineage(child.concept.id)).map(({ id }) => id);
  tell({ child: child.concept, lineage, asked: child.task.metadata });
  tell({
    made: await client.verify(child.image),
    foreign: await client.verify(picture),
    both: await errorOf(client.refine({ ...again, image: picture })),
    neither: await errorOf(client.refine({ prompt: 'lighter' })),
    bare: await Promise.all(BARE.map((address) => errorOf((async () => new Client(address))()))),
  });

  const { tasks, next_cursor } = await client.tasks({ limit: 2 });
  const rest = await client.tasks({ cursor: next_cursor });
  tell({ tasks: tasks.length, rest: rest.tasks.length });

  tell({
    failed: await client.refine({ image: missing, prompt: WISH.prompt }).then(
      () => null,
      (error) => error instanceof TaskFailedError && error.message,
    ),
    unfit: await client.refine({ image: original, prompt: WISH.prompt, mask }).then(
      () => null,
      async (error) =>
        error instanceof TaskFailedError && [error.message, await statusOf(client, error.task.metadata.mask_url)],
    ),
    refused: await client.submit({ ...request, refinement_prompt: ' ' }).then(
      () => null,
      (error) => error instanceof ApiError && [error.status, error.code, Object.keys(error.fieldErrors), error.message],
    ),
  });

  // Of two uploads that are allowed, the original of the mask's edit takes one.
  const refusals = [];
  for (const wish of [{ prompt: ' ' }, { prompt: WISH.prompt, mask }, { prompt: ' ' }]) {
    const error = await client.refine({ image: picture, ...wish }).catch((error) => error);
    refusals.push([error.status, 'upload' in error ? error.upload : 'none']);
  }
  const outside = { x: 1000, y: 0, width: 1, height: 1 };
  const ending = client.refine({ image: picture, prompt: WISH.prompt, region: outside });
  const error = await ending.catch((error) => error);
  await client.deleteUpload(error.upload.path);
  tell({ refusals, kept: error instanceof TaskFailedError });

  const { task_id: id } = await client.submit({ ...request, original_image_url: held, webhook_url: hook });
  const cancelled = await client.cancelTask(id);
  const ended = await client.cancelTask(id).then(
    () => null,
    (error) => error instanceof ConflictError && [error.task.status, error.code],
  );
  tell({ cancelled: cancelled.error_message, again: ended });
  const { limit, remaining, window } = await client.quota();
  tell({ quota: [limit, remaining, window] });
  const usage = await client.usage();
  tell({ usage: [usage.limit, usage.spent, usage.window] });

  let webhook = await client.webhook(id);
  while (webhook.state === 'pending') webhook = await client.webhook(id);
  const redelivery = await client.redeliverWebhook(id);
  tell({ webhook: webhook.state, redelivery: redelivery.state, secret: await client.webhookSecret() });

  await client.deleteConcept(concept.id);
  await client.deleteTask(refined.task.task_id);
  tell({
    gone: await client.task(refined.task.task_id).then(
      () => null,
      (error) => error.status,
    ),
  });
  await client.deleteMe();
  tell({ erased: (await client.tasks()).tasks });
}

/** What becomes of uploads where the answers to submissions and deletions are lost, and repeats
 * are refused. */
async function answersLost(Client, client, { access_token: token }, { base, picture, mask }) {
  const statuses = [502];
  const behindProxy = async (url, init) => {
    const response = await fetch(url, init);
    let status = response.ok && init.method === 'DELETE' ? 500 : null;
    if (response.ok && String(url).endsWith('/refine')) status = statuses.shift() ?? 429;
    return status ? new Response(null, { status }) : response;
  };
  const other = new Client(base, { token, fetch: behindProxy });
  const lost = await other.refine({ image: picture, prompt: WISH.prompt, mask }).catch((error) => error);
  let [task] = (await client.tasks({ limit: 1 })).tasks;
  while (task.status !== 'completed' && task.status !== 'failed') task = await client.task(task.task_id);
  const { mask_url } = task.metadata;
  const unread = await statusOf(client, mask_url);
  await client.deleteUpload(lost.upload.path);
  await client.deleteUpload(new URL(mask_url).pathname.replace('/api/images/', ''));
  const refused = await other.refine({ image: picture, prompt: ' ' }).catch((error) => error);
  return [lost.status, task.status, unread, refused.status, Boolean(refused.upload)];
}

/** The name of the error of a call that must fail. */
const errorOf = (call) =>
  call.then(
    () => null,
    (error) => error.name,
  );

/** The status that an image is refused with. */
const statusOf = (client, image_url) =>
  client.image({ image_url }).then(
    () => null,
    (error) => error.status,
  );
