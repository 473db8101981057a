"use strict";
// Looks again every three seconds. As long as the person has access only the facts are renewed, so that
// nothing loses the focus; when that changes, the whole page turns.
setInterval(async () => {
  if (document.hidden) return;
  const answer = await fetch("/", { cache: "no-store" }).catch(() => null);
  if (!answer) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page.body.dataset.state !== document.body.dataset.state) return location.reload();
  for (const id of ["facts", "looked"]) {
    document.getElementById(id).replaceWith(page.getElementById(id));
  }
  document.body.classList.add("looks");
}, 3000);
document.body.classList.add("looks");
