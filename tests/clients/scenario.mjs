// What somebody does with the client, told step by step. It is the seed's scenario
// first: a refinement by URL, a second request meanwhile, and the result.

const WISH = {
  prompt: 'Make the logo more minimalist and use lighter shades of brown',
  logoDescription: 'A modern coffee shop logo with coffee beans',
  themeDescription: 'Warm brown tones, natural feeling',
};

export async function run({ Client, ApiError, ConflictError, TaskFailedError }, { base, original, missing, picture }, tell) {
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

  const own = await client.refine({ image: new Blob([picture]), prompt: WISH.prompt });
  tell({ own: own.task.status, size: own.image.size });
  await client.deleteUpload(own.upload.path);

  const waited = await client.submit(request, { wait: 60 });
  tell({ waited: waited.status });

  const { tasks, next_cursor } = await client.tasks({ limit: 2 });
  const rest = await client.tasks({ cursor: next_cursor });
  tell({ tasks: tasks.length, rest: rest.tasks.length });

  tell({
    failed: await client.refine({ image: missing, prompt: WISH.prompt }).then(
      () => null,
      (error) => error instanceof TaskFailedError && error.message,
    ),
    refused: await client.submit({ ...request, refinement_prompt: 'x' }).then(
      () => null,
      (error) => error instanceof ApiError && [error.status, error.code, Object.keys(error.fieldErrors)],
    ),
  });

  await client.deleteConcept(concept.id);
  await client.deleteTask(refined.task.task_id);
  tell({
    gone: await client.task(refined.task.task_id).then(
      () => null,
      (error) => error.status,
    ),
  });
}
