// What a client of the service does: it asks for a refinement by the session
// cookie, takes a conflict as the task that is there already, and looks every
// two seconds how far it is.

async function refineConceptWithPrompt(url, prompt, logo, theme) {
  const answer = await fetch("/api/concepts/refine", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({
      original_image_url: url,
      refinement_prompt: prompt,
      logo_description: logo,
      theme_description: theme,
    }),
  });
  const body = await answer.json();
  if (answer.ok || answer.status === 409) return body;
  throw new Error(body.detail);
}

async function pollTaskUntilComplete(id, onProgress) {
  for (;;) {
    const task = await (await fetch("/api/concepts/task/" + id)).json();
    onProgress(task);
    if (["completed", "failed"].includes(task.status)) return task;
    await new Promise((resume) => setTimeout(resume, 2000));
  }
}
